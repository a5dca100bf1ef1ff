"""datetime: a moment. Read in the person's zone, stored in UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef
from addressee.fields.date import read_date

_TIME = re.compile(
    r"(?P<date>\S+(?: [0-9.]+){0,2}?)(?:[Tt]|,? +)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r" ?(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})?"
)


class NoSuchTime(ValueError):
    """A local time that the clocks jumped over."""


def read_moment(text: str, zone: tzinfo) -> datetime | None:
    """The moment in UTC, in whole seconds; None for what is none. Raises NoSuchTime.

    A time that comes twice, when the clocks go back, is the first of the two unless it names its offset.
    """
    found = _TIME.fullmatch(text)
    day = read_date(found["date"]) if found else None
    if found is None or day is None:
        return None
    try:
        clock = time(int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
        local = datetime.combine(day, clock)
        if found["offset"]:
            return local.replace(tzinfo=_offset(found["offset"])).astimezone(UTC)
        moment = local.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None) != local:
            raise NoSuchTime
    except NoSuchTime:
        raise
    except (ValueError, OverflowError):
        return None
    return moment


def _offset(text: str) -> tzinfo:
    if text in "Zz":
        return UTC
    sign, digits = text[0], text[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if sign == "-" else shift)


def stored(moment: datetime) -> str:
    """YYYY-MM-DDTHH:MM:SSZ, with four digits for any year."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


@register(fields, "datetime")
class DateTime(FieldType):
    """Stored as YYYY-MM-DDTHH:MM:SSZ, which also sorts rightly as text."""

    name: ClassVar[str] = "datetime"
    options: ClassVar[frozenset[str]] = frozenset({"max", "min"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        if len(text) > 60:
            raise self.bad("not-a-time", text, field)
        try:
            moment = read_moment(text, reading.zone)
        except NoSuchTime:
            raise self.bad("no-such-time", text, field) from None
        if moment is None:
            raise self.bad("not-a-time", text, field)
        return self.within(stored(moment), text, field, _bound)

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        if isinstance(value, datetime):
            value = value.isoformat(" ", "seconds")
        return super().check(value, field, reading)

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        if value is None:
            return ""
        moment = read_moment(str(value), UTC)
        if moment is None:
            return str(value)
        try:
            local = moment.astimezone(reading.zone)
        except OverflowError:
            return str(value)
        text = local.replace(tzinfo=None).isoformat(" ", "seconds").removesuffix(":00")
        try:
            if read_moment(text, reading.zone) == moment:
                return text
        except NoSuchTime:
            pass
        return str(value)  # the second of two equal times: only UTC tells them apart

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.datetime", range=self.range(field))


def _bound(value: Any) -> str:
    moment = read_moment(str(value), UTC)
    return stored(moment) if moment else str(value)
