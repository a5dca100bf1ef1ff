"""create: make a record of the addressed table from the message, by the account's mapping, presets and field lines."""

from __future__ import annotations

from addressee.core.action import Action, Changeset, Request, Target, action, communication, effect, made
from addressee.core.contacts import links_for
from addressee.core.distribution import assignee_for
from addressee.core.mapping import mapped
from addressee.core.values import Assurance, CommunicationDraft, Correspondent, RecordChange, Right


@action("create", needs=Right.CREATE, target=Target.TABLE, least=Assurance.E3, lines=True)
class Create(Action):
    """A new record is made; the first line that is no field line is its name."""

    def plan(self, request: Request) -> Changeset:
        values, notes = mapped(request)
        links, contact_changes = links_for(request, values)
        values |= links
        turns: dict[str, str] = {}
        assignee = request.definition.assignee
        if assignee and not values.get(assignee):
            person, turns = assignee_for(request)
            if person:
                values[assignee] = person
        account = request.account
        change = made(request, request.table, values, team=account.team if account else "", account=request.account_key)
        address = request.actor.address
        return Changeset(
            changes=(*contact_changes, change),
            communications=(_linked(request, change),),
            correspondents={(change.record, address): Correspondent(wrote_first=True, wrote=True)} if address else {},
            effects=(*(effect(c) for c in contact_changes), effect(change)),
            turns=turns,
            notes=tuple(notes),
        )


def _linked(request: Request, change: RecordChange) -> CommunicationDraft:
    """The mail itself is linked to the new record; of a command only its prose is shown."""
    text = request.message.new_text if request.message is not None and not request.explicit else request.prose
    return communication(request, change.record, text=text)
