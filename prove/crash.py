"""kill -9 after every step of the walk, then start again: one record, one communication, one answer (laws 1 to 3).

    make prove NAME=crash           20 times a point on SQLite, 5 on PostgreSQL
    tests/flow/test_crash.py        once a point, in CI

A round is what a mail server and an operator would do: `receive` and `deliver` run until one is killed at the point;
the mail server, which saw no exit code 0, hands the message over again; what waits is worked off and sent.
"""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from addressee.host.checkpoints import POINTS
from prove.progress import Proof

FIRM = """
[site]
domain = "records.firm.test"
authserv_ids = ["mx.firm.test"]
[tables.case]
title = "name"
number = "CASE-{0}"
mail = { text = "log", files = "files" }
[tables.case.fields]
name = { type = "text", required = true }
log = { type = "append_only" }
files = { type = "files" }
[roles.customer.grants]
case = { create = true, read = "own", comment = "own" }
[people.portal]
roles = ["customer"]
guest = true
[accounts.support]
address = "support@firm.test"
table = "case"
guest = "portal"
map = { name = "subject", log = "text", files = "attachments" }
"""
LARGE = 300_000  # above the 256 kB that stand in the database, so that the file store's points are passed too


def message() -> bytes:
    """A customer's mail with a large attachment."""
    part = base64.encodebytes(random.Random(1).randbytes(LARGE))
    return (
        b"Authentication-Results: mx.firm.test; dmarc=pass header.from=customer.test\r\n"
        b"From: Gus Guest <gus@customer.test>\r\nTo: support@firm.test\r\nSubject: It broke\r\n"
        b"Message-ID: <crash@customer.test>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease help.\r\n"
        b"--b\r\nContent-Type: application/octet-stream; name=scan.bin\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=scan.bin\r\n\r\n" + part + b"\r\n--b--\r\n"
    )


@dataclass
class House:
    """One home, copied from a template for each round."""

    home: Path
    database: str = ""  # URL, "" for SQLite

    def run(
        self,
        *command: str,
        raw: bytes = b"",
        fault: str = "",
        record: Path | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        program: Sequence[str] = ("-m", "addressee.ops.main"),
    ) -> subprocess.CompletedProcess[bytes]:
        settings = {
            **os.environ,
            "ADDRESSEE_HOME": str(self.home),
            "ADDRESSEE_DATABASE_URL": self.database,
            "ADDRESSEE_SMTP_URL": f"file:{self.home}/out",
            "ADDRESSEE_TEST": "1",
            "ADDRESSEE_FAULT": fault,
            "ADDRESSEE_CHECKPOINTS": str(record or ""),
            **env,
        }
        words = [sys.executable, *program, *command]
        return subprocess.run(words, input=raw, capture_output=True, env=settings, check=False, timeout=300)

    def aftermath(self, *commands: Sequence[str]) -> list[list[dict[str, Any]]]:
        """Run commands one after the other in one process, an hour later; the JSON lines of each."""
        env = {"ADDRESSEE_NOW": "+1h"}  # leases of the dead have run out
        done = self.run(env=env, program=["-m", "prove.commands", json.dumps(commands)])
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        return json.loads(done.stdout)  # type: ignore[no-any-return]


