"""The LMTP listener over real sockets (RFC 2033): our own MTA speaks, and hears about each recipient."""

from __future__ import annotations

import pytest

from addressee.core.errors import TryAgainLater
from wire import Listening, Mailbox, Typist

CASE, TASK = "case@records.example.test", "task@records.example.test"
HELLO = b"Subject: hello\r\n\r\nHello\r\n"


@pytest.fixture
def box():
    return Mailbox(CASE, TASK)


@pytest.fixture
def mta(box):
    with Listening("lmtp", box.doors()) as listening, Typist(listening.port) as typist:
        typist.greet("LHLO")
        yield typist


def test_each_accepted_recipient_has_a_reply_of_its_own(mta, box):
    mta.say("MAIL FROM:<gus@example.test>")
    assert mta.say(f"RCPT TO:<{CASE}>").startswith("250")
    assert mta.say("RCPT TO:<nobody@records.example.test>").startswith("550 5.1.1")
    assert mta.say(f"RCPT TO:<{TASK}>").startswith("250")
    mta.say("DATA")
    mta.write(HELLO + b".\r\n")
    # two were accepted, so two replies come, and the next belongs to the next command
    assert [mta.reply() for _ in range(2)] == ["250 2.0.0 Kept"] * 2
    assert mta.say("QUIT").startswith("221")
    assert [recipients for _, recipients, _ in box.kept] == [(CASE, TASK)]


@pytest.mark.parametrize(
    ("data", "fail", "said"),
    [
        (b"x" * 98 + b"\r\n", None, "552 5.3.4"),
        (b"", None, "554 5.6.0"),
        (HELLO, TryAgainLater("not-kept"), "451 4.3.0"),
    ],
)
def test_a_refusal_too_is_said_for_each_recipient(mta, box, data, fail, said):
    mta.say("MAIL FROM:<gus@example.test>")
    mta.say(f"RCPT TO:<{CASE}>")
    mta.say(f"RCPT TO:<{TASK}>")
    mta.say("DATA")
    box.fail = fail
    mta.write((data * 1100 if said[0:3] == "552" else data) + b".\r\n")
    assert [mta.reply()[:9] for _ in range(2)] == [said] * 2
    assert mta.say("NOOP").startswith("250")
    assert not box.kept


def test_what_our_own_mta_says_is_believed_and_nobody_signs_in(mta, box):
    assert "AUTH" not in mta.say("LHLO mx.example.test")
    assert mta.say("AUTH PLAIN AGFkYQBjb3JyZWN0IGhvcnNl").startswith("502")
    mta.send("gus@example.test", CASE, data=HELLO + b".\r\n")
    envelope = box.kept[0][0]
    assert (envelope.transport, envelope.trusted, envelope.login) == ("lmtp", True, "")


@pytest.mark.parametrize("word", ["EHLO", "HELO"])
def test_smtp_is_not_spoken_here(mta, word):
    assert mta.say(f"{word} x").startswith("500 5.5.1")
