"""The SMTP listener over real sockets: what it takes, what it refuses, and with which words."""

from __future__ import annotations

import base64
import smtplib
import ssl
import time
from dataclasses import replace

import pytest

from addressee.core.errors import TryAgainLater
from wire import LIMITS, Listening, Mailbox, Typist, certificate, wait_for

CASE = "case@records.example.test"
HELLO = b"Subject: hello\r\n\r\nHello\r\n"


@pytest.fixture
def box():
    return Mailbox(CASE, "task@records.example.test", "müller@records.example.test", "postmaster@records.example.test")


@pytest.fixture
def smtp(box):
    with Listening("smtp", box.doors()) as listening:
        yield listening


@pytest.fixture
def gus(smtp):
    with Typist(smtp.port) as typist:
        typist.greet()
        yield typist


def plain(login: str, password: str) -> str:
    return base64.b64encode(f"\0{login}\0{password}".encode()).decode()


# ---- taking mail


def test_a_message_is_acknowledged_after_it_was_kept(gus, box):
    reply = gus.send("gus@example.test", CASE, data=HELLO + b".\r\n")
    assert reply == "250 2.0.0 Kept"
    envelope, recipients, raw = box.kept[0]
    assert (envelope.transport, envelope.sender, envelope.helo) == ("smtp", "gus@example.test", "client.example.test")
    assert (envelope.peer, envelope.trusted, envelope.login) == ("127.0.0.1", False, "")
    assert recipients == (CASE,)
    assert raw == HELLO


def test_a_message_that_can_not_be_kept_stays_with_the_sender(gus, box):
    gus.say("MAIL FROM:<gus@example.test>")
    gus.say(f"RCPT TO:<{CASE}>")
    gus.say("DATA")
    box.fail = TryAgainLater("not-kept")
    gus.write(HELLO + b".\r\n")
    assert gus.reply().startswith("451 4.3.0 not-kept")


def test_a_fault_nobody_thought_of_is_a_temporary_no_and_the_session_lives(gus, box):
    box.fail = RuntimeError("a bug")
    gus.say("MAIL FROM:<gus@example.test>")
    assert gus.say(f"RCPT TO:<{CASE}>").startswith("451 4.3.0")
    box.fail = None
    assert gus.send("gus@example.test", CASE, data=HELLO + b".\r\n").startswith("250")


def test_the_null_sender_is_taken(gus, box):
    assert gus.send("", CASE, data=HELLO + b".\r\n").startswith("250")
    assert box.kept[0][0].sender == ""


def test_an_address_beyond_ascii_is_taken(gus, box):
    assert "SMTPUTF8" in gus.say("EHLO x")
    assert gus.say("MAIL FROM:<gúś@example.test> SMTPUTF8 SIZE=30 BODY=8BITMIME").startswith("250")
    assert gus.say("RCPT TO:<müller@records.example.test>").startswith("250")
    gus.say("DATA")
    gus.write(HELLO + b".\r\n")
    assert gus.reply().startswith("250")
    assert box.kept[0][0].sender == "gúś@example.test"


def test_commands_may_be_sent_all_at_once(gus, box):
    gus.write(f"MAIL FROM:<gus@example.test>\r\nRCPT TO:<{CASE}>\r\nDATA\r\n".encode())
    assert [gus.reply()[:3] for _ in range(3)] == ["250", "250", "354"]
    gus.write(HELLO + b".\r\nMAIL FROM:<second@example.test>\r\nQUIT\r\n")
    assert [gus.reply()[:3] for _ in range(3)] == ["250", "250", "221"]
    assert len(box.kept) == 1


def test_postmaster_needs_no_domain(gus, box):
    # RFC 5321 4.5.1
    assert gus.send("gus@example.test", "Postmaster", data=HELLO + b".\r\n").startswith("250")
    assert box.kept[0][1] == ("Postmaster@records.example.test",)


def test_a_client_of_the_standard_library_is_content(smtp, box):
    with smtplib.SMTP("127.0.0.1", smtp.port) as client:
        refused = client.sendmail("gus@example.test", [CASE, "nobody@records.example.test"], HELLO)
    assert refused == {"nobody@records.example.test": (550, b"5.1.1 no-such-address: there is no such address here")}
    assert [recipients for _, recipients, _ in box.kept] == [(CASE,)]


# ---- refusing


def test_an_unknown_address_is_refused_while_the_sender_is_there(gus):
    gus.say("MAIL FROM:<gus@example.test>")
    assert gus.say("RCPT TO:<nobody@records.example.test>").startswith("550 5.1.1 no-such-address")
    assert gus.say("DATA").startswith("503")


def test_an_address_that_can_not_be_looked_up_now_is_no_unknown_one(gus, box):
    box.fail = TryAgainLater("try-again")
    gus.say("MAIL FROM:<gus@example.test>")
    assert gus.say(f"RCPT TO:<{CASE}>").startswith("451 4.3.0")


