"""Memory that a message of 25 MB takes above idle: in the listener, in the parsing child, in the worker.

python -m bench.memory HOME         works off what waits there, one look after each line on stdin, and tells
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from base64 import encodebytes
from collections.abc import Iterator
from pathlib import Path
from random import Random

from bench.contender import ROOT
from bench.cpu import children, forget_peak, resident_bytes
from bench.intake import desk, send
from bench.lanes import Tell
from bench.mail import DESK
from bench.table import Row

SIZE = 25 * 1024 * 1024


def message(size: int) -> bytes:
    """A mail of nearly that size, most of it one file: 57 bytes a line of base64, which is 78 with its end."""
    content = encodebytes(Random(1).randbytes((size - 2048) // 78 * 57)).replace(b"\n", b"\r\n")
    return (
        f"From: gus@acme.test\r\nTo: {DESK}\r\nSubject: Plans {size}\r\nMessage-ID: <{size}@acme.test>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\n"
        "Content-Type: application/pdf; name=plans.pdf\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=plans.pdf\r\n\r\n"
    ).encode() + content + b"\r\n--b--\r\n"  # fmt: skip


def memory(folder: Path, tell: Tell) -> Iterator[Row]:
    tell("memory: a message of 25 MB")
    home, raw = folder / "home", message(SIZE)
    with desk(home, folder / "smtp.log") as (pid, port):
        env = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "ADDRESSEE_HOME": str(home)}
        words = [sys.executable, "-m", "bench.memory", str(home)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as worker:
            assert worker.stdin is not None
            assert worker.stdout is not None
            send(port, [message(20_000), message(20_001)], clients=1)
            worker.stdin.write("\n")
            worker.stdin.flush()
            worker.stdout.readline()
            idle = resident_bytes(pid)
            forget_peak(pid)
            send(port, [raw], clients=1)
            listener = resident_bytes(pid, peak=True) - idle
            told = json.loads(worker.communicate("\n")[0])
    for name, took, first, goal in (
        ("listener", listener, 5.0, 2.0),
        ("parsing child", told["child"], 6.0, 3.0),
        ("worker", told["worker"], 0.5, 0.1),
    ):
        note = f"{took / 1048576:.1f} MB"
        yield Row(f"memory of the {name} for a 25 MB message, times its size", took / len(raw), first, goal, note=note)


def main(home: Path) -> None:
    from bench.ours import Desk

    desk = Desk(home)
    mine = os.getpid()
    for _ in range(2):
        sys.stdin.readline()
        pids = [mine, *children()]
        before = {pid: resident_bytes(pid) for pid in pids}
        for pid in pids:
            forget_peak(pid)
        desk.work()
        took = {pid: resident_bytes(pid, peak=True) - before.get(pid, 0) for pid in [mine, *children()]}
        child = max((grown for pid, grown in took.items() if pid != mine), default=0)
        sys.stdout.write(json.dumps({"worker": took[mine], "child": child, **desk.told()}) + "\n")
        sys.stdout.flush()
    from addressee.pipeline import reading

    if reading._shared is not None:
        reading._shared.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