@contextmanager
def template(database: str = "") -> Iterator[House]:
    """A home with the firm in it, made once."""
    folder = Path(tempfile.mkdtemp(prefix="addressee-crash-"))
    house = House(folder / "template", database_like(database, "crash_template", None))
    try:
        setup = folder / "firm.toml"
        setup.write_text(FIRM, encoding="utf-8")
        applied = house.run("apply", str(setup))
        if applied.returncode:
            raise RuntimeError(applied.stderr.decode())
        yield house
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def copy(of: House) -> Iterator[House]:
    """A fresh copy of the template, rows and files."""
    folder = Path(tempfile.mkdtemp(prefix="round-", dir=of.home.parent))
    house = House(folder / "home", database_like(of.database, "crash_round", "crash_template"))
    shutil.copytree(of.home, house.home)
    try:
        yield house
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def database_like(url: str, name: str, like: str | None) -> str:
    """On PostgreSQL: an empty database, or a copy of another; its URL. SQLite lies in the home."""
    if not url:
        return ""
    import psycopg  # only where PostgreSQL is proved

    with psycopg.connect(url.replace("/crash_template", "/postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{like}"' if like else ""))
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


def points_passed(house: House) -> list[str]:
    """The checkpoints that an undisturbed run passes, in order of first passing."""
    record = house.home / "points"
    for command in (("receive",), ("deliver",)):
        house.run(*command, raw=message() if command[0] == "receive" else b"", record=record)
    return list(dict.fromkeys(record.read_text(encoding="ascii").split()))


def round_at(house: House, point: str) -> list[str]:
    """One round: killed at the point, started again. What is wrong afterwards; nothing, as it should be."""
    fault = f"{point}:1:kill9"
    first = house.run("receive", raw=message(), fault=fault)
    sent = house.run("deliver", fault=fault) if first.returncode == 0 else first
    wrong: list[str] = []
    if first.returncode >= 0 and sent.returncode >= 0:
        wrong.append(f"nobody was killed at {point}")
    if first.returncode != 0:
        house.run("receive", raw=message())
    return wrong + faults_of(house)


def faults_of(house: House) -> list[str]:
    """Work off and send what waits; then everything that should be there once, and is not."""
    asked = [
        ["work", "--until-idle"],
        ["deliver"],
        ["records", "case"],
        ["record", "case", "1"],
        ["outbox"],
        ["ledger"],
    ]
    _, _, cases, records, outbox, ledgers = house.aftermath(*asked)
    wrong: list[str] = []
    if len(cases) != 1 or not records:
        return [f"{len(cases)} records"]
    mails = [entry for entry in records[0]["stream"] if entry["kind"] == "mail"]
    if len(mails) != 1:
        wrong.append(f"{len(mails)} communications")
    if len(cases[0]["values"]["log"]) != 1 or len(cases[0]["values"]["files"]) != 1:
        wrong.append("the log or the files are doubled or missing")
    receipts = [item for item in outbox if item["kind"] == "receipt"]
    if len(receipts) != 1 or receipts[0]["state"] != "sent":
        wrong.append(f"receipts: {[(item['state'], item['last_error']) for item in receipts]}")
    if len(list((house.home / "out").glob("*.eml"))) != 1:
        wrong.append("the receipt left not exactly once")
    ledger = ledgers[0]
    if not ledger["adds_up"] or ledger["applied"] != 1 or ledger["waiting"] or ledger["held"]:
        wrong.append(f"ledger {ledger}")
    return wrong


def prove(rounds: Sequence[str], database: str) -> Counter[str]:
    """Run the rounds "POINT TIME"; how many went wrong, by point."""
    proof = Proof("crash-postgres" if database else "crash-sqlite")
    with template(database) as original:
        for name in proof.rounds(list(rounds)):
            with copy(original) as house:
                proof.keep(name, wrong=round_at(house, name.split()[0]))
    bad = Counter(name.split()[0] for name in rounds if proof.done.get(name, {"wrong": True})["wrong"])
    total = sum(1 for name in rounds if name in proof.done)
    sys.stdout.write(
        f"{'PostgreSQL' if database else 'SQLite'}: {total} rounds, {sum(bad.values())} not right {dict(bad)}\n"
    )
    for name in rounds:
        if proof.done.get(name, {}).get("wrong"):
            sys.stdout.write(f"  {name}: {proof.done[name]['wrong']}\n")
    return bad


def main() -> int:
    database = os.environ.get("ADDRESSEE_DATABASE_URL", "")
    times = 5 if database else 20
    bad = prove([f"{point} {time}" for point in POINTS for time in range(1, times + 1)], database)
    if not database and not bad:
        return subprocess.call([sys.executable, "tests/postgres.py", sys.executable, "-m", "prove.crash"])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