def test_a_size_that_is_announced_too_large_is_refused_before_the_data(gus):
    assert "SIZE 100000" in gus.say("EHLO x")
    assert gus.say("MAIL FROM:<gus@example.test> SIZE=100001").startswith("552 5.3.4")
    assert gus.say("MAIL FROM:<gus@example.test> SIZE=100000").startswith("250")


@pytest.mark.parametrize("excess", [1, 5_000_000])
def test_a_message_that_is_too_large_is_read_to_its_end_and_refused(gus, box, excess):
    line = b"x" * 98 + b"\r\n"
    data = line * ((LIMITS.message_size_bytes + excess) // 100 + 1)
    assert gus.send("gus@example.test", CASE, data=data + b".\r\n").startswith("552 5.3.4")
    assert gus.send("gus@example.test", CASE, data=HELLO + b".\r\n").startswith("250")
    assert len(box.kept) == 1


@pytest.mark.parametrize(("lines", "said"), [(12_500, "250"), (12_501, "552")])
def test_dots_of_transparency_do_not_count_for_the_size(gus, box, lines, said):
    raw = b"......\r\n" * lines  # 8 bytes each: 100,000 are allowed
    assert gus.send("gus@example.test", CASE, data=raw.replace(b"......", b".......") + b".\r\n").startswith(said)
    assert [kept for _, _, kept in box.kept] == ([raw] if said == "250" else [])


def test_a_line_may_be_of_any_length(gus, box):
    data = b"Subject: long\r\n\r\n" + b"x" * 90_000 + b"\r\n"
    assert gus.send("gus@example.test", CASE, data=data + b".\r\n").startswith("250")
    assert box.kept[0][2] == data


def test_more_recipients_than_allowed_are_for_the_next_transaction(gus, box):
    gus.say("MAIL FROM:<gus@example.test>")
    for _ in range(LIMITS.recipients):
        assert gus.say(f"RCPT TO:<{CASE}>").startswith("250")
    assert gus.say(f"RCPT TO:<{CASE}>").startswith("452 4.5.3")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("MAIL FROM:gus", "501"),
        ("MAIL FROM:<gus@example.test", "501"),
        ("MAIL FROM:<gus\x01@example.test>", "501"),
        ("MAIL FROM:<gus@example.test> WHAT=EVER", "555"),
        ("MAIL FROM:<gus@example.test> BODY=BINARYMIME", "501"),
        ("MAIL FROM:<gus@example.test> SIZE=-1", "501"),
        ("MAIL FROM:<gus@example.test> =", "501"),
        (f"MAIL FROM:<{'x' * 300}@example.test>", "501"),
        ("MAIL", "501"),
        ("RCPT TO:<case@records.example.test>", "503"),
        ("DATA", "503"),
        ("EXPN all", "502"),
        ("WHAT", "500"),
        ("x" * 3000, "500"),
        ("", "500"),
    ],
)
def test_what_is_no_command_is_refused_and_the_session_goes_on(gus, line, code):
    assert gus.say(line)[:3] == code
    assert gus.say("NOOP")[:3] == "250"


@pytest.mark.parametrize("address", ["", "a b@x.test", "nobody", "<case@records.example.test>", "x@[127.0.0.1]"])
def test_no_odd_recipient_passes(gus, address):
    gus.say("MAIL FROM:<gus@example.test>")
    assert gus.say(f"RCPT TO:<{address}>")[0] == "5"


def test_bytes_that_are_no_text_do_not_end_the_session(gus):
    gus.write(b"MAIL FROM:<\xff\xfe@example.test>\r\n")
    assert gus.reply()[:3] == "501"
    gus.write(b"\xff\xff\r\n")
    assert gus.reply()[:3] == "500"
    assert gus.say("NOOP")[:3] == "250"


def test_an_empty_message_is_refused(gus, box):
    assert gus.send("gus@example.test", CASE, data=b".\r\n").startswith("554 5.6.0 empty")
    assert not box.kept


def test_who_asks_for_one_unknown_address_after_the_other_is_sent_away(gus):
    gus.say("MAIL FROM:<gus@example.test>")
    replies = [gus.say(f"RCPT TO:<guess{number}@records.example.test>")[:3] for number in range(20)]
    assert replies == ["550"] * 19 + ["421"]
    assert gus.reply() == ""


# ---- the end of the data: only CRLF.CRLF


