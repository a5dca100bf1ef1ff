"""A post in a page: the short way. The same rights, action, notices and rows as for mail (law 19). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from addressee.core import replies
from addressee.core.action import Action, CannotBeDone, Changeset, Request
from addressee.core.authorise import has_role
from addressee.core.checks import barred, faults_of
from addressee.core.fieldtype import Reading
from addressee.core.language import english
from addressee.core.message import Message, Nature
from addressee.core.process import run_of, said_in, woken
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import actions
from addressee.core.setup import Setup
from addressee.core.values import (
    OPERATOR,
    Actor,
    Assurance,
    Decision,
    Disposition,
    Fresh,
    LineFault,
    Person,
    RecordState,
    Snapshot,
    Step,
    Visibility,
)


@dataclass(frozen=True, slots=True)
class Post:
    """What somebody asks for on a page, or a program or the command line for him.

    person      None for the operator at the command line: he is outside the table of rights
    values      of the fields to be set, in stored form; those that stand already are left out
    cause       what is to be undone
    process     the process to be run; `values` are its parameters
    """

    verb: str
    person: Person | None
    record: RecordState
    values: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    visibility: Visibility = Visibility.INTERNAL
    cause: str = ""
    process: str = ""


def cause_of(seed: bytes) -> str:
    """What the revisions of a post name as their cause, where those of a mail name the mail: so it can be undone."""
    return f"post:{seed.hex()}"


def post(asked: Post, snapshot: Snapshot, setup: Setup, seed: bytes, reading: Reading) -> Decision:
    """Decide it: the same rights, checks, plan and notices as for mail (law 19). A signed-in page counts as E6."""
    action: Action = actions[asked.verb]
    person, record = asked.person, asked.record
    operator = person is None
    address = person.addresses[0] if person is not None and person.addresses else ""
    actor = Actor(person or Person(OPERATOR, OPERATOR, ()), address, Assurance.E6, proven=True)
    account_key = record.account or setup.default_account.get(record.table, "")
    outsider = not operator and not has_role(person)
    visibility = Visibility.PUBLIC if outsider else asked.visibility
    fresh = Fresh(seed)
    request = Request(
        verb=asked.verb,
        actor=actor,
        setup=setup,
        snapshot=snapshot,
        fresh=fresh,
        now=snapshot.now,
        table=record.table,
        record=record,
        account_key=account_key,
        account=setup.accounts.get(account_key),
        values=asked.values,
        prose=asked.text,
        visibility=visibility,
        outsider=outsider,
        cause=asked.cause,
        reading=reading,
        run=run_of(asked.process, setup, {}, None) if asked.process else None,
    )
    reach = "all" if operator else action.reach(request)
    plan, refusal, why, faults = _planned(action, request, reach, operator=operator)
    decision = Decision(
        delivery=0,
        disposition=Disposition.REJECT if refusal else Disposition.ACCEPT,
        reason=refusal or Reason.DONE,
        trace=(
            Step("authorise", asked.verb, why or f"reaches {reach} records of {record.table}"),
            *(Step("value", fault.slug, english().say(replies.fault_sentence(fault))) for fault in faults),
            *(Step("note", "noted", english().say(note)) for note in plan.notes),
            *plan.steps,
        ),
        actor=actor,
        author=actor.address or None,
        account=account_key,
        verified=True,
        changes=plan.changes,
        communications=plan.communications,
        correspondents=plan.correspondents,
        following=plan.following,
        turns=plan.turns,
        outbox=plan.outbox,
        held_back=plan.held_back,
        gathered=plan.gathered,
        jobs=plan.jobs,
        effects=plan.effects,
        undoes=plan.undoes,
        right=f"{asked.verb} on {record.table}: {'operator' if operator else reach}",
    )
    if refusal is not None:
        return decision
    message = _as_message(actor, asked.text, cause_of(seed))
    decision = replace(decision, wakes=woken(decision, snapshot, said_in(message)))
    telling = replies.Telling(
        decision=decision,
        message=message,
        setup=setup,
        snapshot=snapshot,
        account_key=account_key,
        record=next((c.state for c in plan.changes if c.record == record.uuid), record),
        visibility=visibility,
        notes=plan.notes,
        fresh=fresh,
        reading=lambda to: replace(
            reading,
            language=replies.language_of(to.address, to.person, setup.accounts.get(account_key), snapshot, setup),
        ),
    )
    return replies.with_notices(decision, telling)


def unchanged(person: Person | None, record: RecordState) -> Decision:
    """Every value that was sent stands already, and nothing was said: no row is written for that."""
    actor = Actor(person, person.addresses[0] if person and person.addresses else "", Assurance.E6, proven=True)
    trace = (Step("value", "unchanged", "every value stands already"),)
    return Decision(0, Disposition.ACCEPT, Reason.DONE, trace, actor, actor.address or None, record.account)


def _planned(
    action: Action, request: Request, reach: str, *, operator: bool
) -> tuple[Changeset, Reason | None, str, tuple[LineFault, ...]]:
    """(what shall be, why not, in words, the values that are in its way)."""
    nothing, record = Changeset(), request.record
    if record is not None and record.deleted and not action.of_deleted:
        return nothing, Reason.DELETED_RECORD, SENTENCES[Reason.DELETED_RECORD], ()
    form = action.form(request.table, request.setup)
    free = operator or request.run is not None  # parameters are no fields
    kept = [] if free else barred(request.actor.person, form, request.values, request.setup)
    if not reach or kept:
        return nothing, Reason.NOT_PERMITTED, ", ".join(kept) or SENTENCES[Reason.NOT_PERMITTED], ()
    try:
        plan = action.plan(request)
    except CannotBeDone as fault:
        why = fault.why if isinstance(fault.why, str) else english().say(fault.why)
        return nothing, fault.reason, why or SENTENCES[fault.reason], ()
    faults = faults_of(plan, form, request.snapshot, request.setup)
    if faults:
        return nothing, Reason.BAD_VALUE, SENTENCES[Reason.BAD_VALUE], faults
    return plan, None, "", ()


def _as_message(actor: Actor, text: str, cause: str) -> Message:
    """What was written, as the notices look at a message."""
    name = actor.person.name if actor.person else ""
    return Message(
        identity=cause,
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
