"""The outbox and its delivery: rows, claims, and a real socket at the other end."""

from __future__ import annotations

import email
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections, transaction

from addressee.core.message import Attachment, Envelope
from addressee.core.setup import Account, Setup, Site, Smtp, Table
from addressee.core.tokens import digest, encode
from addressee.core.values import OutboxDraft
from addressee.host.clock import now
from addressee.mail import outbox, spool
from addressee.mail.models import Communication, OutboxItem, Token
from addressee.pipeline import deliver
from addressee.pipeline.deliver import Deliverer, NoWay, way_out
from addressee.records import files
from addressee.records.models import Record
from sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = encode(bytes(range(13)))
SITE = Site(name="The desk", domain="desk.example.test")


def setup(**accounts: Account) -> Setup:
    help_desk = Account(address="help@example.test", table="case")
    return Setup(site=SITE, tables={"case": Table(number="CASE-{0}")}, accounts={"help": help_desk} | accounts)


@pytest.fixture(autouse=True)
def _desk(monkeypatch):
    monkeypatch.setattr(deliver.store, "current", setup)


@pytest.fixture
def sink(monkeypatch):
    with Sink() as listening:
        monkeypatch.setenv("ADDRESSEE_SMTP_URL", f"smtp://127.0.0.1:{listening.port}")
        yield listening


@pytest.fixture
def case() -> Record:
    return Record.objects.create(
        uuid=uuid.uuid4(), table="case", number=17, title="Broken tap", created_at=now(), updated_at=now()
    )


def write(*drafts: dict, at: datetime | None = None, **accounts: Account) -> list[OutboxItem]:
    plain = {"kind": "notification", "to": "ada@example.test", "subject": "News", "text": "Something happened."}
    given = [OutboxDraft(**(plain | {"seed": str(number)} | draft)) for number, draft in enumerate(drafts)]
    with transaction.atomic():
        outbox.write([(draft, None) for draft in given], setup(**accounts), at or now())
    return list(OutboxItem.objects.order_by("pk"))


def send() -> list[str]:
    """Send all that is due; the states afterwards, in the order of writing."""
    deliverer = Deliverer()
    try:
        deliverer.until_idle()
    finally:
        deliverer.close()
    return [item.state for item in OutboxItem.objects.order_by("pk")]


def later(monkeypatch, shift: str) -> None:
    monkeypatch.setenv("ADDRESSEE_NOW", shift)


# ---- writing


def test_a_draft_and_its_token_are_two_statements_however_many_there_are(case, django_assert_num_queries):
    drafts = [
        OutboxDraft("receipt", "a@x.test", "s", "t", record=str(case.pk), token=encode(bytes([n] * 13)))
        for n in range(150)
    ]
    with transaction.atomic(), django_assert_num_queries(2):
        outbox.write([(draft, None) for draft in drafts], setup(), now())
    assert OutboxItem.objects.count() == Token.objects.count() == 150


def test_the_token_is_kept_by_its_hash_and_for_whom_it_was_issued(case):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    write({"to": "Gus@Example.test", "record": str(case.pk), "token": TOKEN, "account": "help", "notice": True}, at=at)
    token = Token.objects.get()
    assert token.hash == digest(TOKEN)
    assert (token.record_id, token.address, token.account, token.notice) == (case.pk, "gus@example.test", "help", True)
    assert (token.created_at, token.expires_at) == (at, at + timedelta(days=730))


def test_nothing_stands_in_the_outbox_when_its_cause_is_rolled_back():
    with pytest.raises(RuntimeError), transaction.atomic():
        outbox.write([(OutboxDraft("receipt", "a@x.test", "s", "t"), None)], setup(), now())
        raise RuntimeError
    assert not OutboxItem.objects.exists()


def test_a_draft_to_no_address_is_kept_as_failed():
    (item,) = write({"to": "nobody at all"})
    assert (item.state, item.due_at) == ("failed", None)
    assert "'nobody at all' is no address" in item.last_error


# ---- the bytes


def test_the_bytes_are_the_same_whenever_they_are_asked_for(case):
    (item,) = write({"record": str(case.pk), "token": TOKEN, "account": "help", "text": "é"})
    raw = outbox.render(item)
    assert raw == outbox.render(OutboxItem.objects.get())
    message = email.message_from_bytes(raw)
    assert message["Date"] == item.created_at.strftime("%a, %d %b %Y %H:%M:%S +0000")
    assert message["Message-ID"] == f"<{item.message_id}>"
    assert message["X-Addressee-Token"] == TOKEN


