"""The calendar: events and tasks of a month, day by day, of every table that has a schedule (FEATURES U-60)."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from addressee.core.fieldtype import stored_moment
from addressee.core.schedule import scheduled_tables
from addressee.fields.link import target
from addressee.host import clock
from addressee.records import lists
from addressee.records.models import Record
from addressee.web.answers import page
from addressee.web.presented import Presenter, name_of, record_url, table_label, title_of
from addressee.web.reader import Reader, reader_of

MOST_SHOWN = 500  # of one table in one month
MOST_ABOUT = 50  # of one table about one record


@dataclass(frozen=True, slots=True)
class Entry:
    """One event or task: `at` is its time on its day, "" for one of the whole day."""

    day: date
    at: str
    until: str
    title: str
    url: str
    label: str
    about: str
    about_url: str


@dataclass(frozen=True, slots=True)
class Day:
    day: date
    today: bool
    entries: list[Entry]


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """?month=2026-12. Times are in the reader's zone; what he may not read is not there."""
    reader = reader_of(request)
    today = clock.now().astimezone(timezone.get_current_timezone()).date()
    first = _month(request.GET.get("month", ""), today)
    following = (first + timedelta(days=32)).replace(day=1)
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in entries(reader, first, following):
        by_day[entry.day].append(entry)
    days = [
        Day(day, day == today, sorted(found, key=lambda e: (e.at, e.title))) for day, found in sorted(by_day.items())
    ]
    context = {
        "here": "calendar",
        "month": first,
        "this_month": today.replace(day=1),
        "before": first - timedelta(days=1),
        "after": following,
        "days": days,
    }
    return page(request, "calendar", "_calendar", context)


def _month(asked: str, today: date) -> date:
    with contextlib.suppress(ValueError):
        return date.fromisoformat(f"{asked}-01") if date.min.year < int(asked[:4]) < date.max.year else today
    return today.replace(day=1)


def entries(reader: Reader, first: date, end: date) -> list[Entry]:
    """What begins or is due from `first` until before `end`, of what the reader may see."""
    zone = timezone.get_current_timezone()
    since, until = (datetime.combine(day, time(), zone) for day in (first, end))
    found: list[tuple[Record, str]] = []
    for key, name in _times(reader):
        whole_days = reader.tables[key].live_fields[name].type == "date"
        low, high = (first.isoformat(), end.isoformat()) if whole_days else (stored_moment(since), stored_moment(until))
        records = lists.between(reader.records(key), key, name, low, high, reader.setup)
        found += [(record, name) for record in records[:MOST_SHOWN]]
    return _shown(found, reader)


def about(reader: Reader, record: Record) -> list[Entry]:
    """The events and tasks about a record that the reader may see, the soonest first."""
    found: list[tuple[Record, str]] = []
    for key, table in scheduled_tables(reader.setup):
        link = table.schedule.about if table.schedule else ""
        if key in reader.tables and link in table.live_fields and reader.sees_field(key, link):
            name = next((name for at, name in _times(reader) if at == key), "")
            linked = lists.linking(reader.records(key), key, link, str(record.uuid))
            found += [(each, name) for each in linked.order_by("-created_at")[:MOST_ABOUT]]
    return sorted(_shown(found, reader), key=lambda entry: (entry.day, entry.at))


def _times(reader: Reader) -> Iterator[tuple[str, str]]:
    """(table, field) of every start and due date that the reader may read."""
    for key, table in scheduled_tables(reader.setup):
        for name in dict.fromkeys((table.schedule.start, table.schedule.due) if table.schedule else ()):
            if key in reader.tables and name in table.live_fields and reader.sees_field(key, name):
                yield key, name


def _shown(found: Sequence[tuple[Record, str]], reader: Reader) -> list[Entry]:
    """Records as entries, each at the time in its field; what they are about is read for all at once."""
    presenter = Presenter(reader)
    subjects = {record.uuid: target(record.values.get(_about_field(record, reader))) for record, _ in found}
    presenter.learn([uuid for uuid in subjects.values() if uuid])
    return [_entry(record, name, presenter, subjects[record.uuid] or "") for record, name in found]


def _about_field(record: Record, reader: Reader) -> str:
    table = reader.setup.tables[record.table]
    name = table.schedule.about if table.schedule else ""
    return name if name in table.live_fields and reader.sees_field(record.table, name) else ""


def _entry(record: Record, name: str, presenter: Presenter, subject: str) -> Entry:
    reader = presenter.reader
    table = reader.setup.tables[record.table]
    schedule = table.schedule
    day, at = _moment(record.values.get(name))
    end = schedule.end if schedule is not None and name == schedule.start else ""
    until = _moment(record.values.get(end))[1] if end and reader.sees_field(record.table, end) else ""
    about = presenter.records.get(subject)
    return Entry(
        day=day or date.max,
        at=at,
        until=until,
        title=title_of(record, reader) or "(no title)",
        url=record_url(record, reader),
        label=table_label(record.table, table),
        about=name_of(about, reader) if about is not None else "",
        about_url=record_url(about, reader) if about is not None else "",
    )


def _moment(stored: Any) -> tuple[date | None, str]:
    """(day, time) of a stored date or datetime, in the reader's zone."""
    if not isinstance(stored, str) or not stored:
        return None, ""
    if "T" not in stored:
        return date.fromisoformat(stored), ""
    local = datetime.fromisoformat(stored).astimezone(timezone.get_current_timezone())
    return local.date(), f"{local:%H:%M}"
