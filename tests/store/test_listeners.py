"""The listeners on the real rooms: what a session says becomes rows, and the rows answer the session."""

from __future__ import annotations

import asyncio
import base64
import ssl
import threading
import uuid

import pytest
from django.db import OperationalError, transaction

from addressee.core.setup import Account, Setup, Site, Table
from addressee.core.tokens import encode
from addressee.core.values import OutboxDraft
from addressee.host.clock import now
from addressee.host.home import HomeUnusable
from addressee.mail import outbox, spool, threads
from addressee.mail.models import Delivery, RawMessage
from addressee.people.models import Person
from addressee.pipeline.listeners import Listeners, PortTaken, tls_context
from addressee.records.models import Record
from addressee.setup import store
from wire import Typist, certificate

pytestmark = pytest.mark.django_db(transaction=True)

HELLO = b"From: Gus <gus@example.test>\r\nMessage-ID: <1@example.test>\r\nSubject: hello\r\n\r\nHello\r\n"
SETUP = Setup(
    site=Site(domain="desk.example.test", limits={"message_size_bytes": 2000}),
    tables={"case": Table(local_parts=("support",))},
    accounts={"help": Account(address="help@example.test", table="case")},
)


class Running:
    """Listeners in an event loop of their own, on ports of the system's choice."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.listeners = self.on_loop(self.make())
        ready = self.on_loop(self.listeners.start("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"))
        self.ports = {each.part: int(each.address.rpartition(":")[2]) for each in ready}

    async def make(self) -> Listeners:
        return Listeners(store.current())

    def on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    def end(self) -> None:
        async def rest() -> None:
            await self.listeners.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self.on_loop(rest())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def running(monkeypatch):
    monkeypatch.setattr(store, "current", lambda: SETUP)
    running = Running()
    yield running
    running.end()


@pytest.fixture
def gus(running):
    with Typist(running.ports["smtp"]) as typist:
        typist.greet()
        yield typist


def test_what_was_acknowledged_is_in_the_spool_byte_for_byte(gus):
    assert gus.send(
        "gus@example.test", "case@desk.example.test", "Support@Desk.example.test", data=HELLO + b".\r\n"
    ).startswith("250")
    deliveries = list(Delivery.objects.select_related("raw").order_by("pk"))
    assert [delivery.recipient for delivery in deliveries] == ["case@desk.example.test", "Support@Desk.example.test"]
    assert spool.raw_bytes(deliveries[0]) == HELLO
    envelope = spool.envelope_of(deliveries[0].envelope)
    assert (envelope.transport, envelope.sender, envelope.peer) == ("smtp", "gus@example.test", "127.0.0.1")
    assert (envelope.trusted, envelope.tls, envelope.login) == (False, True, "")
    assert RawMessage.objects.count() == 1


def test_lmtp_is_trusted_and_answers_for_each(running):
    with Typist(running.ports["lmtp"]) as mta:
        mta.greet("LHLO")
        mta.say("MAIL FROM:<>")
        assert mta.say("RCPT TO:<case@desk.example.test>").startswith("250")
        assert mta.say("RCPT TO:<nobody@desk.example.test>").startswith("550 5.1.1")
        assert mta.say("RCPT TO:<help@example.test>").startswith("250")
        mta.say("DATA")
        mta.write(HELLO + b".\r\n")
        assert [mta.reply()[:3] for _ in range(2)] == ["250"] * 2
    assert all(spool.envelope_of(delivery.envelope).trusted for delivery in Delivery.objects.all())
    assert Delivery.objects.count() == 2


def test_records_and_reply_addresses_are_known_and_no_others(gus):
    case = Record.objects.create(uuid=uuid.uuid4(), table="case", created_at=now(), updated_at=now())
    token = encode(bytes(13))
    with transaction.atomic():
        outbox.write(
            [(OutboxDraft("receipt", "g@x.test", "s", "t", record=str(case.pk), token=token), None)], SETUP, now()
        )
    gus.say("MAIL FROM:<gus@example.test>")
    for local in (f"case.{case.pk}", f"{case.pk}", token, token.upper(), "postmaster"):
        assert gus.say(f"RCPT TO:<{local}@desk.example.test>").startswith("250"), local
    for local in (f"case.{uuid.uuid4()}", f"{uuid.uuid4()}", encode(bytes([1] * 13)), "nobody"):
        assert gus.say(f"RCPT TO:<{local}@desk.example.test>").startswith("550"), local
    assert gus.say("RCPT TO:<case@elsewhere.test>").startswith("550")


def test_the_size_of_the_site_counts(gus):
    assert gus.say("MAIL FROM:<gus@example.test> SIZE=2001").startswith("552")
    assert gus.send("gus@example.test", "case@desk.example.test", data=HELLO + b"x" * 2000 + b"\r\n.\r\n").startswith(
        "552"
    )
    assert not Delivery.objects.exists()


def test_a_person_signs_in_by_key_or_address(running):
    ada = Person.objects.create(key="ada", name="Ada")
    ada.set_password("correct horse battery")
    ada.save()
    with Typist(running.ports["smtp"]) as typist:
        typist.greet()
        wrong = base64.b64encode(b"\0ada\0wrong").decode()
        assert typist.say(f"AUTH PLAIN {wrong}").startswith("535")
        right = base64.b64encode(b"\0ada\0correct horse battery").decode()
        assert typist.say(f"AUTH PLAIN {right}").startswith("235")
        typist.send("ada@example.test", "case@desk.example.test", data=HELLO + b".\r\n")
    assert spool.envelope_of(Delivery.objects.get().envelope).login == "ada"


def test_when_the_database_is_away_the_sender_keeps_it(gus, monkeypatch):
    gus.say("MAIL FROM:<gus@example.test>")
    gus.say("RCPT TO:<case@desk.example.test>")

    def away(*_):
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(spool, "_keep", away)
        gus.say("DATA")
        gus.write(HELLO + b".\r\n")
        assert gus.reply().startswith("451 4.3.0 not-kept")
        broken.setattr(threads, "address_exists", away)
        gus.say("MAIL FROM:<gus@example.test>")
        assert gus.say(f"RCPT TO:<{uuid.uuid4()}@desk.example.test>").startswith("451 4.3.0")
    assert gus.say("RCPT TO:<case@desk.example.test>").startswith("250")


def test_sessions_at_the_same_time_share_transactions(running, monkeypatch):
    groups: list[int] = []
    keep = spool._keep
    monkeypatch.setattr(spool, "_keep", lambda many, at: groups.append(len(many)) or keep(many, at))
    barrier = threading.Barrier(10)

    def one(number: int) -> None:
        with Typist(running.ports["lmtp"]) as mta:
            mta.greet("LHLO")
            mta.say("MAIL FROM:<gus@example.test>")
            mta.say("RCPT TO:<case@desk.example.test>")
            mta.say("DATA")
            barrier.wait()
            mta.write(HELLO + b".\r\n")
            assert mta.reply().startswith("250")

    senders = [threading.Thread(target=one, args=(number,)) for number in range(10)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sum(groups) == Delivery.objects.count() == 10
    assert len(groups) < 10


def test_the_policy_service_knows_what_the_listener_knows(running):
    def ask(recipient: str) -> str:
        with Typist(running.ports["policy"]) as postfix:
            postfix.write(f"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient={recipient}\n\n".encode())
            return postfix.reader.readline().decode()

    assert ask("case@desk.example.test") == "action=DUNNO\n"
    assert ask("nobody@DESK.example.test").startswith("action=550 5.1.1")
    assert ask("nobody@example.test") == "action=DUNNO\n"


def test_a_port_that_is_taken_is_named(running):
    taken = f"127.0.0.1:{running.ports['smtp']}"
    other = running.on_loop(running.make())
    with pytest.raises(PortTaken, match=f"lmtp can't listen on {taken}"):
        running.on_loop(other.start("127.0.0.1:0", taken, "127.0.0.1:0"))
    running.on_loop(other.close())


def test_a_stranger_is_refused_while_he_is_there_and_our_own_server_never(monkeypatch):
    closed = SETUP.model_copy(update={"site": SETUP.site.model_copy(update={"strangers": "refuse"})})
    monkeypatch.setattr(store, "current", lambda: closed)
    Person.objects.create(key="portal", name="Guests", guest=True)
    running = Running()
    try:
        with Typist(running.ports["smtp"]) as gus:
            gus.greet()
            refused = gus.send("gus@example.test", "case@desk.example.test", data=HELLO + b".\r\n")
            assert refused.startswith("550 5.7.1 stranger: The author is not known here")
            assert not Delivery.objects.exists()
            # a bounce is never refused, and people of other names are still there
            assert gus.send("", "case@desk.example.test", data=HELLO + b".\r\n").startswith("250")
            assert gus.send("g@x.test", "postmaster@desk.example.test", data=HELLO + b".\r\n").startswith("250")
        with Typist(running.ports["lmtp"]) as mta:
            mta.greet("LHLO")
            assert mta.send("gus@example.test", "case@desk.example.test", data=HELLO + b".\r\n").startswith("250")
        assert Delivery.objects.count() == 3
    finally:
        running.end()


# ---- the certificate


def test_a_certificate_in_the_environment_switches_encryption_on(tmp_path, monkeypatch):
    cert, key = certificate(tmp_path)
    monkeypatch.setattr(store, "current", lambda: SETUP)
    monkeypatch.setenv("ADDRESSEE_TLS_CERT", str(cert))
    monkeypatch.setenv("ADDRESSEE_TLS_KEY", str(key))
    running = Running()
    try:
        with Typist(running.ports["smtp"]) as typist:
            assert "STARTTLS" in typist.greet()
            typist.start_tls(ssl.create_default_context(cafile=str(cert)))
            typist.say("EHLO client.example.test")
            assert typist.send("g@x.test", "case@desk.example.test", data=HELLO + b".\r\n").startswith("250")
    finally:
        running.end()


@pytest.mark.parametrize(
    ("cert", "key", "named"), [("gone.pem", "", "gone.pem can't be read"), ("", "key.pem", "ADDRESSEE_TLS_CERT is not")]
)
def test_a_certificate_that_can_not_be_used_is_named(monkeypatch, cert, key, named):
    monkeypatch.setenv("ADDRESSEE_TLS_CERT", cert)
    monkeypatch.setenv("ADDRESSEE_TLS_KEY", key)
    with pytest.raises(HomeUnusable, match=named):
        tls_context()