def test_files_go_along_byte_for_byte():
    content = bytes(range(256)) * 50
    file = Attachment("Rechnung für März.pdf", "application/pdf", len(content), files.put(content))
    (item,) = write({"files": (file,)})
    _, part = email.message_from_bytes(outbox.render(item)).get_payload()
    assert (part.get_content_type(), part.get_payload(decode=True)) == ("application/pdf", content)


def test_a_redirect_takes_the_whole_message_along():
    raw = b"From: x@y.test\r\nSubject: hello\r\n\r\nHello\r\n"
    (delivery,) = spool.accept(spool.Incoming(Envelope("receive"), ("case@desk.example.test",), raw), now(), setup())
    with transaction.atomic():
        draft = OutboxDraft("redirect", "office@example.test", "Fwd", "Not sent to the author.", attach_raw=True)
        outbox.write([(draft, delivery)], setup(), now())
    _, along = email.message_from_bytes(outbox.render(OutboxItem.objects.get())).get_payload()
    assert along.get_content_type() == "message/rfc822"
    assert along.get_payload()[0].as_bytes().replace(b"\n", b"\r\n") == raw


def test_what_lost_a_part_of_it_fails_with_the_reason_and_holds_back_nothing(sink):
    write({"files": (Attachment("a", "text/plain", 1, "0" * 64),)}, {})
    assert send() == ["failed", "sent"]
    assert "missing" in OutboxItem.objects.first().last_error


# ---- sending


def test_what_is_due_is_sent_once(sink):
    (item,) = write({})
    assert send() == ["sent"]
    assert send() == ["sent"]
    assert sink.messages == [outbox.render(item)]
    sent = OutboxItem.objects.get()
    assert (sent.attempts, sent.last_error, sent.claimed_by, sent.due_at) == (1, "", "", None)
    assert sent.sent_at is not None


def test_not_now_is_tried_again_later_and_not_sooner(sink, monkeypatch):
    write({})
    sink.part["dot"] = "451 4.7.1 greylisted"
    assert send() == ["deferred"]
    assert OutboxItem.objects.get().last_error == "451 4.7.1 greylisted"
    del sink.part["dot"]
    assert send() == ["deferred"]
    later(monkeypatch, "+6m")
    assert send() == ["sent"]
    assert sink.messages[0] == sink.messages[1]


def test_hanging_up_before_the_answer_sends_again_under_the_same_id(sink, monkeypatch):
    write({})
    sink.part["dot"] = "hang up"
    assert send() == ["deferred"]
    del sink.part["dot"]
    later(monkeypatch, "+6m")
    assert send() == ["sent"]
    assert sink.messages[0] == sink.messages[1]


def test_never_is_shown_on_the_record_once(sink, case):
    write({"record": str(case.pk), "token": TOKEN})
    sink.part["RCPT"] = "550 5.1.1 no such mailbox"
    assert send() == ["failed"]
    bounce = Communication.objects.get()
    assert (bounce.record_id, bounce.kind, bounce.visibility) == (case.pk, "bounce", "internal")
    assert "550 5.1.1 no such mailbox" in bounce.text


def test_after_five_days_it_is_given_up(sink, monkeypatch):
    write({}, at=now() - timedelta(days=6))
    sink.part["dot"] = "451 4.7.1 later"
    assert send() == ["failed"]
    assert OutboxItem.objects.get().last_error == "Given up after 1 attempts in 5 days. 451 4.7.1 later"


def test_one_refused_message_holds_back_no_other(sink):
    write({"to": "a@x.test"}, {"to": "gone@x.test"}, {"to": "b@x.test"})
    sink.refused.add("gone@x.test")
    assert send() == ["sent", "failed", "sent"]
    assert sink.sessions == 1


def test_without_a_way_out_it_waits_and_says_which_setting_is_missing(monkeypatch):
    monkeypatch.delenv("ADDRESSEE_SMTP_URL", raising=False)
    write({})
    assert send() == ["queued"]
    item = OutboxItem.objects.get()
    assert item.attempts == 0
    assert "Set ADDRESSEE_SMTP_URL" in item.last_error


@pytest.mark.parametrize("url", ["gopher://x", "smtp://", "file:"])
def test_a_url_that_is_none_is_told_and_nothing_is_tried(monkeypatch, url):
    monkeypatch.setenv("ADDRESSEE_SMTP_URL", url)
    write({})
    assert send() == ["queued"]
    item = OutboxItem.objects.get()
    assert item.attempts == 0
    assert "ADDRESSEE_SMTP_URL" in item.last_error


