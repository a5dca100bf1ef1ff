"""Do the file store and the rows agree? What rows name and is not there; what lies there and no row names.

Asked by checks; swept by the worker that runs for ever. Only large raw messages are swept: they are written before
their row (law 1), so a process that was killed in between leaves one behind. Its sender was never told that it is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from django.db.models import CharField, QuerySet
from django.db.models.functions import Cast

from addressee.mail.models import File, OutboxItem, RawMessage
from addressee.mail.spool import IN_ROW_BYTES
from addressee.records import files
from addressee.records.models import Record

SAFE_AGE_SECONDS = 86_400.0
_FOLDERS = 256
_TOLD_EVERY = 1000


def named(most: int | None = None) -> Iterator[tuple[str, int]]:
    """(sha256, size) of the contents that rows name, raw messages and attachments, the newest `most` of each."""
    raws = RawMessage.objects.filter(bytes__isnull=True).order_by("-pk").values_list("sha256", "size_bytes")
    kept = File.objects.filter(stored=True).order_by("-pk").values_list("sha256", "size_bytes")
    for rows in (raws, kept):
        yield from islice(rows.iterator(chunk_size=_TOLD_EVERY), most)


def missing(most: int | None = None, told: Callable[[int], None] = lambda count: None) -> list[str]:
    """Those of them that are not in the store, or not as long as they should be. `told` gets how many were seen."""
    gone: dict[str, None] = {}
    for seen, (sha, size_bytes) in enumerate(named(most), start=1):
        if files.size_of(sha) != size_bytes:
            gone[sha] = None
        if seen % _TOLD_EVERY == 0:
            told(seen)
    return list(gone)


def sweep(folder: int, older_than_seconds: float = SAFE_AGE_SECONDS) -> list[str]:
    """Remove the large contents of one of the 256 folders of the store that no row names; their hashes."""
    old = files.old_in(folder % _FOLDERS, older_than_seconds, IN_ROW_BYTES)
    unnamed = [sha for sha in old if not _is_named(sha)]
    return [sha for sha in unnamed if files.remove(sha, older_than_seconds, lambda sha: not _is_named(sha))]


def _is_named(sha: str) -> bool:
    """By a raw message or an attachment; by a value or a message to be sent, where the file's row is gone."""
    if RawMessage.objects.filter(sha256=sha).exists() or File.objects.filter(sha256=sha).exists():
        return True
    return _in_json(Record.objects.all(), "values", sha) or _in_json(OutboxItem.objects.all(), "content", sha)


def _in_json(rows: QuerySet[Record] | QuerySet[OutboxItem], column: str, sha: str) -> bool:
    """It looks at every row: candidates are what a crash left, and that is next to nothing."""
    return rows.alias(whole=Cast(column, CharField())).filter(whole__contains=sha).exists()
