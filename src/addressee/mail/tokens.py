"""The reply addresses of a record as rows: list them, take them back. Called by pipeline/addresses.

Only hashes are kept, so a reply address is named by the first characters of its hash, and by whom it was given to.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from addressee.core.addresses import normal
from addressee.mail.models import Token

SHOWN = 10  # characters of a hash: enough to name one of a record's


def of_record(record: UUID) -> list[Token]:
    """Every reply address that was issued for a record, the newest first."""
    return list(Token.objects.filter(record=record).order_by("-created_at", "hash"))


def named(tokens: Iterable[Token], which: str) -> list[Token]:
    """Those that are meant: all, the one whose hash begins so, or all that were issued to an address."""
    wanted = which.strip().lower()
    address = normal(wanted)
    return [
        token
        for token in tokens
        if wanted == "all" or token.address == address or (len(wanted) >= SHOWN and token.hash.startswith(wanted))
    ]


def revoke(tokens: Iterable[Token], now: datetime) -> int:
    """Mail to these changes nothing from now on; how many of them were still honoured."""
    hashes = [token.hash for token in tokens]
    return Token.objects.filter(hash__in=hashes, revoked_at__isnull=True).update(revoked_at=now)
