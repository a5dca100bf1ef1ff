"""The tables, and the list of one: sorted, searched, paged, by view. The way in to every record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from addressee.core import route
from addressee.core.setup import Table, View
from addressee.records import lists
from addressee.records.models import Record
from addressee.web import confirm
from addressee.web.answers import page
from addressee.web.presented import Presenter, label_of, number_of, record_url, table_label, title_of
from addressee.web.reader import Reader, reader_of

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Card:
    key: str
    label: str
    count: int
    open: int | None
    address: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Row:
    url: str
    title: str
    number: str
    state: str
    tone: str
    assignee: str
    updated_at: datetime
    unverified: bool
    marked: str


@require_safe
def tables(request: HttpRequest) -> HttpResponse:
    """Every table that the reader may see, with its count, its open records and its address."""
    reader = reader_of(request)
    cards = [_card(reader, key) for key in reader.tables]
    return render(request, "web/tables.html", {"here": "tables", "cards": cards, "waiting": confirm.waiting(reader)})


def _card(reader: Reader, key: str) -> Card:
    table = reader.tables[key]
    records = reader.records(key)
    told = records.aggregate(latest=Max("updated_at"))
    still_open = None
    if table.workflow and table.workflow.open and reader.sees_field(key, table.workflow.field):
        where = {table.workflow.field: list(table.workflow.open)}
        still_open = lists.filtered(records, key, where, reader.setup).count()
    return Card(
        key=key,
        label=table_label(key, table),
        count=records.count(),
        open=still_open,
        address=route.table_addresses(key, reader.setup)[0],
        updated_at=told["latest"],
    )


@require_safe
def table(request: HttpRequest, key: str) -> HttpResponse:
    """The records of a table. ?view= ?q= ?sort= ?page= ?deleted=1; HTMX gets the list alone."""
    reader = reader_of(request)
    definition = reader.table(key)
    deleted = request.GET.get("deleted") == "1"
    view = _view(reader, key, request.GET.get("view", ""))
    sought = request.GET.get("q", "").strip()[:200] if reader.sees_title(key) else ""
    sort = _sort(reader, key, request.GET.get("sort", ""))
    records = reader.records(key, deleted=deleted)
    if view:
        records = lists.filtered(records, key, view.where, reader.setup, deleted=deleted)
    if sought:
        records = lists.searched(records, sought)
    order = (sort,) if sort else view.sort if view else ()
    found: Any = lists.ordered(records, key, order, reader.setup, deleted=deleted)  # counts no more than is read
    shown: Page[Record] = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    columns = _columns(reader, key, definition)
    context = {
        "here": key,
        "key": key,
        "label": table_label(key, definition),
        "addresses": route.table_addresses(key, reader.setup),
        "tabs": _tabs(reader, key),
        "view": request.GET.get("view", "") if view else "",
        "deleted": deleted,
        "q": sought,
        "sort": sort,
        "columns": columns,
        "has_number": bool(definition.number),
        "has_state": any(definition.workflow and c["sort"] == definition.workflow.field for c in columns),
        "has_assignee": any(c["sort"] == definition.assignee for c in columns),
        "page": shown,
        "more": shown.paginator.count == lists.MOST_COUNTED,
        "rows": _rows(reader, definition, shown),
    }
    return page(request, "list", "_list", context)


def _tabs(reader: Reader, key: str) -> list[tuple[str, str]]:
    """Views whose fields the reader may read: a filter on a hidden field would tell its value."""
    return [
        (name, view.label or label_of(name))
        for name, view in reader.setup.views.items()
        if view.table == key and _readable(reader, view)
    ]


def _readable(reader: Reader, view: View) -> bool:
    used = {*view.where, *(name.lstrip("-") for name in view.sort)}
    fields = reader.setup.tables[view.table].fields
    return all(reader.sees_field(view.table, name) for name in used if name in fields)


def _view(reader: Reader, key: str, name: str) -> View | None:
    if not name:
        return None
    view = reader.setup.views.get(name)
    if view is None or view.table != key or not _readable(reader, view):
        raise Http404(name)
    return view


def _columns(reader: Reader, key: str, table: Table) -> list[dict[str, str]]:
    """Heading and sort name of each column; a table without number, workflow or assignee goes without that column."""
    columns = [{"label": "Title", "sort": "title" if reader.sees_title(key) else ""}]
    if table.number:
        columns.insert(0, {"label": "Number", "sort": "number"})
    for name in (table.workflow.field if table.workflow else "", table.assignee):
        if name and reader.sees_field(key, name):
            columns.append({"label": table.fields[name].label or label_of(name), "sort": name})
    columns.append({"label": "Updated", "sort": "updated_at"})
    return [{**column, "down": "-" + column["sort"]} for column in columns]


def _sort(reader: Reader, key: str, asked: str) -> str:
    known = {column["sort"] for column in _columns(reader, key, reader.tables[key])} - {""}
    return asked if asked.removeprefix("-") in known else ""


def _rows(reader: Reader, table: Table, shown: Page[Record]) -> list[Row]:
    presenter = Presenter(reader)
    presenter.learn(persons=[record.assignee for record in shown])
    return [_row(record, table, presenter) for record in shown]


def _row(record: Record, table: Table, presenter: Presenter) -> Row:
    reader = presenter.reader
    state = state_of(record, table, reader)
    sees_assignee = table.assignee and reader.sees_field(record.table, table.assignee)
    return Row(
        url=record_url(record, reader),
        title=title_of(record, reader) or "(no title)",
        number=number_of(record, reader),
        state=state,
        tone=state_tone(state, table),
        assignee=presenter.person(record.assignee) if sees_assignee else "",
        updated_at=record.updated_at,
        unverified=record.unverified,
        marked=record.marked,
    )


def state_of(record: Record, table: Table, reader: Reader) -> str:
    """The value of the workflow field, "" where there is none or the reader may not read it."""
    if table.workflow is None or not reader.sees_field(record.table, table.workflow.field):
        return ""
    value: Any = record.values.get(table.workflow.field)
    return str(value or "")


def state_tone(state: str, table: Table) -> str:
    if table.workflow is None or not state:
        return ""
    if state in table.workflow.closed:
        return ""
    return "accent" if table.workflow.open and state == table.workflow.open[0] else "good"
