"""The rows of jobs: started, claimed with a deadline, woken, stopped, told. The only writer of Job beside jobs/slices.

A claim that ran out died with its worker: the job is taken again with attempts + 1, and given up after its tries, to
be shown. Called by pipeline/commit in the transaction of what starts a job, and by pipeline/jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from addressee.core.values import Actor, JobDraft, Snapshot
from addressee.jobs.models import Job, Slot
from addressee.mail.claims import LEASE, is_dead
from addressee.records import bulk

FIRST_RETRY, LAST_RETRY = timedelta(seconds=10), timedelta(hours=1)
OVER = ("done", "failed", "stopped")


@dataclass(frozen=True, slots=True)
class Cause:
    """Who started jobs, by which message and right."""

    actor: Actor
    account: str = ""
    message: str = ""
    delivery: int | None = None
    right: str = ""


# ---------------------------------------------------------------- writing


def write(drafts: Sequence[tuple[JobDraft, Cause]], now: datetime) -> None:
    """Put jobs down, in the caller's transaction: one statement."""
    bulk.insert([_row(draft, cause, now) for draft, cause in drafts])


def _row(draft: JobDraft, cause: Cause, now: datetime) -> Job:
    over = draft.state in OVER
    one = draft.kind == "process"
    return bulk.new(
        Job,
        uuid=UUID(draft.uuid),
        kind=draft.kind,
        name=draft.name,
        state=draft.state,
        payload=dict(draft.payload),
        table=draft.table,
        record=UUID(draft.record) if draft.record else None,
        view=draft.view,
        actor=cause.actor.key or "",
        author=cause.actor.address,
        lent=cause.actor.lent,
        account=cause.account,
        message=cause.message,
        delivery=cause.delivery,
        right=cause.right[:200],
        run_at=draft.run_at,
        waits_for=draft.waits_for,
        why=draft.why,
        seed=UUID(draft.uuid).bytes,
        total=1 if one else None,
        done=1 if one and over else 0,
        created_at=now,
        started_at=now if one else None,
        finished_at=now if over else None,
    )


def enqueue(uuid: UUID, path: str, payload: Mapping[str, Any], queue: str, run_at: datetime, now: datetime) -> Job:
    """Put down the call of a function."""
    job = Job(
        uuid=uuid, kind="task", name=path, state="ready", payload=dict(payload), queue=queue, run_at=run_at,
        seed=uuid.bytes, total=1, created_at=now,
    )  # fmt: skip
    job.save(force_insert=True)
    return job


def wake(replies: Mapping[str, Mapping[str, str]], now: datetime) -> None:
    """Make jobs due that waited for an answer, and give it to them; what was woken before stays as it is."""
    for uuid, reply in sorted(replies.items()):
        job = Job.objects.filter(pk=uuid, state="waiting").exclude(waits_for="").first()
        if job is not None:
            payload = {**job.payload, "reply": dict(reply), "waited": "reply"}
            Job.objects.filter(pk=uuid, state="waiting").update(
                payload=payload, waits_for="", run_at=now, state="ready", why=""
            )


def fill_waiting(snapshot: Snapshot, records: Iterable[str]) -> None:
    """Which jobs wait for an answer on these records. One statement."""
    wanted = [UUID(each) for each in sorted(set(records))]
    rows = Job.objects.filter(record__in=wanted, state="waiting").exclude(waits_for="") if wanted else ()
    for row in rows:
        known = snapshot.waiting.get(str(row.record), ())
        snapshot.waiting[str(row.record)] = (*known, (str(row.pk), row.waits_for))


# ---------------------------------------------------------------- claiming


def claim(worker: str, now: datetime) -> Job | None:
    """Take the job that is longest due; it is the worker's for LEASE. Where nothing is due, nothing is written."""
    if not due_count(now):
        return None
    table = bulk.table(Job)
    skip = "" if connection.vendor == "sqlite" else "FOR UPDATE SKIP LOCKED"
    at, until = bulk.moment(now), bulk.moment(now + LEASE)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {table} SET claimed_by = %s, claimed_until = %s,
            attempts = attempts + CASE WHEN claimed_until IS NULL THEN 0 ELSE 1 END
            WHERE uuid IN (SELECT uuid FROM {table} WHERE run_at <= %s
            AND (claimed_until IS NULL OR claimed_until <= %s) ORDER BY run_at, uuid LIMIT 1 {skip}) RETURNING uuid""",
            [worker, until, at, at],
        )
        found = cursor.fetchone()
    return Job.objects.get(pk=found[0]) if found else None


def mine(job: Job, worker: str) -> Job | None:
    """The job as it stands now, locked for this transaction; None where it is no longer this worker's to work on."""
    rows = Job.objects.filter(pk=job.pk, claimed_by=worker, run_at__isnull=False)
    return (rows.select_for_update() if connection.vendor == "postgresql" else rows).first()


