"""What is done once a day, whoever restarts when: each is a task, started by the first worker that looks. By worker."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django_tasks import task

from addressee.core.setup import Setup
from addressee.host.clock import now
from addressee.jobs import rows
from addressee.setup import store


def start_what_is_due(setup: Setup) -> None:
    """One statement where nothing is to be done. The slot and the task stand together, or neither does."""
    days, today = setup.option("job_days"), now().replace(hour=0, minute=0, second=0, microsecond=0)
    if not days or not rows.is_old(now() - timedelta(days=days)) or rows.was_done("forget old jobs", today):
        return
    with transaction.atomic():
        if rows.once("forget old jobs", today):
            forget_old_jobs.enqueue()


@task()
def forget_old_jobs() -> int:
    """Remove jobs that were over so many days ago (option job_days), with their slices; how many."""
    before: datetime = now() - timedelta(days=store.current().option("job_days"))
    return rows.forget(before)
