"""Title and assignee of old records, where a new setup takes them from other fields. Called by apply, afterwards.

A slice of records a transaction, after the setup took effect: until then old records show their old title. What
is left when the program is stopped is noted with the setup and done by the next apply.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import transaction

from addressee.core.action import title_of
from addressee.core.fieldtype import Reading
from addressee.core.numbers import format_number
from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.people import rows as people
from addressee.records import writer
from addressee.records.models import Record
from addressee.setup import store

SLICE = 500  # records a transaction


def tables(before: Setup, after: Setup) -> list[str]:
    """Tables whose records may show another title or assignee from now on."""
    return [
        key
        for key, table in after.live_tables.items()
        if key in before.tables
        and (table.title, table.assignee) != (before.tables[key].title, before.tables[key].assignee)
    ]


def finish(progress: Callable[[str, int, int], None]) -> None:
    """Work off what is noted with the setup."""
    left = store.unfinished()
    setup = store.current() if left else None
    for table in left:
        if setup is not None and table in setup.live_tables:
            _restate(table, setup, progress)
        store.finished(table)


def _restate(table: str, setup: Setup, progress: Callable[[str, int, int], None]) -> None:
    names = {person.key: person.name for person in people.all_persons()}
    total, done, last = Record.objects.filter(table=table).count(), 0, UUID(int=0)
    while True:
        with transaction.atomic():
            rows = Record.objects.filter(table=table, uuid__gt=last).order_by("uuid").select_for_update()[:SLICE]
            found = list(rows.values_list("uuid", "values"))
            reading = Reading(persons=names, titles=_linked(table, found, setup))
            definition = setup.tables[table]
            writer.restate(
                [
                    (uuid, title_of(definition, values, reading), str(values.get(definition.assignee) or ""))
                    for uuid, values in found
                ]
            )
        if not found:
            return
        last, done = found[-1][0], done + len(found)
        progress(f"titles of {table}", min(done, total), total)


def _linked(table: str, found: list[tuple[UUID, dict[str, object]]], setup: Setup) -> Mapping[str, tuple[str, str]]:
    """What the records are called that a title names, where it is a link."""
    definition = setup.tables[table]
    field = definition.live_fields.get(definition.title)
    if field is None or field.type != "link":
        return {}
    uuids = {uuid for _, values in found for uuid in fields["link"].links(values.get(definition.title))}
    rows = Record.objects.filter(uuid__in=uuids).values_list("uuid", "table", "title", "number")
    return {
        str(uuid): (of, (format_number(setup.tables[of], number) if of in setup.tables else None) or title)
        for uuid, of, title, number in rows
    }
