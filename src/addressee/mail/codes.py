"""One-time codes as rows, and what a confirmation does to the delivery that waits for it. The only writer of Code.

mail/outbox keeps the codes of the mails that ask; pipeline/commit uses them up; the pages ask what waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from addressee.core.errors import TryAgainLater
from addressee.core.reasons import Reason
from addressee.core.setup import Setup
from addressee.core.tokens import digest
from addressee.core.values import Confirmed, Disposition, OutboxDraft
from addressee.mail import spool
from addressee.mail.models import Code, Delivery
from addressee.records import bulk


def keep(drafts: Sequence[OutboxDraft], setup: Setup, now: datetime) -> None:
    """The codes of the mails that ask for a confirmation, in the transaction that writes these. One statement."""
    hours = timedelta(hours=setup.option("confirm_hours"))
    bulk.insert(
        [
            bulk.new(
                Code,
                hash=digest(draft.token or ""),
                delivery_id=draft.confirms,
                address=draft.to[:320],
                shown=draft.shown,
                created_at=now,
                expires_at=now + hours,
            )
            for draft in drafts
            if draft.confirms
        ]
    )


def confirm(confirmed: Sequence[Confirmed], now: datetime) -> None:
    """Use the codes up, and let the deliveries be decided again with what was said. Inside the caller's transaction.

    Raises TryAgainLater where one was settled meanwhile: the confirmation is to be decided again.
    """
    if not confirmed:
        return
    Code.objects.filter(hash__in=[each.code for each in confirmed]).update(used_at=now)
    for each in confirmed:  # one is the rule; each carries words of its own
        if not spool.requeue([each.delivery], now, asdict(each.override)):
            raise TryAgainLater("try-again", delivery=each.delivery)


def latest(delivery: int) -> Code | None:
    """The code that was sent last for a delivery which waits for its author's confirmation."""
    waiting = Code.objects.filter(delivery__disposition=Disposition.HOLD, delivery__reason=Reason.CONFIRM)
    return waiting.filter(delivery=delivery, used_at__isnull=True).order_by("-created_at").first()


def waiting_for(addresses: Sequence[str], now: datetime) -> list[Delivery]:
    """The held deliveries that one of these addresses may confirm, the oldest first."""
    rows = Delivery.objects.filter(disposition=Disposition.HOLD, reason=Reason.CONFIRM)
    mine = rows.filter(code__address__in=list(addresses), code__used_at__isnull=True, code__expires_at__gt=now)
    return list(mine.distinct().order_by("pk").defer("envelope", "seed")[:50])
