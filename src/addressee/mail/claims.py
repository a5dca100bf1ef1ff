"""Who works on which delivery: claims with a deadline, in the order of acceptance, one worker an author (law 7).

Asked by pipeline.worker and pipeline.intake, as mail.spool.claim and so on. A claim need not survive a loss of power:
it is the one write here that is not synced.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from addressee.core.message import Envelope
from addressee.core.setup import Setup
from addressee.host.checkpoints import reached
from addressee.mail.models import Delivery, RawMessage
from addressee.records import bulk
from addressee.setup import store

LEASE = timedelta(seconds=60)  # a worker that is at it longer renews its claims
_LOCK = 4180002  # PostgreSQL advisory lock: one claim at a time, or two workers could share an author


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery as the walk needs it. (Django's own rows would cost a third of the walk.)

    raw     the message's bytes; empty where they are in the file store under `sha256`
    result  what is known of earlier tries
    """

    pk: int
    attempts: int
    raw_id: int
    recipient: str
    envelope: Envelope
    seed: bytes
    received_at: datetime
    override: dict[str, Any] | None
    result: dict[str, Any]
    sha256: str
    raw: bytes

    @classmethod
    def of(cls, row: Sequence[Any]) -> Taken:
        """A row of `taken_columns`, as both databases hand it over."""
        pk, attempts, raw_id, recipient, envelope, seed, at, override, result, sha, raw = row
        said = json.loads(override) if override else None
        came, known = envelope_of(json.loads(envelope)), json.loads(result)
        moment = bulk.aware(at)
        return cls(pk, attempts, raw_id, recipient, came, bytes(seed), moment, said, known, sha, bytes(raw or b""))


def taken_columns() -> str:
    """What a statement about deliveries selects or returns to make them Taken."""
    raw, raw_id = bulk.table(RawMessage), f"{_table()}.raw_id"
    return (
        "id, attempts, raw_id, recipient, envelope, seed, received_at, override, result, "
        f"(SELECT r.sha256 FROM {raw} r WHERE r.id = {raw_id}), (SELECT r.bytes FROM {raw} r WHERE r.id = {raw_id})"
    )


def envelope_of(told: Mapping[str, Any]) -> Envelope:
    """The envelope that a delivery came in, of its column."""
    plain = dict(told)
    if plain.get("arrived_at"):
        plain["arrived_at"] = datetime.fromisoformat(plain["arrived_at"])
    return Envelope(**plain)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker has got: `taken` to be processed together, in order, by `setup`; `poison`, ids, to be held."""

    taken: list[Taken]
    poison: list[int]
    setup: Setup

    @property
    def ids(self) -> list[int]:
        return [each.pk for each in self.taken]

    def __bool__(self) -> bool:
        return bool(self.taken or self.poison)


def worker_name() -> str:
    """This process, named so that its claims can be told from those of one that is gone: host:namespace/pid.start."""
    return f"{_machine()}/{os.getpid()}.{_started(os.getpid())}"


def claim(
    worker: str, most: int, now: datetime, only: Sequence[int] | None = None, *, setup: Setup | None = None
) -> Claim:
    """Take up to `most` deliveries that are due, in the order of acceptance; they are the worker's for LEASE.

    An author whom another worker has in hand is left out, and so is one with an earlier delivery that was deferred,
    for option order_wait_seconds after acceptance. A claim that ran out died with its worker: it is taken again with
    attempts + 1, and alone, so that the guilty one of a batch shows; after option attempts it is poison.

    only   take these deliveries alone, and earlier ones of their authors, which come first (law 7)
    setup  for option order_wait_seconds, where the caller has it at hand; else it is asked for (one statement more)

    The claim has the setup as it stands. One statement on SQLite, two on PostgreSQL.
    """
    setup = setup or store.current()
    wait = now - timedelta(seconds=setup.option("order_wait_seconds"))
    with _unsynced(), connection.cursor() as cursor:
        sql, values = _question(worker, most, now, wait, only)
        cursor.execute(sql, values)
        found = sorted(cursor.fetchall(), key=itemgetter(1))
    if not found:
        return Claim([], [], setup)
    reached("claimed")
    setup = store.of_stamp(found[0][0])
    limit, taken = setup.option("attempts"), [Taken.of(row[1:]) for row in found]
    poison = [each.pk for each in taken if each.attempts >= limit]
    rest = [each for each in taken if each.attempts < limit]
    tried_before = next((place for place, each in enumerate(rest) if each.attempts), len(rest))
    mine = rest[: max(1, tried_before)]
    if len(mine) < len(rest):
        give_back([each.pk for each in rest[len(mine) :]])
    return Claim(mine, poison, setup)


def give_back(ids: Sequence[int]) -> None:
    """End the claims; the deliveries are due as before."""
    Delivery.objects.filter(pk__in=list(ids)).update(claimed_by="", claimed_until=None)


def renew(worker: str, now: datetime) -> None:
    """More time for all that the worker has in hand."""
    Delivery.objects.filter(claimed_by=worker, claimed_until__isnull=False).update(claimed_until=now + LEASE)


def free_the_dead(now: datetime) -> int:
    """End the claims of processes of this machine that are gone, as if their time had run out. Returns how many."""
    names = Delivery.objects.filter(claimed_until__gt=now).values_list("claimed_by", flat=True).distinct()
    dead = [name for name in names if is_dead(name)]
    if not dead:
        return 0
    return Delivery.objects.filter(claimed_by__in=dead, claimed_until__gt=now).update(claimed_until=now)


def is_dead(name: str) -> bool:
    """Is this a worker_name of this machine whose process is gone? Of others there is no telling: False."""
    machine, _, process = name.partition("/")
    pid, _, start = process.partition(".")
    return machine == _machine() and pid.isdigit() and _started(int(pid)) != start


@cache
def _machine() -> str:
    """The host and the process namespace: where a process number means something."""
    try:
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()[:40]}:{namespace}"


def _started(pid: int) -> str:
    """When a process of this machine began, in clock ticks since boot; "" where there is none, or a dead one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    words = stat.rpartition(")")[2].split()  # proc(5): the name, in brackets, may hold anything
    return "" if words[0] in "ZX" else words[19]


