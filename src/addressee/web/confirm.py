"""What waits for its author's confirmation: what would change, and the button. A GET changes nothing (DESIGN 4)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from addressee.core.errors import AddresseeError
from addressee.host import clock
from addressee.mail import codes
from addressee.mail.models import Delivery
from addressee.pipeline import request as pipeline
from addressee.web.answers import went_well
from addressee.web.messages import entry_of
from addressee.web.presented import Presenter, name_of, record_url, table_label
from addressee.web.reader import Reader, reader_of
from addressee.web.said import problem, said


def waiting(reader: Reader) -> list[dict[str, Any]]:
    """The reader's own messages that wait for his word."""
    rows = codes.waiting_for(reader.person.addresses, reader.setup, clock.now())[:20]
    return [{"entry": entry_of(row), "verb": str((row.result.get("asks") or {}).get("verb") or "")} for row in rows]


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, number: int) -> HttpResponse:
    """The page that a confirmation's mail links to, for the person whose message it is; for others there is none."""
    reader = reader_of(request)
    mine = Delivery.objects.filter(pk=number, author__in=reader.person.addresses).first()
    if mine is None:
        raise Http404("confirm")
    if request.method == "POST":
        return _confirm(request, reader, number)
    still = codes.waiting_for(reader.person.addresses, reader.setup, clock.now()).filter(pk=number).exists()
    asks = mine.result.get("asks") or {}
    context = {
        "entry": entry_of(mine),
        "waits": still,
        "verb": str(asks.get("verb") or ""),
        "effects": _effects(reader, asks.get("effects") or []) if still else [],
        "hours": reader.setup.option("confirm_hours"),
    }
    return render(request, "web/confirm.html", context)


def _effects(reader: Reader, effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What would change, of what the reader may see."""
    presenter, out = Presenter(reader), []
    for effect in effects:
        table = str(effect["table"])
        if table not in reader.setup.live_tables:
            continue
        record = reader.named(table, str(effect["record"])) if effect["record"] else None
        if effect["record"] and record is None:
            continue
        out.append(
            {
                "kind": effect["kind"],
                "table": table_label(table, reader.setup.tables[table]),
                "name": name_of(record, reader) if record is not None else "",
                "url": record_url(record, reader) if record is not None else "",
                "changes": presenter.changes(table, effect.get("fields") or {}, new=effect["kind"] == "create"),
            }
        )
    return out


def _confirm(request: HttpRequest, reader: Reader, number: int) -> HttpResponse:
    try:
        told = said(pipeline.confirm(number, reader.person.key))
    except AddresseeError as error:
        messages.error(request, problem(error))
        return redirect(reverse("confirm", args=[number]))
    if told.applied:
        return went_well(request, "Confirmed, and done.", reverse("message", args=[number]))
    messages.error(request, f"Confirmed, but not done: {told.sentence}")
    return redirect(reverse("confirm", args=[number]))
