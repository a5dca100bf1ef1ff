"""Works on jobs, one step at a time: a process up to its next wait, a slice of a batch. Called by the worker.

Each step is one transaction: what it does to the records, and how far the job is, or neither. A step that a crash or
a stop cuts off was never taken. Mail waits for one step at most.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from addressee.core import job as thinking
from addressee.core.action import CannotBeDone
from addressee.core.language import english
from addressee.core.process import kept, run_again
from addressee.core.reasons import SENTENCES
from addressee.core.setup import Setup
from addressee.core.values import Actor, Assurance, Fresh, RecordState, Snapshot, Wanted
from addressee.core.wants import of_process
from addressee.host import clock
from addressee.host.checkpoints import reached
from addressee.jobs import rows
from addressee.jobs.models import Job
from addressee.mail import threads
from addressee.pipeline import commit, process
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


_KINDS: dict[str, Callable[[Job, Setup, datetime], None]] = {"process": _process}
