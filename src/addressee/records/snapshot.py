"""Reads records for a whole batch, in a few statements, into the core's Snapshot. Called by pipeline/process.

Four at most: all keyed look-ups as one UNION ALL (records/lookup); the records they lead to, with their
correspondents and followers; the records those link to; the organisations of contacts among them.

It takes no locks of its own. The caller holds the write transaction: on SQLite that is enough (BEGIN IMMEDIATE),
on PostgreSQL he has taken advisory locks on the batch's keys before.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from addressee.core.contract import links_in
from addressee.core.invited import EVENT
from addressee.core.registry import fields
from addressee.core.schedule import schedule_table
from addressee.core.setup import Setup
from addressee.core.values import Appointment as Known
from addressee.core.values import Correspondent as Bond
from addressee.core.values import RecordState, Snapshot, Wanted
from addressee.records import bulk
from addressee.records.lookup import ANY, LookUp, is_uuid
from addressee.records.models import Appointment, Correspondent, Follower, IndexRow, Record

SAME_BEGINNING = 2  # characters
MOST_ALIKE = 500  # titles looked at
MOST_NEAR = 5
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_COLUMNS = (
    "uuid",
    "table",
    "title",
    "values",
    "number",
    "team",
    "account",
    "assignee",
    "created_by",
    "created_at",
    "marked",
)


def fill(snapshot: Snapshot, wanted: Wanted, setup: Setup) -> None:
    """Look up all that is wanted, and put it into the snapshot.

    Deleted records are read, marked so; by number and uuid they are found, by title and as contact they are not.
    `unique` is keyed by FieldType.keys; `named` by core.fieldtype.fold, and by the table or "*" that was asked;
    `titles` may hold a number or a uuid as well, so that what a link says is found by its text alone.
    """
    look_up = LookUp(snapshot, wanted, setup)
    look_up.read()
    addressed = wanted.uuids | (look_up.found - look_up.titled)
    read_records(snapshot, wanted.uuids | look_up.found)
    for address in wanted.addresses:
        snapshot.contacts[address] = _contacts(look_up, address)
    for table, text in wanted.titles:
        snapshot.named[table, text] = _named(look_up, table, text)
    read_records(snapshot, _linked(snapshot, setup, addressed))
    read_records(snapshot, _organisations(snapshot, setup))
    _read_appointments(snapshot, setup)


def fill_near(snapshot: Snapshot, asked: Iterable[tuple[str, str]], setup: Setup) -> None:
    """Read a few records whose titles begin as a text does that names none: one of them may be meant. Two statements.

    Of each (table, folded text) the MOST_NEAR likeliest of the first titles that share its beginning.
    """
    which = Q()
    for table, text in asked:
        definition = setup.live_tables.get(table)
        begin = text[:SAME_BEGINNING]
        letters = len(begin) == SAME_BEGINNING and begin[-1] < "\ud7ff"  # that has a next one
        if definition is not None and definition.title and letters:
            end = begin[:-1] + chr(ord(begin[-1]) + 1)  # a range, so that the index is used
            which |= Q(table=table, field=definition.title, text__gte=begin, text__lt=end)
    if not which:
        return
    rows = IndexRow.objects.filter(which).order_by("text").values_list("text", "record_id")[:MOST_ALIKE]
    by_title = {text: str(record) for text, record in rows if text}
    near = {each for _, text in asked for each in difflib.get_close_matches(text, by_title, MOST_NEAR)}
    read_records(snapshot, {by_title[each] for each in near})


def read_records(snapshot: Snapshot, uuids: Iterable[str]) -> None:
    """Read records that the snapshot lacks, with their correspondents and followers, in one statement."""
    missing = sorted(uuid for uuid in uuids if uuid not in snapshot.records and is_uuid(uuid))
    for part in bulk.chunks(missing, 1):
        for row in _rows(part):
            state, bonds, following = _state(row[:-2]), row[-2], row[-1]
            snapshot.records[state.uuid] = state
            snapshot.correspondents[state.uuid] = {
                address: Bond(*map(bool, flags)) for address, *flags in json.loads(bonds or "[]")
            }
            snapshot.followers[state.uuid] = tuple(sorted(json.loads(following or "[]")))


def _read_appointments(snapshot: Snapshot, setup: Setup) -> None:
    """Which of the events came by an invitation: one statement, where there are events."""
    key = schedule_table(EVENT, setup)
    events = [UUID(uuid) for uuid, state in snapshot.records.items() if key and state.table == key]
    for part in bulk.chunks(events, 1):
        for row in Appointment.objects.filter(record__in=part):
            known = Known(row.key, str(row.record_id), row.sequence, row.organizer, row.uid)
            snapshot.appointments.setdefault(row.key, known)


def read_linked(snapshot: Snapshot, uuids: Iterable[str], setup: Setup) -> None:
    """Read the records that these link to: by them a right of `own` may reach. One statement."""
    read_records(snapshot, _linked(snapshot, setup, uuids))


def _rows(uuids: Sequence[str]) -> Iterable[tuple[Any, ...]]:
    marks, given = bulk.placeholders(map(bulk.key, uuids))
    with connection.cursor() as cursor:
        cursor.execute(f"{_question(connection.vendor)} WHERE r.uuid IN {marks}", given)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@cache
def _question(vendor: str) -> str:
    """The SELECT of records with, as JSON, their correspondents and followers."""
    as_list, as_pair, as_number = "json_group_array", "json_array", ""
    if vendor == "postgresql":
        as_list, as_pair, as_number = "json_agg", "json_build_array", "::int"
    flags = ", ".join(f"c.{flag}{as_number}" for flag in ("wrote_first", "wrote", "written_to", "sent"))
    bonds = f"{as_list}({as_pair}(c.address, {flags})) AS text) FROM {bulk.table(Correspondent)} c"
    following = f"{as_list}(c.person) AS text) FROM {bulk.table(Follower)} c"
    columns = ", ".join(f"r.{bulk.quoted(name)}" for name in _COLUMNS)
    return (
        f"SELECT {columns}, r.version, r.deleted_at, r.unverified,"
        f" (SELECT CAST({bonds} WHERE c.record_id = r.uuid), (SELECT CAST({following} WHERE c.record_id = r.uuid)"
        f" FROM {bulk.table(Record)} r"
    )


def _state(row: tuple[Any, ...]) -> RecordState:
    *told, version, deleted_at, unverified = row
    by_name = dict(zip(_COLUMNS, told, strict=True))
    by_name["uuid"] = bulk.uuid_text(by_name["uuid"])
    by_name["values"] = json.loads(by_name["values"])
    by_name["created_at"] = bulk.aware(by_name["created_at"])
    return RecordState(**by_name, version=version, deleted=deleted_at is not None, unverified=bool(unverified))


def _contacts(look_up: LookUp, address: str) -> list[str]:
    """The records in which an address stands, the oldest first. Index texts are cut at 200: look at the whole."""
    records = look_up.snapshot.records
    found = [records[uuid] for uuid in look_up.by_address.get(address[:200], ()) if uuid in records]
    own = [state for state in found if address in _addresses_of(look_up.setup, state)]
    return [state.uuid for state in sorted(own, key=lambda state: (state.created_at or _EARLIEST, state.uuid))]


def _addresses_of(setup: Setup, state: RecordState) -> list[str]:
    table = setup.tables[state.table]
    if table.person is None:
        return []
    forms: list[str] = fields[table.fields[table.person.address].type].forms(state.values.get(table.person.address))
    return forms


def _named(look_up: LookUp, asked: str, text: str) -> list[str]:
    """A uuid or a number in its mask decides; else all records of that title or those digits."""
    snapshot = look_up.snapshot
    if is_uuid(text):
        state = snapshot.records.get(str(UUID(text)))
        return [state.uuid] if state and not state.deleted and asked in (ANY, state.table) else []
    numbered = (snapshot.numbered.get(number, "") for number in look_up.numbers_in(asked, text))
    found = [uuid for uuid in numbered if uuid in snapshot.records and not snapshot.records[uuid].deleted]
    if found and not text.isdecimal():
        return found
    for key in look_up.tables_asked(asked):
        for form in look_up.title_forms(key, text):
            found += sorted(look_up.by_title.get((key, form), ()))
    return list(dict.fromkeys(found))


def _linked(snapshot: Snapshot, setup: Setup, uuids: Iterable[str]) -> set[str]:
    """The records that the given ones link to."""
    states = [snapshot.records[uuid] for uuid in uuids if uuid in snapshot.records]
    tables = setup.tables
    return {uuid for state in states if state.table in tables for uuid in links_in(state.values, tables[state.table])}


def _organisations(snapshot: Snapshot, setup: Setup) -> set[str]:
    """The organisations of the contacts in the snapshot."""
    out: set[str] = set()
    for state in snapshot.records.values():
        table = setup.tables.get(state.table)
        if table is None or table.person is None:
            continue
        field = table.live_fields.get(table.person.organisation)
        if field is not None:
            out |= set(fields[field.type].links(state.values.get(table.person.organisation)))
    return out
