"""Two workers and a web editor change different fields of one record, and nothing is lost.

    make prove NAME=writers         1,000 changes each, on SQLite and on PostgreSQL
    tests/flow/test_writers.py      60 changes each, in CI

Every change adds one to its field, so a lost update shows as a hole in the field's revisions and in its last value.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

FIRM = """
[site]
domain = "records.firm.test"
authserv_ids = ["mx.firm.test"]
[site.limits]
answers_per_hour = 0
[tables.case]
title = "name"
number = "CASE-{0}"
[tables.case.fields]
name = { type = "text", required = true }
left = { type = "integer" }
right = { type = "integer" }
page = { type = "integer" }
[roles.agent.grants]
case = { create = true, read = "all", comment = "all", update = "all" }
[people.ada]
addresses = ["ada@firm.test"]
roles = ["agent"]
[people.ben]
addresses = ["ben@firm.test"]
roles = ["agent"]
[people.cleo]
addresses = ["cleo@firm.test"]
roles = ["agent"]
[accounts.desk]
address = "desk@firm.test"
table = "case"
"""


def mail(person: str, subject: str, body: str, key: str) -> bytes:
    return (
        f"Authentication-Results: mx.firm.test; dmarc=pass header.from=firm.test\r\nFrom: {person}@firm.test\r\n"
        f"To: desk@firm.test\r\nSubject: {subject}\r\nMessage-ID: <{key}@firm.test>\r\n\r\n{body}\r\n"
    ).encode()


def addressee(*command: str, raw: bytes = b"") -> list[dict[str, Any]]:
    """Run a command in the home of the environment; the JSON lines it prints."""
    program = [sys.executable, "-m", "addressee.ops.main", *command]
    done = subprocess.run(program, input=raw, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command}: {done.returncode} {done.stderr.decode()}")
    return [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("{")]


def prove(times: int) -> list[str]:
    """What is wrong after `times` changes of each of three fields by three processes at once."""
    folder = Path(tempfile.mkdtemp(prefix="addressee-writers-"))
    os.environ["ADDRESSEE_HOME"] = str(folder / "home")
    try:
        (folder / "firm.toml").write_text(FIRM, encoding="utf-8")
        addressee("apply", str(folder / "firm.toml"))
        addressee("receive", "--json", raw=mail("ada", "create", "One\nleft: 0\nright: 0\npage: 0", "made"))
        for person, field in (("ada", "left"), ("ben", "right")):
            (folder / person).mkdir()
            for count in range(1, times + 1):
                raw = mail(person, "update CASE-1", f"{field}: {count}", f"{field}{count}")
                (folder / person / f"{count:06}.eml").write_bytes(raw)
            addressee("receive", "--queue-only", str(folder / person))
        record = addressee("record", "case", "1", "--json")[0]
        work = [sys.executable, "-m", "addressee.ops.main", "work", "--until-idle"]
        edit = [sys.executable, "-m", "prove.editor", "cleo", record["uuid"], "page", str(times)]
        running = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for words in (work, work, edit)]
        codes = [each.wait() for each in running]
        wrong = [] if codes == [0, 0, 0] else [f"exit codes {codes}"]
        addressee("work", "--until-idle")
        return wrong + holes(addressee("record", "case", "1", "--json")[0], times)
    finally:
        os.environ.pop("ADDRESSEE_HOME")
        shutil.rmtree(folder, ignore_errors=True)


def holes(record: dict[str, Any], times: int) -> list[str]:
    """Fields whose revisions do not count from 1 to `times` one by one."""
    wrong = []
    for field in ("left", "right", "page"):
        counted = [r["fields"][field]["after"] for r in record["revisions"] if field in r["fields"]]
        if sorted(counted) != list(range(times + 1)) or record["values"][field] != times:
            wrong.append(f"{field}: {len(counted)} revisions, last value {record['values'][field]}")
    return wrong


def main() -> int:
    wrong = prove(1000)
    sys.stdout.write(
        f"{'PostgreSQL' if os.environ.get('ADDRESSEE_DATABASE_URL') else 'SQLite'}: {wrong or 'nothing lost'}\n"
    )
    if wrong:
        return 1
    if not os.environ.get("ADDRESSEE_DATABASE_URL"):
        return subprocess.call([sys.executable, "tests/postgres.py", sys.executable, "-m", "prove.writers"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
