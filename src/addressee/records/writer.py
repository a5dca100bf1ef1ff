"""The only writer of records: a batch of changes becomes rows, in as many statements for a hundred as for one.

Called by pipeline/commit within its write transaction, and by nothing else. Every change of a record leaves a
revision and an audit entry; there is no way to write one without the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from addressee.audit.models import Entry
from addressee.core.errors import TryAgainLater
from addressee.core.setup import Setup
from addressee.core.values import Appointment, RecordChange, RecordState
from addressee.core.values import Correspondent as Bond
from addressee.records import bulk, index, models
from addressee.records.chain import revision_hash
from addressee.records.models import (
    Correspondent,
    Counter,
    Follower,
    IndexRow,
    Record,
    RecordAddress,
    Revision,
    Turn,
)


class RecordMoved(TryAgainLater):
    """A record changed between the snapshot and the write: the batch is to be decided again."""


@dataclass(frozen=True, slots=True)
class Written:
    """One change of one record, with who and what caused it.

    actor    the person's key, "operator" or ""
    message  identity of the mail that caused it, "" for none
    right    the right, token or evidence that allowed it
    """

    change: RecordChange
    at: datetime
    actor: str = ""
    author: str = ""
    message: str = ""
    delivery: int | None = None
    right: str = ""


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit entry for what changes no record: comment, release, route, password."""

    what: str
    at: datetime
    actor: str = ""
    author: str = ""
    message: str = ""
    delivery: int | None = None
    table: str = ""
    record: str | None = None
    right: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def write(
    changes: Sequence[Written],
    setup: Setup,
    *,
    entries: Sequence[Audited] = (),
    correspondents: Mapping[tuple[str, str], Bond] | None = None,
    following: Mapping[tuple[str, str], bool] | None = None,
    appointments: Sequence[Appointment] = (),
    turns: Mapping[str, str] | None = None,
) -> None:
    """Write a batch, in the order of `changes`. The caller holds the transaction and has read the snapshot in it.

    A record's `state.version` counts up by one with each of its changes and begins with 1.
    correspondents  (record, address) -> what binds them; flags are added to those that stand, never taken away
    following       (record, person's key) -> whether he follows it from now on
    appointments    events that came by an invitation; a known one with its newest sequence
    turns           name of a distribution -> the person who had it last

    Raises RecordMoved when a record is no longer what the snapshot read, and index.UniqueTaken.
    """
    by_record: dict[str, list[Written]] = {}
    for each in changes:
        by_record.setdefault(each.change.record, []).append(each)
    made = {uuid: own for uuid, own in by_record.items() if own[0].change.kind == "create"}
    moved = {uuid: own for uuid, own in by_record.items() if uuid not in made}
    bulk.insert([_new(own) for own in made.values()])
    hashes = _update(moved)
    _index(by_record, made, setup)
    _remember(changes, entries, hashes)
    _count(made.values())
    _bind(correspondents or {})
    _follow(following or {})
    _appoint(appointments)
    _turn(turns or {})


def _appoint(appointments: Sequence[Appointment]) -> None:
    rows = [
        bulk.new(
            models.Appointment,
            key=each.key,
            uid=each.uid,
            record_id=UUID(each.record),
            sequence=each.sequence,
            organizer=each.organizer[:320],
        )
        for each in appointments
    ]
    bulk.insert(rows, "ON CONFLICT (key) DO UPDATE SET sequence = excluded.sequence")


def _follow(following: Mapping[tuple[str, str], bool]) -> None:
    rows = [bulk.new(Follower, record_id=record, person=person) for (record, person), on in following.items() if on]
    bulk.insert(rows, "ON CONFLICT DO NOTHING")
    ended = [Q(record_id=record, person=person) for (record, person), on in following.items() if not on]
    if ended:
        Follower.objects.filter(reduce(or_, ended)).delete()


def _new(own: list[Written]) -> Record:
    """The row of a new record, as it stands after all its changes of the batch."""
    first, last = own[0], own[-1]
    state = last.change.state
    return bulk.new(
        Record,
        uuid=state.uuid,
        table=state.table,
        number=state.number,
        title=state.title,
        values=dict(state.values),
        team=state.team,
        account=state.account,
        assignee=state.assignee,
        created_by=state.created_by,
        created_at=state.created_at or first.at,
        updated_at=last.at,
        version=state.version,
        unverified=state.unverified,
        marked=state.marked,
        deleted_at=last.at if state.deleted else None,
    )


