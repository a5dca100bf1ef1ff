"""datetime: a moment. Read in the person's zone, stored in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from addressee.core.dates import NoSuchTime, TwoReadings, read_iso_day, read_moment
from addressee.core.fieldtype import FieldType, Reading, stored_moment
from addressee.core.language import Saying, saying
from addressee.core.locales import write_day
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

_IN_UTC = Reading()


@register(fields, "datetime")
class DateTime(FieldType):
    """Stored as YYYY-MM-DDTHH:MM:SSZ, which also sorts rightly as text. Reads "tomorrow 14:00" too."""

    name: ClassVar[str] = "datetime"
    options: ClassVar[frozenset[str]] = frozenset({"max", "min"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        try:
            moment = read_moment(text, reading)
        except NoSuchTime:
            raise self.bad("no-such-time", text, field) from None
        except TwoReadings as two:
            clocks = all("+" in each[10:] or "-" in each[10:] for each in two.readings)
            slug = "time-comes-twice" if clocks else "ambiguous-date"
            raise self.bad(slug, text, field, found=str(two)) from None
        if moment is None:
            raise self.bad("not-a-time", text, field)
        return self.within(stored_moment(moment), text, field, _bound)

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        if isinstance(value, datetime):
            value = value.isoformat(" ", "seconds")
        return super().check(value, field, reading)

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        if value is None:
            return ""
        try:
            moment = read_moment(str(value), _IN_UTC)
            local = moment.astimezone(reading.zone) if moment is not None else None
        except OverflowError:
            return str(value)
        if local is None:
            return str(value)
        text = local.replace(tzinfo=None).isoformat(" ", "seconds").removesuffix(":00")
        twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
        return f"{text}{local:%z}" if twice else text  # of two equal times only the offset tells which

    def in_words(self, value: Any, field: FieldDef, reading: Reading) -> str:
        plain = self.format(value, field, reading)
        day = read_iso_day(plain[:10])
        own = write_day(day, reading.language) if day else ""
        return f"{own}{plain[10:]}" if own else ""

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.datetime", range=self.range(field))


def _bound(value: Any) -> str:
    moment = read_moment(str(value), _IN_UTC)
    return stored_moment(moment) if moment else str(value)
