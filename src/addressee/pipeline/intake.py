"""Mail from files and standard input into the spool, and through the walk. Called by ops receive.

Durable first, a batch in one transaction; then processed by the worker's own code in this process, or by the worker
of `serve` where that is quicker.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from addressee.core.addresses import normal
from addressee.core.errors import Refused
from addressee.core.headers import Headers, printable, raw_text, scan
from addressee.core.mailboxes import mailboxes
from addressee.core.message import Envelope
from addressee.core.reasons import Reason
from addressee.core.route import Kind, route
from addressee.core.setup import Setup
from addressee.core.trace_headers import delivered_to
from addressee.host.clock import now
from addressee.mail import spool
from addressee.mail.models import Delivery
from addressee.mail.threads import address_exists
from addressee.pipeline.mail_files import Found
from addressee.pipeline.worker import Worker

BATCH = 100  # messages in one transaction
BATCH_BYTES = 8 * 1024 * 1024  # a batch is closed above this, so that memory stays flat
_PAUSE_SECONDS = 0.1
_PATIENCE_SECONDS = 120.0  # for another worker that has our deliveries in hand


@dataclass(frozen=True, slots=True)
class How:
    """What the command was told.

    sender      the envelope sender; None: as Return-Path or the From_ line say
    recipients  none: found in each message
    """

    sender: str | None = None
    recipients: tuple[str, ...] = ()
    queue_only: bool = False
    history: bool = False


@dataclass(slots=True)
class NotKept:
    """A message that was refused: why (empty | too-large), and where it lay."""

    file: str
    slug: str


@dataclass(slots=True)
class Intake:
    """One run of `receive`. `take` yields the deliveries, batch by batch; what was refused gathers in `refused`."""

    how: How
    setup: Setup
    told: Callable[[int], None] = lambda count: None  # how many messages were looked at so far
    refused: list[NotKept] = field(default_factory=list)
    _worker: Worker = field(default_factory=Worker)

    def take(self, found: Iterable[Found]) -> Iterator[list[Delivery]]:
        """Keep the messages and work them off. Raises TryAgainLater: the batch at hand was not kept, all before was."""
        ours = lru_cache(maxsize=10_000)(self._is_ours)
        seen = 0
        for batch in self._batches(found):
            incoming = [self._incoming(each, ours) for each in batch if self._is_takable(each)]
            seen += len(batch)
            if incoming:
                ids = [one for group in spool.accept_many(incoming, now(), self.setup) for one in group]
                yield rows_of(ids) if self.how.queue_only else work_off(ids, self._worker)
            self.told(seen)

    def _batches(self, found: Iterable[Found]) -> Iterator[list[Found]]:
        batch: list[Found] = []
        size = 0
        for each in found:
            batch.append(each)
            size += len(each.raw)
            if len(batch) >= BATCH or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _is_ours(self, address: str) -> bool:
        """Most addresses are somebody else's by their domain: for these no row is read."""
        return route(address, self.setup).kind is not Kind.NONE and address_exists(address)

    def _is_takable(self, found: Found) -> bool:
        try:
            spool.check_size(len(found.raw), spool.most_bytes(self.setup, "receive"))
        except Refused as error:
            self.refused.append(NotKept(found.file, error.slug))
            return False
        return True

    def _incoming(self, found: Found, ours: Callable[[str], bool]) -> spool.Incoming:
        how = self.how
        headers, _ = scan(found.raw, 0, len(found.raw))
        sender = how.sender if how.sender is not None else _return_path(headers, found.sender)
        return spool.Incoming(
            # Our own MTA stands between: what it says of the author is believed (DESIGN section 4, E3).
            Envelope("receive", sender=sender, trusted=True, history=how.history),
            how.recipients or recipients(headers, ours),
            found.raw,
            found.file,
        )


def work_off(ids: Sequence[int], worker: Worker) -> list[Delivery]:
    """Process deliveries until each is settled or put off, whoever does it; their rows."""
    rows = rows_of(ids)
    patience = time.monotonic() + _PATIENCE_SECONDS
    while (left := [row.pk for row in rows if _is_to_do(row)]) and time.monotonic() < patience:
        if not worker.step(only=left):
            time.sleep(_PAUSE_SECONDS)  # another worker has them, or an earlier one of the same author
        rows = rows_of(ids)
    confirmed = [row.result["confirms"] for row in rows if row.reason == Reason.CONFIRMED]
    if confirmed:  # what they confirmed is decided now, not when the next message comes
        work_off(confirmed, worker)
    return rows


def rows_of(ids: Sequence[int]) -> list[Delivery]:
    return list(Delivery.objects.filter(pk__in=ids).order_by("pk").defer("envelope", "seed"))


def _is_to_do(row: Delivery) -> bool:
    return row.due_at is not None and row.due_at <= now()


def recipients(headers: Headers, ours: Callable[[str], bool]) -> tuple[str, ...]:
    """The recipients of a message that came without an envelope (DESIGN section 5): those that are ours, each once.

    The first kind of Delivered-To, X-Original-To, Envelope-To that names one of ours, else all of To and Cc.
    """
    for _, addresses in delivered_to(headers):
        mine = _ours(addresses, ours)
        if mine:
            return mine
    shown = [raw_text(value) for name in ("to", "cc") for value in headers.all(name)[:20]]
    return _ours([box.address for text in shown for box in mailboxes(text)], ours)


def _ours(addresses: Iterable[str], ours: Callable[[str], bool]) -> tuple[str, ...]:
    known = dict.fromkeys(found for address in addresses if (found := normal(address)))
    return tuple(address for address in known if ours(address))


def _return_path(headers: Headers, fallback: str) -> str:
    if "return-path" not in headers:
        return fallback
    return printable(raw_text(headers.first("return-path")[:1_000])).strip("<> ")