def test_a_server_that_is_away_costs_one_message_an_attempt_and_lets_the_others_wait(monkeypatch):
    with Sink() as gone:
        monkeypatch.setenv("ADDRESSEE_SMTP_URL", f"smtp://127.0.0.1:{gone.port}")
    write({}, {}, {})
    assert send() == ["deferred", "queued", "queued"]
    rows = OutboxItem.objects.order_by("pk")
    assert [(row.attempts, row.claimed_by) for row in rows] == [(1, ""), (0, ""), (0, "")]
    assert all("connection refused" in row.last_error for row in rows)


def test_one_slow_server_does_not_hold_back_another(sink, monkeypatch):
    with Sink(dot="late 1") as slow:
        own = Account(address="slow@example.test", smtp=Smtp(host="127.0.0.1", port=slow.port, tls="none"))
        monkeypatch.setattr(deliver.store, "current", lambda: setup(slow=own))
        write({"account": "slow"}, {}, {"account": "slow"}, {"account": "help"}, slow=own)
        told: list[str] = []
        deliverer = Deliverer(lambda item, attempt: told.append(item.account))
        deliverer.until_idle()
        deliverer.close()
    assert told == ["", "help", "slow", "slow"]
    assert (len(sink.messages), len(slow.messages)) == (2, 2)


def test_two_senders_send_each_message_once(sink):
    write(*[{} for _ in range(60)])
    deliverers = [Deliverer(), Deliverer()]
    for number, deliverer in enumerate(deliverers):
        deliverer.worker = f"machine{number}/1.1"  # of machines whose processes we can't look at

    def until_idle(deliverer: Deliverer) -> None:
        deliverer.until_idle()
        connections.close_all()

    threads = [threading.Thread(target=until_idle, args=(deliverer,)) for deliverer in deliverers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for deliverer in deliverers:
        deliverer.close()
    ids = [email.message_from_bytes(raw)["Message-ID"] for raw in sink.messages]
    assert len(ids) == len(set(ids)) == 60


def test_what_a_dead_process_had_in_hand_is_sent_by_the_next(sink):
    write({})
    me = spool.worker_name()
    outbox.claim(me.partition("/")[0] + "/999999999.1", [""], 1, now())
    assert outbox.due_accounts(now()) == []
    assert send() == ["sent"]
    assert OutboxItem.objects.get().attempts == 2


def test_what_a_living_process_has_in_hand_is_left_to_it(sink):
    write({})
    outbox.claim(spool.worker_name(), [""], 1, now())
    assert send() == ["queued"]
    assert not sink.messages


def test_who_lost_a_claim_does_not_overwrite_what_the_next_one_did():
    write({})
    (mine,) = outbox.claim("first", [""], 1, now())
    (theirs,) = outbox.claim("second", [""], 1, now() + timedelta(hours=1))
    outbox.mark_sent(theirs, now())
    outbox.mark_failed(mine, "late", now())
    assert OutboxItem.objects.get().state == "sent"


def test_the_loop_of_the_worker_sends_within_a_second_and_ends_when_told(sink):
    stop = threading.Event()
    loop = threading.Thread(target=deliver.run, args=(stop,))
    loop.start()
    write({})
    for _ in range(200):
        if sink.messages:
            break
        stop.wait(0.05)
    stop.set()
    loop.join(10)
    assert not loop.is_alive()
    assert len(sink.messages) == 1


# ---- where to


@pytest.mark.parametrize(
    ("account", "url", "way"),
    [
        ("", "smtp://mx:25", "smtp://mx:25"),
        ("help", "smtp://mx:25", "smtp://mx:25"),
        ("gone", "smtp://mx:25", "smtp://mx:25"),
        ("own", "smtp://mx:25", "smtp://me:p%40ss@out.test:587?tls=starttls"),
        ("own", "", "smtp://me:p%40ss@out.test:587?tls=starttls"),
        ("own", "file:./out", "file:./out"),
        ("own", "smtp://mx:25?all=1", "smtp://mx:25?all=1"),
    ],
)
def test_an_account_leaves_by_its_own_server_unless_the_url_takes_everything(account, url, way):
    own = Account(address="own@example.test", smtp=Smtp(host="out.test", user="me", password_env="OWN"))
    assert way_out(account, setup(own=own), url, {"OWN": "p@ss"}) == way


@pytest.mark.parametrize(("account", "missing"), [("", "ADDRESSEE_SMTP_URL"), ("own", "OWN")])
def test_a_missing_setting_is_named(account, missing):
    own = Account(address="own@example.test", smtp=Smtp(host="out.test", user="me", password_env="OWN"))
    with pytest.raises(NoWay, match=missing):
        way_out(account, setup(own=own), "", {})