_CHANGED = ("title", "values", "team", "account", "assignee", "updated_at", "version", "unverified")


def _update(moved: Mapping[str, list[Written]]) -> dict[str, str]:
    """Bring the changed records to their last state, each only from the version that the snapshot read.

    Returns the hash of each one's newest revision, which is the one before those that are written now.
    """
    if not moved:
        return {}
    fields = bulk.fields(Record, "uuid", *_CHANGED, "version", "unverified")
    rows = [_row(own) for own in moved.values()]
    columns = {name: number for number, name in enumerate(_CHANGED, start=2)}
    read, deleted = len(fields) - 1, len(fields)
    name, at = bulk.table(Record), f"v.column{columns['updated_at']}"
    sets = [f"{bulk.quoted(column)} = v.column{number}" for column, number in columns.items()]
    sets.append(f"deleted_at = CASE WHEN v.column{deleted} THEN COALESCE({name}.deleted_at, {at}) END")
    newest = (
        f"SELECT r.hash FROM {bulk.table(Revision)} r WHERE r.record_id = {name}.uuid ORDER BY r.version DESC LIMIT 1"
    )
    written: list[tuple[Any, str]] = []
    with connection.cursor() as cursor:
        for part in bulk.chunks(rows, len(fields)):
            source, parameters = bulk.values(fields, part)
            cursor.execute(
                f"UPDATE {name} SET {', '.join(sets)} FROM {source} AS v "
                f"WHERE {name}.uuid = v.column1 AND {name}.version = v.column{read} RETURNING uuid, ({newest})",
                parameters,
            )
            written += cursor.fetchall()
    if len(written) != len(rows):
        raise RecordMoved("try-again", records=sorted(moved))
    return {bulk.uuid_text(uuid): digest or "" for uuid, digest in written}


def _row(own: list[Written]) -> list[Any]:
    """uuid, the changed columns, the version that was read, whether it is deleted."""
    state: RecordState = own[-1].change.state
    at, read = own[-1].at, own[0].change.state.version - 1
    changed = [state.title, dict(state.values), state.team, state.account, state.assignee, at, state.version]
    return [state.uuid, *changed, state.unverified, read, state.deleted]


def _index(by_record: Mapping[str, list[Written]], made: Mapping[str, list[Written]], setup: Setup) -> None:
    """Write the index rows of new records, and of changed records for the fields that changed."""
    rows: list[IndexRow] = []
    stale: list[tuple[str, str]] = []
    for uuid, own in by_record.items():
        state = own[-1].change.state
        indexed = setup.indexed.get(state.table, frozenset())
        names = indexed if uuid in made or _all_anew(own) else indexed & {name for w in own for name in w.change.after}
        if uuid not in made:
            stale += [(uuid, name) for name in sorted(names)]
        if not state.deleted:
            rows += index.rows_of(uuid, state.table, state.values, setup, names)
    if stale:
        _remove_index(stale)
    index.insert(rows)


def _all_anew(own: list[Written]) -> bool:
    return any(each.change.kind in ("delete", "restore") for each in own)


def _remove_index(stale: list[tuple[str, str]]) -> None:
    fields = bulk.fields(IndexRow, "record", "field")
    with connection.cursor() as cursor:
        for part in bulk.chunks(stale, 3):
            source, parameters = bulk.values(fields, part)
            records, given = bulk.values(fields[:1], sorted({(record,) for record, _ in part}))
            cursor.execute(
                f"DELETE FROM {bulk.table(IndexRow)} WHERE record_id IN {records}"  # SQLite has no index for pairs
                f" AND (record_id, field) IN {source}",
                [*given, *parameters],
            )


