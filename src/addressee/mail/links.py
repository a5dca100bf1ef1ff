"""Links to files that were too large to go along: each to one address, until a day. The only writer of FileLink.

The token in the address of the page is the whole right, as with reply tokens: 104 random bits, kept by their hash.
Called by mail/outbox, which writes them with the message, and by the page that hands the file out.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import F

from addressee.audit import entries
from addressee.core.outgoing import compose_address
from addressee.core.setup import Setup
from addressee.core.tokens import digest
from addressee.core.values import OutboxDraft
from addressee.mail.models import FileLink
from addressee.records import bulk


def write(drafts: Sequence[OutboxDraft], setup: Setup, now: datetime) -> None:
    """The links of messages to be sent: one statement, in the transaction of the messages."""
    until = now + timedelta(days=setup.option("link_days"))
    bulk.insert(
        [
            bulk.new(
                FileLink,
                hash=digest(token),
                sha256=file.sha256,
                name=file.name,
                size_bytes=file.size_bytes,
                address=compose_address(draft.to),
                record_id=uuid.UUID(draft.record) if draft.record else None,
                created_at=now,
                expires_at=until,
            )
            for draft in drafts
            for file, token in draft.links
        ]
    )


def find(token: str) -> FileLink | None:
    """The link that a token names, whether it is still honoured or not."""
    return FileLink.objects.select_related("record").filter(hash=digest(token)).first()


def is_dead(link: FileLink, now: datetime) -> bool:
    """Its day is over, it was withdrawn, or its record is no more."""
    gone = link.record is None or link.record.deleted_at is not None
    return gone or link.revoked_at is not None or link.expires_at <= now


def used(link: FileLink, now: datetime) -> None:
    """Count a download and note it in the audit trail."""
    FileLink.objects.filter(pk=link.pk).update(uses=F("uses") + 1)
    entries.write("download", [_told(link)], at=now, actor="")


def revoke(link: FileLink, now: datetime, actor: str) -> None:
    """Withdraw a link: from now on it opens nothing."""
    if FileLink.objects.filter(pk=link.pk, revoked_at__isnull=True).update(revoked_at=now):
        entries.write("withdraw-link", [_told(link)], at=now, actor=actor)


def _told(link: FileLink) -> dict[str, str]:
    return {"file": link.name, "sha256": link.sha256, "to": link.address, "record": str(link.record_id or "")}
