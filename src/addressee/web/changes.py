"""Changing a record on its page: edit, delete, restore, undo. Each is a POST that the pipeline carries out (law 19)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from addressee.core.authorise import field_access
from addressee.core.errors import AddresseeError, BadValue
from addressee.core.fieldtype import complaint
from addressee.core.language import english
from addressee.core.registry import fields as shelf
from addressee.core.schedule import schedule_table
from addressee.core.values import Right
from addressee.pipeline import request as pipeline
from addressee.records.models import Record, Revision
from addressee.web.answers import went_well
from addressee.web.presented import Presenter, label_of, name_of, record_url, table_label
from addressee.web.reader import Reader, reader_of
from addressee.web.said import problem


@dataclass(frozen=True, slots=True)
class Input:
    """One field of the form. `was` is what it said when the form was made: only what differs is set."""

    key: str
    label: str
    type: str
    text: str
    was: str
    hint: str
    choices: tuple[str, ...]
    required: bool
    error: str = ""

    @property
    def tall(self) -> bool:
        return self.type in ("long_text", "append_only")


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, table: str, name: str) -> HttpResponse:
    """The form of a record's fields. What was changed in it is set; what others changed meanwhile stays theirs."""
    reader = reader_of(request)
    found = reader.record(table, name)
    if not reader.reaches(found, Right.UPDATE):
        raise PermissionDenied
    if request.method != "POST":
        return _form(request, reader, found)
    keys = _writable(reader, found)
    posted = {key: _posted(request, key) for key in keys if key in request.POST}
    texts = {key: text for key, text in posted.items() if text != _posted(request, f"was-{key}")}
    try:
        pipeline.act("update", reader.person.key, str(found.uuid), texts=texts)
    except BadValue as error:
        wrong = {str(error.data.get("field")): complaint(error)}
        return _form(request, reader, found, posted=posted, wrong=wrong, status=422)
    except AddresseeError as error:
        return _form(request, reader, found, posted=posted, why=problem(error), status=422)
    return went_well(request, "The record was changed." if texts else "Nothing was changed.", record_url(found, reader))


def _posted(request: HttpRequest, key: str) -> str:
    return request.POST.get(key, "").replace("\r\n", "\n")


def _writable(reader: Reader, record: Record) -> list[str]:
    live = reader.setup.tables[record.table].live_fields
    return [
        key
        for key, definition in live.items()
        if shelf[definition.type].by_text and field_access(reader.person, record.table, key, reader.setup) == "write"
    ]


