"""link: a record of another table, or of any where the table is "*"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

ANY = "*"


def target(value: Any) -> str | None:
    """The uuid that a stored link leads to."""
    if isinstance(value, dict):
        value = value.get("uuid")
    return value if isinstance(value, str) else None


@register(fields, "link")
class Link(FieldType):
    """Written as number, title or uuid; stored as uuid, or {table, uuid} for a link to any table."""

    name: ClassVar[str] = "link"
    options: ClassVar[frozenset[str]] = frozenset({"table"})
    looks_up: ClassVar[str] = "record"

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        found = reading.find_records(field.table, text)
        if not found:
            raise self.bad("no-such-record", text, field, near=reading.near(field.table, text))
        if len(found) > 1:
            names = [reading.titles.get(uuid, ("", uuid))[1] for uuid in found[:10]]
            raise self.bad("several-records", text, field, found=", ".join(names), uuids=tuple(found))
        if field.table != ANY:
            return found[0]
        if found[0] not in reading.titles:
            raise self.bad("no-such-record", text, field)
        return {"table": reading.titles[found[0]][0], "uuid": found[0]}

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        """Takes the stored form and the contract's {table, record, title} too."""
        if isinstance(value, dict):
            named, table = value.get("uuid") or value.get("record"), value.get("table") or field.table
            if not isinstance(named, str) or not isinstance(table, str) or field.table not in (ANY, table):
                raise self.bad("wrong-type", "the link", field)
            found = self.parse(named, field.model_copy(update={"table": table}), reading)
            return {"table": table, "uuid": found} if ANY == field.table != table and found else found
        return super().check(value, field, reading)

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        uuid = target(value)
        return "" if uuid is None else reading.titles.get(uuid, ("", uuid))[1]

    def forms(self, value: Any) -> list[str]:
        uuid = target(value)
        return [uuid.casefold()] if uuid else []

    def links(self, value: Any) -> list[str]:
        uuid = target(value)
        return [uuid] if uuid else []

    def contract(self, value: Any, field: FieldDef, linked: Callable[[str], Any]) -> Any:
        uuid = target(value)
        if uuid is None:
            return None
        table = value.get("table", "") if isinstance(value, dict) else field.table
        return linked(uuid) or {"table": table, "record": uuid, "title": ""}

    def definition(self, field: FieldDef) -> str:
        return "" if field.table else 'table names no table; "*" is any.'

    def expected(self, field: FieldDef) -> Saying:
        if field.table == ANY:
            return saying("expected.link-any")
        return saying("expected.link", table=field.table)
