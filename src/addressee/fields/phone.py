"""phone: a telephone number, as people write one."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

_SHAPE = re.compile(r"\+?[0-9(][0-9 ()./\u00a0\u2010-\u2015-]*(?:(?:ext\.?|x|#) ?[0-9]{1,8})?", re.IGNORECASE)


@register(fields, "phone")
class Phone(FieldType):
    """Stored as written, found by its digits: 00351 21 and +351 21 are the same."""

    name: ClassVar[str] = "phone"
    options: ClassVar[frozenset[str]] = frozenset({"unique"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        digits = sum(letter in "0123456789" for letter in text[:61])
        if len(text) > 60 or not 3 <= digits <= 24 or not _SHAPE.fullmatch(text):  # E.164: 15 digits, and an extension
            raise self.bad("not-a-phone-number", text, field)
        return text

    def forms(self, value: Any) -> list[str]:
        if not isinstance(value, str):
            return []
        text = re.sub(r"[^0-9+x]", "", re.sub(r"(?i)(?:ext\.?|#)", "x", value[:100].casefold()))
        text = "+" + text[2:] if text.startswith("00") else text
        return [text] if text else []

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.phone", example="+351 21 000 0000")
