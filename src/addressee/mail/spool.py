"""The spool: mail that was accepted, durable before anybody is told so (laws 1 and 2), and what became of it.

Transports and `receive` accept; workers claim (mail.claims); pipeline.commit settles; trace, raw and ledger ask.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Model, Q

from addressee.core.charsets import storable
from addressee.core.errors import Refused, TooLarge, TryAgainLater
from addressee.core.message import Envelope
from addressee.core.reasons import Reason
from addressee.core.setup import Setup
from addressee.core.values import Disposition
from addressee.host import wake
from addressee.host.checkpoints import Fault, reached
from addressee.mail.claims import (
    LEASE,
    Claim,
    Taken,
    claim,
    envelope_of,
    free_the_dead,
    give_back,
    renew,
    taken_columns,
    worker_name,
)
from addressee.mail.models import Delivery, RawMessage
from addressee.mail.peek import message_id_hash, peek
from addressee.records import files
from addressee.setup import store

__all__ = [
    "LEASE",
    "Claim",
    "ClaimLost",
    "Incoming",
    "Settled",
    "Taken",
    "accept",
    "accept_many",
    "check_size",
    "claim",
    "claimed",
    "defer",
    "envelope_of",
    "find",
    "free_the_dead",
    "give_back",
    "held",
    "ledger",
    "most_bytes",
    "raw_bytes",
    "rehearse",
    "renew",
    "requeue",
    "settle",
    "waiting_count",
    "worker_name",
]

IN_ROW_BYTES = 256 * 1024  # raw messages up to this stand in the database: one sync instead of three
_KEPT_TIMES = 4
_INSERT_ROWS = 500  # in one statement: SQLite takes 32,766 values

# ---- Taking mail ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message as a transport hands it over.

    recipients  those of ours; none: it is kept all the same, in one delivery with recipient ""
    file        what `receive` was given, told back in its line
    """

    envelope: Envelope
    recipients: tuple[str, ...]
    raw: bytes
    file: str = ""


def accept(incoming: Incoming, now: datetime, setup: Setup | None = None) -> list[int]:
    """Keep one message; the ids of its deliveries, in the order of its recipients. See accept_many."""
    return accept_many([incoming], now, setup)[0]


def accept_many(many: Sequence[Incoming], now: datetime, setup: Setup | None = None) -> list[list[int]]:
    """Keep messages in one durable transaction: on return they survive a loss of power. All or none.

    setup  for its options, where the caller has it at hand; else it is asked for (one statement more)

    Raises Refused("empty") and TooLarge before anything is kept, TryAgainLater when the disk or the database
    does not take them.
    """
    try:
        known = setup or store.current()
        for item in many:
            check_size(len(item.raw), most_bytes(known, item.envelope.transport))
        ids = _keep(many, now)
        reached("spooled")
    except (DatabaseError, InterfaceError, OSError, Fault) as error:
        connection.close_if_unusable_or_obsolete()  # so that the next one gets a fresh connection
        raise TryAgainLater("not-kept", cause=str(error)) from error
    wake.poke()
    return ids


def most_bytes(setup: Setup, transport: str) -> int:
    """How large a message may be to be kept: the option message_size_bytes, above which a peer is told 552.

    What `receive` is given was accepted by somebody already: up to four times that it is kept all the same, and held.
    """
    return setup.option("message_size_bytes") * (_KEPT_TIMES if transport == "receive" else 1)


def check_size(size_bytes: int, most: int) -> None:
    """Raises Refused("empty"), or TooLarge over `most` bytes."""
    if not size_bytes:
        raise Refused("empty")
    if size_bytes > most:
        raise TooLarge("too-large", size_bytes=size_bytes, most_bytes=most)


def _keep(many: Sequence[Incoming], now: datetime) -> list[list[int]]:
    hashes = [sha256(item.raw).hexdigest() for item in many]
    large = [len(item.raw) > IN_ROW_BYTES for item in many]
    if any(large):
        with files.Batch(raw=True) as batch:
            for item, sha, apart in zip(many, hashes, large, strict=True):
                if apart:
                    batch.put_known(sha, item.raw)
    at = connection.ops.adapt_datetimefield_value(now)
    raws = [
        {"sha256": sha, "size_bytes": len(item.raw), "bytes": None if apart else item.raw, "received_at": at}
        for item, sha, apart in zip(many, hashes, large, strict=True)
    ]
    with transaction.atomic():
        raw_ids = _insert(RawMessage, raws)
        rows = [_delivery_rows(item, raw_id, at) for item, raw_id in zip(many, raw_ids, strict=True)]
        ids = iter(_insert(Delivery, [row for group in rows for row in group]))
    return [[next(ids) for _ in group] for group in rows]


