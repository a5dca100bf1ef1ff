"""A file behind an expiring link in a mail of ours: handed out to whoever has the link, never shown (law 17)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from addressee.host import clock
from addressee.mail import links
from addressee.web.downloads import download
from addressee.web.faults import gone


@login_not_required
@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponseBase:
    """404 for a link that never was, 410 for one that is no longer honoured, else the file to be saved."""
    link = links.find(token.lower())
    if link is None:
        raise Http404("link")
    if links.is_dead(link, clock.now()):
        return gone(request)
    if request.method == "HEAD":
        return HttpResponse(content_type="application/octet-stream")  # a look that fetches nothing counts for nothing
    response = download(link.sha256, link.name)
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    links.used(link, clock.now())
    return response
