"""Index rows: the values of a live record by which it is looked up, sorted and kept unique. Called by the writer.

A deleted record has no index rows, so that look-ups need not ask, and what was unique in it may be used again.
Rows of old records for a newly indexed field are written by pipeline/reindex.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.records import bulk
from addressee.records.models import IndexRow


class UniqueTaken(Exception):
    """A value of a unique field belongs to another record. `record` is the uuid of the one that wanted it."""

    def __init__(self, table: str, field: str, record: str) -> None:
        super().__init__(
            f"The field {field} of {table} is unique, and another record has the value that {record} wants."
        )
        self.table, self.field, self.record = table, field, record


def rows_of(
    uuid: str, table: str, values: Mapping[str, Any], setup: Setup, names: Iterable[str] | None = None
) -> list[IndexRow]:
    """The index rows of a record, not saved: of all indexed fields, or of those among `names`."""
    definitions = setup.tables[table].live_fields if table in setup.tables else {}
    indexed = setup.indexed.get(table, frozenset())
    out = []
    for name in sorted(indexed if names is None else indexed.intersection(names)):
        field = definitions.get(name)
        kind = fields.get(field.type) if field else None
        if field is None or kind is None:
            continue
        value = values.get(name)
        entries = kind.index(value)
        keys = kind.keys(value)[: len(entries)] if field.unique else [None] * len(entries)
        for (text, num), key in zip(entries, keys, strict=True):
            out.append(bulk.new(IndexRow, record_id=uuid, table=table, field=name, text=text, num=num, ukey=key))
    return out


def insert(rows: Sequence[IndexRow]) -> None:
    """Write index rows. Raises UniqueTaken."""
    wanted: dict[tuple[str, str, str], IndexRow] = {}
    for row in rows:
        if row.ukey is not None and wanted.setdefault((row.table, row.field, row.ukey), row) is not row:
            raise UniqueTaken(row.table, row.field, str(row.record_id))
    if bulk.insert(rows, "ON CONFLICT DO NOTHING" if wanted else "") == len(rows):
        return
    for found in IndexRow.objects.filter(ukey__in=[key for _, _, key in wanted]):
        taken = wanted.get((found.table, found.field, found.ukey or ""))
        if taken is not None and str(found.record_id) != str(taken.record_id):
            raise UniqueTaken(taken.table, taken.field, str(taken.record_id))
    raise UniqueTaken(rows[0].table, rows[0].field, str(rows[0].record_id))  # it came and went meanwhile


def drop(table: str, field: str) -> None:
    """Remove the index rows of a field: one statement however many there are."""
    IndexRow.objects.filter(table=table, field=field).delete()
