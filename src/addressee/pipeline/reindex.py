"""Index rows of old records for fields that a new setup indexes, and what records say against it. Called by apply.

Most of the rows are written before the setup takes effect, a slice of records a transaction, so that mail goes on
meanwhile: rows of a field that is not indexed yet mean nothing. The transaction that puts the setup into effect
then looks only at the records that changed since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.records import index
from addressee.records.models import IndexRow, Record
from addressee.setup.difference import Change, matches
from addressee.setup.document import Fault

SLICE = 1_000  # records a transaction
CLOCKS_APART = timedelta(minutes=5)  # how wrong the clocks of two machines may be against each other

# What says how a stored value is to be read: with values there, it stays.
FORM_OF_VALUES = ("type", "many", "places", "table")

Progress = Callable[[str, int, int], None]  # what is done, records done, of how many


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """A field of old records that needs index rows."""

    table: str
    field: str


def newly_indexed(before: Setup, after: Setup) -> list[Wanted]:
    """Fields that were there, and are indexed or unique only now. A field that is new has no values to index."""
    return [
        Wanted(table, name)
        for table, names in sorted(after.indexed.items())
        for name in sorted(names)
        if table in before.tables and name in before.tables[table].fields
        if name not in before.indexed[table] or after.tables[table].fields[name].unique > _unique(before, table, name)
    ]


def _unique(setup: Setup, table: str, name: str) -> bool:
    field = setup.tables[table].live_fields.get(name) if table in setup.tables else None
    return field is not None and field.unique


def no_longer_indexed(before: Setup, after: Setup) -> list[Wanted]:
    return [
        Wanted(table, name)
        for table, names in sorted(before.indexed.items())
        for name in sorted(names - after.indexed.get(table, frozenset()))
    ]


# ---- what records say against a change ---------------------------------------------------------------------------


def has_records(table: str) -> bool:
    return Record.objects.filter(table=table).exists()


def has_values(table: str, field: str) -> bool:
    """Has any record of the table, deleted ones too, a value in this field?"""
    rows = Record.objects.filter(table=table, values__has_key=field)
    return rows.exclude(**{f"values__{field}": None}).exists()


def faults(before: Setup, after: Setup, changes: list[Change], *, look_for_twins: bool = True) -> Iterator[Fault]:
    """Changes that the values of records forbid. Twins, two records with one value of a field, are the slow part."""
    for change in changes:
        if not matches(change.path, ("tables", "*", "fields", "*", "*")):
            continue
        _, table, _, field, option = map(str, change.path)
        if option in FORM_OF_VALUES and has_values(table, field):
            what = f"records have values in this field, so its {option} stays. Retire it and add another field."
            yield Fault(change.path, what)
    for wanted in newly_indexed(before, after) if look_for_twins else ():
        if _unique(after, wanted.table, wanted.field) and not _unique(before, wanted.table, wanted.field):
            two = _same_value(wanted, after)
            if two:
                what = f"{two[0]} and {two[1]} have the same value, so the field can't be unique."
                yield Fault(("tables", wanted.table, "fields", wanted.field, "unique"), what)


def _same_value(wanted: Wanted, setup: Setup) -> tuple[str, str] | None:
    """What two records with the same value are called, if there are two."""
    kind = fields[setup.tables[wanted.table].fields[wanted.field].type]
    first: dict[bytes, str] = {}
    rows = Record.objects.filter(table=wanted.table, deleted_at=None).order_by("uuid")
    for uuid, title, values in rows.values_list("uuid", "title", "values").iterator(SLICE):
        for key in map(bytes.fromhex, set(kind.keys(values.get(wanted.field)))):
            if key in first:
                return first[key], title or str(uuid)
            first[key] = title or str(uuid)
    return None


# ---- writing index rows ------------------------------------------------------------------------------------------


def ahead(wanted: list[Wanted], setup: Setup, now: datetime, progress: Progress) -> datetime:
    """Write the rows before the setup takes effect; the time from which on records must be looked at again.

    Raises records.index.UniqueTaken; the rows written until then stay and mean nothing.
    """
    for one in wanted:
        if not has_records(one.table):
            continue
        total, done, last = Record.objects.filter(table=one.table, deleted_at=None).count(), 0, None
        with transaction.atomic():
            index.drop(one.table, one.field)
        while True:
            with transaction.atomic():
                last, count = _slice(one, setup, last)
            if not count:
                break
            done += count
            progress(f"index of {one.table}.{one.field}", min(done, total), total)
    return now - CLOCKS_APART


def _slice(one: Wanted, setup: Setup, last: object) -> tuple[object, int]:
    """The next records after the one with uuid `last`: the last of them, and how many they were."""
    rows = Record.objects.filter(table=one.table, deleted_at=None).order_by("uuid")
    if last is not None:
        rows = rows.filter(uuid__gt=last)
    found = list(rows.values_list("uuid", "values")[:SLICE])
    index.insert([row for uuid, values in found for row in _rows(one, str(uuid), values, setup)])
    return (found[-1][0] if found else last), len(found)


def _rows(one: Wanted, uuid: str, values: dict[str, object], setup: Setup) -> list[IndexRow]:
    return index.rows_of(uuid, one.table, values, setup, [one.field])


def finish(wanted: list[Wanted], gone: list[Wanted], setup: Setup, since: datetime | None) -> None:
    """Inside the transaction that puts the setup into effect: what changed since, and what is indexed no more.

    since  None: nothing was written ahead, so all records are looked at. Raises records.index.UniqueTaken.
    """
    for one in wanted:
        records = Record.objects.filter(table=one.table)
        if since is None:
            index.drop(one.table, one.field)
        else:
            records = records.filter(updated_at__gte=since)
            old = IndexRow.objects.filter(table=one.table, field=one.field)
            old.filter(record__in=records.values("uuid")).delete()
        rows: list[IndexRow] = []
        for uuid, values, deleted in records.values_list("uuid", "values", "deleted_at").iterator(SLICE):
            rows += [] if deleted else _rows(one, str(uuid), values, setup)
            if len(rows) >= SLICE:
                index.insert(rows)
                rows = []
        index.insert(rows)
    for one in gone:
        index.drop(one.table, one.field)


def no_longer_unique(before: Setup, after: Setup) -> None:
    """Free the keys of fields that were unique: one statement a field."""
    for table, names in after.indexed.items():
        for name in names:
            if _unique(before, table, name) and not _unique(after, table, name):
                IndexRow.objects.filter(table=table, field=name).update(ukey=None)
