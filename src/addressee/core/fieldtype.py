"""What a field type is: how text becomes a value and a value text. One file each in fields/; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from addressee.core.errors import BadValue
from addressee.core.setup import FieldDef


def _nothing(table: str, text: str) -> tuple[str, ...]:
    return ()


def _nobody(text: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Where and by whom a text is read: the zone for times, and what names mean.

    find_records  (table or "*", text) -> uuids of the records that the number, title or uuid names
    find_persons  text -> keys of the persons that the name, key or address names
    titles        uuid -> (table, what the record is called: its number or title), for writing links as text
    persons       key -> name
    """

    zone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    find_records: Callable[[str, str], tuple[str, ...]] = _nothing
    find_persons: Callable[[str], tuple[str, ...]] = _nobody
    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    persons: Mapping[str, str] = field(default_factory=dict)


class FieldType:
    """The base of every field type. Stored form is JSON: what the contract prints, but links as uuids."""

    name: ClassVar[str] = ""
    column: ClassVar[str] = "text"  # text | num: which column of an index row holds it
    options: ClassVar[frozenset[str]] = frozenset()  # of FieldDef, beyond label required index sensitive default
    looks_up: ClassVar[str] = ""  # record | person: parse asks Reading for names
    by_text: ClassVar[bool] = True  # may be set by a field line

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        """The value that a person's text means, in stored form; None for empty text. Raises only BadValue."""
        raise NotImplementedError

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        """The same for a value from a file or program (preset, default, API): text goes through parse."""
        return self.parse(str(value), field, reading) if value is not None else None

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        """The text that parse turns into the same value; "" for None."""
        return "" if value is None else str(value)

    def index(self, value: Any) -> list[tuple[str | None, float | None]]:
        """The index entries of a value: (text, None) or (None, number); a list for values with many."""
        if value is None:
            return []
        if self.column == "num":
            return [(None, float(value))]
        return [(fold(str(value)), None)]

    def expected(self, field: FieldDef) -> str:
        """The form that parse takes, as a phrase: "a date, YYYY-MM-DD"."""
        return self.name

    def bad(self, slug: str, text: str, field: FieldDef) -> BadValue:
        return BadValue(slug, text=text[:200], expected=self.expected(field))


def fold(text: str) -> str:
    """Text as it is compared and indexed: case-folded, white space collapsed, at most 200 characters."""
    return " ".join(text.casefold().split())[:200]
