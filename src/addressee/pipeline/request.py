"""The short way of pages and commands: a comment, and what a person says of a held message. Called by web and ops."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from addressee.core.authorise import extent, may_settle
from addressee.core.errors import AddresseeError, BadValue, Refused
from addressee.core.fieldtype import Reading
from addressee.core.language import saying
from addressee.core.post import Post, cause_of, post, unchanged
from addressee.core.process import form_of
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import actions, fields
from addressee.core.setup import Setup, Table
from addressee.core.values import (
    OPERATOR,
    Assurance,
    Decision,
    Disposition,
    Override,
    Person,
    Right,
    Snapshot,
    Visibility,
    Wanted,
)
from addressee.core.wants import of_process, unique_keys
from addressee.host import clock
from addressee.jobs import rows as jobs
from addressee.mail import causes, codes, spool, threads
from addressee.mail import models as mail
from addressee.people import rows as people
from addressee.pipeline import commit, outcome, process
from addressee.pipeline.intake import work_off
from addressee.pipeline.worker import Worker
from addressee.records import snapshot as records
from addressee.records.models import Revision
from addressee.records.values import reading as reading_of
from addressee.setup import store


class NotHeld(Refused):
    """The message does not wait for a person's decision (any more)."""


class NotFound(Refused):
    """No such delivery, table or record."""

    reply = "550 5.1.1"


class NothingToUndo(NotFound):
    """The message changed nothing, or what it changed can't be told any more."""


def act(
    verb: str,
    person_key: str,
    record_uuid: str,
    *,
    texts: Mapping[str, str] | None = None,
    text: str = "",
    visibility: str = Visibility.INTERNAL.value,
    cause: str = "",
    run: str = "",
) -> dict[str, Any]:
    """Do an action on a record as a signed-in person, or as OPERATOR; the contract's line of what came of it.

    texts  field -> its text, as a person would write it in a mail: for `update`, `task` and `event`
    cause  what `undo` takes back
    run    the process, for `run`; `texts` are its parameters then

    Raises BadValue for a text that a field does not take, Refused with the reason's slug and `why` where it may not or
    cannot be done, NotFound for no such record or person.
    """
    setup, now, uuid, seed = store.current(), clock.now(), str(UUID(record_uuid)), secrets.token_bytes(16)
    with transaction.atomic():
        process.lock([uuid])
        snapshot = Snapshot(now)
        wanted = Wanted(uuids={uuid}, person_keys={person_key})
        if run:
            if run not in setup.processes:
                raise NotFound(Reason.NO_PROCESS.value)
            of_process(wanted, run, setup.processes[run], setup)
        records.fill(snapshot, wanted, setup)
        process.fill_persons(snapshot, wanted, setup)
        if run:
            threads.fill_recipients(snapshot, ())
        if setup.waits_for_replies:
            jobs.fill_waiting(snapshot, [uuid])
        record, person = snapshot.records.get(uuid), snapshot.persons.get(person_key)
        if record is None or (person is None and person_key != OPERATOR):
            raise NotFound("no-such-record")
        threads.fill_last_messages(snapshot, [uuid])
        reading = _reading(person, setup, now)
        form = actions[verb].form(record.table, setup)
        if not form:
            raise Refused(Reason.NO_TABLE.value, why=f"the site has no table that {verb} writes to")
        fill_in = form_of(setup.processes[run]) if run else setup.tables[form]
        values = _values({} if run or form != record.table else record.values, texts or {}, reading, fill_in)
        if verb == "update" and not values and not text.strip():
            return _line(unchanged(person, record), snapshot, setup)
        back = record.values if record.deleted and form == record.table else {} if run else values
        made = {form} if form != record.table else set()
        records.fill(snapshot, Wanted(unique=unique_keys(form, back, setup), tables=made), setup)
        if cause:
            causes.fill_causes(snapshot, [cause], setup)
        asked = Post(verb, person, record, values, text, Visibility(visibility), cause, run)
        decision = post(asked, snapshot, setup, seed, reading)
        if decision.disposition is not Disposition.ACCEPT:
            why = "; ".join(step.why for step in decision.trace if step.why != SENTENCES[decision.reason])
            raise Refused(decision.reason.value, why=why)
        commit.write_effects([(decision, cause_of(seed), None)], setup, now)
        for change in decision.changes:  # what the line tells is as it stands now
            snapshot.records[change.record] = change.state
        return _line(decision, snapshot, setup)


def comment(
    person_key: str, record_uuid: str, text: str, visibility: str, files: tuple[Any, ...] = ()
) -> dict[str, Any]:
    """Write a comment on a record as a signed-in person. As `act`."""
    return act("comment", person_key, record_uuid, text=text, visibility=visibility)


def undo(delivery_id: int, by: str) -> dict[str, Any]:
    """Take back what the message of a delivery caused. As `act`; raises NothingToUndo where it caused nothing."""
    row = _row(delivery_id)
    touched = undoable(row.identity)
    if touched is None:
        raise NothingToUndo(Reason.NOTHING_TO_UNDO.value, id=delivery_id)
    return act("undo", by, touched, cause=row.identity)


def undoable(cause: str) -> str | None:
    """The record that a message or post changed first; None where it changed none."""
    first = Revision.objects.filter(message=cause).order_by("pk").first() if cause else None
    return str(first.record_id) if first is not None else None


