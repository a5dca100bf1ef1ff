"""What every request of a page needs around it: the reader's time zone, and a sign-in that HTMX can follow."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone

from addressee.setup import store

Answer = Callable[[HttpRequest], HttpResponse]


def reader_zone(answer: Answer) -> Answer:
    """Times are shown in the person's zone, else in the site's."""

    def activate(request: HttpRequest) -> HttpResponse:
        name = getattr(request.user, "time_zone", "") or store.current().site.time_zone
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            zone = ZoneInfo("UTC")
        with timezone.override(zone):
            return answer(request)

    return activate


def sign_in_again(answer: Answer) -> Answer:
    """A session that has ended leads the whole page to the sign-in, not only the part that HTMX asked for."""

    def redirect(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        if response.status_code == 302 and "HX-Request" in request.headers:
            sign_in = resolve_url(settings.LOGIN_URL)
            if urlsplit(response["Location"]).path == sign_in:
                back = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
                whole = HttpResponse(status=204)
                whole["HX-Redirect"] = f"{sign_in}?{urlencode({'next': back})}"
                return whole
        return response

    return redirect
