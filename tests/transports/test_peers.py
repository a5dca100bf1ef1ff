"""Who is loopback, who is trusted, and who comes too often: the pure rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.transports.peers import Admission, Recent, is_loopback, is_one_of
from addressee.transports.session import read_parameters, read_path


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.2", "127.255.1.1", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_loopback(peer):
    assert is_loopback(peer)


@pytest.mark.parametrize(
    "peer", ["192.0.2.1", "10.0.0.1", "::2", "fe80::1%eth0", "::ffff:192.0.2.1", "", "localhost", "127.0.0.1.evil"]
)
def test_nothing_else_is(peer):
    assert not is_loopback(peer)


@pytest.mark.parametrize(
    ("peer", "trusted", "is_trusted"),
    [
        ("192.0.2.1", ["192.0.2.1"], True),
        ("192.0.2.1", ["192.0.2.0/24"], True),
        ("192.0.2.1", ["192.0.2.7/24"], True),
        ("::ffff:192.0.2.1", ["192.0.2.0/24"], True),
        ("2001:db8::5", ["2001:db8::/32"], True),
        ("192.0.3.1", ["192.0.2.0/24"], False),
        ("192.0.2.1", ["2001:db8::/32"], False),
        ("192.0.2.1", ["mx.example.test", ""], False),
        ("192.0.2.1", [], False),
        ("", ["0.0.0.0/0"], False),
    ],
)
def test_trusted_peers_are_addresses_and_networks(peer, trusted, is_trusted):
    assert is_one_of(peer, trusted) is is_trusted


@given(st.text(max_size=40), st.lists(st.text(max_size=20), max_size=3))
def test_no_text_makes_the_rules_raise(peer, trusted):
    assert is_loopback(peer) in (True, False)
    assert is_one_of(peer, trusted) in (True, False)


def test_a_peer_who_left_makes_room():
    admission = Admission()
    assert admission.refusal("192.0.2.1", 0.0, at_once=1, a_minute=9) == ""
    assert admission.refusal("192.0.2.1", 0.1, at_once=1, a_minute=9).startswith("Too many connections at once")
    assert admission.refusal("192.0.2.2", 0.1, at_once=1, a_minute=9) == ""
    admission.leave("192.0.2.1")
    assert admission.refusal("192.0.2.1", 0.2, at_once=1, a_minute=9) == ""


def test_a_minute_later_all_is_forgotten_also_by_the_memory():
    recent = Recent(60.0)
    for number in range(1000):
        recent.add(f"peer{number}", 1.0)
    assert recent.count("peer1", 30.0) == 1
    assert recent.count("peer1", 61.5) == 0
    recent.count("peer1", 130.0)
    assert not recent._times


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("<a@b.test>", ("a@b.test", "")),
        (" <a@b.test> SIZE=3 SMTPUTF8", ("a@b.test", "SIZE=3 SMTPUTF8")),
        ("<>", ("", "")),
        ("<> SIZE=1", ("", "SIZE=1")),
        ("<@relay.test,@other.test:a@b.test>", ("a@b.test", "")),
        ('<"a b"@c.test>', ('"a b"@c.test', "")),
        ("a@b.test SIZE=1", ("a@b.test", "SIZE=1")),
        ("<postmaster>", ("postmaster", "")),
        ("<a@b.test>junk", None),
        ("<a@b@c.test>", None),
        ("<a@b.test", None),
        ("a b@c.test", None),
        ("", None),
        ("<a\r\n@b.test>", None),
        ("<\udcff@b.test>", None),
    ],
)
def test_a_path_is_read_as_rfc_5321_says_or_not_at_all(text, path):
    assert read_path(text) == path


@given(st.text(max_size=300))
def test_no_text_makes_the_path_reader_raise_or_let_a_control_character_through(text):
    found = read_path(text)
    assert found is None or found[0].isprintable()
    assert read_parameters(text) is None or all(name.isascii() for name in read_parameters(text))
