"""One view, two answers: the whole page, or for HTMX only its part. Called by every view that can be asked by both."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render


def by_htmx(request: HttpRequest) -> bool:
    """HTMX asked for a part; going back in history asks for the whole page."""
    return "HX-Request" in request.headers and "HX-History-Restore-Request" not in request.headers


def page(request: HttpRequest, name: str, part: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """`web/<name>.html`, or `web/<part>.html` for HTMX. Both are built from the same part."""
    template = f"web/{part}.html" if by_htmx(request) else f"web/{name}.html"
    response = render(request, template, context, status=status)
    response["Vary"] = "HX-Request"
    return response


def went_well(request: HttpRequest, said: str, url: str) -> HttpResponse:
    """Without HTMX: back to a page by GET, which says what was done; reloading it does nothing twice."""
    messages.success(request, said)
    return redirect(url)
