"""Mail by a real Postfix and swaks, both ways: the recipe of docs/howto/postfix.md, and answers of real clients."""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import signal
import smtplib
import subprocess
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from pathlib import Path

import pytest
from clients import CLIENTS, NEW_TEXT, Client, Loss
from postfix import HOWTO, OURS, WORLD, Mail, Milter, Postfix, Sent, World, free_port, is_free, recipe, swaks

import homes
from addressee.core.language import english
from addressee.core.options import OPTIONS
from addressee.core.tokens import IN_SUBJECT, PATTERN
from wire import Typist, wait_for

SETUP = Path(__file__).with_name("firm.toml")
PARTS = ("web", "smtp", "lmtp", "policy", "worker")
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452") + bytes(range(256))
PDF = b"%PDF-1.4\r\n" + bytes(range(256)) * 40
STAMP = b"Authentication-Results: mx.example.test; dmarc=pass header.from=example.test\r\n"
RELAY = b"Received: from a by relay.world.example; Fri, 20 Nov 2026 10:00:00 +0000\r\n"
BY_US = b"Received: from a by mx.example.test; Fri, 20 Nov 2026 10:00:00 +0000\r\n"
_numbers = itertools.count(1)


class Served:
    """`addressee serve --json` at ports that stay the same when it is started again."""

    def __init__(self, home: homes.Home, **ports: int) -> None:
        self.home, self.ports = home, ports
        self.process: subprocess.Popen | None = None

    def start(self, **env: str) -> None:
        words = [w for part, port in self.ports.items() for w in (f"--{part}", f"127.0.0.1:{port}")]
        self.process = self.home.start("serve", "--json", *words, env=env, stdout=subprocess.PIPE)
        said: queue.Queue[str] = queue.Queue()
        output = self.process.stdout
        threading.Thread(
            target=lambda: [said.put(line["part"]) for line in map(json.loads, output)], daemon=True
        ).start()
        missing = set(PARTS)
        while missing:
            missing.discard(said.get(timeout=60))

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process.stdout.close()
            self.process = None
            wait_for(lambda: all(is_free(port) for port in self.ports.values()), 30)


class Town:
    """The firm with its Postfix, and all the others."""

    def __init__(self, folder: Path) -> None:
        self.home = homes.make(folder, SETUP)
        self.world, self.milter = World(), Milter()
        self.world.controller.start()
        ports = {part: free_port() for part in ("http", "smtp", "lmtp", "policy")}
        self.postfix = Postfix(
            lmtp=ports["lmtp"], policy=ports["policy"], milter=self.milter.port, world=self.world.port
        )
        self.served = Served(self.home, **ports)

    def open(self) -> None:
        self.postfix.start()
        self.serve()

    def serve(self, **env: str) -> None:
        self.served.start(ADDRESSEE_SMTP_URL=f"smtp://127.0.0.1:{self.postfix.port}", **env)

    def close(self) -> None:
        self.served.end()
        self.postfix.close()
        self.milter.close()
        self.world.controller.stop()

    # ---- sending

    def send(self, message: EmailMessage | bytes, author: str, *to: str) -> Sent:
        raw = message if isinstance(message, bytes) else message.as_bytes()
        return swaks(self.postfix.port, raw, author, *to)

    def post(self, message: EmailMessage | bytes, author: str, to: str) -> Mail:
        """Send a mail that is answered, and wait for the answer."""
        before = len(self.world.to(author))
        sent = self.send(message, author, to)
        assert sent.code == 0, sent.said
        return self.world.wait(author, before + 1)[before]

    # ---- asking

    def ask(self, *command: str) -> list[dict]:
        done = self.home.run(*command, "--json")
        assert done.code == 0, done.err
        return done.lines

    def case(self, title: str) -> dict:
        """The one case of that title, with its stream."""
        (found,) = [case for case in self.ask("records", "case") if case["title"] == title]
        return self.ask("record", "case", found["number"])[0]

    def settled(self) -> dict:
        """The ledger when nothing waits any more."""
        wait_for(self.postfix.is_idle, 60)
        wait_for(lambda: self.ask("ledger")[0]["waiting"] == 0, 60)
        (ledger,) = self.ask("ledger")
        assert ledger["adds_up"]
        return ledger

    def trace(self, message: EmailMessage) -> list[dict]:
        return self.ask("trace", message["Message-ID"].strip("<>"))


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    one = Town(tmp_path_factory.mktemp("town") / "home")
    try:
        one.open()
        yield one
    finally:
        one.close()


