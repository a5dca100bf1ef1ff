"""How a language writes numbers and dates: decimal sign, groups, the order of day and month (CLDR, by Babel). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton
from babel.numbers import format_decimal

LANGUAGES = ("en", "de", "fr", "es", "pt")  # in which we understand more than numbers


@dataclass(frozen=True, slots=True)
class Habits:
    """What a language decides; "" where it does not.

    language  one of LANGUAGES
    decimal   "." or ","
    group     what stands between thousands: ".", ",", a space or an apostrophe
    order     of 05/06/2026: "DMY" or "MDY"
    weekdays  name or abbreviation, folded -> 0 for Monday
    """

    language: str = ""
    decimal: str = ""
    group: str = ""
    order: str = ""
    weekdays: tuple[tuple[str, int], ...] = ()


@lru_cache(maxsize=256)
def habits(language: str) -> Habits:
    """By a language tag (RFC 5646) such as "de" or "en-GB". Nothing is decided by one that CLDR does not know."""
    try:
        locale = Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError):
        return Habits()
    signs = locale.number_symbols.get("latn", {})
    return Habits(
        locale.language if locale.language in LANGUAGES else "",
        str(signs.get("decimal", "")),
        str(signs.get("group", "")),
        _order(locale),
        tuple(_weekdays(locale)),
    )


def write_day(day: date, language: str) -> str:
    """The day in figures, four for the year: 24.12.2026; "" where the language alone does not say in which order."""
    own = habits(language)
    if not own.order:
        return ""
    return str(format_skeleton("yMMdd", day, locale=language.replace("-", "_")))


def write_number(number: Decimal, language: str) -> str:
    """The number with all its places, grouped; "" for a language that writes it with a point, as we do."""
    if habits(language).decimal in ("", "."):
        return ""
    places = max(0, -int(number.as_tuple().exponent))
    form = "#,##0." + "0" * places if places else "#,##0"
    return str(format_decimal(number, format=form, locale=language.replace("-", "_")))


def _order(locale: Locale) -> str:
    """English is written both ways: only its country decides."""
    if locale.language == "en" and not locale.territory:
        return ""
    pattern = locale.date_formats["short"].pattern
    places = sorted((pattern.find(letter), letter) for letter in "dM")
    return "DMY" if places[0][1] == "d" else "MDY"


def _weekdays(locale: Locale) -> list[tuple[str, int]]:
    names = []
    for width in ("wide", "abbreviated"):
        for day, name in locale.days["format"][width].items():
            names.append((str(name).casefold().rstrip("."), int(day)))
    return names
