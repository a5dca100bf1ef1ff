"""What the reader sees when a page is refused, missing or broken. Named in config/urls and settings."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def _fault(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    return render(request, "web/fault.html", {"status": status, "title": title, "text": text}, status=status)


def not_permitted(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _fault(request, 403, "Not permitted", "You do not have the right that this needs.")


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form came without its token (CSRF)."""
    text = "The form was open too long, or it came from another site. Go back, reload the page and send it again."
    return _fault(request, 403, "The form is too old", text)


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same for what is not there and for what the reader may not see."""
    return _fault(request, 404, "Not here", "There is no such page, or you may not see what it shows.")


def gone(request: HttpRequest) -> HttpResponse:
    """A link to a file that is no longer honoured."""
    text = "The link was for a limited time, or it was withdrawn. Answer the mail it stood in to get the file again."
    return _fault(request, 410, "No longer here", text)


def broken(request: HttpRequest) -> HttpResponse:
    """Made without the database: it may be what is broken."""
    text = "The server met a fault and wrote it to its log. Nothing was lost; try again in a moment."
    page = {"status": 500, "title": "Something broke", "text": text}
    return HttpResponse(render_to_string("web/fault.html", page), status=500)
