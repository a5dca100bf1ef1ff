"""text: one line of text."""

from __future__ import annotations

from typing import Any, ClassVar

from addressee.core.fieldtype import LONGEST_TEXT, FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef


@register(fields, "text")
class Text(FieldType):
    """Line breaks become spaces; found in any case."""

    name: ClassVar[str] = "text"
    options: ClassVar[frozenset[str]] = frozenset({"max_length", "unique"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        line = " ".join(text.splitlines()) if len(text.splitlines()) > 1 else text
        if len(line) > (field.max_length or LONGEST_TEXT):
            raise self.bad("too-long", line, field)
        return line or None

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.text", most=field.max_length or LONGEST_TEXT)
