"""Jobs and batches: how far each is, what became of each record, stop and go on. Whoever started one sees it."""

from __future__ import annotations

from itertools import islice
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from addressee.host.clock import now
from addressee.host.wake import poke
from addressee.jobs import rows, slices
from addressee.jobs.models import Job
from addressee.web.answers import page, went_well
from addressee.web.presented import record_url, table_label, title_of
from addressee.web.reader import Reader, reader_of

PAGE_SIZE = 25
MOST_RESULTS = 200  # of what was refused or failed, on the page; `addressee jobs ID` tells all


def _visible(reader: Reader) -> QuerySet[Job]:
    """All for who sees everything; else those that the person started."""
    jobs = rows.listed()
    return jobs if reader.everything else jobs.filter(actor=reader.person.key)


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    """The newest first."""
    reader = reader_of(request)
    shown = Paginator(_visible(reader), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"here": "jobs", "page": shown, "items": [_told(job, reader) for job in shown]}
    return page(request, "jobs", "_jobs", context)


@require_safe
def job(request: HttpRequest, key: UUID) -> HttpResponse:
    """One job. The part that tells how far it is asks for itself anew while it runs; without JavaScript one reloads."""
    reader = reader_of(request)
    found = _found(reader, key)
    told = list(islice(slices.results(found, ("refused", "failed")), MOST_RESULTS + 1))
    seen = reader.seen_among([record for record, _, _ in told])
    results = [
        {
            "title": title_of(seen[record], reader) if record in seen else "a record that you may not see",
            "url": record_url(seen[record], reader) if record in seen else "",
            "outcome": outcome,
            "why": why,
        }
        for record, outcome, why in told[:MOST_RESULTS]
    ]
    context = {"here": "jobs", **_told(found, reader), "results": results, "more": len(told) > MOST_RESULTS}
    return page(request, "job", "_job", context)


@require_POST
def stop(request: HttpRequest, key: UUID) -> HttpResponse:
    """No further slice or step; what is under way is finished."""
    found = _found(reader_of(request), key)
    stopped = rows.stop(found.pk, now())
    return went_well(request, "It was stopped." if stopped else "It is over already.", reverse("job", args=[key]))


@require_POST
def resume(request: HttpRequest, key: UUID) -> HttpResponse:
    """Go on with what was stopped or given up."""
    reader = reader_of(request)
    found = _found(reader, key)
    if found.kind == "task" and not reader.everything:
        raise PermissionDenied
    went_on = rows.resume(found.pk, now())
    poke()
    said = "It goes on." if went_on else "There is nothing to go on with."
    return went_well(request, said, reverse("job", args=[key]))


def _found(reader: Reader, key: UUID) -> Job:
    found = _visible(reader).filter(pk=key).first()
    if found is None:
        raise Http404("job")
    return found


def _told(job: Job, reader: Reader) -> dict[str, Any]:
    definition = reader.setup.processes.get(job.name)
    return {
        "job": job,
        "called": (definition.label if definition else "") or job.name,
        "table": table_label(job.table, reader.setup.tables[job.table]) if job.table in reader.setup.tables else "",
        "over": job.state in rows.OVER,
        "runs": job.state in ("ready", "running"),
        "can_resume": job.state in ("stopped", "failed"),
    }