@pytest.mark.parametrize(
    "end",
    [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n\n.\r\n", b"\r\n\x00.\r\n", b"\r\n..\r\n"],
)
def test_nothing_but_crlf_dot_crlf_ends_a_message(gus, box, end):
    # given a message that hides a second one behind what some servers take for the end
    smuggled = (
        b"MAIL FROM:<ada@example.test>\r\nRCPT TO:<task@records.example.test>\r\nDATA\r\nSubject: forged\r\n\r\nx\r\n"
    )
    data = b"Subject: first\r\n\r\nHello" + end + smuggled
    # when it is sent
    assert gus.send("mallory@example.test", CASE, data=data + b".\r\n").startswith("250")
    # then it is one message, and all of it is Mallory's text
    assert gus.say("NOOP").startswith("250")
    assert len(box.kept) == 1
    envelope, recipients, raw = box.kept[0]
    assert (envelope.sender, recipients) == ("mallory@example.test", (CASE,))
    assert raw == data.replace(b"\r\n.", b"\r\n")


@pytest.mark.parametrize("cut", range(1, 6))
def test_the_end_is_found_however_it_is_cut_into_packets(gus, box, cut):
    gus.say("MAIL FROM:<gus@example.test>")
    gus.say(f"RCPT TO:<{CASE}>")
    gus.say("DATA")
    whole = HELLO + b".\r\n"
    gus.write(whole[:-cut])
    time.sleep(0.05)
    gus.write(whole[-cut:])
    assert gus.reply().startswith("250")
    assert box.kept[0][2] == HELLO


def test_dots_of_transparency_are_taken_away_and_no_others(gus, box):
    gus.send("gus@example.test", CASE, data=b"..one\r\n...two\r\n..\r\nthree.\r\n.four\r\n.\r\n")
    assert box.kept[0][2] == b".one\r\n..two\r\n.\r\nthree.\r\nfour\r\n"


@pytest.mark.parametrize("size", [65_530, 65_536, 65_540, 99_990])
def test_a_message_around_the_size_of_a_buffer_comes_whole(gus, box, size):
    raw = (b"0123456789.\r\n" * 8000)[: size - 2] + b"\r\n"
    raw = raw.replace(b"\r\r", b"\rx")
    assert gus.send("gus@example.test", CASE, data=raw + b".\r\n").startswith("250")
    assert box.kept[0][2] == raw


# ---- signing in


def test_a_person_signs_in_over_loopback(gus, box):
    assert "AUTH PLAIN LOGIN" in gus.say("EHLO x")
    assert gus.say(f"AUTH PLAIN {plain('ada', 'correct horse')}").startswith("235")
    gus.send("ada@example.test", CASE, data=HELLO + b".\r\n")
    assert (box.kept[0][0].login, box.kept[0][0].tls) == ("ada", True)


def test_a_person_signs_in_by_login_and_by_plain_in_two_steps(smtp, box):
    with smtplib.SMTP("127.0.0.1", smtp.port) as client:
        client.ehlo()
        client.user, client.password = "ada", "correct horse"
        assert client.auth("LOGIN", client.auth_login)[0] == 235
    with Typist(smtp.port) as typist:
        typist.greet()
        assert typist.say("AUTH PLAIN") == "334 "
        assert typist.say(plain("ada", "correct horse")).startswith("235")


def test_three_wrong_passwords_end_the_session(gus):
    assert gus.say(f"AUTH PLAIN {plain('ada', 'wrong')}").startswith("535 5.7.8")
    assert gus.say(f"AUTH PLAIN {plain('ada', 'wrong')}").startswith("535 5.7.8")
    assert gus.say(f"AUTH PLAIN {plain('ada', 'wrong')}").startswith("421 4.7.0")
    assert gus.reply() == ""


def test_ten_wrong_passwords_of_one_login_are_enough_for_a_while(smtp):
    for _ in range(5):
        with Typist(smtp.port) as mallory:
            mallory.greet()
            mallory.say(f"AUTH PLAIN {plain('ada', 'wrong')}")
            mallory.say(f"AUTH PLAIN {plain('ada', 'wrong')}")
    with Typist(smtp.port) as mallory:
        mallory.greet()
        assert mallory.say(f"AUTH PLAIN {plain('ada', 'correct horse')}").startswith("454 4.7.0")


@pytest.mark.parametrize(
    "line", ["AUTH", "AUTH PLAIN !!!", "AUTH PLAIN " + base64.b64encode(b"x").decode(), "AUTH CRAM-MD5"]
)
def test_a_sign_in_that_is_none_is_refused(gus, line):
    assert gus.say(line)[:3] in ("501", "504")


def test_a_sign_in_may_be_given_up(gus):
    assert gus.say("AUTH LOGIN").startswith("334")
    assert gus.say("*").startswith("501")
    assert gus.say("NOOP").startswith("250")


def test_off_loopback_without_encryption_nobody_signs_in(box, monkeypatch):
    monkeypatch.setattr("addressee.transports.session.is_loopback", lambda peer: False)
    with Listening("smtp", box.doors()) as listening, Typist(listening.port) as typist:
        assert "AUTH" not in typist.greet()
        assert typist.say(f"AUTH PLAIN {plain('ada', 'correct horse')}").startswith("538 5.7.11")


def test_with_a_certificate_the_session_is_encrypted_and_then_one_signs_in(box, monkeypatch, tmp_path):
    monkeypatch.setattr("addressee.transports.session.is_loopback", lambda peer: False)
    cert, key = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    with Listening("smtp", box.doors(tls=server)) as listening, Typist(listening.port) as typist:
        assert "STARTTLS" in typist.greet()
        typist.start_tls(ssl.create_default_context(cafile=str(cert)))
        answer = typist.say("EHLO client.example.test")
        assert "AUTH PLAIN LOGIN" in answer
        assert "STARTTLS" not in answer
        assert typist.say(f"AUTH PLAIN {plain('ada', 'correct horse')}").startswith("235")
        typist.send("ada@example.test", CASE, data=HELLO + b".\r\n")
        envelope = box.kept[0][0]
        assert (envelope.tls, envelope.login) == (True, "ada")


def test_what_was_typed_before_encryption_is_forgotten(box, tmp_path):
    # commands injected before the handshake must not run inside it (CVE-2011-0411 and its like)
    cert, key = certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    with Listening("smtp", box.doors(tls=server)) as listening, Typist(listening.port) as typist:
        typist.greet()
        typist.say("MAIL FROM:<mallory@example.test>")
        typist.write(b"STARTTLS\r\nRSET\r\nMAIL FROM:<mallory@example.test>\r\n")
        assert typist.reply().startswith("220")
        typist.reader.close()
        typist.socket = ssl.create_default_context(cafile=str(cert)).wrap_socket(
            typist.socket, server_hostname="localhost"
        )
        typist.reader = typist.socket.makefile("rb")
        assert typist.say(f"RCPT TO:<{CASE}>").startswith("503")


# ---- limits of a peer


def test_the_thirty_first_connection_at_once_is_told_to_come_back(smtp):
    open_sessions = [Typist(smtp.port) for _ in range(30)]
    assert all(session.reply().startswith("220") for session in open_sessions)
    with Typist(smtp.port) as one_more:
        assert one_more.reply().startswith("421 4.7.0 Too many connections at once")
        assert one_more.reply() == ""
    open_sessions.pop().close()
    time.sleep(0.1)
    with Typist(smtp.port) as again:
        assert again.reply().startswith("220")
    for session in open_sessions:
        session.close()


def test_too_many_connections_a_minute_are_told_to_come_back(box):
    box.limits = replace(LIMITS, connections_per_minute=3)
    with Listening("smtp", box.doors()) as listening:
        said = []
        for _ in range(4):
            with Typist(listening.port) as typist:
                said.append(typist.reply()[:9])
    assert said == ["220 recor"] * 3 + ["421 4.7.0"]


def test_a_trusted_peer_is_neither_counted_nor_doubted(box):
    box.limits = replace(LIMITS, connections_per_minute=1)
    box.trusted = ("127.0.0.1",)
    with Listening("smtp", box.doors()) as listening:
        for _ in range(3):
            with Typist(listening.port) as typist:
                typist.greet()
                typist.send("gus@example.test", CASE, data=HELLO + b".\r\n")
    assert [envelope.trusted for envelope, _, _ in box.kept] == [True] * 3


def test_a_session_that_says_nothing_is_closed(box):
    box.limits = replace(LIMITS, command_seconds=0.2)
    with Listening("smtp", box.doors()) as listening, Typist(listening.port) as typist:
        typist.greet()
        assert typist.reply().startswith("421 4.4.2")
        assert typist.reply() == ""


def test_dribbling_a_message_does_not_hold_a_session(box):
    box.limits = replace(LIMITS, data_seconds=0.5)
    with Listening("smtp", box.doors()) as listening, Typist(listening.port) as typist:
        typist.greet()
        typist.say("MAIL FROM:<mallory@example.test>")
        typist.say(f"RCPT TO:<{CASE}>")
        typist.say("DATA")
        began = time.monotonic()
        with pytest.raises(OSError, match=r"."):
            while time.monotonic() - began < 5:
                typist.write(b"x")
                time.sleep(0.05)
    assert time.monotonic() - began < 3
    assert not box.kept


def test_hanging_up_in_the_middle_of_a_message_keeps_nothing(smtp, box):
    with Typist(smtp.port) as typist:
        typist.greet()
        typist.say("MAIL FROM:<gus@example.test>")
        typist.say(f"RCPT TO:<{CASE}>")
        typist.say("DATA")
        typist.write(b"Subject: half\r\n")
    with Typist(smtp.port) as typist:
        typist.greet()
        typist.send("gus@example.test", CASE, data=HELLO + b".\r\n")
    wait_for(lambda: box.kept)
    assert [raw for _, _, raw in box.kept] == [HELLO]
