"""Messages in files: what was written in any of the formats is read back, byte for byte."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core.headers import scan
from addressee.pipeline.intake import recipients
from addressee.pipeline.mail_files import Found, look, mbox, messages, single

MOST = 1_000_000
FROM_LINE = b"From ada@example.test Fri May  1 12:00:00 2026\n"


def written(bodies: list[bytes]) -> bytes:
    """An mbox as mboxrd writes it."""
    return b"".join(FROM_LINE + re.sub(rb"^(>*From )", rb">\1", body, flags=re.MULTILINE) + b"\n" for body in bodies)


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"", b"From here on", b">From there", b">>From x", FROM_LINE.strip(), b"X: y", b"--", b"\xff\0"]
        ),
        st.binary(max_size=30).map(lambda text: text.replace(b"\n", b"").replace(b"\r", b"")),
    ),
    max_size=8,
)


@given(
    st.lists(
        LINES.map(lambda lines: b"Subject: x\n\n" + b"".join(line + b"\n" for line in lines)), min_size=1, max_size=5
    )
)
def test_what_mboxrd_wrote_is_read_back(bodies: list[bytes]):
    found = list(mbox(io.BytesIO(written(bodies)), "box", MOST))
    assert [each.raw for each in found] == bodies
    assert [each.file for each in found] == [f"box:{number}" for number in range(1, len(bodies) + 1)]
    assert {each.sender for each in found} == {"ada@example.test"}


@pytest.mark.parametrize(
    "line",
    [
        b"From here on it got worse.",  # no date
        b"From ada@example.test Fri May  1 12:00:00 2026 and more text follows",  # no header after it
    ],
)
def test_a_text_that_begins_with_from_parts_no_message(line: bytes):
    body = b"Subject: x\n\nHello.\n\n" + line + b"\nand so on\n"
    found = list(mbox(io.BytesIO(FROM_LINE + body + b"\n"), "box", MOST))
    assert [each.raw for each in found] == [body]


def test_an_mbox_is_read_line_by_line_and_what_is_too_large_is_cut():
    # given an mbox whose first message is larger than what is taken, and larger than we want in memory
    class Endless(io.RawIOBase):
        """A message of 200 MB that is nowhere whole, then a small one."""

        def __iter__(self):
            yield FROM_LINE
            yield b"Subject: large\n"
            yield b"\n"
            for _ in range(2_000):
                yield b"x" * 99_999 + b"\n"
            yield b"\n"
            yield FROM_LINE
            yield b"Subject: small\n"

    found = list(mbox(Endless(), "box", MOST))
    assert [len(each.raw) for each in found] == [MOST + 1, 15]


def test_a_from_line_before_a_single_message_is_kept_with_it_and_names_the_sender():
    raw = b"Subject: x\n\n>From here\n"
    assert single(io.BytesIO(FROM_LINE + raw), "a.eml", MOST) == Found("a.eml", FROM_LINE + raw, "ada@example.test")
    assert single(io.BytesIO(raw), "a.eml", MOST) == Found("a.eml", raw)
    # but a text that only begins so is left as it is
    assert single(io.BytesIO(b"From here on\nit got worse"), "", MOST).raw == b"From here on\nit got worse"


def test_a_maildir_is_read_oldest_first_and_stays_as_it_is(tmp_path: Path):
    for folder in ("new", "cur", "tmp"):
        (tmp_path / folder).mkdir()
    for name in ("cur/1000.a:2,S", "new/999.b", "cur/1002.c:2,", "new/1001.d", "tmp/1.half", "new/.hidden"):
        (tmp_path / name).write_bytes(f"Subject: {name}\n\n".encode())
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    source = look(str(tmp_path))
    assert (source.kind, source.count) == ("maildir", 4)
    names = [Path(each.file).name for each in messages([source], MOST)]
    assert names == ["999.b", "1000.a:2,S", "1001.d", "1002.c:2,"]
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


def test_a_mail_that_was_marked_as_seen_meanwhile_is_still_found(tmp_path: Path):
    for folder in ("new", "cur"):
        (tmp_path / folder).mkdir()
    (tmp_path / "new" / "1.a").write_bytes(b"Subject: one\n\n")
    source = look(str(tmp_path))
    (tmp_path / "new" / "1.a").rename(tmp_path / "cur" / "1.a:2,S")
    assert [each.raw for each in messages([source], MOST)] == [b"Subject: one\n\n"]


def test_a_folder_is_searched_for_eml_files(tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.EML").write_bytes(b"Subject: b\n\n")
    (tmp_path / "a.eml").write_bytes(FROM_LINE + b"Subject: a\n\n")
    (tmp_path / "notes.txt").write_bytes(b"no mail")
    source = look(str(tmp_path))
    assert [each.raw for each in messages([source], MOST)] == [FROM_LINE + b"Subject: a\n\n", b"Subject: b\n\n"]
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FileNotFoundError, match="holds no"):
        look(str(empty))


# ---- Recipients of a message that came without an envelope -------------------------------------------------


def ours(address: str) -> bool:
    return address.endswith("@desk.test")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"To: a@desk.test, b@other.test\nCc: C@Desk.test, a@desk.test\n", ("a@desk.test", "c@desk.test")),
        (b"Delivered-To: x@desk.test\nX-Original-To: y@desk.test\nTo: a@desk.test\n", ("x@desk.test",)),
        (b"Delivered-To: x@other.test\nX-Original-To: y@desk.test\nTo: a@desk.test\n", ("y@desk.test",)),
        (b"Delivered-To: x@desk.test\nDelivered-To: y@desk.test\n", ("x@desk.test", "y@desk.test")),
        (b"Envelope-To: y@desk.test, z@other.test, w@desk.test\nTo: a@desk.test\n", ("y@desk.test", "w@desk.test")),
        (b"Delivered-To: x@other.test\nTo: a@desk.test\n", ("a@desk.test",)),
        (b"To: undisclosed-recipients:;\n", ()),
        (b"Bcc: a@desk.test\n", ()),
        (b"", ()),
    ],
)
def test_the_recipients_are_those_of_the_first_kind_that_names_one_of_ours(head: bytes, expected: tuple[str, ...]):
    raw = head + b"Subject: x\n\nhi\n"
    assert recipients(scan(raw, 0, len(raw))[0], ours) == expected
