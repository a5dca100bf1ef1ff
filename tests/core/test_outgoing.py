"""What we send: whatever outsiders write into it, the headers are the intended ones and the bytes are mail."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core import assemble
from addressee.core.body import split
from addressee.core.language import english
from addressee.core.outgoing import compose
from addressee.core.setup import Account, Setup, Site, Table
from addressee.core.tokens import encode, in_subject
from addressee.core.values import OutboxDraft

TOKEN = encode(bytes(range(13)))
OTHER = encode(bytes(range(1, 14)))
RECORD = "7d3c1c1e-6f1e-4a57-9d4f-0d1f6a3c5b11"


def setup(**account) -> Setup:
    return Setup(
        site=Site(name="Harbour Street Repairs", domain="records.example.test"),
        tables={"case": Table()},
        accounts={"support": Account(address="support@example.test", table="case", **account)},
    )


def draft(**more) -> OutboxDraft:
    given = {
        "kind": "receipt",
        "to": "gus@example.test",
        "subject": "Re: Broken tap",
        "text": "Done.",
        "account": "support",
    }
    return OutboxDraft(**(given | {"record": RECORD, "token": TOKEN} | more))


def headers(outgoing) -> dict[str, str]:
    return dict(outgoing.headers)


# ---- sender, ids, headers


@pytest.mark.parametrize(
    ("how", "reply_to"),
    [
        ("domain", f"{TOKEN}@records.example.test"),
        ("plus", f"support+{TOKEN}@example.test"),
        ("plain", ""),
    ],
)
def test_the_token_stands_in_all_its_places(how, reply_to):
    out = compose(draft(), setup(reply_address=how), "seed")
    assert out.sender == "support@example.test"
    assert out.reply_to == reply_to
    assert re.fullmatch(TOKEN + r"\.[0-9a-f]{12}@records\.example\.test", out.message_id)
    assert headers(out)["X-Addressee-Token"] == TOKEN
    assert in_subject(out.subject) == (TOKEN,)


def test_an_automatic_mail_bounces_to_its_record_or_nowhere():
    assert compose(draft(), setup(), "s").envelope_sender == f"{TOKEN}@records.example.test"
    assert compose(draft(), setup(reply_address="plain"), "s").envelope_sender == ""
    assert compose(draft(token=None), setup(), "s").envelope_sender == ""


def test_a_mail_that_a_person_wrote_bounces_to_its_sender():
    composed = draft(kind="composed", automatic=False, sender_name="Ben Agent")
    out = compose(composed, setup(reply_address="plain"), "s")
    assert out.envelope_sender == "support@example.test"
    assert out.sender_name == "Ben Agent (Harbour Street Repairs)"
    assert "Auto-Submitted" not in headers(out)


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("receipt", "auto-replied"),
        ("auto_reply", "auto-replied"),
        ("confirmation", "auto-replied"),
        ("notification", "auto-generated"),
        ("redirect", "auto-generated"),
    ],
)
def test_every_automatic_mail_says_so(kind, word):
    # RFC 3834 5
    found = headers(compose(draft(kind=kind), setup(), "s"))
    assert found["Auto-Submitted"] == word
    assert found["X-Addressee-Loop"] == "records.example.test"
    assert "OOF" in found["X-Auto-Response-Suppress"]
    assert "Precedence" not in found


def test_without_an_account_the_table_writes():
    assert compose(draft(account="", table="case"), setup(), "s").sender == "case@records.example.test"
    assert compose(draft(account="", table=""), setup(), "s").sender == "noreply@records.example.test"


def test_the_subject_holds_no_token_of_another():
    out = compose(draft(subject=f"Re: Tap [#{OTHER}] [#{OTHER.upper()}]"), setup(), "s")
    assert out.subject == f"Re: Tap [#{TOKEN}]"
    assert compose(draft(), setup(subject_token=False), "s").subject == "Re: Broken tap"
    assert compose(draft(subject_token=False), setup(), "s").subject == "Re: Broken tap"


def test_ids_are_the_same_on_every_attempt_and_differ_between_messages():
    same = {compose(draft(token=None, seed="a"), setup(), "x").message_id for _ in range(3)}
    assert len(same) == 1
    others = {compose(draft(token=None, seed=s), setup(), "x").message_id for s in "abc"}
    assert len(others) == 3
    assert compose(draft(token=None), setup(), "x").message_id != compose(draft(token=None), setup(), "y").message_id


def test_the_thread_is_named_and_ids_that_are_none_are_left_out():
    out = compose(
        draft(in_reply_to="<b@x>", references=("a@x", "bad id@x", "a\r\nBcc: x@y", "é@x", "x" * 999)), setup(), "s"
    )
    assert out.in_reply_to == "b@x"
    assert out.references == ("a@x", "b@x")
    many = compose(draft(in_reply_to="last@x", references=tuple(f"{n}@x" for n in range(100))), setup(), "s")
    assert (many.references[0], many.references[-1], len(many.references)) == ("0@x", "last@x", 40)


def test_an_answer_written_above_our_marker_is_all_that_is_new():
    text = compose(draft(text="status: Open -> Closed"), setup(), "s").text
    quoted = "\n".join(f"> {line}" for line in text.splitlines())
    assert split(f"Thank you!\n\n{quoted}").new_text == "Thank you!"
    assert split(f"Thank you!\n\n{text}").new_text == "Thank you!"
    assert text.startswith(english().marker_line)
    assert not compose(draft(token=None), setup(), "s").text.startswith(english().marker_line)


@given(st.text(), st.text(), st.text())
def test_no_text_makes_composing_raise(to, subject, reference):
    out = compose(draft(to=to, subject=subject, in_reply_to=reference, references=(reference,)), setup(), "s")
    for text in (out.to, out.subject, out.in_reply_to, out.sender_name):
        assert not re.search(r"[\r\n\0]", text)


# ---- bytes

nasty = st.one_of(
    st.text(),
    st.text(alphabet='=?utf-8bq\r\n \tAZaz09+/:<>"\\é\u2028\ud800\0'),
    st.sampled_from(
        ["=?utf-8?b?DQpCY2M6IHhAeQ==?=", "=?utf-8?q?=0D=0ABcc:_x?=", "a\r\nBcc: x@y", " ", "x" * 5000, "é" * 3000]
    ),
)


def parsed(raw: bytes) -> email.message.Message:
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def shown(value: str) -> str:
    return str(make_header(decode_header(re.sub(r"\r?\n(?=[ \t])", "", value))))


@given(nasty)
def test_any_subject_is_one_header_and_reads_as_its_cleaned_text(subject):
    raw = assemble.text_field("Subject", subject) + b"X-Next: 1\r\n\r\n"
    message = parsed(raw)
    assert message.keys() == ["Subject", "X-Next"]
    clean = assemble.clean(subject, 2000)
    assert shown(message["Subject"]) == clean if clean else message["Subject"] == ""
    assert max(map(len, raw.split(b"\r\n"))) <= 76


@given(nasty)
def test_any_name_is_the_name_of_the_one_sender(name):
    raw = assemble.mailbox_field("From", "support@example.test", name) + b"X-Next: 1\r\n\r\n"
    message = parsed(raw)
    assert message.keys() == ["From", "X-Next"]
    found, address = parseaddr(re.sub(r"\r?\n(?=[ \t])", "", message["From"]))
    assert address == "support@example.test"
    assert " ".join(shown(found).split()) == assemble.clean(name, 200)
    assert max(map(len, raw.split(b"\r\n"))) <= 76


@given(nasty, nasty)
def test_any_text_comes_back_as_it_was_written(text, html):
    raw = b"MIME-Version: 1.0\r\n" + assemble.body(text, html, boundary="1_abc")
    message = parsed(raw)
    leaves = [part for part in message.walk() if not part.is_multipart()]
    wanted = [("text/plain", text)] + ([("text/html", html)] if html else [])
    assert [leaf.get_content_type() for leaf in leaves] == [kind for kind, _ in wanted]
    for leaf, (_, written) in zip(leaves, wanted, strict=True):
        got = leaf.get_payload(decode=True).decode("utf-8").replace("\r\n", "\n")
        kept = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", assemble.storable(written))
        assert got.rstrip("\n") == re.sub(r"\r\n?", "\n", kept).rstrip("\n")
    assert is_canonical(raw)


def is_canonical(raw: bytes) -> bool:
    lines = raw.split(b"\r\n")
    return max(map(len, lines)) <= 998 and not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", raw) and raw.endswith(b"\r\n")


@given(nasty, nasty, st.binary())
def test_any_file_comes_back_byte_for_byte(name, kind, content):
    raw = b"MIME-Version: 1.0\r\n" + assemble.body(
        "see file", files=[assemble.Part(name, kind, content)], boundary="1_abc"
    )
    message = parsed(raw)
    text, file = message.get_payload()
    assert text.get_content_type() == "text/plain"
    assert file.get_payload(decode=True) == content
    assert (file.get_filename() or "") == (assemble.clean(name, 255) or "file")
    assert is_canonical(raw)
    assert raw.isascii()


MAIL = b"From: mallory@example.test\nSubject: hello\n\nHello\n"


@given(st.one_of(st.binary(), st.text(alphabet="-=_1abcmx\r\n. ").map(str.encode), st.just(MAIL)))
def test_a_message_that_goes_along_stays_within_its_part(raw_message):
    # given a message that may hold what looks like our boundary
    raw = b"MIME-Version: 1.0\r\n" + assemble.body("context", raw=raw_message, boundary="1_abc")
    message = parsed(raw)
    # then there are two parts, whatever it holds
    assert message.get_content_type() == "multipart/mixed"
    _, along = message.get_payload()
    assert is_canonical(raw)
    if along.get_content_type() == "message/rfc822":
        assert b"\n" not in raw_message or re.sub(rb"\r?\n", b"\r\n", raw_message).rstrip() in raw
    else:
        assert along.get_payload(decode=True) == raw_message


def test_a_message_of_plain_text_goes_along_as_a_message():
    (_, along) = parsed(b"MIME-Version: 1.0\r\n" + assemble.body("c", raw=MAIL, boundary="b")).get_payload()
    assert along.get_content_type() == "message/rfc822"
    assert along.get_payload()[0]["Subject"] == "hello"


def test_a_boundary_that_the_parts_hold_is_made_longer():
    text = "--=_1_abcm\n--=_1_abcmx\n--=_1_abcm--\n"
    message = parsed(
        b"MIME-Version: 1.0\r\n" + assemble.body(text, files=[assemble.Part("a", "text/plain", b"1")], boundary="1_abc")
    )
    assert len(message.get_payload()) == 2


def test_the_same_input_gives_the_same_bytes():
    once, again = (
        assemble.body("é", "<p>é</p>", [assemble.Part("é.txt", "text/plain", b"1")], boundary="b") for _ in range(2)
    )
    assert once == again
