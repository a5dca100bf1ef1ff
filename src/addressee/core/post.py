"""A post in a page: the short way. The same rights, action, notices and rows as for mail (law 19). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addressee.core import replies
from addressee.core.action import Action, Changeset, Request
from addressee.core.authorise import field_access, has_role, reaches
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


def post(
    verb: str,
    person: Person,
    record: RecordState,
    values: Mapping[str, Any],
    text: str,
    visibility: Visibility,
    snapshot: Snapshot,
    setup: Setup,
    seed: bytes,
) -> Decision:
    """Decide what a signed-in person does on a record's page: comment or update. A signed-in page counts as E6.

    values  of the fields to be set, in stored form; empty for a comment
    """
    action: Action = actions[verb]
    actor = Actor(person, person.addresses[0] if person.addresses else "", Assurance.E6, proven=True)
    account_key = record.account or setup.default_account.get(record.table, "")
    outsider = not has_role(person)
    if outsider:
        visibility = Visibility.PUBLIC
    reach, refusal = _may(action.needs or Right.READ, actor, record, values, snapshot, setup)
    fresh, plan = Fresh(seed), Changeset()
    if refusal is None:
        request = Request(
            verb=verb,
            actor=actor,
            setup=setup,
            snapshot=snapshot,
            fresh=fresh,
            now=snapshot.now,
            table=record.table,
            record=record,
            account_key=account_key,
            account=setup.accounts.get(account_key),
            values=values,
            prose=text,
            visibility=visibility,
            outsider=outsider,
        )
        plan = action.plan(request)
    reason = refusal or Reason.DONE
    decision = Decision(
        delivery=0,
        disposition=Disposition.REJECT if refusal else Disposition.ACCEPT,
        reason=reason,
        trace=(
            Step("authorise", verb, SENTENCES[reason] if refusal else f"reaches {reach} records of {record.table}"),
        ),
        actor=actor,
        author=actor.address or None,
        account=account_key,
        verified=True,
        changes=plan.changes,
        communications=plan.communications,
        correspondents=plan.correspondents,
        effects=plan.effects,
        right=f"{verb} on {record.table}: {reach}",
    )
    if refusal is not None:
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


def _may(
    right: Right, actor: Actor, record: RecordState, values: Mapping[str, Any], snapshot: Snapshot, setup: Setup
) -> tuple[str, Reason | None]:
    """How far the right reaches, and why not where it does not."""
    if record.deleted:
        return "", Reason.DELETED_RECORD
    reach = reaches(actor, right, record, setup, snapshot.correspondents.get(record.uuid, {}), snapshot.records)
    barred = any(field_access(actor.person, record.table, name, setup) != "write" for name in values)
    return reach, Reason.NOT_PERMITTED if barred or not reach else None


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
