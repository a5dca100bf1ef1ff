"""Writing audit entries that belong to no record: `apply`, passwords, keys. Called by pipeline/apply and ops."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from addressee.audit.models import Entry


def write(what: str, data: Iterable[dict[str, Any]], *, at: datetime, actor: str) -> None:
    """One entry for each of `data`, in one statement for every thousand."""
    Entry.objects.bulk_create((Entry(at=at, what=what, actor=actor, data=one) for one in data), batch_size=1000)
