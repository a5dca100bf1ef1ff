"""A batch over very many records: flat memory, progress that can be asked for, kill -9 in the midst, each record once.

    make prove NAME=batch                100,000 records
    tests/flow/test_batch.py             1,500, in CI

The worker is killed once, half-way; another one goes on. Both tell their memory.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, "tests")  # the homes of the tests serve here too
from homes import Home, make

FIRM = """
[site]
domain = "records.firm.test"
authserv_ids = ["mx.firm.test"]
[site.limits]
confirm_above = 10_000_000
[tables.item]
title = "name"
number = "ITEM-{0}"
[tables.item.fields]
name = { type = "text", required = true }
state = { type = "choice", choices = ["new", "seen"], default = "new" }
note = { type = "text" }
[roles.keeper]
everything = true
[people.kim]
addresses = ["kim@firm.test"]
roles = ["keeper"]
[processes.look]
table = "item"
tags = ["Email Process"]
assurance = "E3"
steps = [{ set = { state = "seen", note = "{{ record.number }} {{ record.name }}" } }]
"""
ORDER = (
    b"Authentication-Results: mx.firm.test; dmarc=pass header.from=firm.test\r\nFrom: kim@firm.test\r\n"
    b"To: item@records.firm.test\r\nSubject: look\r\nMessage-ID: <look@firm.test>\r\n\r\n\r\n"
)
FILL = """
import os, sys, uuid
os.environ["DJANGO_SETTINGS_MODULE"] = "addressee.config.settings"
import django; django.setup()
from datetime import UTC, datetime
from django.db import transaction
from addressee.records import bulk, index
from addressee.records.models import Counter, Record
from addressee.setup import store
setup, now, count = store.current(), datetime.now(UTC), int(sys.argv[1])
for start in range(0, count, 5000):
    with transaction.atomic():
        rows = []
        for n in range(start + 1, min(start + 5000, count) + 1):
            values = {"name": f"Thing {n}", "state": "new", "note": None}
            rows.append(bulk.new(Record, uuid=uuid.uuid4(), table="item", number=n, title=values["name"], values=values,
                                 created_by="kim", created_at=now, updated_at=now))
        bulk.insert(rows)
        names = setup.indexed["item"]
        index.insert([r for row in rows for r in index.rows_of(str(row.uuid), "item", row.values, setup, names)])
Counter.objects.update_or_create(table="item", defaults={"next": count + 1})
"""
COUNT = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "addressee.config.settings"
import django; django.setup()
from django.db.models import Count
from addressee.records.models import Record, Revision
print(Record.objects.filter(table="item", version=2, values__state="seen").count(), Revision.objects.count())
"""


def prove(records: int) -> list[str]:
    """Run it. What is wrong afterwards; nothing, as it should be."""
    with tempfile.TemporaryDirectory(prefix="addressee-batch-") as folder:
        setup = Path(folder) / "firm.toml"
        setup.write_text(FIRM, encoding="utf-8")
        home = make(Path(folder) / "home", setup)
        _python(home, FILL, str(records))
        home.run("receive", "--queue-only", stdin=ORDER)
        began = time.monotonic()
        first = _work(home, records, stop_at=records // 2)
        second = _work(home, records, stop_at=None)
        seconds = time.monotonic() - began
        job = home.run("jobs", "--json").lines[0]
        changed, revisions = map(int, _python(home, COUNT).split())
        receipts = [line for line in home.run("outbox", "--json").lines if line["kind"] == "receipt"]
    sys.stdout.write(
        f"{records:,} records in {seconds:.0f} s, {records / seconds:,.0f}/s; memory {_span(first)}, {_span(second)}\n"
    )
    wrong = []
    if (job["state"], job["total"], job["done"]) != ("done", records, records):
        wrong.append(f"the job: {job}")
    if changed != records or revisions != records:
        wrong.append(f"{changed} records changed, {revisions} revisions")
    if len(receipts) != 2:
        wrong.append(f"{len(receipts)} receipts")
    wrong += [f"memory grew: {_span(each)}" for each in (first, second) if each and max(each) - each[0] > 50_000]
    return wrong


def _work(home: Home, records: int, stop_at: int | None) -> list[int]:
    """A worker until it is idle, or killed at so many records; its memory in kB, once it has begun the slices."""
    worker = home.start("work", "--until-idle", "--json", stdout=subprocess.DEVNULL)
    memory: list[int] = []
    told = -1
    while worker.poll() is None:
        time.sleep(0.3 if records < 10_000 else 5)
        jobs = home.run("jobs", "--json").lines
        done = jobs[0]["done"] if jobs else 0
        if done and worker.poll() is None:
            memory.append(_resident(worker.pid))
        if done * 10 // records != told:
            told = done * 10 // records
            sys.stdout.write(f"  {done:,} of {records:,}, {memory[-1] if memory else 0:,} kB\n")
            sys.stdout.flush()
        if stop_at is not None and done >= stop_at:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    return [each for each in memory if each]


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)


def _span(memory: list[int]) -> str:
    return f"{min(memory):,} to {max(memory):,} kB" if memory else "not seen"


def _python(home: Home, script: str, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script, *args], env=home.environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def main() -> int:
    wrong = prove(int(os.environ.get("RECORDS", "100000")))
    sys.stdout.write("".join(f"WRONG: {each}\n" for each in wrong) or "batch: as it should be\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
