"""Memory that a message of 25 MB takes: in the listener, the parsing child and the worker, each beside its goal.

make prove NAME=memory          five times
tests/bench/test_memory.py      once, in CI
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.memory import memory
from bench.table import Row, text
from prove.progress import Proof


def prove() -> list[Row]:
    """The figures of one run; `met` is "NO" where a goal is missed."""
    with tempfile.TemporaryDirectory(prefix="addressee-memory-") as folder:
        return list(memory(Path(folder), lambda said: None))


def main() -> int:
    proof, names = Proof("memory"), [f"run {number}" for number in range(1, 6)]
    for name in proof.rounds(names):
        rows = prove()
        sys.stdout.write(text(rows) + "\n")
        proof.keep(name, wrong=[row.what for row in rows if row.met == "NO"], told=[row.figure for row in rows])
    return 1 if any(proof.done.get(name, {"wrong": True})["wrong"] for name in names) else 0


if __name__ == "__main__":
    sys.exit(main())
