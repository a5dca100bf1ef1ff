"""integer: a whole number that every program can hold exactly (2**53 - 1 either way)."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.locales import habits
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

MOST = 2**53 - 1
# Digits, or groups of three with spaces or apostrophes between them.
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,16}|[0-9]{1,3}(?:[ \u00a0\u202f'’][0-9]{3}){1,5})")


@register(fields, "integer")
class Integer(FieldType):
    """Empty text is no value, never zero. Thousands may be grouped, by point or comma as the author's language does."""

    name: ClassVar[str] = "integer"
    column: ClassVar[str] = "num"
    options: ClassVar[frozenset[str]] = frozenset({"max", "min", "unique"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        number = text.replace("\u2212", "-")
        group = habits(reading.language).group
        if group in (".", ",") and re.fullmatch(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(group)}[0-9]{{3}}){{1,5}}", number):
            number = number.replace(group, "")
        if not _NUMBER.fullmatch(number):
            raise self.bad("not-a-number", text, field)
        return self._in_range(int(re.sub(r"[^0-9-]", "", number)), text, field)

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._in_range(value, "the number", field)
        return super().check(value, field, reading)

    def _in_range(self, value: int, text: str, field: FieldDef) -> int:
        if not -MOST <= value <= MOST:
            raise self.bad("too-large" if value > 0 else "too-small", text, field)
        within: int = self.within(value, text, field, float)
        return within

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.integer", range=self.range(field))
