"""Jobs as a backend of Django's Tasks API: enqueued with the caller's rows, called once, tried again after a crash."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django_tasks.base import TaskResultStatus

from addressee.core.setup import Setup
from addressee.jobs import rows
from addressee.jobs.models import Job
from addressee.pipeline import jobs, upkeep
from addressee.records.models import Turn
from jobs.errands import fail_first, note

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    def at(moment: datetime) -> None:
        monkeypatch.setenv("ADDRESSEE_NOW", moment.isoformat())

    at(START)
    return at


def test_given_a_transaction_that_is_rolled_back_when_a_task_was_enqueued_in_it_then_it_is_gone(db, clock):
    with transaction.atomic():
        note.enqueue("a", person="ben")
        transaction.set_rollback(True)
    assert not Job.objects.exists()
    assert jobs.step("w/1", Setup()) is None


def test_given_a_task_when_the_worker_takes_it_then_it_is_called_once_and_its_result_is_told(db, clock):
    result = note.enqueue("a", person="ben")
    assert result.status is TaskResultStatus.READY
    assert jobs.work_off("w/1", Setup()) == 1
    result.refresh()
    assert result.status is TaskResultStatus.SUCCESSFUL
    assert result.return_value == "noted a"
    assert note.get_result(result.id).return_value == "noted a"
    assert Turn.objects.get().person == "ben"


def test_given_run_after_when_the_time_has_not_come_then_it_waits(db, clock):
    note.using(run_after=START + timedelta(hours=1)).enqueue("a", person="ben")
    assert jobs.work_off("w/1", Setup()) == 0
    clock(START + timedelta(hours=2))
    assert jobs.work_off("w/1", Setup()) == 1


def test_given_a_function_that_raises_when_it_is_called_then_nothing_of_it_stands_and_it_is_tried_again(db, clock):
    fail_first.append(1)
    result = note.enqueue("a", person="ben")
    jobs.work_off("w/1", Setup())
    assert not Turn.objects.exists()
    job = Job.objects.get()
    assert (job.attempts, job.state, job.why) == (1, "ready", "RuntimeError: not this time")
    assert job.run_at > START
    clock(START + timedelta(minutes=1))
    jobs.work_off("w/1", Setup())
    result.refresh()
    assert result.status is TaskResultStatus.SUCCESSFUL
    assert Turn.objects.count() == 1


def test_given_a_function_that_always_raises_when_its_tries_are_over_then_it_is_shown_as_failed(db, clock):
    fail_first.extend([1] * 5)
    result = note.enqueue("a", person="ben")
    for hour in range(1, 5):
        jobs.work_off("w/1", Setup())
        clock(START + timedelta(hours=hour))
    fail_first.clear()
    result.refresh()
    assert result.status is TaskResultStatus.FAILED
    assert Job.objects.get().run_at is None


def test_given_a_worker_that_died_with_the_task_in_hand_when_its_lease_is_over_then_another_calls_it(db, clock):
    note.enqueue("a", person="ben")
    assert rows.claim("w/dead", START) is not None
    assert jobs.work_off("w/2", Setup()) == 0
    clock(START + timedelta(minutes=2))
    assert jobs.work_off("w/2", Setup()) == 1
    assert Turn.objects.count() == 1


def test_given_two_workers_that_look_on_the_same_day_when_upkeep_is_due_then_it_is_started_once(db, clock):
    note.enqueue("a", person="ben")
    jobs.work_off("w/1", Setup())
    upkeep.start_what_is_due(Setup())
    assert Job.objects.count() == 1  # nothing is old
    clock(START + timedelta(days=91))
    for _ in range(2):
        upkeep.start_what_is_due(Setup())
        assert Job.objects.count() == 2


def test_given_jobs_that_were_over_long_ago_when_upkeep_runs_then_they_are_forgotten_and_others_stay(db, clock):
    note.enqueue("a", person="ben")
    jobs.work_off("w/1", Setup())
    waiting = note.using(run_after=START + timedelta(days=365)).enqueue("b", person="ben")
    clock(START + timedelta(days=100))
    upkeep.start_what_is_due(Setup())
    jobs.work_off("w/1", Setup())
    assert {str(job.pk) for job in Job.objects.exclude(name__contains="forget")} == {waiting.id}
