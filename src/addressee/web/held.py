"""The held list: what waits for a person, and the four ways out of it. Each is a POST that the pipeline carries out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from addressee.core.errors import AddresseeError
from addressee.core.reasons import Reason
from addressee.mail.models import Delivery
from addressee.pipeline import request as pipeline
from addressee.records import lists
from addressee.web.answers import by_htmx, page, went_well
from addressee.web.messages import entry_of, previews
from addressee.web.presented import Link, name_of, number_of, record_url, table_label, title_of
from addressee.web.reader import Reader, reader_of
from addressee.web.said import Said, problem, said

PAGE_SIZE = 25
CHOICES = 20
_DONE = {
    "release": "Released",
    "comment": "Released as a comment",
    "route": "Routed",
    "reject": "Rejected",
}


@require_safe
def held(request: HttpRequest) -> HttpResponse:
    """What waits, the oldest first; what the own mail server marked as spam stands apart (?junk=1)."""
    reader = reader_of(request)
    return _list(request, reader)


def _list(request: HttpRequest, reader: Reader, status: int = 200, **more: Any) -> HttpResponse:
    junk = request.GET.get("junk") == "1"
    waiting = reader.held.filter(reason=Reason.SPAM) if junk else reader.held.exclude(reason=Reason.SPAM)
    shown = Paginator(waiting.order_by("id"), PAGE_SIZE).get_page(request.GET.get("page"))
    texts = previews(shown)
    context = {
        "here": "held",
        "junk": junk,
        "junk_count": reader.held.filter(reason=Reason.SPAM).count(),
        "page": shown,
        "items": [_item(delivery, texts.get(delivery.identity, "")) for delivery in shown],
        "tables": _tables(reader),
        **more,
    }
    return page(request, "held", "_held", context, status)


def _item(delivery: Delivery, text: str) -> dict[str, Any]:
    assurance = str(delivery.result.get("assurance") or "")
    return {"entry": entry_of(delivery), "text": text, "assurance": assurance, "reason": delivery.reason}


def _tables(reader: Reader) -> list[tuple[str, str]]:
    return [(key, table_label(key, table)) for key, table in reader.tables.items()]


@require_safe
def choices(request: HttpRequest) -> HttpResponse:
    """Records whose number or title begins like what is typed: options for the route form."""
    reader = reader_of(request)
    key = request.GET.get("table", "")
    typed = request.GET.get("record", "").strip()[:200]
    if key not in reader.tables:
        return render(request, "web/_choices.html", {"choices": []})
    records = lists.searched(reader.records(key), typed) if typed and reader.sees_title(key) else reader.records(key)
    found = [
        (number_of(record, reader) or str(record.uuid), title_of(record, reader))
        for record in records.order_by("-updated_at")[:CHOICES]
    ]
    return render(request, "web/_choices.html", {"choices": found})


# ---- The ways out ------------------------------------------------------------------------------------------


@require_POST
def release(request: HttpRequest, number: int) -> HttpResponse:
    """Let it through with the effect it asked for, or, with as_comment, as a comment only."""
    as_comment = request.POST.get("as_comment") == "1"

    def act(by: str) -> Mapping[str, Any]:
        return pipeline.release(number, by, as_comment=as_comment)

    return _settle(request, number, "comment" if as_comment else "release", act)


@require_POST
def reject(request: HttpRequest, number: int) -> HttpResponse:
    return _settle(request, number, "reject", lambda by: pipeline.reject(number, by))


@require_POST
def route(request: HttpRequest, number: int) -> HttpResponse:
    """Send it to a table, where it makes a record, or to a record that its number, title or uuid names."""
    reader = reader_of(request)
    _waiting(reader, number)
    table = request.POST.get("table", "")
    if table not in reader.tables:
        return _refused(request, reader, number, "Choose a table.")
    named = request.POST.get("record", "").strip()
    record = ""
    if named:
        found = reader.matching(table, named)
        if not found:
            label = table_label(table, reader.tables[table])
            return _refused(request, reader, number, f"No {label} has the number, title or uuid “{named[:80]}”.")
        if len(found) > 1:
            return _refused(request, reader, number, f"{len(found)} records are called “{named[:80]}”. Take a number.")
        record = str(found[0].uuid)
    return _settle(request, number, "route", lambda by: pipeline.route(number, table, record, by))


def _waiting(reader: Reader, number: int) -> Delivery:
    found = reader.held.filter(pk=number).first()
    if found is None:
        raise Http404("it is not held, or not any more")
    return found


def _settle(request: HttpRequest, number: int, how: str, act: Callable[[str], Mapping[str, Any]]) -> HttpResponse:
    reader = reader_of(request)
    delivery = _waiting(reader, number)
    try:
        told = said(act(reader.person.key))
    except AddresseeError as error:
        return _refused(request, reader, number, problem(error))
    if told.disposition == "hold":
        return _refused(request, reader, number, f"It is still held: {told.sentence}")
    sentence = _DONE[how] if told.applied or how == "reject" else f"{_DONE[how]}, with the result: {told.sentence}"
    links = _links(reader, told)
    if by_htmx(request):
        context = {"entry": entry_of(delivery), "sentence": sentence, "links": links, "applied": told.applied}
        return render(request, "web/_held_done.html", context)
    names = ", ".join(link.text for link in links)
    subject = entry_of(delivery).subject
    return went_well(request, f"{sentence}: “{subject}”" + (f" → {names}" if names else ""), reverse("held"))


def _links(reader: Reader, told: Said) -> list[Link]:
    out = []
    for table, name in told.records:
        record = reader.named(table, name)
        if record is not None:
            out.append(Link(name_of(record, reader), record_url(record, reader)))
    return out


def _refused(request: HttpRequest, reader: Reader, number: int, why: str) -> HttpResponse:
    """Say why not, on the entry itself; what was typed stays."""
    delivery = _waiting(reader, number)
    typed = {"table": request.POST.get("table", ""), "record": request.POST.get("record", "")}
    if not by_htmx(request):
        return _list(request, reader, 422, refused=number, why=why, typed=typed)
    texts = previews([delivery])
    item = _item(delivery, texts.get(delivery.identity, ""))
    context = {"item": item, "tables": _tables(reader), "refused": number, "why": why, "typed": typed}
    return render(request, "web/_held_item.html", context, status=422)