def confirm(delivery_id: int, person_key: str) -> dict[str, Any]:
    """Confirm, by the button of a signed-in page, what the person's own held message asks (DESIGN section 4, E5).

    The page counts as E6. Raises NotHeld where nothing waits for him there, or not any more.
    """
    setup, now, row = store.current(), clock.now(), _row(delivery_id)
    person = next(iter(people.persons_by([], [person_key])), None)
    if person is None or not codes.waiting_for(person.addresses, setup, now).filter(pk=row.pk).exists():
        raise NotHeld("not-held", disposition=row.disposition)
    said = Override(
        kind="confirm",
        by=person.key,
        level=int(Assurance.E6),
        proven=True,
        how=f"the button of a signed-in page was pressed by {person.key}",
        shown=str(row.result.get("asks", {}).get("shown", "")),
    )
    with transaction.atomic():
        codes.use_up(row.pk, now)
        if not spool.requeue([row.pk], now, asdict(said)):
            raise NotHeld("not-held", disposition=row.disposition)
    return outcome.line(work_off([row.pk], Worker())[0])


def _reading(person: Person | None, setup: Setup, now: datetime) -> Reading:
    zone = (person.time_zone if person else "") or setup.site.time_zone
    return reading_of(setup, ZoneInfo(zone), (person.language if person else "") or setup.site.language, now)


def _values(stands: Mapping[str, Any], texts: Mapping[str, str], reading: Reading, table: Table) -> dict[str, Any]:
    """The texts as values of the table they fill in, or of the parameters; those that stand already are left out: they
    need no right and are no change."""
    found: dict[str, Any] = {}
    for name, text in texts.items():
        definition = table.live_fields.get(name)
        if definition is None:
            raise BadValue("no-such-field", text=name, expected="a field of the table")
        kind = fields[definition.type]
        if not kind.by_text:
            raise BadValue("not-by-text", text=text, expected=kind.expected(definition), field=name)
        try:
            found[name] = kind.parse(text, definition, reading)
        except BadValue as fault:
            fault.data["field"] = name
            raise
        if found[name] is None and definition.required:
            raise BadValue("required", text="", expected=saying("expected.not-empty"), field=name)
    return {name: value for name, value in found.items() if stands.get(name) != value}


def _line(decision: Decision, snapshot: Snapshot, setup: Setup) -> dict[str, Any]:
    return {
        "disposition": decision.disposition.value,
        "reason": decision.reason.value,
        "author": decision.author,
        **commit.result_of(decision, snapshot, setup),
    }


def release(delivery_id: int, by: str, as_comment: bool = False) -> dict[str, Any]:
    """Let a held message through; the person who does so vouches for its author.

    by  a person's key, or OPERATOR: the command line. Raises NotHeld, NotFound, Refused where he may not.
    """
    _check_settles(delivery_id, by)
    return _again(delivery_id, {"kind": "comment" if as_comment else "release", "by": by})


def route(delivery_id: int, table: str, record: str | None, by: str) -> dict[str, Any]:
    """Post a held message as its author in a table that he may read, or on a record of it (its uuid). As `release`."""
    setup = store.current()
    if table not in setup.live_tables:
        raise NotFound("no-such-table", table=table)
    person = _check_settles(delivery_id, by)
    if person is not None and extent(person, Right.READ, table, setup) == "none":
        raise Refused(Reason.NOT_PERMITTED.value)
    return _again(delivery_id, {"kind": "route", "by": by, "table": table, "record": record or ""})


def reject(delivery_id: int, by: str) -> dict[str, Any]:
    """Refuse a held message; a proven author is told. As `release`."""
    _check_settles(delivery_id, by)
    line = _again(delivery_id, {"kind": "reject", "by": by})
    if line["disposition"] == Disposition.HOLD.value:  # it can't even be read: refuse it unread
        trace = [*line["trace"], {"step": "settle", "result": "reject", "why": f"refused by {by}"}]
        settled = spool.Settled(
            delivery_id, Disposition.REJECT, Reason.REFUSED_BY_PERSON, result=commit.empty_result(trace)
        )
        spool.settle([settled], clock.now())
        return outcome.line(_row(delivery_id))
    return line


def replay(delivery_id: int) -> dict[str, Any]:
    """Decide again what was held, rejected or discarded. What took effect stays as it is (law 3)."""
    row = _row(delivery_id)
    if row.disposition in (Disposition.ACCEPT, Disposition.REDIRECT):
        return outcome.line(row)
    return _again(delivery_id, None, any_settled=True)


def _check_settles(delivery_id: int, by: str) -> Person | None:
    """The person who decides about a held message, None for the operator. Raises NotFound, Refused."""
    if by == OPERATOR:
        return None
    row, person = _row(delivery_id), next(iter(people.persons_by([], [by])), None)
    if not may_settle(person, str(row.result.get("account") or ""), row.target, store.current()):
        raise Refused(Reason.NOT_PERMITTED.value)
    return person


def _again(delivery_id: int, override: dict[str, Any] | None, *, any_settled: bool = False) -> dict[str, Any]:
    row = _row(delivery_id)
    if not spool.requeue([delivery_id], clock.now(), override, any_settled=any_settled):
        raise NotHeld("not-held", disposition=row.disposition)
    return outcome.line(work_off([delivery_id], Worker())[0])


def _row(delivery_id: int) -> mail.Delivery:
    row = mail.Delivery.objects.select_related("raw").filter(pk=delivery_id).first()
    if row is None:
        raise NotFound("no-such-delivery", id=delivery_id)
    return row


__all__ = [
    "AddresseeError",
    "NotFound",
    "NotHeld",
    "NothingToUndo",
    "act",
    "comment",
    "confirm",
    "reject",
    "release",
    "replay",
    "route",
    "undo",
    "undoable",
]
