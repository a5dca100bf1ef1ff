"""`make bench`: the ratios of the performance goals for this build, as one table.

    python -m bench [--quick] [--only NAME]... [--json]
    python -m bench.peers install       once: Roundup and django-helpdesk, to be measured beside

Ratios of CPU time a message, taken in turns on the same mails, medians of five rounds. Counts are counts. Messages a
second are told nowhere: they are this machine's business.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from bench import counts, peers
from bench.contender import ROOT
from bench.intake import intake
from bench.lanes import Tell, growth, lanes
from bench.memory import memory
from bench.table import Row, text

Part = Callable[[Path, bool, Tell], Iterator[Row]]


def count(folder: Path, quick: bool, tell: Tell) -> Iterator[Row]:
    """Statements and syncs a message."""
    tell("counting statements and syncs")
    words = [sys.executable, "-m", "bench.counts", str(folder / "home")]
    log = folder / "strace.log"
    traced = None if quick else shutil.which("strace")
    if traced:
        words = [traced, "-f", "-qq", "-e", "trace=fsync,fdatasync,access", "-o", str(log), *words]
    told = json.loads(subprocess.run(words, check=True, env=_env(), stdout=subprocess.PIPE, text=True).stdout)
    how = "counted by strace, SQLite's checkpoints too"
    if not traced:
        how = "files and FULL commits counted in the process; strace was not used"
    if traced:
        told |= counts.by_strace(log.read_text(encoding="utf-8", errors="replace"))
    of_mix = "of the mix; BEGIN and COMMIT not counted"
    yield Row("queries a message, single", told["statements single"], 16, 10, note=of_mix)
    yield Row("queries a message, in a batch of 100", told["statements batch"], 1, 0.25, note=of_mix)
    yield Row("syncs a message without files, intake", told["syncs intake"], 1, 1, note=how, slack=0.05)
    yield Row("syncs a message without files, work, single", told["syncs single"], 2, 1)
    yield Row("syncs a message without files, work, in a batch of 100", told["syncs batch"], 0.1, 0.05)


def second(folder: Path, quick: bool, tell: Tell) -> Iterator[Row]:
    """A second worker, on PostgreSQL."""
    tell("a second worker on PostgreSQL")
    words = [sys.executable, "tests/postgres.py", sys.executable, "-m", "bench.second"]
    words += [str(folder), "100" if quick else "400"]
    done = subprocess.run(words, check=True, env=_env(folder / "home"), stdout=subprocess.PIPE, text=True, cwd=ROOT)
    told = json.loads(done.stdout.splitlines()[-1])
    cores = os.cpu_count()
    note = f"by the clock, on {cores} cores that clients and server share; the server syncs nothing"
    yield Row("second worker on PostgreSQL, times the speed of one", told["two"] / told["one"], goal=1.8, note=note)


def _env(home: Path | None = None) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
        **({"ADDRESSEE_HOME": str(home)} if home else {}),
    }


PARTS: dict[str, Part] = {
    "lanes": lambda folder, quick, tell: lanes(folder, 2 if quick else 5, 50 if quick else 100, tell),
    "counts": count,
    "intake": lambda folder, quick, tell: intake(folder, 2 if quick else 5, 40 if quick else 60, tell),
    "growth": lambda folder, quick, tell: growth(
        folder, 2 if quick else 5, 50 if quick else 100, 5_000 if quick else 100_000, tell
    ),
    "memory": lambda folder, quick, tell: memory(folder, tell),
    "second": second,
}
QUICK = ("lanes", "counts", "intake")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help=f"smaller, and only {', '.join(QUICK)}: under a minute")
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; repeat it for more")
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of the table")
    args = parser.parse_args()
    rows: list[Row] = []
    notes = [
        f"{name} is not installed: python -m bench.peers install"
        for name in ("roundup", "helpdesk")
        if not peers.has(name)
    ]
    began = time.monotonic()
    for name in args.only or (QUICK if args.quick else PARTS):
        with tempfile.TemporaryDirectory(prefix="addressee-bench-") as folder:
            try:
                rows += PARTS[name](Path(folder), args.quick, _tell)
            except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
                notes.append(f"{name} was not measured: {error}")
    _tell("")
    if args.json:
        for row in rows:
            sys.stdout.write(json.dumps(asdict(row) | {"met": row.met}) + "\n")
    else:
        sys.stdout.write(text(rows) + "\n")
    notes.append(f"{time.monotonic() - began:.0f} seconds")
    sys.stderr.write("\n".join(notes) + "\n")
    return 1 if any("not measured" in note for note in notes) else 0


def _tell(what: str) -> None:
    """One line of progress, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{what}")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
