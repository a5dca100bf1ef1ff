"""`addressee serve` whole: every part answers, survives kill -9, and ends with the rest."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import signal
import smtplib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

import homes
from wire import Typist, wait_for

PARTS = {"web", "smtp", "lmtp", "policy", "worker"}
MAIL = (
    b"From: Ada <ada@example.test>\r\nTo: case@desk.example.test\r\nSubject: Broken tap\r\n"
    b"Message-ID: <served-%d@example.test>\r\nDate: Mon, 4 May 2026 12:00:00 +0000\r\n\r\nIt drips.\r\n"
)


class Served:
    """A running `serve --json`, and what it said."""

    def __init__(self, home: homes.Home, **env: str) -> None:
        places = [word for part in ("http", "smtp", "lmtp", "policy") for word in (f"--{part}", "127.0.0.1:0")]
        self.home = home
        self.process = home.start("serve", "--json", *places, env=env, stdout=subprocess.PIPE)
        self.said: queue.Queue[dict] = queue.Queue()
        self.reading = threading.Thread(target=self.read, daemon=True)
        self.reading.start()
        self.ready: dict[str, dict] = {}

    def read(self) -> None:
        for line in self.process.stdout:
            self.said.put(json.loads(line))

    def wait_ready(self, *parts: str, seconds: float = 60.0) -> None:
        missing, end = set(parts), time.monotonic() + seconds
        while missing:
            line = self.said.get(timeout=max(end - time.monotonic(), 0.01))
            assert line.keys() == {"part", "address", "pid"}
            self.ready[line["part"]] = line
            missing.discard(line["part"])

    def port(self, part: str) -> int:
        return int(self.ready[part]["address"].rpartition(":")[2])

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self.reading.join(5)
        self.process.stdout.close()
        return code


@contextlib.contextmanager
def serving(home: homes.Home, **env: str) -> Iterator[Served]:
    served = Served(home, **env)
    try:
        served.wait_ready(*PARTS)
        yield served
    finally:
        served.end()


def answers(served: Served) -> None:
    """Each part does its work."""
    page = http.client.HTTPConnection("127.0.0.1", served.port("web"), timeout=20)
    page.request("GET", "/")
    assert page.getresponse().status < 500
    page.close()
    with smtplib.SMTP("127.0.0.1", served.port("smtp"), timeout=20) as client:
        assert client.ehlo()[0] == 250
    with Typist(served.port("lmtp"), timeout=20) as mta:
        assert "PIPELINING" in mta.greet("LHLO")
    with Typist(served.port("policy"), timeout=20) as postfix:
        postfix.write(b"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient=nobody@desk.example.test\n\n")
        assert postfix.reader.readline().startswith(b"action=550 5.1.1")


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_every_part_answers_and_survives_kill_9_and_all_end_together(desk, tmp_path):
    with serving(desk, ADDRESSEE_SMTP_URL=f"file:{tmp_path}/out") as served:
        answers(served)
        # mail comes in by LMTP, is worked on, and its answer leaves, within seconds
        send(served, 1)
        wait_for(lambda: list((tmp_path / "out").glob("*.eml")), 30)
        # when each part is killed
        before = dict(served.ready)
        for part in ("web", "smtp", "worker"):
            os.kill(before[part]["pid"], signal.SIGKILL)
        served.wait_ready(*PARTS)
        # then it is there again, at the same address
        for part in PARTS:
            assert served.ready[part]["address"] == before[part]["address"]
            assert served.ready[part]["pid"] != before[part]["pid"]
        answers(served)
        send(served, 2)
        wait_for(lambda: len(list((tmp_path / "out").glob("*.eml"))) == 2, 30)
        pids = [line["pid"] for line in served.ready.values()]
        began = time.monotonic()
        assert served.end() == 0
        assert time.monotonic() - began < 15
    assert all(gone(pid) for pid in pids)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.port("web")), timeout=5)


def send(served: Served, number: int) -> None:
    with Typist(served.port("lmtp"), timeout=20) as mta:
        mta.greet("LHLO")
        stamp = b"Authentication-Results: mx.example.test; dmarc=pass header.from=example.test\r\n"
        reply = mta.send("ada@example.test", "case@desk.example.test", data=stamp + MAIL % number + b".\r\n")
        assert reply == "250 2.0.0 Kept"


def test_no_part_outlives_a_supervisor_that_is_killed(desk):
    with serving(desk) as served:
        served.process.kill()
        served.process.wait(10)
        wait_for(lambda: all(gone(line["pid"]) for line in served.ready.values()), 30)


def test_a_port_that_is_taken_is_named_and_nothing_is_left_running(desk):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        others = ["--http", "127.0.0.1:0", "--lmtp", "127.0.0.1:0", "--policy", "127.0.0.1:0"]
        done = desk.run("serve", "--smtp", place, *others)
    assert done.code == 75
    assert f"smtp can't listen on {place}" in done.err
    assert "--smtp HOST:PORT" in done.err


@pytest.mark.parametrize("place", ["8000", "127.0.0.1:http", "127.0.0.1:99999", ":25"])
def test_what_is_no_place_is_wrong_usage(desk, place):
    done = desk.run("serve", "--smtp", place)
    assert done.code == 64
    assert "HOST:PORT" in done.err
