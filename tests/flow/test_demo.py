"""`addressee demo` whole: every sample mail becomes what it should, once, however often and badly the demo is started."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import smtplib
import socket
import stat
import subprocess
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest

import homes
from addressee.ops import demo_post
from addressee.ops.demo_mails import firm, samples
from wire import wait_for

PLACES = [word for part in ("http", "smtp", "lmtp", "policy") for word in (f"--{part}", "127.0.0.1:0")]
PARTS = {"web", "smtp", "lmtp", "policy", "worker"}
SAMPLES = samples()
# What the mails leave behind, counted by hand: the ledger's words, in deliveries.
LEDGER = {"accepted": 35, "applied": 25, "held": 4, "rejected": 1, "discarded": 3, "redirected": 2, "waiting": 0}


@pytest.fixture
def home(tmp_path: Path) -> homes.Home:
    return homes.empty(tmp_path / "home")


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def lines_until(process: subprocess.Popen, last: str) -> list[dict]:
    """The JSON lines that a running demo prints, up to the one with this key."""
    told = []
    for line in process.stdout:
        told.append(json.loads(line))
        if last in told[-1]:
            return told
    raise AssertionError(f"the demo ended with {process.wait()} after {told}")


def test_given_a_demo_killed_in_the_middle_when_it_runs_again_and_again_then_every_mail_has_its_effect_once(home):
    # given a demo on the terminal that is killed after some mails
    process = home.start("demo", "--exit", *PLACES, env={"COLUMNS": "118"}, stdout=subprocess.PIPE, text=True)
    blocks: list[list[str]] = []
    for line in process.stdout:
        if line.startswith("┌"):
            blocks.append([])
        if len(blocks) > 6:
            break
        if blocks and line.strip():
            blocks[-1].append(line.rstrip("\n"))
    process.kill()
    process.wait(10)
    process.stdout.close()
    blocks.pop()
    # then what it showed was short, plain where it is no terminal, and told who, what, why and what came of it
    first = "\n".join(blocks[0])
    assert all(len(block) <= 12 and max(map(len, block)) <= 118 for block in blocks), blocks
    assert "\x1b" not in first
    for told in ("Carla Moss", "E3", "dmarc=pass", "accept: done", "create CASE-1", "auto-reply to carla@"):
        assert told in first
    # when it runs again
    second = home.run("demo", "--exit", "--json", *PLACES)
    assert second.code == 0, second.err
    mails = [line for line in second.lines if "sample" in line]
    end = second.lines[-1]
    # then it sends what is missing, each mail becomes what it should, and the counts add up
    assert 25 < len(mails) < len(SAMPLES)
    assert [(line["sample"], line["became"]) for line in mails] == [
        (sample.key, sample.expect) for sample in SAMPLES[-len(mails) :]
    ]
    assert end["ledger"] == {**LEDGER, "adds_up": True}
    # when it runs a third time, then it sends nothing, and nothing has changed
    outbox = home.run("outbox", "--json").lines
    third = home.run("demo", "--exit", "--json", *PLACES)
    assert third.code == 0, third.err
    assert not [line for line in third.lines if "sample" in line]
    assert third.lines[-1]["ledger"] == end["ledger"]
    assert third.lines[-1]["password"] == end["password"]
    assert home.run("outbox", "--json").lines == outbox
    judge_what_it_left(home, outbox)


def judge_what_it_left(home: homes.Home, outbox: list[dict]) -> None:
    case = home.run("record", "case", "CASE-1", "--json").lines[0]
    assert (case["values"]["status"], case["values"]["priority"]) == ("Open", 4)
    assert (case["values"]["estimate"], case["assignee"]) == ("148.50", "ben")
    assert [file["name"] for file in case["values"]["files"]] == ["brake-disc.png"]
    heard = [entry["text"] for entry in case["values"]["log"]]
    assert sum("Thursday at nine" in text for text in heard) == 1
    assert not any("husband" in text for text in heard)
    assert len(home.run("records", "case", "--json").lines) == 6
    # every way in was used, and those who could prove nothing had no effect on what is ours
    traces = [home.run("trace", sample.message_id, "--json").lines for sample in SAMPLES if not sample.again]
    levels = Counter(line["assurance"] for lines in traces for line in lines)
    assert all(levels[level] for level in ("E0", "E1", "E3", "E4", "E6")), levels
    # nothing left the machine: each mail lies in the folder, with the bytes that were sent
    assert {item["state"] for item in outbox} == {"sent"}
    laid_down = {path.name: path.read_bytes() for path in (home.folder / "out").glob("*.eml")}
    assert laid_down.keys() == {f"{item['id']}.eml" for item in outbox}
    refusals = [raw for raw in laid_down.values() if message_from_bytes(raw)["To"] == "pilar@tandemtours.example"]
    assert any(b"tandem-6.txt" in raw for raw in refusals)
    # the passwords are for the owner's eyes only
    kept = home.folder / "demo.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert set(json.loads(kept.read_text())["passwords"]) == {"ada", "ben", "cleo"}


def test_given_a_running_demo_when_it_is_interrupted_then_it_stood_ready_until_then_and_ends_whole(home, monkeypatch):
    process = home.start("demo", "--no-mail", "--json", *PLACES, stdout=subprocess.PIPE)
    try:
        told = lines_until(process, "url")
        ready = {line["part"]: line for line in told if "part" in line}
        assert ready.keys() == PARTS
        # the pages answer where it says, and the links in mail lead there
        page = http.client.HTTPConnection(told[-1]["url"].removeprefix("http://"), timeout=20)
        page.request("GET", "/")
        assert page.getresponse().status < 400
        page.close()
        assert told[-1]["url"].encode() in home.run("dump").out
        # the password is right
        with smtplib.SMTP(*address(ready["smtp"]), timeout=20) as client:
            client.login(told[-1]["sign_in"], told[-1]["password"])
        # a second demo of the same home is refused, and says why
        again = home.run("demo", *PLACES)
        assert again.code == 75
        assert "is running" in again.err
        # where the relay has no loopback address of its own, it hands its mail in by LMTP
        monkeypatch.setattr(demo_post, "RELAY_ADDRESS", "192.0.2.1")
        office = demo_post.PostOffice([], {}, ready["smtp"]["address"], ready["lmtp"]["address"])
        with office._relay() as relay:
            assert isinstance(relay, smtplib.LMTP)
            assert relay.ehlo()[0] == 250
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()
    wait_for(lambda: all(gone(line["pid"]) for line in ready.values()), 10)


def address(ready: dict) -> tuple[str, int]:
    host, _, port = ready["address"].rpartition(":")
    return host, int(port)


def test_given_a_home_with_a_firm_of_its_own_when_the_demo_is_started_then_nothing_happens_to_it(desk):
    before = desk.run("dump").out
    done = desk.run("demo", "--exit", *PLACES)
    assert done.code == 78
    assert "ADDRESSEE_HOME" in done.err
    assert desk.run("dump").out == before
    assert desk.run("ledger", "--json").lines[0]["accepted"] == 0
    assert not (desk.folder / "demo.json").exists()


def test_given_a_port_that_is_taken_when_it_was_not_asked_for_then_a_free_one_and_when_it_was_then_a_refusal(home):
    with socket.socket() as taken:
        # the usual port of the pages: ours now, or someone's on this machine already
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        except OSError:
            assert not demo_is_free("127.0.0.1:8000")
        done = home.run("demo", "--exit", "--no-mail", "--json", *PLACES[2:])
        assert done.code == 0, done.err
        assert re.search(r"8000 \(http\) is taken, so another one is used", done.err)
        assert not done.lines[-1]["url"].endswith(":8000")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        done = home.run("demo", "--exit", "--no-mail", "--http", place, *PLACES[2:])
        assert done.code == 75
        assert f"can't listen on {place}" in done.err


def demo_is_free(place: str) -> bool:
    from addressee.ops.demo import _is_free

    return _is_free(place)


def test_given_a_password_that_someone_changed_when_its_owner_should_send_then_the_demo_says_so(home, tmp_path):
    # given Ben chose a password of his own
    (tmp_path / "firm.toml").write_bytes(firm())
    assert home.run("apply", tmp_path / "firm.toml").code == 0
    assert home.run("password", "ben", stdin=b"another one\n").code == 0
    # when the mails are sent, then it is not taken from him, and the demo says which mail could not be sent, and why
    done = home.run("demo", "--exit", *PLACES)
    assert done.code == 75
    assert "brakes_answer" in done.err
    assert "535" in done.err
