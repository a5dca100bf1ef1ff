"""email: one address, or a list of them with `many`."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from addressee.core.addresses import normal
from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

MOST = 100
_NAMED = re.compile(r"[^<>]{0,200}<([^<>]+)>")


@register(fields, "email")
class Email(FieldType):
    """Stored as written, found and kept unique by its normal form (core.addresses)."""

    name: ClassVar[str] = "email"
    options: ClassVar[frozenset[str]] = frozenset({"many", "unique"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        parts = re.split(r"[,;\n]", text, maxsplit=MOST) if field.many else [text]
        return self._stored(parts, field)

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        if isinstance(value, list | tuple):
            if not all(isinstance(part, str) for part in value):
                raise self.bad("wrong-type", "the list", field)
            return self._stored([self.clean(part, field) for part in value[: MOST + 1]], field)
        return super().check(value, field, reading)

    def _stored(self, parts: list[str], field: FieldDef) -> Any:
        found: dict[str, str] = {}
        for part in filter(None, map(str.strip, parts)):
            named = _NAMED.fullmatch(part)
            address = (named[1] if named else part).strip()
            key = normal(address)
            if key is None:
                raise self.bad("not-an-address", part, field)
            found.setdefault(key, address)
        if len(found) > (MOST if field.many else 1):
            raise self.bad("too-many", ", ".join(parts), field)
        if not found:
            return None
        return list(found.values()) if field.many else next(iter(found.values()))

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        return ", ".join(map(str, value)) if isinstance(value, list) else super().format(value, field, reading)

    def forms(self, value: Any) -> list[str]:
        parts = value if isinstance(value, list) else [value]
        return list(dict.fromkeys(key for part in parts if isinstance(part, str) and (key := normal(part))))

    def contract(self, value: Any, field: FieldDef, linked: Any) -> Any:
        """A list with `many`, a string without, also where the setup changed since it was written."""
        if field.many and isinstance(value, str):
            return [value]
        if not field.many and isinstance(value, list):
            return value[0] if value else None
        return value

    def expected(self, field: FieldDef) -> Saying:
        if field.many:
            return saying("expected.emails", example="ada@example.test", most=MOST)
        return saying("expected.email", example="ada@example.test")
