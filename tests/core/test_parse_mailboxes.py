"""Who says he wrote it: From is read strictly, the other address fields generously."""

from __future__ import annotations

from email.utils import parseaddr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from addressee.core.addresses import normal
from addressee.core.mailboxes import author, mailboxes
from addressee.core.message import Mailbox
from addressee.core.parse import parse


@pytest.mark.parametrize(
    ("value", "address", "name"),
    [
        ("ben@example.org", "ben@example.org", ""),
        ("<ben@example.org>", "ben@example.org", ""),
        ("Ben Brandt <Ben.Brandt+x@EXAMPLE.org>", "ben.brandt+x@example.org", "Ben Brandt"),
        ('"Brandt, Ben (Acme)" <ben@example.org>', "ben@example.org", "Brandt, Ben (Acme)"),
        ('"Ben \\"B\\" Brandt" <ben@example.org>', "ben@example.org", 'Ben "B" Brandt'),
        ("=?utf-8?q?Zo=C3=A9=2C_M=2E?= <zoe@example.org>", "zoe@example.org", "Zoé, M."),
        ("Ben (Acme) <ben@example.org>", "ben@example.org", "Ben (Acme)"),
        ("O'Brien J. <ob@example.org>", "ob@example.org", "O'Brien J."),
        ("root@example.org (Cron Daemon)", "root@example.org", "Cron Daemon"),
        ("Zoé <zoé@bücher.example>", "zoé@xn--bcher-kva.example", "Zoé"),
        ('"alice@example.org" <bob@evil.test>', "bob@evil.test", "alice@example.org"),
        ("\u202egro.elpmaxe@ecila <bob@evil.test>", None, ""),
    ],
)
def test_one_plain_mailbox_is_an_author(value: str, address: str | None, name: str):
    assert author([value])[:2] == (address, name)


@pytest.mark.parametrize(
    ("values", "doubt"),
    [
        ([], "no-from"),
        (["a@x.test", "a@x.test"], "several-from"),
        (["a@x.test, b@x.test"], "several-mailboxes"),
        (["Foo, Ben <b@x.test>"], "several-mailboxes"),
        (["alice@example.org <bob@evil.test>"], "unquoted-trick"),
        (["alice@x]<bob@y>"], "unquoted-trick"),
        (["alice@x)bob@y"], "comment"),
        (["alice@x(<bob@y>"], "comment"),
        (["Ben (<ben@x.test>) <eve@x.test>"], "comment"),
        (["Ben (ben@x.test) <eve@x.test>"], "comment"),
        (["ben@x.test (Ben) (Acme)"], "comment"),
        (["alice@x:<bob@y>;"], "group"),
        (["Team: a@x.test;"], "group"),
        (["<@relay.test:bob@x.test>"], "unquoted-trick"),
        (["Ben <ben@[192.0.2.1]>"], "unquoted-trick"),
        (['"ben"@x.test'], "unquoted-trick"),
        (["=?utf-8?q?ben?=@x.test"], "encoded-address"),
        (["Ben"], "no-address"),
        (["<ben@x.test> <eve@x.test>"], "several-mailboxes"),
        (["<ben@x.test> ben"], "unquoted-trick"),
        (["Ben <ben@x..test>"], "no-address"),
        (["Ben <be\u212a@x.test>"], "no-address"),
        (["Ben <ben@x.test"], "unquoted-trick"),
        (["Ben\x00 <ben@x.test>"], "control-characters"),
        ([""], "empty-from"),
        (["a" * 3000 + "@x.test"], "from-too-long"),
    ],
)
def test_whatever_two_readers_could_read_differently_is_nobody(values: list[str], doubt: str):
    address, _, why = author(values)
    assert address is None
    assert why == doubt


@given(st.text(alphabet='abA@.<>(),:;"\\[] =?é\u212a\t', max_size=30))
@example("a@b <c@d>")
@example('"a@b" <c@d>')
def test_an_author_is_never_what_the_standard_library_reads_differently(value: str):
    # given any text as From
    address, _, doubt = author([value])
    # then either there is doubt, or another parser reads the same address
    if address is None:
        assert doubt
    else:
        assert normal(parseaddr(value)[1]) == address


def test_senders_are_shown_even_where_nobody_is_the_author():
    # given two From fields
    message = parse(b"From: ada@x.test\nFrom: Mallory <mallory@y.test>\n\n").message
    # then both are kept and neither is believed
    assert message.author is None
    assert message.senders == (Mailbox("", "ada@x.test"), Mailbox("Mallory", "mallory@y.test"))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a@x, B <b@y>", [("", "a@x"), ("B", "b@y")]),
        ("a@x; b@y", [("", "a@x"), ("", "b@y")]),
        ('Team: "B, C" <b@y>, c@z;, d@w', [("B, C", "b@y"), ("", "c@z"), ("", "d@w")]),
        ("undisclosed-recipients:;", []),
        ("c@d (Cleo (at home))", [("Cleo at home", "c@d")]),
        ("<pete(his account)@silly.test(his host)>", [("", "pete@silly.test")]),
        ("<@relay:b@y>", [("", "b@y")]),
        ('"never closed <a@x>, b@y', [("never closed", "a@x"), ("", "b@y")]),
        ("ben @ example . org", [("", "ben@example.org")]),
        ("Ben Brandt ben@example.org", [("Ben Brandt", "ben@example.org")]),
        ("=?utf-8?q?a=2C_b?= <a@x>", [("a, b", "a@x")]),
        ("'Ben' <b@x>", [("'Ben'", "b@x")]),
        (",,, ,", []),
    ],
)
def test_address_lists_are_read_generously(value: str, found: list[tuple[str, str]]):
    assert [(box.name, box.address) for box in mailboxes(value)] == found


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("Ben@Example.ORG", "ben@example.org"),
        (" ben@example.org ", "ben@example.org"),
        ("b.e.n+tag@example.org", "b.e.n+tag@example.org"),
        ("zoe\u0301@x.test", "zo\u00e9@x.test"),
        ("ZOÉ@x.test", "zoÉ@x.test"),
        ("a@BÜCHER.test", "a@xn--bcher-kva.test"),
        ("a@xn--bcher-kva.test", "a@xn--bcher-kva.test"),
        ("a@localhost", "a@localhost"),
        ("be\u212a@x.test", None),
        ("a@\u212a.test", None),
        ("a@ｅxample.test", None),
        ("a@x\u3002test", None),
        ("a\u202eb@x.test", None),
        ("a b@x.test", None),
        (".a@x.test", None),
        ("a@-x.test", None),
        ("a@x.test.", None),
        ("a@[192.0.2.1]", None),
        ("@x.test", None),
        ("a@", None),
        ("a", None),
        ("", None),
        ("a" * 65 + "@x.test", None),
    ],
)
def test_addresses_are_compared_in_one_form(written: str, compared: str | None):
    assert normal(written) == compared


@given(st.text(max_size=60))
def test_the_compared_form_is_stable_and_never_made_ascii_of_anything_else(text: str):
    form = normal(text)
    if form is not None:
        assert normal(form) == form
        assert not form.partition("@")[0].isascii() or text.strip(" \t").rpartition("@")[0].isascii()
