"""person: someone of the firm, by name, key or address."""

from __future__ import annotations

from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef


@register(fields, "person")
class PersonField(FieldType):
    """Stored as the person's key."""

    name: ClassVar[str] = "person"
    looks_up: ClassVar[str] = "person"

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        found = reading.find_persons(text)
        if not found:
            raise self.bad("no-such-person", text, field, near=reading.near("", text))
        if len(found) > 1:
            raise self.bad("several-persons", text, field, found=", ".join(found[:10]))
        return found[0]

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.person")
