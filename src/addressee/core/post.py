"""A post in a page: the short way. The same rights, action, notices and rows as for mail (law 19). Pure."""

from __future__ import annotations

from addressee.core import replies
from addressee.core.action import Changeset, Request
from addressee.core.authorise import has_role, reaches
from addressee.core.fieldtype import Reading
from addressee.core.message import Message, Nature
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import actions
from addressee.core.setup import Setup
from addressee.core.values import (
    Actor,
    Assurance,
    Decision,
    Disposition,
    Fresh,
    Person,
    RecordState,
    Right,
    Snapshot,
    Step,
    Visibility,
)


def comment(
    person: Person,
    record: RecordState,
    text: str,
    visibility: Visibility,
    snapshot: Snapshot,
    setup: Setup,
    seed: bytes,
) -> Decision:
    """Decide a comment that a signed-in person writes on a record's page. A signed-in page counts as E6."""
    actor = Actor(person, person.addresses[0] if person.addresses else "", Assurance.E6, proven=True)
    account_key = record.account or setup.default_account.get(record.table, "")
    bound = snapshot.correspondents.get(record.uuid, {})
    reach = reaches(actor, Right.COMMENT, record, setup, bound, snapshot.records)
    fresh, plan = Fresh(seed), Changeset()
    if record.deleted or not reach:
        reason = Reason.DELETED_RECORD if record.deleted else Reason.NOT_PERMITTED
        disposition, trace = Disposition.REJECT, Step("authorise", "comment", SENTENCES[reason])
    else:
        disposition, reason = Disposition.ACCEPT, Reason.DONE
        trace = Step("authorise", "comment", f"reaches {reach} records of {record.table}")
        if not has_role(person):
            visibility = Visibility.PUBLIC
        plan = actions["comment"].plan(
            Request(
                verb="comment",
                actor=actor,
                setup=setup,
                snapshot=snapshot,
                fresh=fresh,
                now=snapshot.now,
                table=record.table,
                record=record,
                account_key=account_key,
                account=setup.accounts.get(account_key),
                prose=text,
                visibility=visibility,
                outsider=not has_role(person),
            )
        )
    decision = Decision(
        delivery=0,
        disposition=disposition,
        reason=reason,
        trace=(trace,),
        actor=actor,
        author=actor.address or None,
        account=account_key,
        verified=True,
        changes=plan.changes,
        communications=plan.communications,
        correspondents=plan.correspondents,
        effects=plan.effects,
        right=f"comment on {record.table}: {reach}",
    )
    if disposition is not Disposition.ACCEPT:
        return decision
    telling = replies.Telling(
        decision=decision,
        message=_as_message(actor, text),
        setup=setup,
        snapshot=snapshot,
        account_key=account_key,
        record=next((c.state for c in plan.changes), record),
        visibility=visibility,
        answer="",
        notes=plan.notes,
        faults=(),
        fresh=fresh,
        reading=Reading(),
        released=False,
    )
    return replies.with_notices(decision, telling)


def _as_message(actor: Actor, text: str) -> Message:
    """What was written, as the notices look at a message."""
    name = actor.person.name if actor.person else ""
    return Message(
        identity="",
        message_id="",
        subject="",
        senders=(),
        author=actor.address or None,
        author_name=name,
        author_doubt="",
        reply_to=(),
        to=(),
        cc=(),
        date=None,
        in_reply_to=(),
        references=(),
        text=text,
        plain_text=text,
        html="",
        html_text="",
        new_text=text,
        quoted_text="",
        signature="",
        forward=None,
        attachments=(),
        nature=Nature.PERSON,
        is_bounce=False,
        is_auto_reply=False,
        is_feedback_report=False,
        bounces=(),
        authentication=(),
        received=(),
        delivered_to=(),
        delivered_to_kinds=(),
    )
