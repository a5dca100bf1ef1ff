"""date: a day of the calendar."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar

from addressee.core.dates import TwoReadings, read_day, read_iso_day
from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.locales import write_day
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef


@register(fields, "date")
class Date(FieldType):
    """Stored as YYYY-MM-DD, which also sorts rightly as text. Reads 24.12.2026, "24 December" and "next Friday" too."""

    name: ClassVar[str] = "date"
    options: ClassVar[frozenset[str]] = frozenset({"max", "min"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        try:
            day = read_day(text, reading)
        except TwoReadings as two:
            raise self.bad("ambiguous-date", text, field, found=str(two)) from None
        if day is None:
            raise self.bad("not-a-date", text, field)
        return self.within(day.isoformat(), text, field, lambda bound: str(read_iso_day(str(bound))))

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        return super().check(value.isoformat() if type(value) is date else value, field, reading)

    def in_words(self, value: Any, field: FieldDef, reading: Reading) -> str:
        day = read_iso_day(str(value))
        return write_day(day, reading.language) if day else ""

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.date", range=self.range(field))
