"""Values as other programs are told them (DESIGN section 5, Values). Pure; called by records, the core and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from addressee.core.numbers import format_number
from addressee.core.registry import fields
from addressee.core.setup import FieldDef, Setup, Table
from addressee.core.values import RecordState

Linked = Callable[[str], dict[str, str] | None]


def reference(setup: Setup, state: RecordState) -> dict[str, str]:
    """A record as a link names it: {table, record, title}; `record` is its number where it has one, else its uuid."""
    return {
        "table": state.table,
        "record": name_of(setup, state.table, state.number, state.uuid),
        "title": state.title,
    }


def name_of(setup: Setup, table: str, number: int | None, uuid: str) -> str:
    """What a record is called in other lines: its number where it has one, else its uuid."""
    definition = setup.tables.get(table)
    return (format_number(definition, number) if definition else None) or uuid


def contract_value(value: Any, field: FieldDef, linked: Linked) -> Any:
    """One stored value as the contract prints it. linked: uuid -> {table, record, title}, or None."""
    kind = fields.get(field.type)
    return value if kind is None else kind.contract(value, field, linked)


def contract_values(values: Mapping[str, Any], table: Table, linked: Linked) -> dict[str, Any]:
    """Every field of the table in its order; None for no value."""
    return {key: contract_value(values.get(key), field, linked) for key, field in table.live_fields.items()}


def links_in(values: Mapping[str, Any], table: Table) -> set[str]:
    """The uuids of the records that the values lead to."""
    return {
        uuid
        for key, field in table.live_fields.items()
        if values.get(key) is not None and (kind := fields.get(field.type)) is not None
        for uuid in kind.links(values[key])
    }
