"""Files of a message: what they are by their bytes, what winmail.dat and attached messages hold, where pictures stand."""

from __future__ import annotations

import io
import time
import zipfile
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core import sniff, tnef
from addressee.core.attachments import sort_files
from addressee.core.files import safe_name
from addressee.core.parse import parse
from addressee.core.setup import Account, AttachmentRules, Setup

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
SCREENSHOT = PNG + (1280).to_bytes(4, "big") + (800).to_bytes(4, "big") + b"\x08\x02" + bytes(range(256)) * 80
LOGO = PNG + (120).to_bytes(4, "big") + (40).to_bytes(4, "big") + b"\x08\x02logo"
EXE = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" + b"\0" * 44 + b"\x80\0\0\0" + b"\0" * 64 + b"PE\0\0"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


def office_file(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 50)
    return out.getvalue()


HIDDEN = {
    "a Windows program": EXE,
    "an ELF program": b"\x7fELF\x02\x01\x01" + b"\0" * 60,
    "a Mach-O program": b"\xcf\xfa\xed\xfe\x07\0\0\x01" + b"\0" * 40,
    "a universal Mach-O program": b"\xca\xfe\xba\xbe\0\0\0\x02" + b"\0" * 40,
    "a shortcut": b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F" + b"\0" * 60,
    "a script": b"#!/bin/sh\nrm -r ~\n",
    "a web page": b"\xef\xbb\xbf \n<!-- hello -->\n<!DOCTYPE html><html><body>pay here",
    "a bare script element": b"<script>location='https://evil.example'</script>",
    "a picture that runs scripts": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>',
    "a help file": b"ITSF\x03\0\0\0" + b"\0" * 60,
    "a document with macros": office_file("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    "an old document with macros": OLE + "_VBA_PROJECT".encode("utf-16-le"),
}


@pytest.mark.parametrize("content", HIDDEN.values(), ids=HIDDEN)
def test_given_something_that_runs_behind_the_name_of_a_document_when_sniffed_then_it_is_found(content):
    assert sniff.sniff("report.pdf", "application/pdf", content).danger


HONEST = [
    ("setup.exe", EXE), ("run.sh", HIDDEN["a script"]), ("note.txt", HIDDEN["a script"]), ("page.html", HIDDEN["a web page"]),
    ("list.xls", b"<html><table><tr><td>1"), ("drawing.svg", HIDDEN["a picture that runs scripts"]),
    ("sheet.xlsm", office_file("xl/vbaProject.bin")), ("old.doc", HIDDEN["an old document with macros"]),
    ("MZ.txt", b"MZ is how this text begins"), ("letter.docx", office_file("word/document.xml")),
    ("empty.pdf", b""), ("data.csv", b"a;b\n1;2\n"), ("own.xyz", b"\x01\x02\x03\xff\xfe own format"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content"), HONEST, ids=[name for name, _ in HONEST])
def test_given_a_file_that_is_what_its_name_says_when_sniffed_then_nothing_is_wrong_with_it(name, content):
    found = sniff.sniff(name, "application/octet-stream", content)
    assert (found.danger, found.endings) == ("", ())


def test_given_a_shortcut_under_its_own_name_when_sniffed_then_it_is_dangerous_for_nobody_sees_that_ending():
    assert sniff.sniff("invoice.pdf.lnk", "application/octet-stream", HIDDEN["a shortcut"]).danger == "a shortcut"


@pytest.mark.parametrize(
    ("name", "declared", "content", "kept_as"),
    [
        ("photo.jpg", "image/jpeg", SCREENSHOT, "image/png"),
        ("scan.png", "image/png", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"x" * 200, "application/pdf"),
        ("text.txt", "text/plain", office_file("a.txt"), "application/zip"),
        ("scan.pdf", "application/octet-stream", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
        ("photo.JPEG", "image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 99, "image/jpeg"),
        ("film.mov", "video/quicktime", b"\0\0\0\x18ftypqt  " + b"\0" * 99, "video/quicktime"),
    ],
)
def test_given_a_harmless_file_when_its_bytes_say_another_type_then_it_is_kept_under_that(
    name, declared, content, kept_as
):
    found = sniff.sniff(name, declared, content)
    assert (found.type, found.danger) == (kept_as, "")


@given(st.binary(max_size=400), st.sampled_from(["a.pdf", "a", "a.png", "a.txt", "a.docx", ""]))
def test_given_any_bytes_when_sniffed_and_measured_then_nothing_is_raised(content, name):
    for head in (b"", b"\xff\xd8", PNG, b"GIF89a", b"PK\x03\x04", OLE[:8], tnef.SIGNATURE + b"\1\0"):
        sniff.sniff(name, "application/octet-stream", head + content)
        sniff.is_small_picture(head + content)
        tnef.files_in(head + content)


# ---- winmail.dat: written here by [MS-OXTNEF] -------------------------------------------------------------------


def attribute(level: int, key: int, data: bytes) -> bytes:
    size = len(data).to_bytes(4, "little")
    return bytes([level]) + key.to_bytes(4, "little") + size + data + (sum(data) & 0xFFFF).to_bytes(2, "little")


def properties(*each: tuple[int, int, bytes]) -> bytes:
    out = len(each).to_bytes(4, "little")
    for key, kind, value in each:
        out += kind.to_bytes(2, "little") + key.to_bytes(2, "little")
        if key >= 0x8000:
            out += b"\x11" * 16 + (0).to_bytes(4, "little") + (7).to_bytes(4, "little")
        if kind == 3:
            out += value
        else:
            out += (1).to_bytes(4, "little") + len(value).to_bytes(4, "little") + value + b"\0" * (-len(value) % 4)
    return out


def winmail(*files: tuple[str, bytes], more: bytes = b"") -> bytes:
    out = tnef.SIGNATURE + b"\x34\x12" + attribute(1, 0x00089006, b"\0\0\1\0")
    out += attribute(1, 0x00069007, (1252).to_bytes(4, "little") + b"\0" * 4)
    for name, content in files:
        out += attribute(2, 0x00069002, b"\1\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0")
        out += attribute(2, 0x00018010, name.encode("cp1252", "replace")[:8] + b"~1\0")
        out += attribute(2, 0x0006800F, content)
        out += attribute(
            2,
            0x00069005,
            properties(
                (0x8001, 3, b"\1\0\0\0"), (0x3705, 3, b"\1\0\0\0"), (0x3707, 0x1F, name.encode("utf-16-le") + b"\0\0")
            ),
        )
    return out + more


def mail_with(*files: tuple[str, str, bytes]) -> bytes:
    made = EmailMessage()
    made["From"] = "carla@cust.example"
    made.set_content("See the files")
    for name, kind, content in files:
        main, _, sub = kind.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    return made.as_bytes()


def decided(raw: bytes, **rules: object) -> list[tuple[str, bool, str]]:
    account = Account(address="a@b.example", attachments=AttachmentRules(**rules)) if rules else None
    return [(f.attachment.name, f.stored, f.reason) for f in sort_files(parse(raw).message, account, Setup())]


def test_given_winmail_dat_when_parsed_then_its_files_stand_for_it():
    files = [("Angebot für Boote.pdf", b"%PDF-1.7 offer"), ("läufer.txt", b"words")]
    raw = mail_with(("winmail.dat", "application/ms-tnef", winmail(*files)))
    parsed = parse(raw)
    assert [(f.name, parsed.contents[f.sha256]) for f in parsed.message.unpacked] == files
    assert decided(raw) == [
        ("winmail.dat", True, "unpacked"), ("Angebot für Boote.pdf", True, ""), ("läufer.txt", True, ""),
    ]  # fmt: skip
    assert decided(raw, count=1)[2] == ("läufer.txt", False, "too-many")


def test_given_a_message_within_winmail_dat_when_parsed_then_its_files_are_found_too():
    inner = bytes.fromhex("0703020000000000c000000000000046") + winmail(("deep.txt", b"deep"))
    held = attribute(2, 0x00069002, b"\1\0") + attribute(
        2, 0x00069005, properties((0x3701, 0x0D, inner), (0x3704, 0x1E, b"Forwarded\0"))
    )
    message = parse(mail_with(("winmail.dat", "application/ms-tnef", winmail(more=held)))).message
    assert [(f.name, f.opened, f.within) for f in message.unpacked] == [
        ("Forwarded", True, "winmail.dat"), ("deep.txt", False, "Forwarded"),
    ]  # fmt: skip


@pytest.mark.parametrize("cut", [7, 30, 90, 150, 220])
def test_given_winmail_dat_that_ends_too_early_when_parsed_then_what_can_be_read_is(cut):
    whole = winmail(("one.txt", b"one"), ("two.txt", b"two"))
    names = [file.name for file in tnef.files_in(whole[:cut])]
    assert names in ([], ["one.txt"], ["one.txt~1"], ["one.txt", "two.txt"])


def test_given_an_attached_message_when_parsed_then_it_is_a_file_and_what_it_holds_can_be_reached():
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "old@cust.example", "old"
    inner.set_content("status: closed")
    inner.add_attachment(b"%PDF-1.7 plan", maintype="application", subtype="pdf", filename="plan.pdf")
    outer = EmailMessage()
    outer["From"] = "carla@cust.example"
    outer.set_content("as I said")
    outer.add_attachment(inner, filename="old.eml")
    raw = outer.as_bytes()
    assert decided(raw) == [("old.eml", True, ""), ("plan.pdf", True, "inside")]
    assert decided(raw, count=1)[1] == ("plan.pdf", True, "inside")
    assert parse(raw).message.new_text == "as I said"


def test_given_messages_in_messages_without_end_when_parsed_then_it_stops_and_says_so():
    raw = b"From: a@b.example\n" + b"Content-Type: message/rfc822\n\n" * 400 + b"x"
    message = parse(raw).message
    assert len(message.unpacked) == 5
    assert "too-deep" in message.defects or not message.unpacked[-1].opened


def test_given_a_zip_bomb_when_parsed_then_it_is_one_file_and_takes_no_time():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 50_000_000)
    raw = mail_with(("bomb.zip", "application/zip", out.getvalue()))
    started = time.process_time()
    parsed = parse(raw)
    assert time.process_time() - started < 1
    assert [f.name for f in parsed.message.files] == ["bomb.zip"]
    assert sum(map(len, parsed.contents.values())) < 100_000


# ---- Pictures (U-65) ------------------------------------------------------------------------------------------------


def page(html: str, *pictures: tuple[str, bytes], disposition: str = "inline") -> bytes:
    out = b'From: carla@cust.example\nContent-Type: multipart/related; boundary="rel"\n\n--rel\n'
    out += b"Content-Type: text/html; charset=utf-8\n\n" + html.encode() + b"\n"
    for cid, content in pictures:
        head = f"--rel\nContent-Type: image/png\nContent-ID: <{cid}>\nContent-Disposition: {disposition}\n"
        out += head.encode() + b"Content-Transfer-Encoding: base64\n\n"
        out += __import__("base64").encodebytes(content)
    return out + b"--rel--\n"


@pytest.mark.parametrize(
    ("html", "content", "becomes"),
    [
        ("<p>Look:</p><img src='cid:p@x'><p>Isn't it?</p>", SCREENSHOT, (True, "")),
        ("<p>Look:</p><img src='cid:p@x'><p>Isn't it?</p>", LOGO, (True, "inline")),
        ("<p>Look</p>", SCREENSHOT, (True, "")),
        ("<p>Look</p>", LOGO, (True, "")),
        ("<p>Thank you.</p><p>-- <br>Carla Customer<br><img src='cid:p@x'></p>", LOGO, (False, "signature-picture")),
        ("<p>Thank you.</p><p>-- <br>Carla Customer<br><img src='cid:p@x'></p>", SCREENSHOT, (True, "inline")),
        ("<p>Thanks</p><div class='gmail_signature'><img src='cid:p@x'> Carla</div>", LOGO, (False, "signature-picture")),
        ("<p>Thanks</p><div id='Signature'><div><p>Carla</p><img src='CID:P@x'></div></div>", LOGO, (False, "signature-picture")),
        ("<p>Best regards,</p><p>Carla Customer</p><p><img src='cid:p@x'></p>", LOGO, (True, "inline")),
        ("<p>Please do.</p><p>Best regards,<br>Carla Customer<br><img src='cid:p@x'></p>", LOGO, (False, "signature-picture")),
        ("<p>Yes.</p><blockquote type='cite'><p>Shall we?</p><img src='cid:p@x'></blockquote>", LOGO, (False, "signature-picture")),
        ("<p>Yes.</p><blockquote type='cite'><p>Shall we?</p><img src='cid:p@x'></blockquote>", SCREENSHOT, (True, "inline")),
        ("<p><img src='cid:p@x'></p><blockquote type='cite'><img src='cid:p@x'></blockquote>", SCREENSHOT, (True, "")),
        (
            "<p>Yes.</p><div><b>From:</b> Ada &lt;ada@example.test&gt;<br><b>Sent:</b> Friday<br><b>To:</b> Carla<br>"
            "<b>Subject:</b> x</div><p>Shall we?</p><img src='cid:p@x'>", LOGO, (False, "signature-picture"),
        ),
    ],
)  # fmt: skip
def test_given_a_picture_when_sorted_then_its_place_and_size_decide(html, content, becomes):
    ((_, stored, reason),) = decided(page(html, ("p@x", content)))
    assert (stored, reason) == becomes


def test_given_a_screenshot_that_the_text_shows_when_sorted_then_it_is_shown_and_a_file():
    raw = page("<p>See</p><img src='cid:a%40x'>", ("a@x", SCREENSHOT))
    (file,) = sort_files(parse(raw).message, None, Setup())
    assert (file.attachment.place, file.attachment.inline, file.stored) == ("text", False, True)


def test_given_more_pictures_than_files_are_taken_when_shown_in_the_text_then_none_is_left_out():
    pictures = [(f"p{n}@x", SCREENSHOT + bytes([n])) for n in range(8)]
    html = "".join(f"<img src='cid:{cid}'>" for cid, _ in pictures)
    assert all(stored for _, stored, _ in decided(page(html, *pictures), count=2))


def test_given_pictures_seen_before_when_sorted_then_two_earlier_messages_make_a_letterhead():
    message = parse(page("<p>Hello</p><img src='cid:p@x'>", ("p@x", SCREENSHOT))).message
    key = (message.attachments[0].sha256, "cust.example")
    for earlier, reason in (({"m1"}, ""), ({"m1", message.identity}, ""), ({"m1", "m2"}, "repeated-picture")):
        (file,) = sort_files(message, None, Setup(), seen={key: earlier})
        assert file.reason == reason


# ---- Names, numbers, types ------------------------------------------------------------------------------------------


def test_given_one_name_twice_when_sorted_then_the_second_has_a_number():
    long = "x" * 251 + ".pdf"
    given_names = ["a.pdf", "A.pdf", "a.pdf", long, long, "none", "none"]
    raw = mail_with(*((name, "application/pdf", b"%%PDF-1.7 %d" % n) for n, name in enumerate(given_names)))
    names = [name for name, _, _ in decided(raw, count=9)]
    assert names[:3] == ["a.pdf", "A (2).pdf", "a (3).pdf"]
    assert names[5:] == ["none", "none (2)"]
    assert len({name.casefold() for name in names}) == len(names)
    assert all(len(name.encode()) <= 255 and safe_name(name) == name for name in names)


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("../../etc/passwd", "passwd"), ("..\\..\\boot.ini", "boot.ini"), ("/", ""), ("..", ""), ("a\0b\r\n.txt", "ab.txt"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"), ("CON", "_CON"), ("con .txt", "_con .txt"), ("lpt1.log", "_lpt1.log"),
        ("COM¹.txt", "_COM¹.txt"), ("CONIN$", "_CONIN$"), (".htaccess", "htaccess"), ("a:b|c?.txt", "a_b_c_.txt"),
        ("trailing. . ", "trailing"), ("C:\\Users\\ann\\Plan.docx", "Plan.docx"),
    ],
)  # fmt: skip
def test_given_a_hostile_name_when_made_safe_then_it_is_harmless_and_stays_so(given_name, safe):
    assert safe_name(given_name) == safe
    assert safe_name(safe) == safe


def test_given_a_type_list_when_the_bytes_are_of_another_type_then_that_one_counts_too():
    raw = mail_with(("plan.pdf", "application/pdf", office_file("a.txt")), ("b.pdf", "application/pdf", b"%PDF-1.7 b"))
    assert decided(raw, types=("pdf",)) == [("plan.pdf", False, "type-not-taken"), ("b.pdf", True, "")]
    assert decided(raw, types=(".PDF", "zip"))[0] == ("plan.pdf", True, "")


def test_given_a_program_called_a_document_when_sorted_then_it_is_left_out_whatever_is_taken():
    raw = mail_with(("report.pdf", "application/pdf", EXE))
    assert decided(raw) == [("report.pdf", False, "not-what-it-says")]
    assert decided(raw, types=("pdf", "exe")) == [("report.pdf", False, "not-what-it-says")]
