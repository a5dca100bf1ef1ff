"""The addresses of records: which uuid stands in them, and which no longer does. Asked by values, pages, commands."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from addressee.records.models import RecordAddress


def rows_of(records: Iterable[UUID]) -> dict[UUID, list[RecordAddress]]:
    """The rows of records that have any, the newest first. One statement."""
    found: dict[UUID, list[RecordAddress]] = defaultdict(list)
    for row in RecordAddress.objects.filter(record__in=list(records)).order_by("-made_at", "part"):
        found[row.record_id].append(row)
    return found


def parts_of(records: Iterable[UUID], now: datetime) -> dict[UUID, list[str]]:
    """The uuids by which each record is addressed now, the newest first: its own where it was never rotated."""
    wanted = list(records)
    rows = rows_of(wanted)
    return {
        record: [str(row.part) for row in rows[record] if row.ends_at is None or row.ends_at > now]
        if record in rows
        else [str(record)]
        for record in wanted
    }
