"""The outbox by the real commands: a receipt on its way, and kill -9 at every step of sending."""

from __future__ import annotations

import email
import signal
from pathlib import Path

import pytest

import homes
from sink import Sink

MAIL = b"""Authentication-Results: mx.example.test; dmarc=pass header.from=example.test
From: Ada <ada@example.test>
To: case@desk.example.test
Subject: Broken tap
Message-ID: <m1@example.test>
Date: Mon, 4 May 2026 12:00:00 +0000

It drips.
"""


@pytest.fixture(scope="module")
def answered(desk_template, tmp_path_factory):
    """A home in whose outbox the receipt of one mail stands."""
    home = desk_template.copy(tmp_path_factory.mktemp("answered") / "home")
    done = home.run("receive", "--json", stdin=MAIL)
    assert done.lines[0]["replies"], done.err
    return home


@pytest.fixture
def desk(answered, tmp_path) -> homes.Home:
    return answered.copy(tmp_path / "home")


def test_a_receipt_is_sent_as_the_bytes_that_outbox_shows(desk):
    with Sink() as sink:
        done = desk.run("deliver", "--json", env={"ADDRESSEE_SMTP_URL": f"smtp://127.0.0.1:{sink.port}"})
    (line,) = done.lines
    assert (line["state"], line["kind"], line["record"], line["attempts"]) == ("sent", "receipt", "CASE-1", 1)
    assert sink.messages == [desk.run("outbox", "--raw", line["id"]).out]
    message = email.message_from_bytes(sink.messages[0])
    assert message["Message-ID"] == f"<{line['message_id']}>"
    assert message["In-Reply-To"] == "<m1@example.test>"
    token = message["X-Addressee-Token"]
    assert message["Reply-To"] == f"{token}@desk.example.test"
    assert sink.lines[1].startswith(f"mail FROM:<{token}@desk.example.test>")
    assert message["Subject"] == f"Re: Broken tap [#{token}]"


def test_without_a_way_out_the_operator_is_told(desk):
    done = desk.run("deliver", "--json")
    assert (done.code, done.out) == (0, b"")
    assert "1 not sent: There is no server to send by. Set ADDRESSEE_SMTP_URL" in done.err


@pytest.mark.parametrize("wanted", ["99", "x"])
def test_an_id_that_is_not_there_says_so(desk, wanted):
    done = desk.run("outbox", "--raw", wanted)
    assert (done.code, done.out) == (66, b"")
    assert "no message" in done.err


@pytest.mark.parametrize(
    ("point", "times"), [("outbox-taken", (1,)), ("data-sent", (1, 2)), ("sent", (1, 2)), ("marked-sent", (1,))]
)
def test_kill_9_while_sending_loses_nothing(desk, point, times):
    # given a sender that is killed at one step
    with Sink() as sink:
        url = {"ADDRESSEE_SMTP_URL": f"smtp://127.0.0.1:{sink.port}"}
        killed = desk.run("deliver", env=url | {"ADDRESSEE_FAULT": f"{point}:1:kill9"})
        assert killed.code == -signal.SIGKILL
        # when the next one runs
        assert desk.run("deliver", env=url).code == 0
    # then it is marked sent, was sent at least once, and always with the same bytes
    assert [line["state"] for line in desk.run("outbox", "--json").lines] == ["sent"]
    assert len(sink.messages) in times
    assert len(set(sink.messages)) == 1


@pytest.mark.parametrize("point", ["data-sent", "sent"])
def test_kill_9_while_writing_a_file_leaves_one_whole_file(desk, tmp_path, point):
    url = {"ADDRESSEE_SMTP_URL": f"file:{tmp_path}/out", "ADDRESSEE_CHECKPOINTS": str(tmp_path / "points")}
    killed = desk.run("deliver", env=url | {"ADDRESSEE_FAULT": f"{point}:1:kill9"})
    assert killed.code == -signal.SIGKILL
    assert desk.run("deliver", env=url).code == 0
    assert [path.name for path in Path(tmp_path, "out").iterdir()] == ["1.eml"]
    assert Path(tmp_path, "out", "1.eml").read_bytes() == desk.run("outbox", "--raw", "1").out
    passed = (tmp_path / "points").read_text().split()
    assert passed[-4:] == ["outbox-taken", "data-sent", "sent", "marked-sent"]


def test_kill_9_while_a_digest_is_written_leaves_its_notices_waiting_and_then_one_digest(desk_template, tmp_path):
    # given an hour that has room for no notice, and two customers who write
    home = desk_template.copy(tmp_path / "home")
    setup = Path(__file__).with_name("desk.toml").read_text(encoding="utf-8")
    team = '\n[site.limits]\nnotices_per_hour = 0\n[teams.desk]\nmembers = ["ada"]\n'
    (tmp_path / "busy.toml").write_text(setup + 'team = "desk"\n' + team, encoding="utf-8")
    assert home.run("apply", tmp_path / "busy.toml").code == 0
    for n in (1, 2):
        text = f"From: c{n}@cust.example\nTo: case@desk.example.test\nSubject: Tap {n}\nMessage-ID: <{n}@x>\n\nIt drips {n}.\n"
        assert home.run("receive", stdin=text.encode()).code == 0
    # when deliver is killed with the digest written and not committed, and then runs again, twice
    later = {"ADDRESSEE_NOW": "+61m", "ADDRESSEE_SMTP_URL": f"file:{tmp_path / 'out'}"}
    killed = home.run("deliver", env={**later, "ADDRESSEE_FAULT": "written:1:kill9"})
    between = [line for line in home.run("outbox", "--json").lines if line["kind"] == "notification"]
    again = [home.run("deliver", env=later).code for _ in range(2)]
    # then nothing of it had happened, and one digest tells both
    assert (killed.code, between, again) == (-signal.SIGKILL, [], [0, 0])
    (sent,) = (tmp_path / "out").glob("*.eml")
    assert email.message_from_bytes(sent.read_bytes())["Subject"] == "2 messages on 2 records"
    assert all(f"It drips {n}." in sent.read_text() for n in (1, 2))


def test_the_addresses_of_a_record_are_listed_rotated_and_taken_back_by_the_command(desk):
    before = desk.run("address", "case", "1", "--json").lines
    assert [(line["kind"], line["state"]) for line in before] == [("record", "honoured"), ("reply", "honoured")]
    assert before[1]["address"] == "ada@example.test"
    record = desk.run("record", "case", "1", "--json").lines[0]
    after = desk.run("address", "case", "CASE-1", "--rotate", "--revoke", "ada@example.test", "--json").lines
    assert [(line["kind"], line["state"]) for line in after] == [
        ("record", "honoured"), ("record", "revoked"), ("reply", "revoked")
    ]  # fmt: skip
    told = desk.run("record", "case", "1", "--json").lines[0]
    assert told["uuid"] == record["uuid"]
    assert after[0]["address"] in told["addresses"]
    assert after[1]["address"] in record["addresses"]
    assert after[1]["address"] not in told["addresses"]
    for wrong, code in (
        (["case", "99"], 66), (["case", "1", "--revoke", "nobody@x.test"], 66), (["case", "1", "--keep-days", "3"], 64)
    ):  # fmt: skip
        assert desk.run("address", *wrong).code == code
