"""Refuses the mail of strangers while they are still there, where the site wants it so. Called by pipeline/listeners.

Only for a peer that is the author's own side: a mail server of ours that is told no would write the bounce itself, to
whomever the envelope names (law 11). What comes by such a server is held or rejected by the walk.
"""

from __future__ import annotations

from addressee.core.message import Envelope, Nature
from addressee.core.parse import parse
from addressee.core.setup import Setup
from addressee.core.strangers import could_have_right
from addressee.core.values import Delivery, Snapshot
from addressee.core.wants import first_round
from addressee.host import clock
from addressee.mail import threads
from addressee.pipeline.process import fill_persons
from addressee.records import snapshot as records

_HEAD_BYTES = 512 * 1024


def are_refused(envelope: Envelope, setup: Setup) -> bool:
    """May this message be refused at all?"""
    own_side = envelope.transport == "smtp" and not envelope.trusted and not envelope.login
    return setup.site.strangers == "refuse" and setup.site.inbound and own_side and bool(envelope.sender)


def is_strangers(envelope: Envelope, recipients: tuple[str, ...], raw: bytes, setup: Setup) -> bool:
    """Is it certain that its author could have no right at any of its recipients? Three statements, nothing written."""
    message = parse(_head(raw)).message
    if message.nature is Nature.BOUNCE:
        return False
    snapshot = Snapshot(clock.now())
    deliveries = [Delivery(0, message, envelope, each, snapshot.now, b"") for each in recipients]
    wanted = first_round(deliveries, setup)
    threads.fill(snapshot, wanted, setup)
    records.fill(snapshot, wanted, setup)
    fill_persons(snapshot, wanted, setup)
    return not any(could_have_right(message, each, snapshot, setup) for each in recipients)


def _head(raw: bytes) -> bytes:
    """The headers and the empty line after them."""
    ends = [at + len(end) for end in (b"\r\n\r\n", b"\n\n") if (at := raw.find(end, 0, _HEAD_BYTES)) >= 0]
    return raw[: min(ends, default=_HEAD_BYTES)]
