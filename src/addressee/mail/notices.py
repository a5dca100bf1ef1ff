"""Notices above the limit of an hour, as rows until a digest tells them (law 10). The only writer of GatheredNotice.

pipeline/commit gathers; pipeline/digest asks what is due and notes what became of it; mail/outbox asks for records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Min

from addressee.core.values import NoticeDraft
from addressee.mail.models import GatheredNotice, OutboxItem
from addressee.mail.peek import message_id_hash
from addressee.records import bulk

HOUR = timedelta(hours=1)


def gather(drafts: Iterable[NoticeDraft], now: datetime) -> None:
    """Keep notices for a digest, in the transaction of what they tell; their communications are written before."""
    bulk.insert(
        [
            bulk.new(
                GatheredNotice,
                to=draft.to,
                person=draft.person,
                account=draft.account,
                communication_id=UUID(draft.communication),
                at=now,
            )
            for draft in drafts
        ]
    )


def due(now: datetime, most: int) -> list[str]:
    """The addresses whose hour has room again for a message, or whose oldest notice has waited an hour."""
    waiting = GatheredNotice.objects.filter(done_at__isnull=True).values_list("to").annotate(oldest=Min("at"))
    oldest = dict(waiting.order_by("to"))
    if not oldest:
        return []
    sent = OutboxItem.objects.filter(to__in=oldest, kind="notification", created_at__gt=now - HOUR)
    counts = dict(sent.order_by().values_list("to").annotate(Count("pk")))
    return [to for to, since in oldest.items() if counts.get(to, 0) < most or since <= now - HOUR]


def waiting(to: Sequence[str]) -> list[GatheredNotice]:
    """What waits for a digest to these addresses, with communication and message, in the order it was gathered."""
    rows = GatheredNotice.objects.filter(to__in=to, done_at__isnull=True).order_by("pk")
    return list(rows.select_related("communication", "communication__message"))


def waiting_count() -> int:
    """Notices that no digest tells yet."""
    return GatheredNotice.objects.filter(done_at__isnull=True).count()


def done(rows: Iterable[GatheredNotice], now: datetime, message_id: str = "") -> None:
    """These notices are told by the message with this id, or not told any more ("")."""
    found = OutboxItem.objects.filter(message_id_hash=message_id_hash(message_id)).first() if message_id else None
    GatheredNotice.objects.filter(pk__in=[row.pk for row in rows]).update(done_at=now, digest=found)


def records_of(item: int) -> list[UUID]:
    """The records that a digest tells of, by its outbox id; none for any other message."""
    rows = GatheredNotice.objects.filter(digest=item).order_by("communication__record")
    return list(rows.values_list("communication__record", flat=True).distinct())