@cache
def _table() -> str:
    return connection.ops.quote_name(Delivery._meta.db_table)


def _question(
    worker: str, most: int, now: datetime, wait: datetime, only: Sequence[int] | None
) -> tuple[str, list[Any]]:
    """The claiming UPDATE and its values."""
    sqlite = connection.vendor == "sqlite"
    at, earliest, until = (connection.ops.adapt_datetimefield_value(moment) for moment in (now, wait, now + LEASE))
    # Without the hint SQLite walks the primary key past every settled delivery there ever was.
    walk = "INDEXED BY spool_waiting" if sqlite and only is None else ""
    by_author = "INDEXED BY spool_by_author" if sqlite else ""
    skip = "" if sqlite else "FOR UPDATE SKIP LOCKED"
    table = _table()
    chosen, values = "", list[Any]()
    if only is not None:
        marks = ", ".join(["%s"] * len(only)) or "NULL"
        chosen = f"""AND (d.id IN ({marks}) OR (d.id < %s AND NOT (d.author_hash = '') AND d.author_hash IN (
            SELECT o.author_hash FROM {table} o WHERE o.id IN ({marks}))))"""
        values = [*only, max(only, default=0), *only]
    in_hand = f"SELECT c.author_hash FROM {table} c WHERE c.claimed_until > %s AND c.due_at IS NOT NULL"
    deferred = f"""SELECT 1 FROM {table} e {by_author}
        WHERE e.author_hash = d.author_hash AND NOT (e.author_hash = '') AND e.due_at > %s AND e.id < d.id"""
    waiting = f"""SELECT d.id FROM {table} d {walk}
        WHERE d.due_at <= %s AND (d.claimed_until IS NULL OR d.claimed_until <= %s) {chosen}
        AND (d.author_hash = '' OR (
            d.author_hash NOT IN ({in_hand}) AND (d.received_at <= %s OR NOT EXISTS ({deferred}))))
        ORDER BY d.id LIMIT %s {skip}"""
    return (
        f"""UPDATE {table} SET claimed_by = %s, claimed_until = %s,
        attempts = attempts + CASE WHEN claimed_until IS NULL THEN 0 ELSE 1 END
        WHERE id IN ({waiting}) RETURNING {store.STAMP}, {taken_columns()}""",
        [worker, until, at, at, *values, at, earliest, at, most],
    )


@contextmanager
def _unsynced() -> Iterator[None]:
    """The statement inside commits without waiting for the disk."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s), set_config('synchronous_commit', 'off', true)", [_LOCK])
            yield
        return
    connection.ensure_connection()
    if connection.in_atomic_block:  # SQLite can't change it there
        yield
        return
    connection.connection.execute("PRAGMA synchronous=NORMAL")
    try:
        yield
    finally:
        connection.connection.execute("PRAGMA synchronous=FULL")
