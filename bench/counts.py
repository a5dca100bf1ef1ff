"""Statements and syncs a message: counts, which no busy machine changes. Asserted in tests/bench/test_counts.py.

    python -m bench.counts HOME         prints them as JSON; under strace the syncs are the kernel's own

Statements are all that go to the database but BEGIN and COMMIT. Without strace the syncs counted are those of this
process, files and folders, and one for every transaction that SQLite commits with synchronous=FULL.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.mail import Mail, messages

MARK = "/bench-mark/"  # looked for, and never there: so strace's log tells where a part begins
SINGLES, BATCH = 40, 100


@dataclass
class Counts:
    statements: int = 0
    commits: int = 0  # that wait for the disk
    syncs: int = 0  # of files and folders


@contextmanager
def counting() -> Iterator[Counts]:
    """Count what this process does within."""
    from django.db import connection

    counts = Counts()

    def statement(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not sql.startswith("BEGIN"):
            counts.statements += 1
            if not connection.in_atomic_block and not sql.startswith("SELECT"):
                counts.commits += _is_synced()
        return execute(sql, parameters, many, context)

    def counted(call: Callable[..., Any], what: str) -> Callable[..., Any]:
        def calling(*given: Any) -> Any:
            setattr(counts, what, getattr(counts, what) + 1)
            return call(*given)

        return calling

    fsync, fdatasync, commit = os.fsync, os.fdatasync, connection.commit
    os.fsync, os.fdatasync = counted(fsync, "syncs"), counted(fdatasync, "syncs")
    connection.commit = counted(commit, "commits")  # type: ignore[method-assign]
    try:
        with connection.execute_wrapper(statement):
            yield counts
    finally:
        os.fsync, os.fdatasync = fsync, fdatasync
        del connection.commit  # the method of the class again


def _is_synced() -> int:
    from django.db import connection

    if connection.vendor != "sqlite":
        return 1
    return int(connection.connection.execute("PRAGMA synchronous").fetchone()[0] >= 2)


def plain(count: int, seed: int = 7) -> list[Mail]:
    """Mails of the mix without files and pictures."""
    found = (mail for mail in messages(count * 3, seed) if mail.kind in ("reply", "new", "command"))
    return [mail for _, mail in zip(range(count), found, strict=False)]


def main(home: Path) -> None:
    from bench.ours import Desk

    desk = Desk(home)
    from addressee.pipeline import worker

    told: dict[str, float] = {}
    mixed = list(messages(3 * BATCH + SINGLES))
    desk.prepare(mixed[:BATCH])
    desk.work()
    for name, size, given in (
        ("single", 1, mixed[BATCH : BATCH + SINGLES]),
        ("batch", BATCH, mixed[BATCH + SINGLES : 2 * BATCH + SINGLES]),
    ):
        desk.prepare(given)
        worker.BATCH = size
        with counting() as counts:
            desk.work()
        # the last look, which finds nothing, is one statement
        told[f"statements {name}"] = (counts.statements - 1) / len(given)
    told |= syncs(desk, plain(SINGLES, 11), plain(BATCH, 12))
    sys.stdout.write(json.dumps(told) + "\n")


def syncs(desk: Any, singles: Sequence[Mail], batch: Sequence[Mail]) -> dict[str, float]:
    """Syncs a message without files: intake one by one, work one by one, work in a batch."""
    from addressee.pipeline import worker

    told = {}

    def part(name: str, count: int, call: Callable[[], object]) -> None:
        os.access(MARK + name, os.F_OK)
        with counting() as counts:
            call()
        os.access(f"{MARK}end", os.F_OK)
        told[f"syncs {name}"] = (counts.commits + counts.syncs) / count

    part("intake", len(singles), lambda: [desk.prepare([mail]) for mail in singles])
    worker.BATCH = 1
    part("single", len(singles), desk.work)
    desk.prepare(batch)
    worker.BATCH = len(batch)
    part("batch", len(batch), desk.work)
    return told


def by_strace(log: str) -> dict[str, float]:
    """The same, of what strace saw: system calls by part."""
    counts: dict[str, int] = {}
    part = ""
    for line in log.splitlines():
        if MARK in line:
            part = line.partition(MARK)[2].partition('"')[0].removesuffix("end")
        elif part and ("fsync(" in line or "fdatasync(" in line):
            counts[part] = counts.get(part, 0) + 1
    sizes = {"intake": SINGLES, "single": SINGLES, "batch": BATCH}
    return {f"syncs {part}": counts.get(part, 0) / size for part, size in sizes.items()}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    from addressee.pipeline import reading

    if reading._shared is not None:
        reading._shared.close()
