"""One-time codes as rows, and what a confirmation does to the delivery that waits for it. The only writer of Code.

mail/outbox keeps the codes of the mails that ask; pipeline/commit uses them up; the pages ask what waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db.models import QuerySet

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


def use_up(delivery: int, now: datetime) -> None:
    """The codes of a delivery that was confirmed on a page, inside the caller's transaction."""
    Code.objects.filter(delivery=delivery, used_at__isnull=True).update(used_at=now)


def waiting_for(addresses: Sequence[str], setup: Setup, now: datetime) -> QuerySet[Delivery]:
    """The held deliveries of these authors that wait for their confirmation and may still have it, oldest first."""
    since = now - timedelta(hours=setup.option("confirm_hours"))
    rows = Delivery.objects.filter(disposition=Disposition.HOLD, reason=Reason.CONFIRM, author__in=list(addresses))
    return rows.filter(settled_at__gt=since).order_by("pk")