def free_the_dead(now: datetime) -> None:
    """End the claims of processes of this machine that are gone, as if their time had run out."""
    claimed = Job.objects.filter(claimed_until__gt=now)
    dead = [name for name in claimed.values_list("claimed_by", flat=True).distinct() if is_dead(name)]
    if dead:
        claimed.filter(claimed_by__in=dead).update(claimed_until=now)


def next_due(now: datetime) -> datetime | None:
    """When the next job is due; None where none is."""
    return Job.objects.filter(run_at__isnull=False).order_by("run_at").values_list("run_at", flat=True).first()


def due_count(now: datetime) -> int:
    return Job.objects.filter(run_at__lte=now).count()


# ---------------------------------------------------------------- how it goes on


def go_on(job: Job, now: datetime, **columns: Any) -> None:
    """Done for now: the claim ends, the columns are written. A `run_at` says when there is more to do."""
    over = columns.get("state") in OVER
    more = {"run_at": None, "finished_at": now} if over else {}
    settled = {"claimed_by": "", "claimed_until": None, "attempts": 0, **more, **columns}
    Job.objects.filter(pk=job.pk).update(**settled)


def put_off(job: Job, why: str, now: datetime, attempts: int, worker: str) -> None:
    """It failed: tried again later, each pause twice the one before; given up after its tries, and shown."""
    tried = job.attempts + 1
    mine = Job.objects.filter(pk=job.pk, claimed_by=worker)
    if tried >= attempts:
        give_up(job, why, now)
        return
    pause = min(FIRST_RETRY * 2 ** min(job.attempts, 10), LAST_RETRY)
    mine.update(claimed_by="", claimed_until=None, attempts=tried, run_at=now + pause, why=why[:2000])


def give_up(job: Job, why: str, now: datetime) -> None:
    Job.objects.filter(pk=job.pk).update(
        state="failed", why=why[:2000], run_at=None, waits_for="", claimed_by="", claimed_until=None, finished_at=now
    )


def stop(uuid: UUID, now: datetime) -> bool:
    """No further slice or step; what is under way is finished. False where it is over already."""
    standing = Job.objects.filter(pk=uuid).exclude(state__in=OVER)
    return bool(standing.update(state="stopped", run_at=None, waits_for="", finished_at=now))


def resume(uuid: UUID, now: datetime) -> bool:
    """Go on with what was stopped or given up. False where there is nothing to go on with."""
    resting = Job.objects.filter(pk=uuid, state__in=("stopped", "failed"))
    return bool(
        resting.update(
            state="ready", run_at=now, attempts=0, why="", claimed_by="", claimed_until=None, finished_at=None
        )
    )


def once(name: str, slot: datetime) -> bool:
    """Was this slot of something periodic not done before? Then it is noted, in the caller's transaction."""
    return bulk.insert([bulk.new(Slot, name=name, slot=slot)], "ON CONFLICT DO NOTHING") == 1


def was_done(name: str, slot: datetime) -> bool:
    return Slot.objects.filter(name=name, slot=slot).exists()


def is_old(before: datetime) -> bool:
    """Is there a job that was over before then?"""
    return Job.objects.filter(state__in=OVER, finished_at__lt=before).exists()


def forget(before: datetime) -> int:
    """Remove jobs that were over before then, with their slices, and the slots of that time; how many jobs."""
    Slot.objects.filter(slot__lt=before).delete()
    old = Job.objects.filter(state__in=OVER, finished_at__lt=before)
    count = old.count()
    old.delete()
    return count


# ---------------------------------------------------------------- asking


def find(text: str) -> list[Job]:
    """The jobs whose uuid is, or begins with, the text: at most two, so that one can tell whether it is one."""
    wanted = text.strip().lower()
    if len(wanted.replace("-", "")) == 32:
        try:
            return list(Job.objects.filter(pk=UUID(wanted)))
        except ValueError:
            return []
    if not wanted or set(wanted) - set("0123456789abcdef-"):
        return []
    first = UUID(hex=wanted.replace("-", "").ljust(32, "0"))
    last = UUID(hex=wanted.replace("-", "").ljust(32, "f"))
    return list(Job.objects.filter(pk__gte=first, pk__lte=last)[:2])


def listed(state: str = "") -> QuerySet[Job]:
    """All jobs, or those of one state, the newest first."""
    rows = Job.objects.order_by("-created_at", "uuid")
    return rows.filter(state=state) if state else rows


def line(job: Job) -> dict[str, Any]:
    """What other programs are told of a job."""
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "name": job.name,
        "state": job.state,
        "table": job.table or None,
        "record": str(job.record) if job.record else None,
        "view": job.view or None,
        "actor": job.actor or None,
        "author": job.author or None,
        "total": job.total,
        "done": job.done,
        "unchanged": job.unchanged,
        "refused": job.refused,
        "failed": job.failed,
        "attempts": job.attempts,
        "why": job.why or None,
        "created_at": _utc(job.created_at),
        "run_at": _utc(job.run_at),
        "finished_at": _utc(job.finished_at),
    }


def _utc(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