def mail(author: str, to: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = author, to, subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{next(_numbers)}.{os.getpid()}@world.example>"
    message.set_content(text)
    return message


def token_of(sent: Mail) -> str:
    """The reply token of a mail of ours, from its header."""
    token = sent.message["X-Addressee-Token"]
    assert PATTERN.fullmatch(token)
    return token


def texts(case: dict) -> list[str]:
    return [post["text"] for post in case["stream"] if post["kind"] == "mail"]


# ---------------------------------------------------------------- in


def test_given_a_known_customer_when_she_writes_then_the_case_has_all_seven_parts_and_the_receipt_returns(town: Town):
    made = mail("Ben Agent <ben@example.test>", "company@records.example.test", "create", "Kunz Hotels\n")
    town.post(made, "ben@example.test", "company@records.example.test")
    made = mail(
        "ben@example.test", "contact@records.example.test", "create",
        "Carla Kunz\nemail: carla@kunz.example\ncompany: Kunz Hotels\n",
    )  # fmt: skip
    town.post(made, "ben@example.test", "contact@records.example.test")

    asked = mail(
        "Carla Kunz <carla@kunz.example>", "support@example.test", "Aufzug klemmt — floor 2", "It squeaks.\n\nÖl?\n"
    )
    asked.add_attachment(PNG, maintype="image", subtype="png", filename="door.png")
    asked.add_attachment(PDF, maintype="application", subtype="pdf", filename="plan of floor 2.pdf")
    receipt = town.post(asked, "carla@kunz.example", "support@example.test")

    case = town.case("Aufzug klemmt — floor 2")
    values = case["values"]
    assert values["name"] == "Aufzug klemmt — floor 2"
    assert [entry["text"] for entry in values["log"]] == ["It squeaks.\n\nÖl?"]
    assert [(file["name"], file["size_bytes"]) for file in values["files"]] == [
        ("door.png", len(PNG)),
        ("plan of floor 2.pdf", len(PDF)),
    ]
    assert values["contact"]["title"] == "Carla Kunz"
    assert values["company"]["title"] == "Kunz Hotels"
    assert case["team"] == "desk"
    assert case["account"] == "support"
    assert values["priority"] == 2  # the account's preset
    assert values["status"] == "New"  # what nobody set has its default
    (line,) = town.trace(asked)
    assert (line["disposition"], line["assurance"], line["verified"]) == ("accept", "E3", True)

    # the receipt, as it reached her
    said = receipt.message
    token = token_of(receipt)
    assert receipt.sender == f"{token}@records.example.test"  # where a bounce would go
    assert "support@example.test" in said["From"]
    assert said["Reply-To"] == f"{token}@records.example.test"
    assert said["In-Reply-To"] == asked["Message-ID"]
    assert said["Auto-Submitted"] == "auto-replied"
    assert said["Message-ID"].startswith(f"<{token}.")
    assert f"{case['number']}" in receipt.text
    assert receipt.text.startswith(english().marker_line)
    (queued,) = [item for item in town.ask("outbox") if item["message_id"] == said["Message-ID"].strip("<>")]
    assert queued["state"] == "sent"
    ours = town.home.run("outbox", "--raw", str(queued["id"])).out
    assert receipt.raw.endswith(ours.rstrip(b"\r\n") + b"\r\n")  # Postfix put its Received above, and changed nothing


def test_given_no_such_record_when_addressed_then_it_is_refused_at_rcpt_and_never_bounced(town: Town):
    town.settled()
    before = len(town.world.mails)
    for unknown in (
        "case.5f3c1f7e-95b1-4f7a-9a55-0d7f3b1c2d3e@records.example.test",
        "aaaaaaaaaaaaaaaaaaaaa@records.example.test",
        "nobody@records.example.test",
    ):
        sent = town.send(mail("gus@guest.example", unknown, "Hello", "?"), "gus@guest.example", unknown)
        assert sent.code == 24  # swaks: no recipient was taken
        assert f"550 5.1.1 <{unknown}>: Recipient address rejected: no-such-address" in sent.said
    # one of two is ours: it is taken, the other is not
    both = ("case@records.example.test", "nobody@records.example.test")
    sent = town.send(mail("gus@guest.example", both[0], "For one of two", "?"), "gus@guest.example", *both)
    assert sent.code == 0
    assert sent.said.count("550 5.1.1") == 1
    town.settled()
    assert [each.to for each in town.world.mails[before:] if each.sender == ""] == []


def test_given_strangers_when_they_relay_by_our_server_then_they_are_refused(town: Town):
    sent = town.send(mail("gus@guest.example", "x@other.example", "Hi", "?"), "gus@guest.example", "x@other.example")
    assert "Relay access denied" in sent.said


def test_given_addressee_is_away_then_the_firms_other_mail_goes_on_and_ours_is_tried_again(town: Town):
    """The recipe asks the policy service for the records' domain only."""
    town.served.end()
    lunch = mail("gus@guest.example", "ben@example.test", "Lunch?", "At one.")
    sent = town.send(lunch, "gus@guest.example", "ben@example.test")
    assert sent.code == 0, sent.said
    asked = mail("gus@guest.example", "case@records.example.test", "Now or later", "?")
    refused = town.send(asked, "gus@guest.example", "case@records.example.test")
    town.serve()
    assert "451 4.3.5" in refused.said
    wait_for(
        lambda: lunch["Message-ID"] in [each.message["Message-ID"] for each in town.world.to("ben@example.test")], 60
    )
    assert town.send(asked, "gus@guest.example", "case@records.example.test").code == 0
    town.settled()
    assert town.case("Now or later")


def test_given_the_recipe_when_a_message_is_as_large_as_postfix_takes_then_we_keep_it(town: Town):
    limit = int(re.search(r"message_size_limit = (\d+)", recipe(lmtp=1, policy=2, milter=3))[1])
    assert limit < OPTIONS["message_size_bytes"].default
    with Typist(town.served.ports["lmtp"]) as mta:
        assert f"SIZE {OPTIONS['message_size_bytes'].default}" in mta.greet("LHLO")
    small = mail("big@files.example", "case@records.example.test", "As large as may be", "").as_bytes()
    line = b"x" * 70 + b"\r\n"

    def sized(size: int) -> bytes:
        body = line * ((size - len(small)) // len(line))
        return small.replace(b"\n", b"\r\n") + body

    before = town.settled()
    assert town.send(sized(limit - 2_000), "big@files.example", "case@records.example.test").code == 0
    refused = town.send(sized(limit + 2_000), "big@files.example", "case@records.example.test")
    assert "552 5.3.4" in refused.said
    after = town.settled()
    assert after["accepted"] == before["accepted"] + 1
    assert after["applied"] == before["applied"] + 1
    assert [each for each in town.world.to("big@files.example") if each.sender == ""] == []


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_given_a_receipt_when_it_is_answered_from_any_client_then_its_case_has_the_new_text_alone(
    town: Town, client: Client
):
    author, title = f"carla@{client.name}.example", f"The lift stands still ({client.name})"
    asked = mail(f"Carla Kunz <{author}>", "support@example.test", title, "It stands still.")
    receipt = town.post(asked, author, "support@example.test")
    token = token_of(receipt)
    answers = {}
    for number, loss in enumerate(client.losses):
        raw, to = client.reply(receipt.raw, author, number, loss)
        assert (token in to) == (loss not in (Loss.HEADERS, Loss.ADDRESS))
        answers[loss] = raw
        sent = town.send(raw, author, to)
        assert sent.code == 0, sent.said
    town.world.wait(author, 1 + len(answers))  # each has its receipt

    case = town.case(title)
    assert texts(case) == ["It stands still.", *[NEW_TEXT] * len(answers)]
    assert {post["visibility"] for post in case["stream"] if post["kind"] == "mail"} == {"public"}
    assert case["values"]["name"] == title
    assert [entry["text"] for entry in case["values"]["log"]] == ["It stands still.", *[NEW_TEXT] * len(answers)]
    for raw in answers.values():
        (line,) = town.ask("trace", re.search(rb"^Message-ID: <(.*)>", raw, re.M)[1].decode())
        assert (line["disposition"], line["reason"]) == ("accept", "done"), line["trace"]
        assert [(e["kind"], e["record"]) for e in line["effects"] if e["kind"] != "update"] == [
            ("comment", case["number"])
        ]
    # no token of ours stands where somebody else could read it
    issued = {token_of(each) for each in town.world.to(author)}
    assert len(issued) == 1 + len(answers)
    shown = json.dumps([case["values"], [post["text"] for post in case["stream"]]])
    assert not any(each in shown for each in issued)
    assert not IN_SUBJECT.search(shown)
    for notice in town.world.to("ben@example.test"):
        assert not any(each.encode() in notice.raw for each in issued)


def test_given_the_plus_form_when_answered_then_it_comes_back_by_the_accounts_own_domain(town: Town):
    author = "paul@plus.example"
    thanks = town.post(
        mail(author, "sales@example.test", "A new lift", "What does it cost?"), author, "sales@example.test"
    )
    assert thanks.message["Subject"].startswith("We have your message: CASE-")
    raw, to = CLIENTS[0].reply(thanks.raw, author, 0, Loss.SUBJECT)
    assert to == f"sales+{token_of(thanks)}@example.test"
    assert town.send(raw, author, to).code == 0
    wait_for(lambda: texts(town.case("A new lift"))[1:] == [NEW_TEXT], 60)


# ---------------------------------------------------------------- once


def test_given_one_message_when_delivered_three_times_then_it_has_one_effect(town: Town):
    author, to = "dora@twice.example", "support@example.test"
    message = mail(author, to, "Delivered thrice", "Once is enough. " + "long " * 700)  # one line of 3.5 kB
    raw = message.as_bytes(policy=message.policy.clone(linesep="\r\n", max_line_length=0))
    raw = raw.replace(b"=\r\n", b"")  # no soft line ends, as careless programs write
    assert max(map(len, raw.split(b"\r\n"))) > 3_000
    before = town.settled()
    town.post(raw, author, to)
    assert town.send(raw, author, to).code == 0
    stamp = b"Authentication-Results: mx.example.test; dmarc=pass header.from=twice.example\r\n"
    with Typist(town.served.ports["lmtp"]) as mta:
        mta.greet("LHLO")
        assert mta.send(author, to, data=stamp + raw + b".\r\n") == "250 2.0.0 Kept"
    after = town.settled()
    assert {k: after[k] - before[k] for k in ("accepted", "applied", "discarded", "held", "rejected")} == {
        "accepted": 3, "applied": 1, "discarded": 2, "held": 0, "rejected": 0,
    }  # fmt: skip
    lines = town.trace(message)
    assert sorted(line["reason"] for line in lines) == ["done", "duplicate", "duplicate"]
    assert len(texts(town.case("Delivered thrice"))) == 1
    assert len(town.world.to(author)) == 1


# ---------------------------------------------------------------- staff and customer


def test_given_a_notice_when_staff_answer_then_it_goes_on_to_the_customer_and_her_answer_comes_back(town: Town):
    author, title = "erna@hotel.example", "The cabin is dark"
    seen = len(town.world.to("ben@example.test"))
    town.post(mail(author, "support@example.test", title, "Since Monday."), author, "support@example.test")
    notice = town.world.wait("ben@example.test", seen + 1)[-1]
    assert "Since Monday." in notice.text
    client = CLIENTS[4]

    def answer(received: Mail, by: str, text: str) -> None:
        raw, to = client.reply(received.raw, by, 7, Loss.NOTHING)
        raw = re.sub(rb"^Message-ID: .*\r\n", b"Message-ID: <%d@answer.example>\r\n" % next(_numbers), raw, flags=re.M)
        raw = raw.replace(NEW_TEXT.replace("\n", "\r\n").encode(), text.encode())
        sent = town.send(raw, by, to)
        assert sent.code == 0, sent.said

    # an internal note stays inside
    answer(notice, "ben@example.test", "note\r\nShe is a difficult one.")
    wait_for(lambda: "She is a difficult one." in "".join(filter(None, texts(town.case(title)))), 60)
    # a public answer goes on, from the account's address
    answer(notice, "ben@example.test", "We come on Friday.")
    composed = town.world.wait(author, 2)[1]
    assert "We come on Friday." in composed.text
    assert "difficult" not in composed.text
    assert "support@example.test" in composed.message["From"]
    assert "ben@example.test" not in composed.raw.decode("utf-8", "replace")
    assert token_of(notice).encode() not in composed.raw.lower()
    # and her answer to that one is on the record, and ben hears of it
    answer(composed, author, "Friday is fine.")
    wait_for(lambda: town.world.to("ben@example.test")[-1].text.count("Friday is fine."), 60)
    posts = [(post["text"], post["visibility"]) for post in town.case(title)["stream"] if post["kind"] == "mail"]
    assert [text for text, visible in posts if visible == "public"] == [
        "Since Monday.", "We come on Friday.", "Friday is fine.",
    ]  # fmt: skip
    assert [text for text, visible in posts if visible == "internal"] == ["She is a difficult one."]


def test_given_an_absent_customer_when_his_mailbox_answers_the_receipt_then_it_is_shown_and_goes_no_further(town: Town):
    author, title = "otto@away.example", "Otto is about to leave"
    receipt = town.post(mail(author, "support@example.test", title, "Bye."), author, "support@example.test")
    to = receipt.message["Reply-To"]
    note = mail(author, to, f"Out of office: {receipt.message['Subject']}", "I am away until Monday.")
    note["Auto-Submitted"] = "auto-replied"
    note["In-Reply-To"] = receipt.message["Message-ID"]
    assert swaks(town.postfix.port, note.as_bytes(), "", to).code == 0
    town.settled()
    assert texts(town.case(title)) == ["Bye.", "I am away until Monday."]
    assert len(town.world.to(author)) == 1


def test_given_an_address_beyond_ascii_when_it_writes_then_it_is_answered_by_smtputf8(town: Town):
    author, title = "jürgen@bücher.example", "Grüße aus Köln"
    message = mail("nobody@cust.example", "support@example.test", title, "Hallo.")
    del message["From"]
    message["From"] = f"Jürgen <{author}>"
    with smtplib.SMTP(OURS, town.postfix.port, source_address=(WORLD, 0), timeout=60) as client:
        client.send_message(message, author, ["support@example.test"])
    town.settled()
    (line,) = town.trace(message)
    assert line["disposition"] == "accept", line["trace"]
    assert line["verified"], line["trace"]
    case = town.case(title)
    wait_for(lambda: [each for each in town.world.mails if each.to.startswith("jürgen@")], 60)
    (receipt,) = [each for each in town.world.mails if each.to.startswith("jürgen@")]
    assert case["number"] in receipt.text
    assert token_of(receipt)


def test_given_an_address_that_is_gone_when_we_write_to_it_then_the_bounce_is_shown_on_the_record(town: Town):
    author, title = "fred@moved.example", "Fred has moved"
    town.world.unknown.add(author)
    assert town.send(mail(author, "support@example.test", title, "Hi."), author, "support@example.test").code == 0

    def bounced() -> list[dict]:
        found = [case for case in town.ask("records", "case") if case["title"] == title]
        stream = town.ask("record", "case", found[0]["number"])[0]["stream"] if found else []
        return [post for post in stream if post["kind"] == "bounce"]

    wait_for(bounced, 60)
    (bounce,) = bounced()
    assert bounce["visibility"] == "internal"
    assert "nobody of that name lives here" in " ".join(bounce["text"].split())
    assert len([item for item in town.ask("outbox") if item["to"] == author]) == 1  # and is not answered


# ---------------------------------------------------------------- forgery


def test_given_a_forged_verdict_when_sent_to_our_smtp_port_then_it_is_not_believed(town: Town):
    forged = mail("ben@example.test", "case@records.example.test", "Pay Mallory at once", "At once.")
    raw = STAMP + BY_US + STAMP + forged.as_bytes()
    sent = swaks(town.served.ports["smtp"], raw, "ben@example.test", "case@records.example.test")
    assert sent.code == 0, sent.said
    unproven(town, forged)


def test_given_a_forged_verdict_when_it_comes_by_postfix_then_the_recipe_takes_it_off(town: Town):
    town.milter.unseen.add("ben@example.test")  # the worst day: our own verifier says nothing
    forged = mail("ben@example.test", "case@records.example.test", "Mallory writes our name", "Now.")
    raw = STAMP + RELAY + STAMP.replace(b": ", b":\r\n\t") + BY_US + STAMP.upper() + forged.as_bytes()
    sent = town.send(raw, "ben@example.test", "case@records.example.test")
    town.milter.unseen.clear()
    assert sent.code == 0, sent.said
    unproven(town, forged)
    assert b"dmarc=pass" not in town.home.run("raw", forged["Message-ID"].strip("<>")).out.lower()


@pytest.mark.parametrize("verifier", ["says fail", "says nothing"])
def test_given_a_server_that_leaves_forged_verdicts_when_it_hands_one_over_then_it_is_not_believed(
    town: Town, verifier: str
):
    told = {"says fail": town.milter.forged, "says nothing": town.milter.unseen}[verifier]
    told.add("ben@example.test")
    town.postfix.configure("header_checks=")
    forged = mail("ben@example.test", "case@records.example.test", f"Mallory, and the verifier {verifier}", "Now.")
    # a stamp on top and below a Received of theirs; below one in our name only where our own stamp stands above
    raw = STAMP + RELAY + STAMP + (BY_US + STAMP if verifier == "says fail" else b"") + forged.as_bytes()
    sent = town.send(raw, "ben@example.test", "case@records.example.test")
    told.clear()
    town.settled()  # stopped while it hands over, Postfix would hand over again
    town.postfix.configure()
    assert sent.code == 0, sent.said
    unproven(town, forged)
    assert b"dmarc=pass" in town.home.run("raw", forged["Message-ID"].strip("<>")).out


def unproven(town: Town, message: EmailMessage) -> None:
    """Nobody believed it: no proof, none of the rights of the person it names, and no answer to him."""
    town.settled()
    (line,) = town.trace(message)
    assert line["verified"] is False, line["trace"]
    assert line["assurance"] == "E1", line["trace"]
    assert (line["disposition"], line["actor"]) == ("accept", "portal"), line["trace"]  # what any stranger may do
    assert line["reason"] == "unverified"
    assert line["replies"] == []
    assert message["Message-ID"] not in [each.message["In-Reply-To"] for each in town.world.to("ben@example.test")]


# ---------------------------------------------------------------- servers that stop


def test_given_postfix_is_down_when_we_want_to_send_then_it_waits_with_a_reason_and_is_sent_once(town: Town):
    town.settled()
    author, to, title = "gerd@patient.example", "support@example.test", "While Postfix was down"
    town.postfix.stop()
    try:
        message = mail(author, to, title, "Anyone there?")
        stamp = b"Authentication-Results: mx.example.test; dmarc=pass header.from=patient.example\r\n"
        with Typist(town.served.ports["lmtp"]) as mta:
            mta.greet("LHLO")
            data = stamp + message.as_bytes().replace(b"\n", b"\r\n") + b".\r\n"
            assert mta.send(author, to, data=data) == "250 2.0.0 Kept"

        def waiting() -> list[dict]:
            return [item for item in town.ask("outbox") if item["to"] == author and item["last_error"]]

        wait_for(waiting, 60)
        (item,) = waiting()
        assert item["state"] == "deferred"
        assert item["attempts"] == 1
        assert item["last_error"] == f"127.0.0.1:{town.postfix.port}: connection refused: nothing listens there"
    finally:
        town.postfix.start()
    later = {"ADDRESSEE_NOW": "+10m", "ADDRESSEE_SMTP_URL": f"smtp://127.0.0.1:{town.postfix.port}"}
    assert town.home.run("deliver", env=later).code == 0
    town.world.wait(author)
    town.settled()
    assert town.home.run("deliver", env=later).code == 0
    assert len(town.world.to(author)) == 1
    (item,) = [item for item in town.ask("outbox") if item["to"] == author]
    assert (item["state"], item["attempts"], item["last_error"]) == ("sent", 2, None)


def test_given_serve_is_killed_while_postfix_delivers_then_each_of_50_messages_is_one_record(town: Town):
    """kill -9 of the listener between its commit and its 250, again and again, then of everything at once."""
    before, done = town.settled(), town.postfix.delivered_by_lmtp()
    authors = [f"ida@street{number}.example" for number in range(50)]
    titles = [f"Lamp {number} is broken" for number in range(50)]
    town.served.end()
    with smtplib.SMTP(OURS, town.postfix.port, source_address=(WORLD, 0), timeout=60) as client:
        for author, title in zip(authors, titles, strict=True):
            client.send_message(
                mail(author, "support@example.test", title, "It is dark."), author, ["support@example.test"]
            )
    wait_for(lambda: len(town.postfix.queue()) == 50, 30)
    town.serve(ADDRESSEE_FAULT="spooled:3:kill9")  # each listener dies at its third commit
    wait_for(lambda: town.postfix.delivered_by_lmtp() >= done + 10, 60)
    town.served.end(signal.SIGKILL)
    assert town.postfix.queue()
    town.serve()

    after = town.settled()
    assert town.postfix.delivered_by_lmtp() - done == 50
    grown = {key: after[key] - before[key] for key in after if key != "adds_up"}
    assert grown["applied"] == 50
    assert grown["discarded"] > 0  # kept, not acknowledged, sent again: seen as the same message
    assert grown["accepted"] == 50 + grown["discarded"]
    cases = [case["title"] for case in town.ask("records", "case") if case["title"] in titles]
    assert sorted(cases) == sorted(titles)
    wait_for(lambda: all(town.world.to(author) for author in authors), 60)
    for author in authors:  # a receipt each; one that was sent twice has one Message-ID
        assert len({each.message["Message-ID"] for each in town.world.to(author)}) == 1


# ---------------------------------------------------------------- the page


def test_the_page_and_this_setup_name_the_same_things():
    page, setup = HOWTO.read_text("utf-8"), SETUP.read_text("utf-8")
    for words in ('domain = "records.example.test"', 'authserv_ids = ["mx.example.test"]'):
        assert words in page
        assert words in setup
    assert "myhostname = mx.example.test" in page
