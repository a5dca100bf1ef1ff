"""Running a process on the page of a record: its parameters as a form, and a POST that the pipeline carries out."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from addressee.core.authorise import may_run
from addressee.core.errors import AddresseeError, BadValue
from addressee.core.fieldtype import complaint
from addressee.core.language import english
from addressee.core.registry import fields as shelf
from addressee.core.setup import Process
from addressee.pipeline import request as pipeline
from addressee.records.models import Record
from addressee.web.answers import went_well
from addressee.web.changes import Input
from addressee.web.presented import label_of, name_of, record_url
from addressee.web.reader import Reader, reader_of
from addressee.web.said import problem


def runnable(reader: Reader, table: str) -> list[tuple[str, str]]:
    """(key, label) of the processes for a table that a role of the reader names; a tag is for mail alone."""
    return [
        (key, _called(key, process))
        for key, process in reader.setup.processes.items()
        if process.table == table and may_run(reader.person, key, table, reader.setup)
    ]


def _called(key: str, process: Process) -> str:
    return process.label or label_of(key)


@require_http_methods(["GET", "HEAD", "POST"])
def run(request: HttpRequest, table: str, name: str, key: str) -> HttpResponse:
    """The form of the parameters; what it posts runs the process in one transaction, up to its first wait."""
    reader = reader_of(request)
    found = reader.record(table, name)
    if key not in dict(runnable(reader, table)) or found.deleted_at:
        raise Http404(key)
    process = reader.setup.processes[key]
    if request.method != "POST":
        return _form(request, reader, found, process, key, {})
    texts = {each: request.POST.get(each, "").strip() for each in process.parameters}
    given = {each: text for each, text in texts.items() if text}
    try:
        pipeline.act("run", reader.person.key, str(found.uuid), texts=given, run=key)
    except BadValue as error:
        wrong = {str(error.data.get("field")): complaint(error)}
        return _form(request, reader, found, process, key, texts, wrong=wrong)
    except AddresseeError as error:
        return _form(request, reader, found, process, key, texts, why=str(error.data.get("why") or problem(error)))
    return went_well(request, f"{_called(key, process)} was run.", record_url(found, reader) + "#stream")


def _form(
    request: HttpRequest,
    reader: Reader,
    record: Record,
    process: Process,
    key: str,
    texts: Mapping[str, str],
    *,
    wrong: Mapping[str, str] | None = None,
    why: str = "",
) -> HttpResponse:
    inputs = [
        Input(
            key=each,
            label=definition.label or label_of(each),
            type=definition.type,
            text=texts.get(each, "" if definition.default is None else str(definition.default)),
            was="",
            hint=english().say(shelf[definition.type].expected(definition)),
            choices=definition.choices if definition.type == "choice" else (),
            required=definition.required,
            error=(wrong or {}).get(each, ""),
        )
        for each, definition in process.parameters.items()
    ]
    context = {
        "here": record.table,
        "table_label": name_of(record, reader),
        "url": record_url(record, reader),
        "name": _called(key, process),
        "inputs": inputs,
        "why": why,
        "save": "Run",
        "none": "It takes no parameters.",
    }
    return render(request, "web/edit.html", context, status=422 if wrong or why else 200)
