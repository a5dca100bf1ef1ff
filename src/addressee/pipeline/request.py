"""The short way of pages and commands: a comment, and what a person says of a held message. Called by web and ops."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from addressee.core import post
from addressee.core.authorise import extent, may_settle
from addressee.core.errors import AddresseeError, BadValue, Refused
from addressee.core.reasons import Reason
from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.core.values import (
    OPERATOR,
    Decision,
    Disposition,
    Person,
    RecordState,
    Right,
    Snapshot,
    Visibility,
    Wanted,
)
from addressee.host import clock
from addressee.mail import models as mail
from addressee.mail import spool, threads
from addressee.people import rows as people
from addressee.pipeline import commit, outcome, process
from addressee.pipeline.intake import work_off
from addressee.pipeline.worker import Worker
from addressee.records import snapshot as records
from addressee.records.values import reading as reading_of
from addressee.setup import store


class NotHeld(Refused):
    """The message does not wait for a person's decision (any more)."""


class NotFound(Refused):
    """No such delivery, table or record."""

    reply = "550 5.1.1"


def comment(
    person_key: str, record_uuid: str, text: str, visibility: str, files: tuple[Any, ...] = ()
) -> dict[str, Any]:
    """Write a comment on a record as a signed-in person; the contract's line of what came of it.

    Raises Refused with the reason's slug where the person may not, NotFound for no such record or person.
    """
    return _post("comment", person_key, record_uuid, {}, text, Visibility(visibility))


def update(person_key: str, record_uuid: str, texts: Mapping[str, str], comment: str = "") -> dict[str, Any]:
    """Set fields of a record as a signed-in person, each from its text as a person would write it in a mail.

    Raises BadValue for a text that a field does not take, Refused where the person may not, NotFound.
    """
    return _post("update", person_key, record_uuid, texts, comment, Visibility.INTERNAL)


def _post(
    verb: str, person_key: str, record_uuid: str, texts: Mapping[str, str], text: str, visibility: Visibility
) -> dict[str, Any]:
    setup, now, uuid = store.current(), clock.now(), str(UUID(record_uuid))
    with transaction.atomic():
        process.lock([uuid])
        snapshot = Snapshot(now)
        wanted = Wanted(uuids={uuid}, person_keys={person_key})
        records.fill(snapshot, wanted, setup)
        process.fill_persons(snapshot, wanted, setup)
        record, person = snapshot.records.get(uuid), snapshot.persons.get(person_key)
        if record is None or person is None:
            raise NotFound("no-such-record")
        threads.fill_last_messages(snapshot, [uuid])
        values = _values(record, person, texts, setup, now)
        decision = post.post(verb, person, record, values, text, visibility, snapshot, setup, secrets.token_bytes(16))
        if decision.disposition is not Disposition.ACCEPT:
            raise Refused(decision.reason.value)
        commit.write_effects([(decision, "", None)], setup, now)
        return _line(decision, snapshot, setup)


def _values(
    record: RecordState, person: Person, texts: Mapping[str, str], setup: Setup, now: datetime
) -> dict[str, Any]:
    """The texts as values; those that stand already are left out: they need no right and are no change."""
    table = setup.tables[record.table]
    zone, language = ZoneInfo(person.time_zone or setup.site.time_zone), person.language or setup.site.language
    reading = reading_of(setup, zone, language, now)
    found: dict[str, Any] = {}
    for name, text in texts.items():
        definition = table.live_fields.get(name)
        if definition is None:
            raise BadValue("no-such-field", text=name, expected="a field of the table")
        found[name] = fields[definition.type].parse(text, definition, reading)
    return {name: value for name, value in found.items() if record.values.get(name) != value}


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


__all__ = ["AddresseeError", "NotFound", "NotHeld", "comment", "reject", "release", "replay", "route", "update"]
