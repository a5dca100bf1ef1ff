"""What a proof has done so far, kept in .state/prove/NAME.jsonl, so that a proof that was stopped goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

STATE = Path(".state/prove")
MOST_SECONDS = 29 * 60


class Proof:
    """One proof: rounds by name, each done once. Stops by itself before half an hour is over."""

    def __init__(self, name: str) -> None:
        self.path = STATE / f"{name}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
        self.commit = commit.stdout.strip() or "unknown"
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
        self.done = {e["round"]: e for e in map(json.loads, lines) if e["commit"] == self.commit}
        self.began = time.monotonic()

    def rounds(self, names: list[str]) -> Iterator[str]:
        """The rounds that are still to be done, with a line of progress on stderr for each."""
        for place, name in enumerate(names, start=1):
            if name in self.done:
                continue
            if time.monotonic() - self.began > MOST_SECONDS:
                sys.stderr.write(f"\nstopped after {MOST_SECONDS // 60} minutes; run it again to go on\n")
                return
            sys.stderr.write(f"\r{place}/{len(names)} {name:<40}")
            sys.stderr.flush()
            yield name
        sys.stderr.write("\n")

    def keep(self, name: str, **result: Any) -> None:
        entry = {"round": name, "commit": self.commit, **result}
        self.done[name] = entry
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
