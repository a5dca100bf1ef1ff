"""A contest: each contender is a process that works off the same mails, round by round, in turns with the others.

The host (`Contender`) names a file of mails on the contender's stdin; the contender (`answer`) prints what that cost.
Standard library only: peers answer in their own environment.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bench.cpu import cpu_seconds
from bench.mail import Mail

ROOT = Path(__file__).resolve().parent.parent


class Work(Protocol):
    """What a contender does with a round of mails."""

    def prepare(self, mails: Sequence[Mail]) -> None:
        """Take the mails, as far as that is not what is measured."""

    def work(self) -> None:
        """What is measured."""

    def told(self) -> dict[str, int]:
        """How many records and messages on records there are now, as a proof that the work was done."""


def answer(work: Work) -> None:
    """Be a contender until stdin ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)  # whatever a program prints is no answer
    out.write("ready\n")
    for line in sys.stdin:
        mails: list[Mail] = pickle.loads(Path(line.strip()).read_bytes())
        costs = [_cost(lambda given=mails: work.prepare(given)), _cost(work.work)]
        out.write(json.dumps({"count": len(mails), "prepare": costs[0], "work": costs[1], **work.told()}) + "\n")


def _cost(call: Any) -> tuple[float, float]:
    """Processor seconds and seconds."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    call()
    return cpu_seconds() - cpu, time.perf_counter() - wall


@dataclass
class Contender:
    """The host's end of one contender.

    words    the command
    variant  which of the rounds' files it gets: the tag of its subjects
    """

    name: str
    words: Sequence[str]
    variant: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    rounds: list[dict[str, Any]] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None

    def start(self, log: Path) -> None:
        """Raises RuntimeError with the end of what it printed."""
        env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **self.env}
        self._log = log / f"{self.name.replace('/', ' ')}.log"
        with self._log.open("w", encoding="utf-8") as err:
            self._process = subprocess.Popen(
                self.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True, env=env
            )
        self._line()

    def round(self, mails: Path) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{mails}\n")
        self._process.stdin.flush()
        self.rounds.append(json.loads(self._line()))
        return self.rounds[-1]

    def cpu(self, part: str = "work") -> list[float]:
        """Processor seconds a message, round by round, without the first, which warms up."""
        return [each[part][0] / each["count"] for each in self.rounds[1:]]

    def end(self) -> None:
        if self._process is not None:
            self._process.communicate()

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            said = self._log.read_text(encoding="utf-8", errors="replace")[-1500:]
            raise RuntimeError(f"{self.name} ended: {said}")
        return line
