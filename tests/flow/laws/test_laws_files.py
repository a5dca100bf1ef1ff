"""Files of mails on the whole walk (U-62 to U-67): every one that is left out is named, with its reason, everywhere."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addressee.mail.models import File
from addressee.records import files

SUPPORT, CARLA = "support@example.test", "carla@cust.example"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
LOGO = PNG + (120).to_bytes(4, "big") + (40).to_bytes(4, "big") + b"\x08\x02logo"
PICTURE = PNG + (1280).to_bytes(4, "big") + (800).to_bytes(4, "big") + b"\x08\x02" + b"p" * 12_000
EXE = b"MZ\x90\0\x03\0\0\0" + b"\0" * 200
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def told(line):
    return {f["name"]: (f["stored"], f["reason"]) for f in line["attachments"]}


def in_field(office, line):
    return [(f["name"], f["type"]) for f in office.values(line.number)["papers"] or []]


def test_given_files_of_every_fate_when_mailed_then_line_trace_receipt_and_rows_agree(office):
    given = [
        ("report.pdf", "application/pdf", EXE), ("plan.pdf", "application/pdf", PDF), ("photo.png", "image/png", PDF + b"2"),
        ("big.txt", "text/plain", b"x" * 20_001), ("music.mp3", "audio/mpeg", b"ID3\x03\0" + b"\0" * 40),
        *((f"note-{n}.txt", "text/plain", b"%d" % n) for n in range(4)),
    ]  # fmt: skip
    line = office.mail(CARLA, SUPPORT, "Papers", "Here.", files=given)

    left_out = {
        "report.pdf": "not-what-it-says", "big.txt": "too-large", "music.mp3": "type-not-taken", "note-3.txt": "too-many",
    }  # fmt: skip
    assert {name: reason for name, (stored, reason) in told(line).items() if not stored} == left_out
    answer, trace = line.answer(CARLA), "\n".join(line.why("attachment"))
    for name, reason in left_out.items():
        assert f"{name}: {reason}" in trace
        assert name in answer.partition("Files left out:")[2]
    assert "report.pdf (not what its name says)" in answer
    assert "(a program)" in trace
    assert "plan.pdf" not in answer.partition("Files left out:")[2]
    assert in_field(office, line) == [
        ("plan.pdf", "application/pdf"), ("photo.png", "application/pdf"), *((f"note-{n}.txt", "text/plain") for n in range(3)),
    ]  # fmt: skip
    rows = File.objects.filter(message__communication__record=office.ticket(line.number))
    assert {row.name: row.reason for row in rows if not row.stored} == left_out
    with files.open(rows.get(name="plan.pdf").sha256) as kept:
        assert kept.read() == PDF


def test_given_a_logo_and_a_screenshot_when_mailed_then_one_is_left_out_and_the_other_is_shown_and_filed(office):
    html = "<p>It looks so:</p><img src='cid:shot'><p>-- <br>Carla<br><img src='cid:logo'></p>"
    line = office.mail(
        CARLA, SUPPORT, "Leak", "", html=html, pictures=[("shot", "image/png", PICTURE), ("logo", "image/png", LOGO)]
    )
    shot, logo = line["attachments"]
    assert (shot["stored"], shot["inline"], shot["reason"]) == (True, True, None)
    assert (logo["stored"], logo["inline"], logo["reason"]) == (False, True, "signature-picture")
    assert in_field(office, line) == [("image001.png", "image/png")]
    assert "image002.png (a small picture of a signature or quote)" in line.answer(CARLA)


def test_given_a_signature_picture_when_an_auto_reply_answers_then_it_is_the_template_alone(office):
    html = "<p>Hello.</p><p>-- <br>Carla<br><img src='cid:logo'></p>"
    line = office.mail(CARLA, "sales@example.test", "Boats", "", html=html, pictures=[("logo", "image/png", LOGO)])
    assert "left out" not in line.answer(CARLA)


def test_given_the_same_picture_again_and_again_when_mailed_then_the_third_message_knows_it(office):
    def once(number, author=CARLA):
        html = f"<p>Number {number}</p><p><img src='cid:x'></p>"
        return office.mail(author, SUPPORT, f"Mail {number}", "", html=html, pictures=[("x", "image/png", PICTURE)])

    assert [told(once(n)) for n in range(3)] == [
        {"image001.png": (True, None)}, {"image001.png": (True, None)}, {"image001.png": (False, "repeated-picture")},
    ]  # fmt: skip
    assert told(once(3, "dora@cust.example")) == {"image001.png": (False, "repeated-picture")}
    assert told(once(4, "eve@other.example")) == {"image001.png": (True, None)}
    assert in_field(office, once(5, "eve@other.example")) == [("image001.png", "image/png")]


def test_given_the_same_message_for_two_recipients_when_sorted_then_it_does_not_count_itself(office):
    raw = office.bytes_of(CARLA, SUPPORT, "Twice", "", html="<img src='cid:x'>", pictures=[("x", "image/png", PICTURE)])
    lines = office.send_all(raw, SUPPORT, "sales@example.test", "record@example.test", author=CARLA)
    assert told(lines[0]) == {"image001.png": (True, None)}
    assert [line.end for line in lines[1:]] == [("discard", "duplicate")] * 2
    assert list(File.objects.values_list("stored", "inline")) == [(True, False)]


def test_given_a_batch_of_pictures_when_read_then_one_statement_more_asks_for_all_of_them(office):
    def asked(pictures):
        many = [
            (office.bytes_of(f"a{n}@cust{n}.example", SUPPORT, f"M{n}", "", html=f"<img src='cid:x'>{n}",
                             pictures=[("x", "image/png", PICTURE + bytes([n]))] * pictures), SUPPORT)
            for n in range(20)
        ]  # fmt: skip
        with CaptureQueriesContext(
            connection,
        ) as seen:
            office.batch(many)
        return len([q for q in seen.captured_queries if "file_pictures" in q["sql"] or "author_domain = " in q["sql"]])

    assert asked(0) == 0
    assert asked(1) == 1


def test_given_old_mail_when_linked_then_what_is_not_what_it_says_is_left_out_there_too(office):
    made = office.customer_ticket()
    line = office.answer(
        made.to(CARLA)[0], CARLA, "old", files=[("report.pdf", "application/pdf", EXE), ("ok.pdf", "application/pdf", PDF)],
        received=["Received: from x by mx.example.test with ESMTPS id 1; Fri, 6 Nov 2026 10:00:00 +0000"],
    )  # fmt: skip
    assert line.end == ("accept", "history")
    assert told(line) == {"report.pdf": (False, "not-what-it-says"), "ok.pdf": (True, None)}


def test_given_a_held_message_when_a_file_is_not_what_it_says_then_its_row_says_so(office):
    line = office.mail(
        "who@nowhere.example", "members@example.test", "Hello", "x", files=[("report.pdf", "application/pdf", EXE)]
    )
    assert line.end[0] == "hold"
    assert list(File.objects.values_list("name", "stored", "reason")) == [("report.pdf", False, "not-what-it-says")]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\u202egpj.exe", "CON.txt", "x" * 400 + ".pdf"])
def test_given_a_hostile_name_when_mailed_then_a_harmless_one_stands_on_the_record(office, name):
    line = office.mail(CARLA, "sales@example.test", "Name", "x", files=[(name, "application/octet-stream", b"words")])
    ((kept, _),) = in_field(office, line)
    assert not set(kept) & set('/\\:\u202e"')
    assert len(kept.encode()) <= 255
    assert not kept.startswith((".", "CON."))
