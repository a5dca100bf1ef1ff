"""What a field type is: how text becomes a value and a value text. One file each in fields/; pure."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from addressee.core.errors import BadValue
from addressee.core.language import Language, Saying, as_written, english, language, saying
from addressee.core.setup import FieldDef

LONGEST_TEXT = 65_536  # characters of any text but a long one (options: value_size_bytes)

# Why a text is no value, for people; {expected} and the rest come from the error's data.
COMPLAINTS: dict[str, str] = {
    "bad-characters": "It holds characters that no value may hold.",
    "too-long": "It is too long. Expected: {expected}.",
    "too-small": "It is too small. Expected: {expected}.",
    "too-large": "It is too large. Expected: {expected}.",
    "too-many": "It names too many. Expected: {expected}.",
    "not-a-number": "It is no number. Expected: {expected}.",
    "ambiguous-number": "It may mean two numbers. Expected: {expected}.",
    "too-many-places": "It has too many decimal places. Expected: {expected}.",
    "not-yes-or-no": "It is neither yes nor no. Expected: {expected}.",
    "not-a-date": "It is no date. Expected: {expected}.",
    "ambiguous-date": "It may mean {found}. Expected: {expected}.",
    "not-a-time": "It is no date and time. Expected: {expected}.",
    "no-such-time": "The clocks were put forward over that time: it does not exist. Expected: {expected}.",
    "time-comes-twice": "The clocks are put back over that time: it may mean {found}. Expected: {expected}.",
    "no-such-choice": "There is no such choice. Expected: {expected}.",
    "not-an-address": "It is no email address. Expected: {expected}.",
    "not-a-phone-number": "It is no telephone number. Expected: {expected}.",
    "not-a-url": "It is no web address. Expected: {expected}.",
    "no-such-record": "No record has that number, title or uuid. Expected: {expected}.",
    "several-records": "Several records are called so: {found}. Name one by its number or uuid.",
    "no-such-person": "No person has that name, key or address. Expected: {expected}.",
    "several-persons": "Several persons are called so: {found}. Name one by key or address.",
    "not-by-text": "This field is not set by text. Expected: {expected}.",
    "wrong-type": "It is a value of another type. Expected: {expected}.",
}


def complaint(error: BadValue, words: Language | None = None) -> str:
    """What is wrong with a text, in one sentence or two, with the nearest name where there is one; else in English."""
    data = {"expected": "", "found": "", **error.data}
    slug = f"complaint.{error.slug}" if error.slug in COMPLAINTS else "complaint.other"
    sentence = saying(slug, expected=data["expected"], found=data["found"])
    if data.get("near"):
        sentence = saying("fault.hinted", fault=sentence, hint=saying("hint.near", name=data["near"]))
    return (words or english()).say(sentence)


def _nothing(table: str, text: str) -> tuple[str, ...]:
    return ()


def _none_near(table: str, text: str) -> str:
    return ""


def stored_moment(moment: datetime) -> str:
    """A moment as values hold it: YYYY-MM-DDTHH:MM:SSZ, with four digits for any year. Raises OverflowError."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def _nobody(text: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Where, when and by whom a text is read, and what names mean.

    zone          of times without an offset
    find_records  (table or "*", text) -> uuids of the records that the number, title or uuid names
    find_persons  text -> keys of the persons that the name, key or address names
    titles        uuid -> (table, what the record is called: its number or title), for writing links as text
    persons       key -> name
    language      RFC 5646: how the author writes numbers and dates; "" decides nothing
    now           what "tomorrow" is counted from; None: then no such words are read
    near          (table, or "" for persons, text) -> the name that a text which names nothing may be meant as, or ""
    """

    zone: tzinfo = field(default_factory=lambda: ZoneInfo("UTC"))
    find_records: Callable[[str, str], tuple[str, ...]] = _nothing
    find_persons: Callable[[str], tuple[str, ...]] = _nobody
    titles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    persons: Mapping[str, str] = field(default_factory=dict)
    language: str = ""
    now: datetime | None = None
    near: Callable[[str, str], str] = _none_near

    @property
    def words(self) -> Language:
        """The catalogue of the language."""
        return language(self.language)


class FieldType:
    """The base of every field type. Stored form is JSON: what the contract prints, but links as uuids.

    `forms`, `index` and `keys` take whatever stands in a record, also a value written when the field had another
    type, and never raise.
    """

    name: ClassVar[str] = ""
    column: ClassVar[str] = "text"  # text | num: which column of an index row holds it
    options: ClassVar[frozenset[str]] = frozenset()  # of FieldDef, beyond label required index sensitive default
    looks_up: ClassVar[str] = ""  # record | person: parse asks Reading for names
    by_text: ClassVar[bool] = True  # may be set by a field line
    long: ClassVar[bool] = False  # holds lines and blank lines
    appends: ClassVar[bool] = False  # parse gives a text that `append` adds to the value

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        """The value that a person's text means, in stored form; None for empty text. Raises only BadValue."""
        raise NotImplementedError

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        """The same for a value from a file or program (preset, default, API): text goes through parse.

        Takes any JSON value, written in no language's way. Raises only BadValue.
        """
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.bad("wrong-type", str(value), field)
        return self.parse(value, field, replace(reading, language="") if reading.language else reading)

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        """The text that parse turns into the same value; "" for None."""
        return "" if value is None else str(value)

    def shown(self, value: Any, field: FieldDef, reading: Reading) -> str:
        """The text by which a person is told the value: as his language writes it, where parse takes that back."""
        plain = self.format(value, field, reading)
        own = "" if value is None else self.in_words(value, field, reading)
        return own if own and self._means(own, value, field, reading) else plain

    def editable(self, value: Any, field: FieldDef, reading: Reading) -> str:
        """The text of a form: as `format`, but where the reader's language would read that as another value."""
        plain = self.format(value, field, reading)
        if value is None or not reading.language or self._means(plain, value, field, reading):
            return plain
        own = self.in_words(value, field, reading)
        return own if own and self._means(own, value, field, reading) else plain

    def _means(self, text: str, value: Any, field: FieldDef, reading: Reading) -> bool:
        try:
            return bool(self.parse(text, field, reading) == value)
        except BadValue:
            return False

    def in_words(self, value: Any, field: FieldDef, reading: Reading) -> str:
        """The value as the language writes it; "" where that makes no difference. Never raises."""
        return ""

    def forms(self, value: Any) -> list[str]:
        """The normalised texts by which a value is found and kept unique: one, or one each of a list."""
        return [form] if value is not None and (form := whole(str(value))) else []

    def index(self, value: Any) -> list[tuple[str | None, float | None]]:
        """The index entries of a value: (text, None) or (None, number); a list for values with many."""
        if self.column == "text":
            return [(form[:200].rstrip(), None) for form in self.forms(value)]
        try:
            return [] if value is None else [(None, float(value))]
        except (TypeError, ValueError, OverflowError):
            return []

    def keys(self, value: Any) -> list[str]:
        """The keys of a value in a unique field, one for each of `forms`: SHA-256, hex."""
        return [hashlib.sha256(form.encode("utf-8", "replace")).hexdigest() for form in self.forms(value)]

    def links(self, value: Any) -> list[str]:
        """The uuids of the records that a value leads to."""
        return []

    def contract(self, value: Any, field: FieldDef, linked: Callable[[str], Any]) -> Any:
        """The value as told to programs (DESIGN section 5, Values).

        linked  uuid -> {table, record, title}, or None for a record that is not there
        """
        return value

    def expected(self, field: FieldDef) -> Saying:
        """The form that parse takes, as a phrase of the catalogues: "a date, YYYY-MM-DD"."""
        return as_written(self.name)

    def definition(self, field: FieldDef) -> str:
        """What is wrong with the options of a field of this type, as a sentence; "" when nothing is."""
        for name in ("min", "max"):
            bound = getattr(field, name)
            try:
                if bound is not None and name in self.options:
                    self.check(bound, field.model_copy(update={"min": None, "max": None}), Reading())
            except BadValue:
                return f"{name} is no value of a field of type {field.type}."
        return ""

    def bad(self, slug: str, text: str, field: FieldDef, **data: object) -> BadValue:
        return BadValue(slug, text=text[:200], expected=self.expected(field), **data)

    def clean(self, text: str, field: FieldDef, longest: int = LONGEST_TEXT) -> str:
        """The text without white space around it. Raises BadValue for NUL, lone surrogates and over-long text."""
        if len(text) > longest + 1000:  # looked at before anything that costs time
            raise self.bad("too-long", text, field)
        text = text.strip()
        if len(text) > longest:
            raise self.bad("too-long", text, field)
        if "\0" in text or not _encodable(text):
            raise self.bad("bad-characters", text.encode("utf-8", "replace").decode(), field)
        return text

    def within(self, value: Any, text: str, field: FieldDef, order: Callable[[Any], Any] = lambda value: value) -> Any:
        """The value, if it lies within the field's min and max. `order` makes values and bounds comparable."""
        if field.min is not None and order(value) < order(field.min):
            raise self.bad("too-small", text, field)
        if field.max is not None and order(value) > order(field.max):
            raise self.bad("too-large", text, field)
        return value

    def range(self, field: FieldDef) -> Saying | str:
        """The bounds of a field as the end of a phrase: " from 1 to 5"."""
        if field.min is not None and field.max is not None:
            return saying("range.both", low=field.min, high=field.max)
        if field.min is not None:
            return saying("range.low", low=field.min)
        return saying("range.high", high=field.max) if field.max is not None else ""


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def whole(text: str) -> str:
    """Text as it is compared: case-folded, composed (NFC), white space collapsed."""
    folded = text.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", folded)
    return " ".join(folded.split())


def fold(text: str) -> str:
    """Text as it is indexed and looked up: as `whole`, at most 200 characters."""
    return whole(text)[:200].rstrip()
