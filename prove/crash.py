"""kill -9 after every step of the walk, then start again: one record, one communication, one answer (laws 1 to 3).

    make prove NAME=crash           20 times a point on SQLite, 5 on PostgreSQL
    tests/flow/test_crash.py        once a point, in CI

A round is what a mail server and an operator would do: `receive` and `deliver` run until one is killed at the point;
the mail server, which saw no exit code 0, hands the message over again; what waits is worked off and sent.
"""

from __future__ import annotations

import base64
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from addressee.host.checkpoints import POINTS
from prove.progress import Proof

sys.path.insert(0, "tests")  # the homes of the tests serve here too
from homes import Home, make

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
[tables.thing]
title = "name"
number = "THING-{0}"
mail = { text = "log" }
[tables.thing.fields]
name = { type = "text", required = true }
log = { type = "append_only" }
[tables.piece]
title = "name"
mail = { text = "log" }
[tables.piece.fields]
name = { type = "text", required = true }
log = { type = "append_only" }
[processes.paint]
table = "piece"
tags = ["Email Process"]
assurance = "E3"
steps = [{ comment = "painted" }]
[roles.keeper]
everything = true
[people.kim]
addresses = ["kim@firm.test"]
roles = ["keeper"]
[processes.later]
table = "thing"
tags = ["Email Process"]
assurance = "E3"
steps = [{ comment = "begun" }, { wait = { minutes = 5 } }, { comment = "ended" }]
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
LATER = {"ADDRESSEE_NOW": "+1h"}  # leases of the dead have run out, and the wait of the job is over
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


@contextmanager
def template() -> Iterator[Home]:
    """A home with the firm in it, made once; on PostgreSQL with a database of its own."""
    with tempfile.TemporaryDirectory(prefix="addressee-crash-") as folder:
        setup = Path(folder) / "firm.toml"
        setup.write_text(FIRM, encoding="utf-8")
        home = make(Path(folder) / "template", setup)
        orders = [("thing", "create"), ("thing", "THING-1 later"), *[("piece", "create")] * 3, ("piece", "paint")]
        for number, (to, subject) in enumerate(orders):
            raw = (
                "Authentication-Results: mx.firm.test; dmarc=pass header.from=firm.test\r\n"
                f"From: kim@firm.test\r\nTo: {to}@records.firm.test\r\nSubject: {subject}\r\n"
                f"Message-ID: <kim{number}@firm.test>\r\n\r\n{'Anchor' if subject == 'create' else ''}\r\n"
            )
            queue = ["--queue-only"] if subject == "paint" else []  # the batch is worked on in the rounds
            home.run("receive", *queue, stdin=raw.encode())
        yield home


@contextmanager
def copy(of: Home) -> Iterator[Home]:
    """A fresh copy of the template, rows and files."""
    with tempfile.TemporaryDirectory(prefix="round-", dir=of.folder.parent) as folder:
        home = of.copy(Path(folder) / "home")
        home.env["ADDRESSEE_SMTP_URL"] = f"file:{home.folder}/out"
        yield home


def points_passed(home: Home) -> list[str]:
    """The checkpoints that an undisturbed run passes, in order of first passing."""
    record = home.folder / "points"
    env = {"ADDRESSEE_CHECKPOINTS": str(record)}
    home.run("receive", stdin=message(), env=env)
    home.run("deliver", env=env)
    home.run("work", "--until-idle", env={**env, **LATER})
    return list(dict.fromkeys(record.read_text(encoding="ascii").split()))


def round_at(home: Home, point: str) -> list[str]:
    """One round: killed at the point, started again. What is wrong afterwards; nothing, as it should be."""
    fault = {"ADDRESSEE_FAULT": f"{point}:1:kill9"}
    first = home.run("receive", stdin=message(), env=fault)
    last = home.run("deliver", env=fault) if first.code == 0 else first
    if last.code == 0:
        last = home.run("work", "--until-idle", env={**fault, **LATER})
    wrong = [] if last.code == -9 else [f"nobody was killed at {point}"]
    if first.code != 0:
        home.run("receive", stdin=message())
    return wrong + faults_of(home)


def faults_of(home: Home) -> list[str]:
    """Work off and send what waits; then everything that should be there once, and is not."""
    home.run("work", "--until-idle", env=LATER)
    home.run("deliver", env=LATER)
    asked = (["records", "case"], ["record", "case", "1"], ["outbox"], ["ledger"])
    cases, records, outbox, ledgers = (home.run(*command, "--json").lines for command in asked)
    wrong: list[str] = []
    if len(cases) != 1 or not records:
        return [f"{len(cases)} records"]
    mails = [entry for entry in records[0]["stream"] if entry["kind"] == "mail"]
    if len(mails) != 1:
        wrong.append(f"{len(mails)} communications")
    if len(cases[0]["values"]["log"]) != 1 or len(cases[0]["values"]["files"]) != 1:
        wrong.append("the log or the files are doubled or missing")
    things = home.run("records", "thing", "--json").lines
    said = [entry["text"] for entry in things[0]["values"]["log"]] if things else []
    if said != ["begun", "ended"]:
        wrong.append(f"the steps of the job: {said}")
    pieces = home.run("records", "piece", "--json").lines
    painted = [[entry["text"] for entry in piece["values"]["log"] or ()] for piece in pieces]
    if painted != [["Anchor", "painted"]] * 3 and painted != [["painted"]] * 3:
        wrong.append(f"the records of the batch: {painted}")
    receipts = [item for item in outbox if item["kind"] == "receipt" and item["to"] == "gus@customer.test"]
    if len(receipts) != 1 or receipts[0]["state"] != "sent":
        wrong.append(f"receipts: {[(item['state'], item['last_error']) for item in receipts]}")
    sent = [each.read_bytes() for each in (home.folder / "out").glob("*.eml")]
    if sum(b"gus@customer.test" in each for each in sent) != 1:
        wrong.append("the receipt left not exactly once")
    ledger = ledgers[0]
    if not ledger["adds_up"] or ledger["applied"] != 7 or ledger["waiting"] or ledger["held"]:
        wrong.append(f"ledger {ledger}")
    return wrong


def prove(rounds: Sequence[str], name: str) -> dict[str, list[str]]:
    """Run the rounds "POINT TIME"; what went wrong, by round."""
    proof = Proof(f"crash-{name}")
    with template() as original:
        for each in proof.rounds(list(rounds)):
            with copy(original) as home:
                proof.keep(each, wrong=round_at(home, each.split()[0]))
    done = [proof.done[each] for each in rounds if each in proof.done]
    bad = {entry["round"]: entry["wrong"] for entry in done if entry["wrong"]}
    sys.stdout.write(f"{name}: {len(done)} of {len(rounds)} rounds, {len(bad)} not right {bad or ''}\n")
    return bad


def main() -> int:
    on_postgresql = bool(os.environ.get("ADDRESSEE_DATABASE_URL"))
    times = 5 if on_postgresql else 20
    rounds = [f"{point} {time}" for time in range(1, times + 1) for point in POINTS]
    bad = prove(rounds, "postgresql" if on_postgresql else "sqlite")
    if not on_postgresql and not bad:
        return subprocess.call([sys.executable, "tests/postgres.py", sys.executable, "-m", "prove.crash"])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
