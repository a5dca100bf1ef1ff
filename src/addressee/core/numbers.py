"""Automatic numbers as text: written by the table's mask, read by it, by its old masks and bare. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from addressee.core.setup import Table

_PLACE = re.compile(r"\{0(?::0?([0-9]{1,2})d?)?\}")
MOST_DIGITS = 15


def format_number(table: Table, number: int | None) -> str | None:
    """The number as people see it, "CASE-17", or None where the table or the record has none.

    A mask holds {0}, or {0:05} for leading zeros.
    """
    if number is None or not table.number:
        return None
    return _written(table.number, number)


@lru_cache(maxsize=4096)  # a message names its record in half a dozen places
def _written(mask: str, number: int) -> str:
    return _PLACE.sub(lambda found: f"{number:0{found[1] or 1}d}", mask)


def read_number(table: Table, text: str, *, bare: bool = True) -> int | None:
    """The number that a text means in any case: the mask, an old mask, or (`bare`) its digits alone; else None."""
    text = text.strip()
    if not table.number or not text or len(text) > 200:
        return None
    if bare and text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS:
        return int(text)
    for mask in (table.number, *table.number_was):
        found = _pattern(mask).fullmatch(text)
        if found:
            return int(found[1])
    return None


@lru_cache(maxsize=1024)
def _pattern(mask: str) -> re.Pattern[str]:
    before, after = split_mask(mask)
    return re.compile(f"{re.escape(before)}([0-9]{{1,{MOST_DIGITS}}}){re.escape(after)}", re.IGNORECASE)


def split_mask(mask: str) -> tuple[str, str]:
    """What stands before and after the digits."""
    parts = _PLACE.split(mask)
    return parts[0], parts[-1]
