"""decimal: a number with a fixed count of decimal places, kept as text so that no digit is lost."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.locales import Habits, habits, write_number
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

DIGITS = 15  # before and after the point together: the index compares such numbers exactly
_POINT = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_COMMA = re.compile(r"[+-]?[0-9]{1,40},[0-9]{1,40}")
_ENGLISH = re.compile(r"[+-]?[0-9]{1,3}(?:(?:,[0-9]{3}){1,10}\.[0-9]{1,40}|(?:,[0-9]{3}){2,10})")
_CONTINENTAL = re.compile(r"[+-]?[0-9]{1,3}(?:(?:\.[0-9]{3}){1,10},[0-9]{1,40}|(?:\.[0-9]{3}){2,10})")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")  # 1.234 and 1,234: thousands, or a decimal sign
_GROUPED = re.compile(r"(?<=[0-9])[ \u00a0\u202f'’](?=[0-9]{3}(?![0-9]))")


@register(fields, "decimal")
class DecimalNumber(FieldType):
    """Reads 1234.5, 1234,5, 1,234.50, 1.234,50 and 1 234,50; of "1,234" the author's language decides what it means."""

    name: ClassVar[str] = "decimal"
    column: ClassVar[str] = "num"
    options: ClassVar[frozenset[str]] = frozenset({"max", "min", "places"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        if len(text) > 100:
            raise self.bad("not-a-number", text, field)
        return self._fixed(Decimal(self._pointed(text, field, habits(reading.language))), text, field)

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            if abs(value) < 10**DIGITS:  # false for NaN too
                return self._fixed(Decimal(repr(value)), str(value), field)
            raise self.bad("not-a-number", "the number", field)
        return super().check(value, field, reading)

    def _pointed(self, text: str, field: FieldDef, its: Habits) -> str:
        """The number with a point and without groups. Only where it has two readings does the language decide."""
        number = _GROUPED.sub("", text.replace("\u2212", "-"))
        if _THOUSANDS.fullmatch(number):
            sign = number.lstrip("+-").strip("0123456789")
            if sign == its.decimal:
                return number.replace(",", ".")
            if sign == its.group:
                return number.replace(sign, "")
            if sign == "," or its.decimal == ",":
                raise self.bad("ambiguous-number", text, field)
        if _POINT.fullmatch(number):
            return number
        if _ENGLISH.fullmatch(number):
            return number.replace(",", "")
        if _CONTINENTAL.fullmatch(number):
            return number.replace(".", "").replace(",", ".")
        if _COMMA.fullmatch(number):
            return number.replace(",", ".")
        raise self.bad("not-a-number", text, field)

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        """With a point; with the reader's own sign where he would take the point for thousands."""
        text = super().format(value, field, reading)
        its = habits(reading.language)
        return text.replace(".", its.decimal) if its.decimal == "," and _THOUSANDS.fullmatch(text) else text

    def _fixed(self, number: Decimal, text: str, field: FieldDef) -> str:
        places = _places(field)
        if abs(number) >= Decimal(10) ** (DIGITS - places):
            raise self.bad("too-small" if number < 0 else "too-large", text, field)
        fixed = round(number, places)
        if fixed != number:
            raise self.bad("too-many-places", text, field)
        stored = f"{fixed if fixed else abs(fixed):.{places}f}"  # no minus zero
        self.within(stored, text, field, lambda value: Decimal(str(value)))
        return stored

    def in_words(self, value: Any, field: FieldDef, reading: Reading) -> str:
        try:
            return write_number(Decimal(str(value)), reading.language)
        except ArithmeticError:
            return ""

    def definition(self, field: FieldDef) -> str:
        if _places(field) >= DIGITS:
            return f"places is at most {DIGITS - 1}."
        return super().definition(field)

    def expected(self, field: FieldDef) -> Saying:
        example = f"{1234.5:.{_places(field)}f}"
        return saying("expected.decimal", example=example, range=self.range(field))


def _places(field: FieldDef) -> int:
    return 2 if field.places is None else field.places
