"""The slices of a batch: which records, what became of each, and the counts of the job. By pipeline/jobs, jobs/rows.

A slice is done in the transaction that writes its changes, so no record is done twice and none is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from django.db.models import Max

from addressee.core.batch import SLICE
from addressee.jobs import rows
from addressee.jobs.models import Job, Slice
from addressee.records import bulk


def add(job: Job, uuids: Sequence[str]) -> int:
    """Cut records into slices behind those that stand; how many records the job has now."""
    last = Slice.objects.filter(job=job).aggregate(last=Max("number"))["last"]
    first = 0 if last is None else last + 1
    cut = [list(uuids[start : start + SLICE]) for start in range(0, len(uuids), SLICE)]
    bulk.insert([bulk.new(Slice, job_id=job.pk, number=first + place, records=part) for place, part in enumerate(cut)])
    return first * SLICE + len(uuids)  # every slice but the last of all is full


def next_of(job: Job) -> Slice | None:
    return Slice.objects.filter(job=job, done_at__isnull=True).order_by("number").first()


def done(job: Job, part: Slice, results: Sequence[Sequence[str]], now: datetime) -> None:
    """Note what became of each record of a slice, and go on with the next."""
    Slice.objects.filter(pk=part.pk).update(results=[list(each) for each in results], done_at=now)
    found = Counter(outcome for outcome, _ in results)
    counts = {name: getattr(job, name) + found[name] for name in ("done", "unchanged", "refused", "failed")}
    rows.go_on(job, now, state="running", run_at=now, **counts)


def results(job: Job, outcomes: Sequence[str] = ()) -> Iterator[tuple[str, str, str]]:
    """(record, outcome, why) of every record that is done, or of those with one of the outcomes; slice by slice."""
    for part in Slice.objects.filter(job=job, done_at__isnull=False).order_by("number").iterator(50):
        for record, (outcome, why) in zip(part.records, part.results, strict=True):
            if not outcomes or outcome in outcomes:
                yield record, outcome, why
