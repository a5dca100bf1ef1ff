"""Records as other programs are told them (DESIGN section 5), and what a text names. Called by commands and pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

from addressee.core.contract import Linked, contract_value, contract_values, links_in, name_of
from addressee.core.fieldtype import Reading, fold
from addressee.core.lookup import Titles
from addressee.core.numbers import format_number
from addressee.core.route import record_addresses
from addressee.core.setup import Setup
from addressee.core.values import Snapshot, Wanted
from addressee.host.clock import now
from addressee.people.rows import persons_by
from addressee.records import bulk
from addressee.records.addresses import parts_of
from addressee.records.models import Record, Revision
from addressee.records.snapshot import fill

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def lines(records: Sequence[Record], setup: Setup) -> list[dict[str, Any]]:
    """The contract's line of each record: every field present, links with number and title. Two queries for all."""
    linked = linked_by(_links_of(records, setup), setup)
    parts = parts_of([record.pk for record in records], now())
    return [_line(record, setup, linked, parts[record.pk]) for record in records]


def _links_of(records: Iterable[Record], setup: Setup) -> set[str]:
    tables = setup.tables
    return {uuid for one in records if one.table in tables for uuid in links_in(one.values, tables[one.table])}


def _line(record: Record, setup: Setup, linked: Linked, parts: Sequence[str]) -> dict[str, Any]:
    table, uuid = setup.tables[record.table], str(record.uuid)
    return {
        "table": record.table,
        "number": format_number(table, record.number),
        "uuid": uuid,
        "title": record.title,
        "values": contract_values(record.values, table, linked),
        "team": record.team or None,
        "account": record.account or None,
        "assignee": record.assignee or None,
        "addresses": [one for part in parts for one in record_addresses(record.table, part, setup)],
        "created_at": moment(record.created_at),
        "created_by": record.created_by or None,
        "updated_at": moment(record.updated_at),
        "deleted": record.deleted_at is not None,
        "marked": record.marked or None,
    }


def revision_lines(revisions: Sequence[Revision], table: str, setup: Setup) -> list[dict[str, Any]]:
    """What each revision changed, before and after as the contract prints values. One query for all links."""
    definition = setup.tables[table]
    order = {name: place for place, name in enumerate(definition.fields)}  # PostgreSQL keeps none in JSON
    changed = [_side(one, "before") for one in revisions] + [_side(one, "after") for one in revisions]
    linked = linked_by({uuid for side in changed for uuid in links_in(side, definition)}, setup)
    return [
        {
            "at": moment(one.at),
            "kind": one.kind,
            "actor": one.actor or None,
            "author": one.author or None,
            "fields": {
                name: _told(name, one.fields[name], definition.fields, linked)
                for name in sorted(one.fields, key=lambda name: (order.get(name, len(order)), name))
            },
        }
        for one in revisions
    ]


def _side(revision: Revision, side: str) -> dict[str, Any]:
    return {name: sides.get(side) for name, sides in revision.fields.items()}


def _told(name: str, sides: Mapping[str, Any], definitions: Mapping[str, Any], linked: Linked) -> dict[str, Any]:
    field = definitions.get(name)
    if field is None:  # the field is gone: as it was stored
        return {"before": sides.get("before"), "after": sides.get("after")}
    return {side: contract_value(sides.get(side), field, linked) for side in ("before", "after")}


def linked_by(uuids: Iterable[str], setup: Setup) -> Linked:
    """A look-up uuid -> {table, record, title} for these records, deleted ones too. One query, none for none."""
    found: dict[str, dict[str, str]] = {}
    for part in bulk.chunks(sorted(uuids), 1):
        rows = Record.objects.filter(uuid__in=[UUID(uuid) for uuid in part])
        for uuid, table, number, title in rows.values_list("uuid", "table", "number", "title"):
            name = name_of(setup, table, number, str(uuid))
            found[str(uuid)] = {"table": table, "record": name, "title": title}
    return found.get


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, whole seconds, with Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reading(setup: Setup, zone: tzinfo = UTC, language: str = "", now: datetime | None = None) -> Reading:
    """What names mean, asked of the database one by one: for a filter or a form, never for a batch of mail."""
    snapshot = Snapshot(_LONG_AGO)

    def records(table: str, text: str) -> tuple[str, ...]:
        fill(snapshot, Wanted(titles={(table, fold(text))}), setup)
        return tuple(snapshot.named[table, fold(text)])

    def persons(text: str) -> tuple[str, ...]:
        folded = fold(text)
        found = persons_by([folded], [folded], [text.strip()])
        exact = [one.key for one in found if folded == one.key or folded in one.addresses]
        return tuple(exact or [one.key for one in found if not one.guest])

    return Reading(
        zone=zone,
        language=language,
        now=now,
        find_records=records,
        find_persons=persons,
        titles=Titles(snapshot, setup, lambda record: True),
    )