def _form(
    request: HttpRequest,
    reader: Reader,
    record: Record,
    *,
    posted: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    why: str = "",
    status: int = 200,
) -> HttpResponse:
    table, presenter = reader.setup.tables[record.table], Presenter(reader)
    presenter.learn_values(table, [record.values])
    inputs = []
    for key in _writable(reader, record):
        definition = table.live_fields[key]
        kind = shelf[definition.type]
        stands = "" if kind.appends else presenter.text(record.values.get(key), definition)
        inputs.append(
            Input(
                key=key,
                label=definition.label or label_of(key),
                type=definition.type,
                text=(posted or {}).get(key, stands),
                was=_posted(request, f"was-{key}") if posted is not None else stands,
                hint=english().say(kind.expected(definition)),
                choices=definition.choices if definition.type == "choice" else (),
                required=definition.required,
                error=(wrong or {}).get(key, ""),
            )
        )
    context = {
        "here": record.table,
        "table_label": table_label(record.table, table),
        "name": name_of(record, reader),
        "url": record_url(record, reader),
        "inputs": inputs,
        "why": why,
    }
    return render(request, "web/edit.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, table: str, name: str, word: str) -> HttpResponse:
    """The form of a task or event about a record. ?name= fills in what it is called: a message's subject, say."""
    reader = reader_of(request)
    found = reader.record(table, name)
    form = word if word in ADDED and schedule_table(word, reader.setup) else ""
    if not form or not reader.may(Right.CREATE, form):
        raise Http404(word)
    keys = _fillable(reader, form)
    title = reader.setup.tables[form].title
    if request.method != "POST":
        return _new(request, reader, found, form, {title: request.GET.get("name", "").strip()[:200]})
    texts = {key: _posted(request, key) for key in keys if _posted(request, key).strip()}
    try:
        pipeline.act(word, reader.person.key, str(found.uuid), texts=texts)
    except BadValue as error:
        wrong = {str(error.data.get("field")): complaint(error)}
        return _new(request, reader, found, form, texts, wrong=wrong, status=422)
    except AddresseeError as error:
        return _new(request, reader, found, form, texts, why=problem(error), status=422)
    return went_well(request, ADDED[word], record_url(found, reader) + "#about")


ADDED = {"task": "The task was added.", "event": "The event stands in the calendar."}


def addable(reader: Reader) -> list[tuple[str, str]]:
    """(word, label) of what the reader may add to a record: tasks, events."""
    named = [(word, schedule_table(word, reader.setup)) for word in ADDED]
    return [
        (word, table_label(key, reader.setup.tables[key]))
        for word, key in named
        if key and reader.may(Right.CREATE, key)
    ]


def _fillable(reader: Reader, key: str) -> list[str]:
    """The fields of a new task or event that the reader may write; what it is about is known."""
    table = reader.setup.tables[key]
    about = table.schedule.about if table.schedule else ""
    return [
        name
        for name, definition in table.live_fields.items()
        if name != about
        and shelf[definition.type].by_text
        and field_access(reader.person, key, name, reader.setup) == "write"
    ]


def _new(
    request: HttpRequest,
    reader: Reader,
    record: Record,
    key: str,
    texts: Mapping[str, str],
    *,
    wrong: Mapping[str, str] | None = None,
    why: str = "",
    status: int = 200,
) -> HttpResponse:
    table = reader.setup.tables[key]
    inputs = [
        Input(
            key=name,
            label=table.live_fields[name].label or label_of(name),
            type=table.live_fields[name].type,
            text=texts.get(name, ""),
            was="",
            hint=english().say(shelf[table.live_fields[name].type].expected(table.live_fields[name])),
            choices=table.live_fields[name].choices if table.live_fields[name].type == "choice" else (),
            required=table.live_fields[name].required,
            error=(wrong or {}).get(name, ""),
        )
        for name in _fillable(reader, key)
    ]
    context = {
        "here": record.table,
        "table_label": name_of(record, reader),
        "name": f"New {table_label(key, table).lower()}",
        "url": record_url(record, reader),
        "inputs": inputs,
        "why": why,
    }
    return render(request, "web/edit.html", context, status=status)


# ---- One button each ---------------------------------------------------------------------------------------


@require_POST
def delete(request: HttpRequest, table: str, name: str) -> HttpResponse:
    return _done(request, table, name, "It was deleted. It can be restored.", lambda r, f: _act("delete", r, f))


@require_POST
def restore(request: HttpRequest, table: str, name: str) -> HttpResponse:
    return _done(request, table, name, "It was restored.", lambda r, f: _act("restore", r, f))


@require_POST
def undo(request: HttpRequest, table: str, name: str, version: int) -> HttpResponse:
    """Take back all that the cause of one of the record's revisions did, here and elsewhere."""

    def act(reader: Reader, found: Record) -> Mapping[str, Any]:
        revision = Revision.objects.filter(record=found, version=version).exclude(message="").first()
        if revision is None:
            raise Http404("revision")
        return _act("undo", reader, found, cause=revision.message)

    return _done(request, table, name, "It was taken back.", act)


@require_POST
def undo_message(request: HttpRequest, number: int) -> HttpResponse:
    """Take back all that a message caused."""
    reader = reader_of(request)
    delivery = reader.delivery(number)
    return _told(
        request,
        reverse("message", args=[delivery.pk]),
        "What it did was taken back.",
        lambda: pipeline.undo(delivery.pk, reader.person.key),
    )


def _act(verb: str, reader: Reader, record: Record, cause: str = "") -> Mapping[str, Any]:
    return pipeline.act(verb, reader.person.key, str(record.uuid), cause=cause)


def _done(
    request: HttpRequest, table: str, name: str, sentence: str, act: Callable[[Reader, Record], Mapping[str, Any]]
) -> HttpResponse:
    reader = reader_of(request)
    found = reader.record(table, name)
    return _told(request, record_url(found, reader), sentence, lambda: act(reader, found))


def _told(request: HttpRequest, url: str, sentence: str, act: Callable[[], Mapping[str, Any]]) -> HttpResponse:
    """Back to the page, which says what was done or why not, and what could not be recalled."""
    try:
        line = act()
    except AddresseeError as error:
        messages.error(request, problem(error))
        return redirect(url)
    notes = [step["why"] for step in line["trace"] if step["step"] == "note"]
    return went_well(request, " ".join([sentence, *notes]), url)