def _remember(changes: Sequence[Written], entries: Sequence[Audited], hashes: dict[str, str]) -> None:
    """A revision and an audit entry for each change; the entries of what changed no record."""
    revisions, audit = [], [bulk.new(Entry, **_plain(each)) for each in entries]
    for each in changes:
        revision = _revision(each)
        revision.hash = hashes[each.change.record] = revision_hash(revision, hashes.get(each.change.record, ""))
        revisions.append(revision)
        audit.append(
            bulk.new(
                Entry,
                at=each.at,
                what=each.change.kind,
                actor=each.actor,
                author=each.author,
                delivery=each.delivery,
                message=each.message,
                table=each.change.table,
                record=each.change.record,
                right=each.right[:200],
                revision_hash=revision.hash,
            )
        )
    bulk.insert(revisions)
    bulk.insert(audit)


def _revision(each: Written) -> Revision:
    change = each.change
    names = [*change.after, *(name for name in change.before if name not in change.after)]
    return bulk.new(
        Revision,
        record_id=change.record,
        version=change.state.version,
        kind=change.kind,
        at=each.at,
        actor=each.actor,
        author=each.author,
        message=each.message,
        fields={name: {"before": change.before.get(name), "after": change.after.get(name)} for name in names},
    )


def _plain(entry: Audited) -> dict[str, Any]:
    told = {name: getattr(entry, name) for name in ("what", "at", "actor", "author", "message", "delivery", "table")}
    record = entry.record or None
    return {**told, "record": record, "right": entry.right[:200], "data": dict(entry.data)}


def _count(made: Iterable[list[Written]]) -> None:
    """Move the counters of automatic numbers beyond the numbers that were given."""
    given: dict[str, int] = {}
    for own in made:
        state = own[0].change.state
        if state.number is not None:
            given[state.table] = max(given.get(state.table, 0), state.number)
    name = bulk.table(Counter)
    column = bulk.quoted("next")
    bulk.insert(
        [bulk.new(Counter, table=table, next=number + 1) for table, number in sorted(given.items())],
        f"ON CONFLICT ({bulk.quoted('table')}) DO UPDATE SET {column} = CASE WHEN excluded.{column} > {name}.{column} "
        f"THEN excluded.{column} ELSE {name}.{column} END",
    )


def _bind(correspondents: Mapping[tuple[str, str], Bond]) -> None:
    """Add what binds addresses to records to what bound them before."""
    name, flags = bulk.table(Correspondent), ("wrote_first", "wrote", "written_to", "sent")
    rows = [
        bulk.new(Correspondent, record_id=record, address=address, **{flag: getattr(bond, flag) for flag in flags})
        for (record, address), bond in correspondents.items()
    ]
    merged = ", ".join(f"{flag} = {name}.{flag} OR excluded.{flag}" for flag in flags)
    bulk.insert(rows, f"ON CONFLICT (record_id, address) DO UPDATE SET {merged}")


def _turn(turns: Mapping[str, str]) -> None:
    rows = [bulk.new(Turn, name=name, person=person) for name, person in sorted(turns.items())]
    bulk.insert(rows, "ON CONFLICT (name) DO UPDATE SET person = excluded.person")


def rotate(state: RecordState, part: UUID | None, now: datetime, ends_at: datetime) -> None:
    """A record's addresses end at that time, and it gets a new part for them, or none. In the caller's transaction."""
    record = UUID(state.uuid)
    own = RecordAddress(part=record, record_id=record, made_at=state.created_at or now)  # so it was until now
    RecordAddress.objects.bulk_create([own], ignore_conflicts=True)
    RecordAddress.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=ends_at), record=record).update(
        ends_at=ends_at
    )
    if part is not None:
        RecordAddress.objects.create(part=part, record_id=record, made_at=now)


def restate(records: Sequence[tuple[UUID, str, str]]) -> None:
    """Write title and assignee anew, where a setup takes them from other fields: (uuid, title, assignee).

    No value changes, so there is no revision. Called with the records locked, in one transaction for each slice.
    """
    fields = bulk.fields(Record, "uuid", "title", "assignee")
    name = bulk.table(Record)
    with connection.cursor() as cursor:
        for part in bulk.chunks(records, len(fields)):
            source, parameters = bulk.values(fields, [list(one) for one in part])
            cursor.execute(
                f"UPDATE {name} SET title = v.column2, assignee = v.column3 FROM {source} AS v "
                f"WHERE {name}.uuid = v.column1",
                parameters,
            )
