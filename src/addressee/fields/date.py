"""date: a day of the calendar."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

_YEAR_FIRST = re.compile(r"([0-9]{4})([-/])([0-9]{1,2})\2([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\. ?([0-9]{4})")


def read_date(text: str) -> date | None:
    """2026-05-31, 2026/05/31 or 31.05.2026. Not 05/06/2026, which is read in two ways. None for anything else."""
    year_first, day_first = _YEAR_FIRST.fullmatch(text), _DAY_FIRST.fullmatch(text)
    try:
        if year_first:
            return date(int(year_first[1]), int(year_first[3]), int(year_first[4]))
        if day_first:
            return date(int(day_first[3]), int(day_first[2]), int(day_first[1]))
    except ValueError:
        return None
    return None


@register(fields, "date")
class Date(FieldType):
    """Stored as YYYY-MM-DD, which also sorts rightly as text."""

    name: ClassVar[str] = "date"
    options: ClassVar[frozenset[str]] = frozenset({"max", "min"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        day = read_date(text)
        if day is None:
            raise self.bad("not-a-date", text, field)
        return self.within(day.isoformat(), text, field, lambda bound: str(read_date(str(bound))))

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        return super().check(value.isoformat() if type(value) is date else value, field, reading)

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.date", range=self.range(field))
