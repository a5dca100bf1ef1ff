"""A Maildir of 100,000 messages is received: nothing lost, memory flat.

    make prove NAME=maildir         100,000 messages; stopped, it goes on with those that are left
    tests/bench/test_maildir.py     500 messages, in CI

One `addressee receive` takes the whole folder. Its memory is looked at all the while; after the first tenth it may
move by 50 MB, whatever has come by then.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cpu import children, resident_bytes
from bench.mail import messages
from bench.ours import readdressed
from prove.progress import MOST_SECONDS, STATE, Proof

COUNT = 100_000
MOST_MOVED_BYTES = 50 * 1024 * 1024
# Few files: what is proved is the number of messages. Many people: fifty who write all of it would be a storm.
MIX = {"reply": 52, "new": 40, "html": 2, "files": 1, "command": 5}
PEOPLE_PER_MESSAGE = 0.05
_LOOK_SECONDS = 0.5


@dataclass
class Run:
    """One run of `receive`, as it was seen from outside."""

    code: int | None = None
    samples: list[tuple[int, int]] = field(default_factory=list)  # messages so far, resident bytes
    child_bytes: int = 0  # the most that a child held

    def moved(self, warm: int) -> int:
        """How far memory moved after so many messages, in bytes."""
        settled = [size for count, size in self.samples if count >= warm and size]
        return max(settled) - min(settled) if settled else 0


@dataclass
class House:
    """A folder with a Maildir, what was received of it already, and a home."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def run(self, *command: str, **how: Any) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "addressee.ops.main", *command]
        return subprocess.Popen(words, env={**os.environ, "ADDRESSEE_HOME": str(self.home)}, **how)

    def asked(self, *command: str) -> list[dict[str, Any]]:
        """What a command prints with --json. Raises RuntimeError."""
        with self.run(*command, "--json", stdout=subprocess.PIPE) as process:
            out = process.communicate()[0]
        if process.returncode:
            raise RuntimeError(f"{command}: exit code {process.returncode}")
        return [json.loads(line) for line in out.splitlines()]

    def write_mail(self, count: int) -> int:
        """The Maildir, the same on every run; how many records it should make."""
        note = self.folder / "mail.json"
        if note.exists() and json.loads(note.read_text("utf-8"))["count"] == count:
            return int(json.loads(note.read_text("utf-8"))["records"])
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("new", "cur", "tmp"):
            (self.folder / "Maildir" / name).mkdir(parents=True)
        (self.folder / "done").mkdir()
        records = 0
        mails = messages(count, mix=MIX, people=max(20, int(count * PEOPLE_PER_MESSAGE)))
        for number, mail in enumerate(mails):
            records += mail.makes_record
            [(_, raw)] = readdressed([mail], {})
            (self.folder / "Maildir" / "new" / f"{number:09}.proof").write_bytes(raw)
            if number % 1000 == 0:
                sys.stderr.write(f"\rwriting the mail: {number:,}/{count:,}")
        note.write_text(json.dumps({"count": count, "records": records}), encoding="utf-8")
        return records

    def begin(self, commit: str) -> None:
        """A fresh home for every commit, with all of the mail before it."""
        note = self.folder / "commit"
        if note.exists() and note.read_text("utf-8") == commit:
            self.put_away()
            return
        shutil.rmtree(self.home, ignore_errors=True)
        for path in (self.folder / "done").iterdir():
            path.rename(self.folder / "Maildir" / "new" / path.name)
        self.asked("apply", str(Path(__file__).parent.parent / "bench" / "firm.toml"))
        note.write_text(commit, encoding="utf-8")

    def put_away(self) -> None:
        """Move what the home has already out of the Maildir: it is received in the order of names."""
        waiting = self.folder / "Maildir" / "new"
        kept = self.count() - sum(1 for _ in (self.folder / "done").iterdir())
        for name in sorted(os.listdir(waiting))[: max(0, kept)]:
            (waiting / name).rename(self.folder / "done" / name)

    def count(self) -> int:
        """Messages that the home has."""
        with closing(sqlite3.connect(f"file:{self.home}/addressee.sqlite3?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT COALESCE(MAX(id), 0) FROM mail_rawmessage").fetchone()[0])

    def receive(self, total: int, until: float) -> Run:
        """Receive what is left, watched, until it is done or the time is over."""
        run, began, before = Run(), time.monotonic(), self.count()
        with self.run("receive", str(self.folder / "Maildir"), stdout=subprocess.DEVNULL) as process:
            while (code := process.poll()) is None:
                count = self.count()
                run.samples.append((count - before, resident_bytes(process.pid)))
                run.child_bytes = max([run.child_bytes, *map(resident_bytes, children(process.pid))])
                rate = (count - before) / max(time.monotonic() - began, 0.1)
                sys.stderr.write(f"\r{count:,}/{total:,} messages, {rate:.0f} a second, {run.samples[-1][1] >> 20} MB ")
                if time.monotonic() > until:
                    process.send_signal(signal.SIGINT)
                time.sleep(_LOOK_SECONDS)
            run.code = code
        sys.stderr.write("\n")
        return run

    def faults(self, total: int, records: int) -> Iterator[str]:
        """What is wrong when all was received; what a stopped run left waiting is worked off before."""
        self.asked("work", "--until-idle")
        [ledger] = self.asked("ledger")
        wanted = {"accepted": total, "applied": total, "held": 0, "waiting": 0, "adds_up": True}
        if any(ledger[name] != value for name, value in wanted.items()):
            yield f"the ledger says {ledger}"
        made = sum(1 for _ in self.asked("records", "case"))
        if made != records:
            yield f"{made} records, {records} expected"


def prove(folder: Path, total: int, commit: str, until: float) -> tuple[list[str], Run]:
    """What is wrong, and the last run. One that was stopped says so, and may be called again."""
    house = House(folder)
    records = house.write_mail(total)
    house.begin(commit)
    run = house.receive(total, until)
    wrong: list[str] = []
    if run.code:
        wrong.append(f"stopped at {house.count():,} messages (exit code {run.code}); run it again to go on")
    else:
        wrong += house.faults(total, records)
    moved = run.moved(total // 10)
    if moved > MOST_MOVED_BYTES:
        wrong.append(f"memory moved by {moved >> 20} MB after the first {total // 10:,} messages")
    return wrong, run


def told(run: Run, total: int) -> str:
    held = [size for _, size in run.samples if size] or [0]
    count, moved = run.samples[-1][0] if run.samples else 0, run.moved(total // 10)
    return (
        f"{count:,} messages in this run; memory at most {max(held) >> 20} MB, moved by {moved >> 20} MB after the "
        f"first tenth; a reading child at most {run.child_bytes >> 20} MB"
    )


def main(words: Sequence[str] = ()) -> int:
    total = int(words[0]) if words else COUNT
    proof = Proof(f"maildir-{total}")
    until = time.monotonic() + MOST_SECONDS
    for name in proof.rounds(["received"]):
        wrong, run = prove(STATE / f"maildir-{total}", total, proof.commit, until)
        if not run.code:
            proof.keep(name, wrong=wrong, told=told(run, total))
        sys.stdout.write(f"{told(run, total)}\n{wrong or 'nothing wrong'}\n")
        return 1 if wrong else 0
    done = proof.done["received"]
    sys.stdout.write(f"{done['told']}\n{done['wrong'] or 'nothing wrong'}\n")
    return 1 if done["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
