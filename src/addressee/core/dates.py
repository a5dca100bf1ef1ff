"""Days and times as people write them -> date, or a moment in UTC (FEATURES U-30). Pure: the clock is in Reading.now.

ISO always counts. Numbers with two readings are decided by the language of who wrote them, else refused with both.
Words ("tomorrow 14:00", "next Friday", "in 3 days", "24. Dezember") are read by dateparser, one language after the
other. It passes over what it does not understand ("morgen um 14 Uhr" is 10:00 to it), so it is given the day alone,
and what it makes of that must agree with every number and weekday in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING

from addressee.core.locales import LANGUAGES, habits

if TYPE_CHECKING:
    from addressee.core.fieldtype import Reading

LONGEST = 60  # characters of a day and time
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_DOTTED = re.compile(r"([0-9]{1,2})\. ?([0-9]{1,2})\. ?([0-9]{4})")
_EITHER = re.compile(r"([0-9]{1,2})([/-])([0-9]{1,2})\2([0-9]{4})")
_OFFSET = re.compile(r"(?<=[0-9]) ?(Z|[+-][0-9]{2}:?[0-9]{2})$", re.IGNORECASE)
_CLOCK = (
    r"(?:(?P<hour>[0-9]{1,2})(?:[:.h](?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,][0-9]{1,9})?)?)?"
    r" ?(?P<unit>[ap]\.?m\.?|uhr|hrs?|heures?|horas?|h)?(?: ?(?P<after>[0-9]{2}))?"
    r"|(?P<noon>noon|midday|mittags?|midi|mediodía|mediodia|meio-dia))"
)
_AT = r"(?:at|um|à|a|a las?|às|as|@)"
_CLOCK_LAST = re.compile(rf"(?P<day>.+?)(?:[Tt](?=[0-9]{{2}}:)|,? +(?:{_AT} +)?){_CLOCK}", re.IGNORECASE)
_CLOCK_FIRST = re.compile(rf"(?:{_AT} +)?{_CLOCK},? +(?P<day>.+)", re.IGNORECASE)
_ON = re.compile(
    r"(?:(?:on|the|am|den|der|le|el|em|na|no|o|a|next|coming|this|(?:nächste|kommende|diese)[nrs]?|"
    r"ce(?:tte)?|próxim[oa]|proxim[oa]|est[ea]) )+(?=\S)",
    re.IGNORECASE,
)
_THEN = re.compile(r" (?:prochaine?|próxim[oa]|proxim[oa]|que viene|que vem)$", re.IGNORECASE)
_IN = re.compile(r"(?:in|dans|en|em|dentro de|dentro|daqui a|dans) ", re.IGNORECASE)
_AFTER_TOMORROW = frozenset(["day after tomorrow", "the day after tomorrow", "übermorgen", "après-demain",
                             "apres-demain", "pasado mañana", "depois de amanhã"])  # fmt: skip
_ORDINAL = re.compile(r"(?<=[0-9])(?:st|nd|rd|th|er|º|ª|\.)(?=\s|$)", re.IGNORECASE)


class TwoReadings(ValueError):
    """A text that means two days or two moments; `readings` are both, as they would be clear."""

    def __init__(self, *readings: str) -> None:
        super().__init__(" or ".join(readings))
        self.readings = readings


class NoSuchTime(ValueError):
    """A local time that the clocks jumped over."""


def read_day(text: str, reading: Reading) -> date | None:
    """The day that a text means; None for none. Raises TwoReadings."""
    text = " ".join(text.split())
    if not text or len(text) > LONGEST:
        return None
    return _in_numbers(text, habits(reading.language).order) or _in_words(text, reading)


def read_iso_day(text: str) -> date | None:
    """2026-05-31, 2026/05/31 or 31.05.2026."""
    found = _YEAR_FIRST.fullmatch(text)
    if found:
        return _day(found[1], found[3], found[4])
    found = _DOTTED.fullmatch(text)
    return _day(found[3], found[2], found[1]) if found else None


def read_moment(text: str, reading: Reading) -> datetime | None:
    """The moment in UTC, in whole seconds; None for what is none, a day without a time too.

    Raises TwoReadings, also for a time that comes twice because the clocks go back, and NoSuchTime.
    """
    text = " ".join(text.split())
    if not text or len(text) > LONGEST:
        return None
    offset = _OFFSET.search(text)
    if offset is None or ":" not in text[: offset.start()]:
        offset = None
    local_text = text[: offset.start()] if offset else text
    for shape in (_CLOCK_LAST, _CLOCK_FIRST):
        found = shape.fullmatch(local_text)
        clock = _clock(found) if found else None
        day = read_day(found["day"], reading) if found and clock else None
        if day is not None and clock is not None:
            local = datetime.combine(day, clock)
            try:
                return (
                    local.replace(tzinfo=_zone(offset[1])).astimezone(UTC) if offset else in_zone(local, reading.zone)
                )
            except OverflowError:
                return None
    return _from_now(text, reading) if offset is None else None


def in_zone(local: datetime, zone: tzinfo) -> datetime:
    """A local time in UTC. Raises NoSuchTime and TwoReadings where the clocks are changed."""
    first = local.replace(tzinfo=zone, fold=0)
    second = local.replace(tzinfo=zone, fold=1)
    moment = first.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        raise NoSuchTime
    if first.utcoffset() != second.utcoffset():
        raise TwoReadings(*(each.isoformat(" ", "minutes") for each in (first, second)))
    return moment


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _in_numbers(text: str, order: str) -> date | None:
    day = read_iso_day(text)
    found = _EITHER.fullmatch(text) if day is None else None
    if found is None:
        return day
    day_first, month_first = _day(found[4], found[3], found[1]), _day(found[4], found[1], found[3])
    if day_first is None or month_first is None or day_first == month_first:
        return day_first or month_first
    if not order:
        raise TwoReadings(day_first.isoformat(), month_first.isoformat())
    return day_first if order == "DMY" else month_first


def _clock(found: re.Match[str]) -> time | None:
    """The time of day in a text; a bare number is none."""
    if found["noon"]:
        return time(12)
    unit = (found["unit"] or "").lower().replace(".", "")
    if not (found["minute"] or unit) or (found["after"] and (found["minute"] or not unit.startswith("h"))):
        return None
    hour, half = int(found["hour"]), unit in ("am", "pm")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if unit == "pm" else 0)
    try:
        return time(hour, int(found["minute"] or found["after"] or 0), int(found["second"] or 0))
    except ValueError:
        return None


def _zone(text: str) -> tzinfo:
    if text in "Zz":
        return UTC
    digits = text[1:].replace(":", "")
    shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-shift if text[0] == "-" else shift)


# ---------------------------------------------------------------- words


def _languages(reading: Reading) -> Iterator[str]:
    """The language of who wrote it first."""
    mine = habits(reading.language).language
    yield from ((mine,) if mine else ())
    yield from (each for each in LANGUAGES if each != mine)


def _in_words(text: str, reading: Reading) -> date | None:
    """A day in words, counted from the day it is in the zone of who wrote it."""
    if reading.now is None or not any(letter.isalpha() for letter in text):
        return None
    today = reading.now.astimezone(reading.zone).date()
    phrase = text.casefold().rstrip("?!.,") if not text[-1:].isdigit() else text.casefold()
    if phrase in _AFTER_TOMORROW:
        return today + timedelta(days=2)
    bare = _THEN.sub("", _without(_ON, phrase))
    for language in _languages(reading):
        known = dict(habits(language).weekdays)
        if bare in known:  # the next one after today
            return today + timedelta(days=(known[bare] - today.weekday() - 1) % 7 + 1)
        day = _by_library(phrase, language, today, known) or _by_library(_without(_ON, phrase), language, today, known)
        if day is not None:
            return day
    return None


def _without(prefix: re.Pattern[str], phrase: str) -> str:
    found = prefix.match(phrase)
    return phrase[found.end() :] if found else phrase


def _by_library(phrase: str, language: str, today: date, weekdays: dict[str, int]) -> date | None:
    """What dateparser makes of a day, where that is one day and agrees with all that the text says."""
    if len(re.sub(r"[\W\d_]", "", _ORDINAL.sub("", phrase))) < 2:  # "12", "a": no word of a day
        return None
    found = _parsed(phrase, language, today)
    if found is None or found[0].time() != time(0):
        return None
    day, period = found[0].date(), found[1]
    if period != "day" and not (period in ("week", "month", "year") and _IN.match(phrase)):
        return None
    if any(weekdays.get(word.strip(".,"), day.weekday()) != day.weekday() for word in phrase.split()):
        return None
    return day if all(_stands_in(int(number), day, today) for number in re.findall(r"[0-9]+", phrase)) else None


def _stands_in(number: int, day: date, today: date) -> bool:
    """Is a number of the text part of the day it was read as, or of the distance to it?"""
    days = abs((day - today).days)
    months = abs((day.year - today.year) * 12 + day.month - today.month)
    return number in (day.day, day.year, day.year % 100, days, days / 7, months, months / 12)


def _from_now(text: str, reading: Reading) -> datetime | None:
    """ "in 2 hours", "in 90 minutes", "now"."""
    if reading.now is None or not any(letter.isalpha() for letter in text):
        return None
    now = reading.now.astimezone(UTC).replace(microsecond=0)
    today = now.date()
    for language in _languages(reading):
        found = _parsed(text.casefold(), language, today)
        if found is None or found[1] != "time":
            continue
        span = found[0] - datetime.combine(today, time())
        if span and not _IN.match(text):
            continue
        minutes = span.total_seconds() / 60
        if all(int(n) in (minutes, minutes // 60, minutes % 60) for n in re.findall(r"[0-9]+", text)):
            return now + span
    return None


@lru_cache(maxsize=64)
def _parsed(phrase: str, language: str, today: date) -> tuple[datetime, str] | None:
    """dateparser's answer and its period. A day's midnight is its clock, so that it keeps one set of settings a day."""
    from dateparser.date import DateDataParser  # a quarter of a second, and most mail names no day in words

    settings = {
        "RELATIVE_BASE": datetime.combine(today, time()),
        "PREFER_DATES_FROM": "future",
        "RETURN_TIME_AS_PERIOD": True,
        "PARSERS": ["relative-time", "absolute-time"],
    }
    try:
        found = DateDataParser(languages=[language], settings=settings).get_date_data(phrase)
    except (ValueError, OverflowError):
        return None
    return (found.date_obj, str(found.period)) if found.date_obj is not None else None
