"""Cost of a message at 1,000,000 records beside 1,000.

make prove NAME=growth          a million; minutes, most of them to make the records
make bench                      a hundred thousand, the same code
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.lanes import growth
from bench.table import text
from prove.progress import Proof

RECORDS = 1_000_000


def main() -> int:
    proof, name = Proof("growth"), f"{RECORDS:,} records"
    for each in proof.rounds([name]):
        with tempfile.TemporaryDirectory(prefix="addressee-growth-") as folder:
            rows = list(growth(Path(folder), 9, 100, RECORDS, lambda said: None))
        wrong = [row.what for row in rows if row.met == "NO"]
        proof.keep(each, wrong=wrong, told=[row.figure for row in rows])
        sys.stdout.write(text(rows) + "\n")
    return 1 if proof.done.get(name, {"wrong": True})["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
