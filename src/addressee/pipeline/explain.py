"""What a message would do, and why: the same walk as for real, rolled back. Called by ops explain and the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from addressee.core.message import Envelope
from addressee.core.reasons import Reason
from addressee.host import clock
from addressee.mail import models as mail
from addressee.mail import spool
from addressee.pipeline import commit, outcome
from addressee.pipeline.commit import Work
from addressee.pipeline.process import walk
from addressee.pipeline.reading import Parsed, RawRef, shared
from addressee.setup import store


def explain(envelope: Envelope, recipients: Sequence[str], raw: bytes, file: str = "") -> list[dict[str, Any]]:
    """The contract's line of each delivery that the message would be, nothing written.

    `spool_id` is null, and so is the record of what it would make.
    """
    setup = store.current()
    incoming = spool.Incoming(envelope, tuple(recipients), raw, file)
    read = shared(setup).read(RawRef.given(raw), keep=False)
    with transaction.atomic():
        rows = spool.rehearse(incoming, clock.now())
        if isinstance(read, Parsed):
            walk([Work(row, read.message) for row in rows], setup, None)
        written = mail.Delivery.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
        lines = [outcome.line(row) for row in written]
        if not isinstance(read, Parsed):
            trace = [{"step": "read", "result": "failed", "why": read.why}]
            held = {"disposition": "hold", "reason": (read.reason or Reason.POISON).value, **commit.empty_result(trace)}
            lines = [{**line, **held} for line in lines]
        transaction.set_rollback(True)
    return [_unwritten(line) for line in lines]


def _unwritten(line: dict[str, Any]) -> dict[str, Any]:
    new = {(e["table"], e["record"]) for e in line["effects"] if e["kind"] == "create"}

    def told(entry: dict[str, Any]) -> dict[str, Any]:
        return {**entry, "record": None} if (entry["table"], entry["record"]) in new else entry

    return {
        **line,
        "spool_id": None,
        "effects": [told(e) for e in line["effects"]],
        "communications": [told(c) for c in line["communications"]],
    }
