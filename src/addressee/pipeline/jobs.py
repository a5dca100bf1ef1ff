"""Works on jobs, one step at a time: a process up to its next wait, a slice of a batch. Called by the worker.

Each step is one transaction: what it does to the records, and how far the job is, or neither. A step that a crash or
a stop cuts off was never taken. Mail waits for one step at most.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import InterfaceError, OperationalError, transaction

from addressee.core import job as thinking
from addressee.core.action import CannotBeDone
from addressee.core.batch import receipt
from addressee.core.language import english
from addressee.core.lay import lay_effects
from addressee.core.process import kept, run_again
from addressee.core.reasons import SENTENCES
from addressee.core.setup import Setup
from addressee.core.values import (
    Actor,
    Assurance,
    Decision,
    Disposition,
    Fresh,
    RecordState,
    Run,
    Snapshot,
    Wanted,
)
from addressee.core.wants import of_process
from addressee.host import clock
from addressee.host.checkpoints import reached
from addressee.jobs import rows, slices, tasks
from addressee.jobs.models import Job
from addressee.mail import outbox, threads
from addressee.pipeline import commit, process
from addressee.records import lists
from addressee.records import snapshot as records

log = logging.getLogger("addressee.jobs")


def step(worker: str, setup: Setup) -> Job | None:
    """One step of the job that is longest due; None where none is. A fault of the database is raised."""
    job = rows.claim(worker, clock.now())
    if job is None:
        return None
    reached("job-claimed")
    if job.attempts >= setup.option("attempts"):
        why = f"tried {job.attempts} times; each time the process that worked on it ended"
        rows.give_up(job, why, clock.now())
        return job
    try:
        with transaction.atomic():
            mine = rows.mine(job, worker)
            if mine is not None:  # stopped meanwhile
                _KINDS[job.kind](mine, setup, clock.now())
                reached("job-written")
                job = mine
        reached("job-committed")
    except (OperationalError, InterfaceError):
        raise
    except CannotBeDone as fault:
        rows.give_up(job, english().say(fault.why) or SENTENCES[fault.reason], clock.now())
    except Exception as fault:
        why = f"{type(fault).__name__}: {str(fault)[:300]}"
        log.error("job %s put off: %s", job.pk, why, exc_info=log.isEnabledFor(logging.DEBUG))
        rows.put_off(job, why, clock.now(), setup.option("attempts"), worker)
    return job


def work_off(worker: str, setup: Setup) -> int:
    """Every step that is due now; how many."""
    done = 0
    while step(worker, setup) is not None:
        done += 1
    return done


# ---------------------------------------------------------------- what a step may look at


def read(job: Job, uuids: list[str], setup: Setup, now: datetime, wanted: Wanted | None = None) -> Snapshot:
    """The records with all that a decision about them may look at, locked for this transaction."""
    wanted = wanted or Wanted()
    snapshot = Snapshot(now)
    wanted.uuids |= set(uuids)
    wanted.person_keys |= {job.actor} if job.actor else set()
    wanted.addresses |= {job.author} if job.author else set()
    numbers = {f"number {table}" for table in wanted.tables} | {f"turn {name}" for name in wanted.turns}
    process.lock(sorted(numbers))
    process.lock(sorted(uuids))
    records.fill(snapshot, wanted, setup)
    process.fill_persons(snapshot, wanted, setup)
    threads.fill_recipients(snapshot, ())
    return snapshot


def started_by(job: Job, snapshot: Snapshot) -> thinking.Started:
    """Who started a job, with the rights that he has now."""
    person = snapshot.persons.get(job.actor)
    if person is not None and not person.active:
        person = None
    actor = Actor(person, job.author, Assurance.E6, lent=job.lent, proven=True)
    return thinking.Started(actor, job.account, job.delivery or 0, job.right)


# ---------------------------------------------------------------- a process


def _process(job: Job, setup: Setup, now: datetime) -> None:
    """A process goes on after its wait."""
    waited = job.payload.get("waited") or "time"
    run = run_again(job.payload, waited, job.payload.get("reply"))
    wanted, uuid = Wanted(), str(job.record)
    of_process(wanted, run.process, run.definition, setup)
    snapshot = read(job, [uuid], setup, now, wanted)
    record: RecordState | None = snapshot.records.get(uuid)
    if record is None:
        rows.give_up(job, "The record is gone.", now)
        return
    decision, advanced = thinking.go_on(run, started_by(job, snapshot), record, snapshot, setup, _fresh(job, run.at))
    commit.write_effects([(decision, job.message, None)], setup, now)
    waiting = advanced.waiting
    rows.go_on(
        job,
        now,
        payload=kept(advanced.run),
        state="waiting" if waiting else "done",
        run_at=waiting.until if waiting else None,
        waits_for=waiting.reply if waiting else "",
        why=waiting.why if waiting else "",
        done=0 if waiting else 1,
    )


def _fresh(job: Job, step: int) -> Fresh:
    """Ids of one step of a job: other ones than those of its other steps, the same when it is taken again."""
    return Fresh(bytes(job.seed) + step.to_bytes(4, "big"))


# ---------------------------------------------------------------- a batch

LISTED = 10_000  # records listed in one step: their uuids alone are read


@dataclass(slots=True)
class _Batch:
    """One slice of a batch, or all of them again one by one."""

    job: Job
    setup: Setup
    now: datetime

    def read(self, uuids: list[str]) -> tuple[Snapshot, thinking.Started, Run | None]:
        wanted, told = Wanted(), self.job.payload.get("run")
        run = run_again(told) if told else None
        if run is not None:
            of_process(wanted, run.process, run.definition, self.setup)
        snapshot = read(self.job, uuids, self.setup, self.now, wanted)
        return snapshot, started_by(self.job, snapshot), run

    def work(self, uuids: list[str], fresh: Fresh) -> list[list[str]]:
        """Decide and write these records. What became of each: [outcome, why]."""
        job = self.job
        snapshot, started, run = self.read(uuids)
        still = {str(uuid) for uuid in self._still(uuids)}
        decisions, results = list[Decision](), list[list[str]]()
        for uuid in uuids:
            record = snapshot.records.get(uuid)
            if record is None or (uuid not in still and not record.deleted):
                results.append(["unchanged", "it is not in the view any more" if record is not None else "it is gone"])
                continue
            decision = thinking.on_record(
                job.payload["verb"], started, record, snapshot, self.setup, fresh, values=job.payload["values"], run=run
            )
            lay_effects(decision, snapshot, self.setup)
            results.append(_result(decision))
            if decision.disposition is Disposition.ACCEPT:
                decisions.append(decision)
        commit.write_effects([(each, job.message, None) for each in decisions], self.setup, self.now)
        return results

    def _still(self, uuids: list[str]) -> Iterable[UUID]:
        wanted = [UUID(uuid) for uuid in uuids]
        rows = lists.of_view(self.job.table, self.job.view, self.setup).filter(uuid__in=wanted)
        return rows.values_list("uuid", flat=True)

    def one_by_one(self, uuids: list[str], fresh: Fresh) -> list[list[str]]:
        """After a slice that failed as a whole: what fails alone is told, and the others stand."""
        results: list[list[str]] = []
        for uuid in uuids:
            try:
                with transaction.atomic():
                    results += self.work([uuid], fresh)
            except (OperationalError, InterfaceError):
                raise
            except Exception as fault:  # noqa: BLE001  one record that can't be written holds back no other
                results.append(["failed", f"{type(fault).__name__}: {str(fault)[:200]}"])
        return results


def _batch(job: Job, setup: Setup, now: datetime) -> None:
    """The next step of a batch: list records, work on a slice of them, or tell how it ended."""
    if job.view and job.view not in setup.views:
        rows.give_up(job, f"The view {job.view} is gone.", now)
        return
    if job.total is None:
        _list(job, setup, now)
        return
    part = slices.next_of(job)
    if part is None:
        _over(job, setup, now)
        return
    batch, seed = _Batch(job, setup, now), part.number + 1
    try:
        with transaction.atomic():
            results = batch.work(part.records, _fresh(job, seed))
            reached("slice-written")
    except (OperationalError, InterfaceError):
        raise
    except Exception as fault:  # noqa: BLE001  the slice is replayed one by one
        log.warning("a slice of job %s is replayed one by one: %s", job.pk, fault)
        results = batch.one_by_one(part.records, _fresh(job, seed + 2**24))
    slices.done(job, part, results, now)


def _list(job: Job, setup: Setup, now: datetime) -> None:
    """Write down which records are meant, in the order of their uuids: what is made later is not among them."""
    records_of = lists.of_view(job.table, job.view, setup).filter(created_at__lte=job.created_at)
    if job.listed_to:
        records_of = records_of.filter(uuid__gt=job.listed_to)
    found = [str(uuid) for uuid in records_of.order_by("uuid").values_list("uuid", flat=True)[:LISTED]]
    listed = slices.add(job, found)
    more = {"total": listed} if len(found) < LISTED else {}
    rows.go_on(
        job,
        now,
        state="running",
        run_at=now,
        started_at=job.started_at or now,
        listed_to=found[-1] if found else "",
        **more,
    )


def _result(decision: Decision) -> list[str]:
    if decision.disposition is not Disposition.ACCEPT:
        return ["refused", str(decision.trace[-1].why)]
    did = decision.changes or decision.communications or decision.outbox or decision.jobs
    return ["done" if did else "unchanged", ""]


def _over(job: Job, setup: Setup, now: datetime) -> None:
    """Every slice is done: whoever asked by mail gets the counts, with a link."""
    rows.go_on(job, now, state="done")
    if not job.message or not job.author:
        return
    snapshot = read(job, [], setup, now)
    if job.author in snapshot.suppressed:
        return
    started = started_by(job, snapshot)
    draft = receipt(job.payload["mail"], rows.line(job), started, setup, _fresh(job, 0))
    outbox.write([(draft, job.delivery)], setup, now)


# ---------------------------------------------------------------- a task


def _task(job: Job, setup: Setup, now: datetime) -> None:
    """A function that was asked for by Django's Tasks API."""
    result = tasks.call(job)
    rows.go_on(job, now, state="done", done=1, started_at=now, payload={**job.payload, "result": result})


_KINDS: dict[str, Callable[[Job, Setup, datetime], None]] = {"process": _process, "batch": _batch, "task": _task}
