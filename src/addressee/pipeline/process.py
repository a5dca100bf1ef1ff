"""The walk of claimed deliveries: read, one transaction (snapshot, decide, write), settled. Called by the worker.

A batch of n gives the same rows as n batches of one. A batch that fails is replayed one by one; what fails alone
three times is held with its fault in the trace, and others go on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from django.db import InterfaceError, OperationalError, connection, transaction

from addressee.core.attachments import REPEATED
from addressee.core.decide import decide
from addressee.core.errors import TryAgainLater
from addressee.core.lay import lay
from addressee.core.listing import NeedsList
from addressee.core.lookup import find_persons, find_records
from addressee.core.reasons import Reason
from addressee.core.setup import Setup
from addressee.core.values import Decision, Delivery, Disposition, Override, Snapshot, Wanted
from addressee.core.wants import first_round, second_round
from addressee.host import clock
from addressee.host.checkpoints import reached
from addressee.jobs import rows as jobs
from addressee.mail import causes, spool, threads
from addressee.people import rows as people
from addressee.pipeline import commit
from addressee.pipeline.commit import Work
from addressee.pipeline.reading import Failed, Parsed, RawRef, shared
from addressee.pipeline.scanning import scanned
from addressee.records import lists
from addressee.records import snapshot as records

log = logging.getLogger("addressee.process")
MOST_NAMES = 1_000  # persons among whom the nearest to a misspelt name is looked for
_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one walk did with a delivery; the whole line is made of its row (pipeline/outcome)."""

    delivery: int
    disposition: Disposition
    reason: str


def process(rows: Sequence[spool.Taken], setup: Setup, *, worker: str) -> list[Outcome]:
    """Walk deliveries that this worker has claimed.

    A delivery that another worker took meanwhile is left to it. Raises only what stops every message: a database
    that is gone (OperationalError, InterfaceError); the claims then run out and nothing is lost.
    """
    now, outcomes = clock.now(), list[Outcome]()
    read = shared(setup).read_many(
        [RawRef(row.sha256, row.raw) for row in rows], on_wait=lambda: spool.renew(worker, clock.now())
    )
    reached("parsed")
    good: list[Work] = []
    for row, result in zip(rows, read, strict=True):
        if isinstance(result, Parsed):
            good.append(Work(row, result.message))
        else:
            outcomes += _unread(row, result, setup, now)
    seen = scanned(good, setup, before=lambda: spool.renew(worker, clock.now()))
    if seen.waiting:
        log.warning("%d deliveries wait: %s", len(seen.waiting), seen.why)
        ids = [work.row.pk for work in seen.waiting]
        spool.defer(ids, clock.now() + _AGAIN, Reason.TRY_AGAIN, seen.why)
        outcomes += [Outcome(each, Disposition.DEFER, Reason.TRY_AGAIN) for each in ids]
    return [*outcomes, *_batch(seen.ready, setup, worker)]


def _unread(row: spool.Taken, failed: Failed, setup: Setup, now: datetime) -> list[Outcome]:
    """Try again, or hold after the option's number of tries."""
    if failed.reason is Reason.TRY_AGAIN:
        spool.defer([row.pk], now + _AGAIN, Reason.TRY_AGAIN, failed.why)
    elif failed.reason is Reason.POISON and row.attempts + 1 < setup.option("attempts"):
        spool.defer([row.pk], now, Reason.TRY_AGAIN, failed.why, failed=True)
    else:
        return hold([row.pk], failed.reason, failed.why, setup, now)
    return [Outcome(row.pk, Disposition.DEFER, Reason.TRY_AGAIN)]


def hold(ids: Iterable[int], reason: Reason, why: str, setup: Setup, now: datetime) -> list[Outcome]:
    """Hold deliveries that could not be decided, with the fault in the trace."""
    trace = [
        {"step": "read", "result": "failed", "why": why},
        {"step": "settle", "result": f"hold: {reason}", "why": ""},
    ]
    rows = [
        spool.Settled(id=id, disposition=Disposition.HOLD, reason=reason, result=commit.empty_result(trace))
        for id in ids
    ]
    with transaction.atomic():
        spool.settle(rows, now)
    return [Outcome(row.id, Disposition.HOLD, reason) for row in rows]


def _batch(work: Sequence[Work], setup: Setup, worker: str) -> list[Outcome]:
    """One transaction for all; when it fails, one each."""
    if not work:
        return []
    try:
        return decide_and_write(work, setup, worker)
    except (OperationalError, InterfaceError):
        raise
    except spool.ClaimLost:
        if len(work) == 1:
            return []  # another worker has it; its work counts
    except Exception as fault:  # noqa: BLE001  whatever one message does, the others go on (law 5)
        if len(work) == 1:
            return _failed(work[0], fault, setup)
        log.warning("a batch of %d failed and is replayed one by one: %s", len(work), fault)
    return [outcome for one in work for outcome in _batch([one], setup, worker)]


def _failed(work: Work, fault: Exception, setup: Setup) -> list[Outcome]:
    """One delivery that fails alone: tried again at once where it only lost a race, held after its tries."""
    row, now = work.row, clock.now()
    why = f"{type(fault).__name__}: {str(fault)[:300]}"
    if isinstance(fault, TryAgainLater):  # it lost a race; nothing is wrong with it
        spool.defer([row.pk], now + timedelta(seconds=1), Reason.TRY_AGAIN, why)
        return [Outcome(row.pk, Disposition.DEFER, Reason.TRY_AGAIN)]
    log.error("delivery %d could not be written: %s", row.pk, why, exc_info=True)
    if row.attempts + 1 < setup.option("attempts"):
        spool.defer([row.pk], now, Reason.TRY_AGAIN, why, failed=True)
        return [Outcome(row.pk, Disposition.DEFER, Reason.TRY_AGAIN)]
    return hold([row.pk], Reason.FAILED, why, setup, now)