def _delivery_rows(item: Incoming, raw_id: int, at: object) -> list[dict[str, Any]]:
    seen = peek(item.raw)
    row = {
        "raw_id": raw_id,
        "envelope": _envelope_as_json(item.envelope),
        "received_at": at,
        "author_hash": seen.author_hash,
        "message_id": seen.message_id,
        "message_id_hash": message_id_hash(seen.message_id),
        "file": storable(item.file),
        "due_at": at,
    }
    return [
        row | {"recipient": storable(recipient)[:320], "seed": secrets.token_bytes(16)}
        for recipient in item.recipients or ("",)
    ]


def _insert(model: type[Model], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows by column and return their ids, in order. Half the price of bulk_create, and intake is counted."""
    blank = _blank(model)
    table, names = connection.ops.quote_name(model._meta.db_table), ", ".join(f'"{name}"' for name in blank)
    marks = f"({', '.join(['%s'] * len(blank))})"
    ids: list[int] = []
    with connection.cursor() as cursor:
        for at in range(0, len(rows), _INSERT_ROWS):
            some = rows[at : at + _INSERT_ROWS]
            cursor.execute(
                f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * len(some))} RETURNING id",
                [value for row in some for value in {**blank, **row}.values()],
            )
            ids += [found for (found,) in cursor.fetchall()]
    return ids


@cache
def _blank(model: type[Model]) -> dict[str, Any]:
    """Every column but the key, with its default."""
    return {
        str(column.column): column.get_db_prep_save(column.get_default(), connection)
        for column in model._meta.concrete_fields
        if not column.primary_key
    }


_ENVELOPE = tuple(part.name for part in fields(Envelope))


def _envelope_as_json(envelope: Envelope) -> str:
    plain = {name: getattr(envelope, name) for name in _ENVELOPE}
    for name, value in plain.items():
        if isinstance(value, str):
            plain[name] = storable(value)
    plain["arrived_at"] = envelope.arrived_at.isoformat() if envelope.arrived_at else None
    return json.dumps(plain)


# ---- Working it off ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one delivery: the columns, and in `result` the rest of the contract's line by its names."""

    id: int
    disposition: Disposition
    reason: str
    identity: str = ""
    target: str = ""
    author: str = ""
    subject: str = ""
    result: dict[str, Any] = field(default_factory=dict)


class ClaimLost(Exception):
    """A claim ran out and another worker has the delivery: roll back, its work counts."""


def claimed(ids: Sequence[int]) -> list[Taken]:
    """The deliveries with their raw bytes, in the order of acceptance. One statement."""
    table = connection.ops.quote_name(Delivery._meta.db_table)
    with connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(ids)) or "NULL"
        cursor.execute(f"SELECT {taken_columns()} FROM {table} WHERE id IN ({marks}) ORDER BY id", list(ids))
        return [Taken.of(row) for row in cursor.fetchall()]


def settle(rows: Sequence[Settled], now: datetime, worker: str | None = None) -> None:
    """Write down what became of deliveries, and end their claims: one statement, inside the caller's transaction.

    worker  only deliveries that are still claimed by it; raises ClaimLost where one is not
    """
    if not rows:
        return
    table = connection.ops.quote_name(Delivery._meta.db_table)
    as_json = "v.column8::jsonb" if connection.vendor == "postgresql" else "v.column8"
    values: list[Any] = []
    for row in rows:
        values += [row.id, row.disposition.value, row.reason, row.identity, row.target, row.author[:320]]
        values += [row.subject, json.dumps(row.result, separators=(",", ":"))]
    mine, names = ("AND claimed_by = %s", [worker]) if worker is not None else ("", [])
    with connection.cursor() as cursor:
        cursor.execute(
            # column1, column2 …: what both databases call the columns of VALUES
            f"""UPDATE {table} SET disposition = v.column2, reason = v.column3, identity = v.column4,
            target = v.column5, author = v.column6, subject = v.column7, result = {as_json},
            settled_at = %s, due_at = NULL, claimed_by = '', claimed_until = NULL
            FROM (VALUES {", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(rows))}) AS v
            WHERE {table}.id = v.column1 {mine}""",
            [connection.ops.adapt_datetimefield_value(now), *values, *names],
        )
        if worker is not None and cursor.rowcount != len(rows):
            raise ClaimLost


