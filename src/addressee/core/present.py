"""Values as people and programs are shown them: only what the reader may see (law 13). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from addressee.core import contract
from addressee.core.authorise import field_access
from addressee.core.fieldtype import Reading
from addressee.core.registry import fields
from addressee.core.setup import FieldDef, Setup
from addressee.core.values import Person, RecordState


def name_of(record: RecordState, setup: Setup) -> str:
    """What a record is called: its number where it has one, else its uuid (DESIGN section 5)."""
    return contract.name_of(setup, record.table, record.number, record.uuid)


def heading(record: RecordState, setup: Setup, person: Person | None) -> str:
    """Number and title, for a person: CASE-17 "Printer broken"; without the title where he may not see that field."""
    table = setup.tables.get(record.table)
    number = name_of(record, setup) if table and table.number and record.number is not None else ""
    label = number or (table.label if table and table.label else record.table)
    seen = table is not None and field_access(person, record.table, table.title, setup) != "none"
    return f'{label} "{record.title}"' if record.title and seen else label


def url_of(record: RecordState, setup: Setup) -> str:
    return f"{setup.site.url.rstrip('/')}/tables/{record.table}/{name_of(record, setup)}/"


def file_url(token: str, setup: Setup) -> str:
    return f"{setup.site.url.rstrip('/')}/files/{token}/"


def job_url(uuid: str, setup: Setup) -> str:
    return f"{setup.site.url.rstrip('/')}/jobs/{uuid}/"


def message_url(delivery: int, setup: Setup) -> str:
    """The page of a message, by one of its deliveries."""
    return f"{setup.site.url.rstrip('/')}/messages/{delivery}/"


def shown(
    record: RecordState, person: Person | None, setup: Setup, reading: Reading
) -> Iterator[tuple[str, FieldDef, str]]:
    """(key, definition, text) of every field that the person may see, in the table's order."""
    table = setup.tables[record.table]
    for key, definition in table.live_fields.items():
        if field_access(person, record.table, key, setup) != "none":
            yield key, definition, fields[definition.type].editable(record.values.get(key), definition, reading)


def unset_lines(record: RecordState, person: Person | None, setup: Setup, reading: Reading) -> list[str]:
    """What the person may see and no field line can set, so that sent back it is no field line either."""
    lines: list[str] = []
    for key, definition, text in shown(record, person, setup, reading):
        kind = fields[definition.type]
        if not kind.by_text or kind.appends:
            lines.append((f"* {key}: " + text.replace("\n", "\n  ")).rstrip())
    return lines