def decide_and_write(work: Sequence[Work], setup: Setup, worker: str | None) -> list[Outcome]:
    """Steps 5 to 7: the transaction. On return everything that follows from the batch is durable."""
    with transaction.atomic():
        decisions = walk(work, setup, worker)
    reached("committed")
    return [Outcome(d.delivery, d.disposition, d.reason) for d in decisions]


def walk(work: Sequence[Work], setup: Setup, worker: str | None) -> list[Decision]:
    """Snapshot, decide and write, inside the caller's transaction: the same for a real run and for explain."""
    reached("transaction-open")
    now = clock.now()
    deliveries = [delivery_of(one) for one in work]
    snapshot = read_snapshot(deliveries, setup, now)
    decisions: list[Decision] = []
    written = 0
    for delivery in deliveries:
        try:
            decision = decide(delivery, snapshot, setup)
        except NeedsList as needed:  # it sees what the deliveries before it wrote: they are written first
            done = slice(written, len(decisions))
            commit.write(
                list(zip(work[done], deliveries[done], decisions[done], strict=True)), snapshot, setup, now, worker
            )
            written = len(decisions)
            snapshot.listed = needed.asked, lists.read(needed.asked, setup)
            decision = decide(delivery, snapshot, setup)
            snapshot.listed = None
        lay(decision, delivery, snapshot, setup)
        decisions.append(decision)
    reached("decided")
    rest = slice(written, None)
    commit.write(list(zip(work[rest], deliveries[rest], decisions[rest], strict=True)), snapshot, setup, now, worker)
    reached("written")
    return decisions


def delivery_of(work: Work) -> Delivery:
    row = work.row
    return Delivery(
        id=row.pk,
        message=work.message,
        envelope=row.envelope,
        recipient=row.recipient,
        received_at=row.received_at,
        seed=row.seed,
        override=Override(**row.override) if row.override else None,
        infected=work.infected,
    )


def read_snapshot(deliveries: Sequence[Delivery], setup: Setup, now: datetime) -> Snapshot:
    """All that the decisions of a batch may look at, in a few rounds of statements."""
    snapshot = Snapshot(now)
    wanted = first_round(deliveries, setup)
    lock(_keys(wanted))
    threads.fill(snapshot, wanted, setup)
    wanted.numbers.clear()  # found, and what they name is locked with the rest before it is read
    lock(sorted(wanted.uuids))
    records.fill(snapshot, wanted, setup)
    further = second_round(deliveries, snapshot, setup)
    if further.titles or further.unique:
        records.fill(snapshot, further, setup)
    if further.undo:
        causes.fill(snapshot, further.undo, setup)
    if further.told:
        threads.fill_told(snapshot, further.told)
    further.person_keys |= wanted.person_keys
    further.addresses |= wanted.addresses
    fill_persons(snapshot, further, setup)
    _suggest(snapshot, further, setup)
    if any(d.message.author in snapshot.person_by_address for d in deliveries):  # staff may answer in public
        threads.fill_last_messages(snapshot, wanted.uuids & set(snapshot.correspondents))
    threads.fill_recipients(snapshot, wanted.addresses)
    for table, view in wanted.counts:
        snapshot.counted[table, view] = lists.of_view(table, view, setup).count()
    if setup.waits_for_replies:
        jobs.fill_waiting(snapshot, wanted.uuids)
    if wanted.pictures:
        threads.fill_pictures(snapshot, wanted.pictures, len(deliveries) + REPEATED)
    return snapshot


def _suggest(snapshot: Snapshot, asked: Wanted, setup: Setup) -> None:
    """Where a name in a field line names nothing: what it may have been. No statement where all were found."""
    missing = {(table, text) for table, text in asked.titles if not find_records(table, text, snapshot, setup)}
    if missing:
        records.fill_near(snapshot, sorted(missing), setup)
    if any(not find_persons(text, snapshot) for text in asked.person_texts):
        snapshot.person_names = tuple(people.names(MOST_NAMES))


def fill_persons(snapshot: Snapshot, wanted: Wanted, setup: Setup) -> None:
    """The persons that are wanted, and those whom a record of the snapshot concerns, in two statements."""
    concerned = second_round([], snapshot, setup)
    texts = wanted.person_texts
    keys = wanted.person_keys | concerned.person_keys | texts
    for person in people.persons_by(wanted.addresses | concerned.addresses | texts, keys, texts):
        snapshot.persons[person.key] = person
        for address in person.addresses:
            snapshot.person_by_address[address] = person.key


def _keys(wanted: Wanted) -> list[str]:
    numbers = {f"number {table}" for table in wanted.tables}
    turns = {f"turn {name}" for name in wanted.turns}
    return sorted(wanted.message_ids | wanted.identities | wanted.addresses | wanted.appointments | numbers | turns)


def lock(keys: Sequence[str]) -> None:
    """On PostgreSQL: advisory locks until the transaction ends, in order, so that two batches never cross.

    SQLite has one writer anyway (BEGIN IMMEDIATE).
    """
    if connection.vendor != "postgresql" or not keys:
        return
    numbers = sorted({hash_of(key) for key in keys})
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(k) FROM unnest(%s::bigint[]) AS k", [numbers])


def hash_of(key: str) -> int:
    """A key as the 64-bit number of an advisory lock, the same in every process."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)