def defer(
    ids: Sequence[int], until: datetime, reason: str, why: str = "", *, failed: bool = False, worker: str | None = None
) -> None:
    """Try again later; the claims end, and those on later deliveries of the same authors too.

    failed  the message itself was at fault: a try that counts (option attempts)
    worker  only deliveries that are still claimed by it
    """
    trace = {"trace": [{"step": "defer", "result": reason, "why": why}]}
    mine = Q(claimed_by=worker) if worker is not None else Q()
    Delivery.objects.filter(mine, pk__in=list(ids), due_at__isnull=False).update(
        due_at=until,
        reason=reason,
        result=trace,
        attempts=F("attempts") + int(failed),
        claimed_by="",
        claimed_until=None,
    )
    # What the same worker has of these authors beyond them waits too (law 7): its claims end, and are refused
    # when it settles.
    authors = Delivery.objects.filter(pk__in=list(ids)).exclude(author_hash="").values("author_hash")
    later = Delivery.objects.filter(author_hash__in=authors, due_at__isnull=False, claimed_until__isnull=False)
    later.filter(pk__gt=min(ids, default=0)).update(claimed_by="", claimed_until=None)


def rehearse(incoming: Incoming, now: datetime) -> list[Taken]:
    """The rows of a message that is only explained: whole in the database, claimed by nobody, to be rolled back."""
    raw = RawMessage.objects.create(
        sha256=sha256(incoming.raw).hexdigest(), size_bytes=len(incoming.raw), bytes=incoming.raw, received_at=now
    )
    ids = _insert(Delivery, _delivery_rows(incoming, raw.pk, connection.ops.adapt_datetimefield_value(now)))
    return claimed(ids)


def requeue(
    ids: Sequence[int], now: datetime, override: dict[str, Any] | None = None, *, any_settled: bool = False
) -> int:
    """Held deliveries wait again, with what a person said of them (law 6); tries count anew. How many there were.

    any_settled  rejected and discarded ones too
    """
    again = [Disposition.HOLD, *([Disposition.REJECT, Disposition.DISCARD] if any_settled else [])]
    count = Delivery.objects.filter(pk__in=list(ids), disposition__in=again).update(
        disposition="",
        due_at=now,
        settled_at=None,
        attempts=0,
        claimed_by="",
        claimed_until=None,
        override=override,
    )
    wake.poke()
    return count


# ---- Asking -----------------------------------------------------------------------------------------------


def waiting_count() -> int:
    """Deliveries accepted and not settled."""
    return Delivery.objects.filter(due_at__isnull=False).count()


def ledger() -> dict[str, int | bool]:
    """The counts of law 4, in deliveries, and whether they add up.

    `accepted` is counted on its own: every delivery there is, and every message taken that has none.
    """
    delivery, raw = (connection.ops.quote_name(model._meta.db_table) for model in (Delivery, RawMessage))
    with connection.cursor() as cursor:
        # One statement, so one moment; by the indexes alone, because rows are long and there may be a million.
        cursor.execute(
            f"""SELECT 'accepted', count(*) FROM {delivery}
            UNION ALL SELECT 'accepted', count(*) FROM {raw} r
                WHERE NOT EXISTS (SELECT 1 FROM {delivery} d WHERE d.raw_id = r.id)
            UNION ALL SELECT 'waiting', count(*) FROM {delivery} WHERE due_at IS NOT NULL
            UNION ALL SELECT disposition, count(*) FROM {delivery} GROUP BY disposition"""
        )
        found: Counter[str] = Counter()
        for name, count in cursor.fetchall():
            found[name] += count
    settled = {
        "applied": found[Disposition.ACCEPT],
        "held": found[Disposition.HOLD],
        "rejected": found[Disposition.REJECT],
        "discarded": found[Disposition.DISCARD],
        "redirected": found[Disposition.REDIRECT],
    }
    adds_up = found["accepted"] == sum(settled.values()) + found["waiting"]
    return {"accepted": found["accepted"], **settled, "waiting": found["waiting"], "adds_up": adds_up}


def find(text: str) -> list[Delivery]:
    """Deliveries by spool id or Message-ID (with or without brackets), in the order of acceptance."""
    wanted = text.strip()
    rows = Delivery.objects.order_by("pk")
    if wanted.isascii() and wanted.isdecimal() and len(wanted) < 19:
        found = list(rows.filter(pk=int(wanted)))
        if found:
            return found
    message_id = wanted.strip("<>")
    return list(rows.filter(message_id_hash=message_id_hash(message_id), message_id=message_id)) if message_id else []


def held(*, junk: bool = False) -> Iterator[Delivery]:
    """What waits for a person, oldest first; what was marked as spam is apart (law 6)."""
    rows = Delivery.objects.filter(disposition=Disposition.HOLD).order_by("pk").defer("result", "envelope", "seed")
    marked = rows.filter(reason=Reason.SPAM) if junk else rows.exclude(reason=Reason.SPAM)
    return marked.iterator(chunk_size=500)


def raw_bytes(delivery: Delivery) -> bytes:
    """The message as it came. Raises FileNotFoundError where the file store lost it."""
    raw = delivery.raw
    if raw.bytes is not None:
        return bytes(raw.bytes)
    with files.open(raw.sha256) as file:
        return file.read()
