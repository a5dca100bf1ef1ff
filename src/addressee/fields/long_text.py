"""long_text: text of many lines."""

from __future__ import annotations

from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

LONGEST = 1_048_576  # characters: the text of a whole message fits (options: text_size_bytes)


@register(fields, "long_text")
class LongText(FieldType):
    """Line ends are made \\n."""

    name: ClassVar[str] = "long_text"
    long: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = frozenset({"max_length"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field, LONGEST).replace("\r\n", "\n").replace("\r", "\n")
        if len(text) > (field.max_length or LONGEST):
            raise self.bad("too-long", text, field)
        return text or None

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.text", most=field.max_length or LONGEST)
