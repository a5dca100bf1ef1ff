"""Time that telling new text from quotes takes at 1, 2 and 4 MB, and its longest match of one pattern.

make prove NAME=trim            some minutes; the best of five of each
tests/core/test_trim.py         in CI: the bounds of every pattern and the growth of the work, without a clock
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from functools import partial

from addressee.core import body, clients
from prove.progress import Proof

MB = 1_000_000
MOST_GROWTH = 2.5  # t(2n) over t(n)
MOST_MATCH_SECONDS = 0.05
SHAPES = {
    "letter": "An ordinary line of a letter, of usual length, with nothing in it.\n",
    "marked quotes": "> a line of a quote\n",
    "quotes and answers": "> a line of a quote\nan answer\n",
    "introductions": "On 3 Mar 2025, Ada <ada@example.org> wrote:\n",
    "halves of introductions": "On 3 Mar 2025 Ada and Ben and Cleo wrote\n",
    "colons": "a:\n",
    "fields": "From: a\n",
    "dashes": "--\n",
    "rules": "_ " * 90 + "\n",
    "programs": "Sent from my phone\nword\n",
    "blank lines": "\n",
    "one line": "On 3 Mar 2025 Ada wrote: ",
}
PIECES = [
    "a", "a ", "1", "1:", "<a@", "a@b", "- ", "-", "_ ", "> ", "wrote ", "1/1/1 ", "(", "a.", "A b ", ".", "：",
    "sent from my ",
]  # fmt: skip
HOSTILE = [
    (start + piece * clients.LINE_CHARS)[: clients.LINE_CHARS] for piece in PIECES for start in ("", "On 3 ", "--")
]
# Those that are looked for within a line; the others are asked of its beginning.
SEARCHED = {"_VERB", "_VERB_AT_END", "_TIME", "_DATE", "_ADDRESS", "_BRACKETED", "_OF_MAIL", "DIGIT_OR_AT"}


def seconds(work: Callable[[], object]) -> float:
    """The best of five."""
    found = []
    for _ in range(5):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return min(found)


def growth(shape: str) -> list[float]:
    """Seconds at 1, 2 and 4 MB."""
    piece = SHAPES[shape]
    texts = [piece * (size * MB // len(piece)) for size in (1, 2, 4)]
    return [seconds(partial(body.split, text)) for text in texts]


def longest_match() -> tuple[float, str]:
    """The longest time one pattern takes for one hostile line, and its name."""
    found = (0.0, "")
    for name, pattern in vars(clients).items():
        if isinstance(pattern, re.Pattern):
            look = pattern.search if name in SEARCHED else pattern.match
            for line in HOSTILE:
                found = max(found, (seconds(partial(look, line)), name))
    return found


def main() -> int:
    proof = Proof("trim")
    for name in proof.rounds([*SHAPES, "patterns"]):
        if name == "patterns":
            took, slowest = longest_match()
            proof.keep(name, wrong=took > MOST_MATCH_SECONDS)
            sys.stdout.write(f"longest match of one pattern: {took * 1000:.1f} ms ({slowest})\n")
            continue
        one, two, four = growth(name)
        wrong = two > MOST_GROWTH * max(one, 0.01) or four > MOST_GROWTH * max(two, 0.01)
        proof.keep(name, wrong=wrong)
        sys.stdout.write(f"{name:<26} 1 MB {one:6.3f} s   2 MB {two:6.3f} s   4 MB {four:6.3f} s\n")
    return 1 if any(entry["wrong"] for entry in proof.done.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
