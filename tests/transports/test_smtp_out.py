"""The ways out over real sockets: a sink that takes, refuses, hangs up; and a folder."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core.registry import transports
from addressee.core.sending import Fate
from addressee.transports import smtp_out
from addressee.transports.smtp_out import Relay, Server, read_url, transparent
from sink import Sink
from wire import Listening, Mailbox, certificate

RAW = b"Subject: hello\r\n\r\n.Hello\r\nWorld\r\n"
BEN = "ben@example.test"


def send(relay: Relay, sender: str = "case@records.example.test", recipient: str = BEN, raw: bytes = RAW):
    passed: list[str] = []
    attempt = relay.send(sender, recipient, raw, passed.append, name="1")
    return attempt, passed


@contextmanager
def relay_to(sink: Sink) -> Iterator[Relay]:
    relay = Relay(Server("127.0.0.1", sink.port), "records.example.test")
    yield relay
    relay.close()


def test_a_message_is_sent_and_both_moments_are_told():
    with Sink() as sink, relay_to(sink) as relay:
        attempt, passed = send(relay)
    assert (attempt.fate, attempt.reply) == (Fate.SENT, "250 taken as 17")
    assert passed == ["data-sent", "sent"]
    assert sink.messages == [RAW]
    assert sink.lines[:3] == [
        "ehlo records.example.test",
        f"mail FROM:<case@records.example.test> SIZE={len(RAW)}",
        f"rcpt TO:<{BEN}>",
    ]


def test_the_null_reverse_path_is_sent_as_such():
    with Sink() as sink, relay_to(sink) as relay:
        send(relay, sender="")
    assert sink.lines[1].startswith("mail FROM:<> ")


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize(("reply", "fate"), [("451 4.7.1 later", Fate.TEMPORARY), ("550 5.1.1 nobody", Fate.PERMANENT)])
def test_a_refusal_at_any_verb_is_told_in_the_peers_words_and_the_connection_is_used_again(verb, reply, fate):
    with Sink(**{verb: reply}) as sink, relay_to(sink) as relay:
        attempt, passed = send(relay)
        del sink.part[verb]
        second, _ = send(relay)
    assert (attempt.fate, attempt.reply, attempt.reached) == (fate, reply, True)
    assert "sent" not in passed
    assert second.fate is Fate.SENT
    assert sink.sessions == 1


def test_a_server_that_hangs_up_before_its_answer_leaves_the_message_unsent():
    with Sink(dot="hang up") as sink, relay_to(sink) as relay:
        attempt, passed = send(relay)
    assert (attempt.fate, attempt.reached) == (Fate.TEMPORARY, True)
    assert passed == ["data-sent"]
    assert sink.messages == [RAW]


@pytest.mark.parametrize(
    "part", [{"greeting": "554 go away"}, {"greeting": "hang up"}, {"EHLO": "550 no", "HELO": "550 no"}]
)
def test_a_server_that_will_not_speak_with_us_is_not_reached_and_nothing_is_given_up(part):
    with Sink(**part) as sink, relay_to(sink) as relay:
        attempt, passed = send(relay)
    assert (attempt.fate, attempt.reached, passed) == (Fate.TEMPORARY, False, [])
    assert attempt.reply.startswith(f"127.0.0.1:{sink.port}: ")


def test_nobody_there_says_so():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    attempt, passed = send(Relay(Server("127.0.0.1", port)))
    assert (attempt.fate, attempt.reached, passed) == (Fate.TEMPORARY, False, [])
    assert attempt.reply == f"127.0.0.1:{port}: connection refused: nothing listens there"


def test_a_server_that_does_not_answer_in_time_is_left(monkeypatch):
    monkeypatch.setattr(smtp_out, "FINAL_SECONDS", 0.2)
    with Sink(dot="late 1") as sink, relay_to(sink) as relay:
        attempt, passed = send(relay)
    assert (attempt.fate, passed) == (Fate.TEMPORARY, ["data-sent"])
    assert "no answer in time" in attempt.reply


def test_a_connection_that_was_closed_meanwhile_is_made_again():
    with Sink() as sink, relay_to(sink) as relay:
        send(relay)
        sink.part["MAIL"] = "421 idle too long"
        relay._client.sock.shutdown(socket.SHUT_RDWR)
        del sink.part["MAIL"]
        attempt, _ = send(relay)
    assert attempt.fate is Fate.SENT
    assert sink.sessions == 2


def test_what_asks_for_encryption_is_never_sent_without():
    with Sink() as sink:
        relay = Relay(Server("127.0.0.1", sink.port, tls="starttls"))
        attempt, passed = send(relay)
        relay.close()
    assert (attempt.fate, attempt.reached, passed) == (Fate.TEMPORARY, False, [])
    assert "no STARTTLS" in attempt.reply
    assert not any(line.lower().startswith("mail") for line in sink.lines)


def test_what_asks_to_sign_in_is_never_sent_without():
    with Sink() as sink:
        attempt, _ = send(Relay(Server("127.0.0.1", sink.port, user="ada", password="secret")))
    assert "no AUTH" in attempt.reply
    assert not any("secret" in line or line.lower().startswith("mail") for line in sink.lines)


def test_a_certificate_that_nobody_signed_is_refused_and_one_we_trust_is_taken(tmp_path):
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    box = Mailbox(BEN)
    with Listening("smtp", box.doors(tls=context)) as listening:
        server = Server("localhost", listening.port, tls="starttls", user="ada", password="correct horse")
        doubtful, _ = send(Relay(server))
        trusting = Relay(server, context=ssl.create_default_context(cafile=str(cert)))
        attempt, _ = send(trusting)
        trusting.close()
    assert doubtful.fate is Fate.TEMPORARY
    assert "certificate verify failed" in doubtful.reply
    assert attempt.fate is Fate.SENT
    assert [(envelope.login, envelope.tls, raw) for envelope, _, raw in box.kept] == [("ada", True, RAW)]


def test_a_wrong_password_is_ours_to_mend_and_gives_no_message_up():
    box = Mailbox(BEN)
    with Listening("smtp", box.doors()) as listening:
        attempt, _ = send(Relay(Server("127.0.0.1", listening.port, user="ada", password="wrong")))
    assert (attempt.fate, attempt.reached) == (Fate.TEMPORARY, False)
    assert "535" in attempt.reply


def test_an_address_beyond_ascii_needs_a_server_that_takes_it():
    box = Mailbox("müller@example.test")
    with Sink() as sink, relay_to(sink) as relay:
        refused, _ = send(relay, recipient="müller@example.test")
    with Listening("smtp", box.doors()) as listening:
        relay = Relay(Server("127.0.0.1", listening.port))
        taken, _ = send(relay, recipient="müller@example.test")
        relay.close()
    assert refused.fate is Fate.PERMANENT
    assert taken.fate is Fate.SENT


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:1025", Server("127.0.0.1", 1025)),
        ("smtp://mx.example.test", Server("mx.example.test", 25)),
        ("smtp://u%40x:p%3Aw@mx.example.test?tls=starttls", Server("mx.example.test", 25, "starttls", "u@x", "p:w")),
        ("smtps://u:p@mx.example.test", Server("mx.example.test", 465, "tls", "u", "p")),
        ("smtp://[::1]:25?all=1", Server("::1", 25)),
    ],
)
def test_an_smtp_url_is_read(url, server):
    assert read_url(url) == server


@pytest.mark.parametrize("url", ["smtp://", "http://x", "smtp://x:port", "smtp://u:secret@x?tls=maybe", "smtp:x"])
def test_a_url_that_is_none_is_refused_without_telling_the_password(url):
    with pytest.raises(ValueError, match=r"SMTP URL") as error:
        read_url(url)
    assert "secret" not in str(error.value)


@given(st.lists(st.sampled_from([b".", b"..", b"x", b"", b".x."]), min_size=1))
def test_transparency_is_undone_by_the_peer(lines):
    raw = b"".join(line + b"\r\n" for line in lines)
    wire = transparent(raw)
    assert wire.endswith(b".\r\n")
    assert b"\r\n.\r\n" not in wire[:-3]
    assert (b"\r\n" + wire[:-3]).replace(b"\r\n.", b"\r\n")[2:] == raw


# ---- a folder


def test_the_folder_gets_the_bytes_whole_and_once(tmp_path):
    sender = transports["file-out"].open(f"file:{tmp_path}/out", "x")
    passed: list[str] = []
    for _ in range(2):
        attempt = sender.send("", BEN, RAW, passed.append, name="17")
        assert attempt.fate is Fate.SENT
    assert passed == ["data-sent", "sent"] * 2
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["17.eml"]
    assert (tmp_path / "out" / "17.eml").read_bytes() == RAW


def test_a_relative_folder_is_where_the_program_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    transports["file-out"].open("file:./out", "x").send("", BEN, RAW, lambda point: None, name="1")
    assert (tmp_path / "out" / "1.eml").exists()


def test_nothing_is_seen_of_a_file_before_it_is_whole(tmp_path):
    sender = transports["file-out"].open(f"file:{tmp_path}", "x")
    seen: list[list[str]] = []
    sender.send("", BEN, RAW, lambda point: seen.append(sorted(p.name for p in tmp_path.glob("*.eml"))), name="1")
    assert seen == [[], ["1.eml"]]


def test_a_folder_that_can_not_be_written_to_is_a_temporary_no(tmp_path):
    (tmp_path / "out").write_text("a file, no folder")
    attempt = transports["file-out"].open(f"file:{tmp_path}/out", "x").send("", BEN, RAW, lambda point: None, name="1")
    assert (attempt.fate, attempt.reached) == (Fate.TEMPORARY, False)
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_url_without_a_folder_is_refused():
    with pytest.raises(ValueError, match=r"names no folder"):
        transports["file-out"].open("file:", "x")
    with pytest.raises(ValueError, match=r"names no folder"):
        transports["file-out"].open("file://host/x", "x")
