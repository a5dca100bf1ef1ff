"""Values of a record as a page shows them: formatted by the fields shelf, hidden ones absent. Called by the views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone

from addressee.core.fieldtype import Reading
from addressee.core.numbers import format_number
from addressee.core.registry import fields as shelf
from addressee.core.setup import FieldDef, Table
from addressee.fields.append_only import writer
from addressee.fields.link import target
from addressee.people.models import Person
from addressee.records.models import Record
from addressee.web.reader import Reader

HIDDEN = "a record you may not see"


@dataclass(frozen=True, slots=True)
class Link:
    """Something to go to; without `url` there is only its text."""

    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of a record. A template of the type's name shows it (web/fields/), else its text is shown."""

    key: str
    label: str
    type: str
    text: str
    links: tuple[Link, ...] = ()
    entries: tuple[dict[str, Any], ...] = ()
    files: tuple[dict[str, Any], ...] = ()

    @property
    def templates(self) -> list[str]:
        return [f"web/fields/{self.type}.html", "web/fields/text.html"]

    @property
    def wide(self) -> bool:
        """Too much for a place beside its label."""
        return self.type in ("append_only", "long_text", "files") and bool(self.text or self.files)


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a revision: the texts before and after."""

    label: str
    before: str
    after: str


@dataclass
class Presenter:
    """Writes values for one reader. Names of persons and titles of records are read once for the whole page."""

    reader: Reader
    records: dict[str, Record] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def learn(self, records: Iterable[str] = (), persons: Iterable[str] = ()) -> None:
        """Read the titles and names that will be asked for. Records the reader may not see stay unknown."""
        self.records |= self.reader.seen_among(set(records) - set(self.records))
        unknown = {key for key in persons if key} - set(self.names)
        if unknown:
            self.names |= dict(Person.objects.filter(key__in=unknown).values_list("key", "name"))

    def learn_values(self, table: Table, documents: Iterable[Mapping[str, Any]]) -> None:
        """Learn every record and person that the values name."""
        links, persons = set(), set()
        for values in documents:
            for key, value in values.items():
                kind = table.fields[key].type if key in table.fields else ""
                if kind == "link":
                    links.update(_targets(value))
                elif kind == "person":
                    persons.update(_many(value))
                elif kind == "append_only":
                    persons.update(writer(entry) for entry in _many(value))
        self.learn(links, persons)

    @property
    def reading(self) -> Reading:
        zone = timezone.get_current_timezone()
        titles = {key: (record.table, self.title(record)) for key, record in self.records.items()}
        return Reading(zone=zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC"), titles=titles, persons=self.names)

    def title(self, record: Record) -> str:
        return title_of(record, self.reader) or number_of(record, self.reader) or str(record.uuid)

    def person(self, key: str) -> str:
        return self.names.get(key) or key

    def fields(self, record: Record) -> list[Shown]:
        """Every live field that the reader may read, in the order of the setup."""
        table = self.reader.setup.tables[record.table]
        self.learn_values(table, [record.values])
        return [
            self._shown(record, key, definition)
            for key, definition in table.live_fields.items()
            if self.reader.sees_field(record.table, key) and key != table.title  # the heading says it
        ]

    def _shown(self, record: Record, key: str, definition: FieldDef) -> Shown:
        value = record.values.get(key)
        kind = definition.type
        shown = Shown(key, definition.label or label_of(key), kind, self.text(value, definition))
        if value is None or value == []:
            return shown
        if kind == "link":
            return replace(shown, links=tuple(self._link(uuid) for uuid in _targets(value)))
        if kind == "url":
            return replace(shown, links=(Link(shown.text, shown.text if is_web(shown.text) else ""),))
        if kind == "append_only":
            return replace(shown, entries=tuple(self._entry(entry) for entry in reversed(_many(value))))
        if kind == "files":
            return replace(shown, files=tuple(self._file(record, file) for file in _many(value)))
        return shown

    def _link(self, uuid: str) -> Link:
        record = self.records.get(str(uuid))
        return Link(self.title(record), record_url(record, self.reader)) if record else Link(HIDDEN)

    def _told(self, value: Mapping[str, Any]) -> Link:
        """A link in the form of the contract, {table, record, title}: a record of its own, with its own rights."""
        record = self.reader.named(str(value.get("table")), str(value.get("record")))
        return Link(self.title(record), record_url(record, self.reader)) if record else Link(HIDDEN)

    def _entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        told = {"at": _time(entry.get("at")), "by": self.person(writer(entry)), "text": entry.get("text")}
        return {**told, "withdrawn": "withdrawn" in entry}

    def _file(self, record: Record, file: Mapping[str, Any]) -> dict[str, Any]:
        url = record_url(record, self.reader) + f"files/{file['sha256']}/"
        return {"name": file["name"], "size_bytes": file["size_bytes"], "url": url, "stored": True}

    def text(self, value: Any, definition: FieldDef) -> str:
        """A value as text, as the field's type writes it."""
        kind = shelf.get(definition.type)
        if value is None:
            return ""
        if definition.type == "link":
            told = [self._told(one) for one in _many(value) if isinstance(one, dict) and "record" in one]
            return ", ".join(link.text for link in told or map(self._link, _targets(value)))
        if definition.type == "person":
            return ", ".join(self.person(str(key)) for key in _many(value))
        if definition.type == "files":
            return ", ".join(str(file["name"]) for file in _many(value))
        if definition.type == "append_only":
            return "\n".join(str(entry.get("text", "")) for entry in _many(value))
        return str(kind.format(value, definition, self.reading)) if kind else str(value)

    def changes(self, table: str, fields: Mapping[str, Mapping[str, Any]], *, new: bool = False) -> list[Change]:
        """Before and after of the fields that the reader may read; of a new record only what it was given."""
        definitions = self.reader.setup.tables[table].fields
        out = []
        for key, pair in fields.items():
            definition = definitions.get(key)
            if definition is None or not self.reader.sees_field(table, key):
                continue
            before, after = self.text(pair.get("before"), definition), self.text(pair.get("after"), definition)
            if definition.type == "append_only" and after.startswith(before):
                before, after = "", after[len(before) :].strip("\n") or "(withdrawn)"  # what was added says it all
            if not new or after:
                out.append(Change(definition.label or label_of(key), before, after))
        return out


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def _targets(value: Any) -> list[str]:
    return [uuid for one in _many(value) if (uuid := target(one))]


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None


def is_web(text: str) -> bool:
    return urlsplit(text).scheme in ("http", "https")


def label_of(key: str) -> str:
    """A key as a person reads it: "sent_at" is "Sent at"."""
    return key.replace("_", " ").capitalize()


def table_label(key: str, table: Table) -> str:
    return table.label or label_of(key)


def title_of(record: Record, reader: Reader) -> str:
    """The title, or "" where it is empty or its field is hidden from the reader."""
    return record.title if reader.sees_title(record.table) else ""


def name_of(record: Record, reader: Reader) -> str:
    """Number and title, for a link: CASE-17 The door does not close."""
    parts = (number_of(record, reader), title_of(record, reader))
    return " ".join(part for part in parts if part) or str(record.uuid)


def number_of(record: Record, reader: Reader) -> str:
    """The formatted number, "CASE-17", or ""."""
    table = reader.setup.tables.get(record.table)
    return (format_number(table, record.number) if table else None) or ""


def record_url(record: Record, reader: Reader) -> str:
    """Where its page is: the same address that receipts name (core/present)."""
    return reverse("record", args=[record.table, number_of(record, reader) or str(record.uuid)])
