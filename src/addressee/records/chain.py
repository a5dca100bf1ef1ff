"""The hash of a revision, chained with the one before: a change of an old revision breaks every later one."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC

from addressee.records.models import Revision


def revision_hash(revision: Revision, previous: str) -> str:
    """SHA-256, hex, over the canonical JSON of a revision and the hash of the record's revision before it ("")."""
    told = {
        "record": str(revision.record_id),
        "version": revision.version,
        "kind": revision.kind,
        "at": revision.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": revision.actor,
        "author": revision.author,
        "message": revision.message,
        "fields": revision.fields,
        "previous": previous,
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def broken(revisions: list[Revision]) -> list[int]:
    """The versions of one record whose hash does not fit, of all its revisions in order."""
    previous, out = "", []
    for revision in revisions:
        if revision.hash != revision_hash(revision, previous):
            out.append(revision.version)
        previous = revision.hash
    return out
