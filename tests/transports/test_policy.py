"""The Postfix policy service over a real socket (SMTPD_POLICY_README)."""

from __future__ import annotations

import pytest

from addressee.core.errors import TryAgainLater
from addressee.transports.policy import Questions
from wire import Listening, Mailbox, Typist


@pytest.fixture
def box():
    return Mailbox("case@records.example.test")


@pytest.fixture
def postfix(box):
    questions = Questions(exists=box.exists, is_ours=lambda domain: domain.lower() == "records.example.test")
    with Listening("policy", questions) as listening, Typist(listening.port) as typist:
        yield typist


def ask(postfix: Typist, recipient: str, state: str = "RCPT") -> str:
    postfix.write(
        f"request=smtpd_access_policy\nprotocol_state={state}\nprotocol_name=ESMTP\nsender=gus@example.test\n"
        f"recipient={recipient}\nclient_address=192.0.2.1\nsasl_username=\nccert_subject=a=b\n\n".encode()
    )
    action = postfix.reader.readline().decode()
    assert postfix.reader.readline() == b"\n"
    return action.rstrip("\n")


def test_a_known_address_is_let_through(postfix):
    assert ask(postfix, "case@records.example.test") == "action=DUNNO"


def test_an_unknown_address_of_ours_is_rejected(postfix):
    assert ask(postfix, "nobody@records.example.test").startswith("action=550 5.1.1 no-such-address")


@pytest.mark.parametrize("recipient", ["nobody@elsewhere.test", "", "postmaster", "nobody@"])
def test_what_is_not_of_our_domain_is_not_our_business(postfix, recipient):
    assert ask(postfix, recipient) == "action=DUNNO"


def test_only_recipients_are_judged(postfix):
    assert ask(postfix, "nobody@records.example.test", state="DATA") == "action=DUNNO"


@pytest.mark.parametrize("fault", [TryAgainLater("try-again"), RuntimeError("a bug")])
def test_trouble_is_no_reason_to_bounce(postfix, box, fault):
    box.fail = fault
    assert ask(postfix, "case@records.example.test").startswith("action=DEFER_IF_PERMIT 4.3.0")


def test_many_questions_are_answered_over_one_connection(postfix):
    answers = [ask(postfix, f"{name}@records.example.test") for name in ["case", "x", "case", "y"]]
    assert [answer.split()[0] for answer in answers] == [
        "action=DUNNO",
        "action=550",
        "action=DUNNO",
        "action=550",
    ]


@pytest.mark.parametrize(
    "noise", [b"no equals sign\n", b"a=" + b"x" * 20_000 + b"\n", b"".join(b"n%d=x\n" % n for n in range(300))]
)
def test_what_is_not_the_protocol_ends_the_connection(postfix, noise):
    postfix.write(noise)
    assert postfix.reader.readline() == b""


def test_given_a_session_of_postfix_that_idles_when_the_service_ends_then_nobody_complains(box, caplog):
    questions = Questions(exists=box.exists, is_ours=lambda domain: True)
    with Listening("policy", questions) as listening:
        postfix = Typist(listening.port)
        assert ask(postfix, "case@records.example.test") == "action=DUNNO"
    assert postfix.reader.read() == b""
    postfix.close()
    assert [record.getMessage() for record in caplog.records] == []
