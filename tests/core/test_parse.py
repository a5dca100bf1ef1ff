"""A message is read as its author meant it: fields, text, files."""

from __future__ import annotations

import base64
import pickle
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import sha256

import pytest

from addressee.core.message import Mailbox, Nature
from addressee.core.parse import parse

BEN = "From: Ben Brandt <ben@example.org>\r\n"


def mail(fields: str, body: str = "Hello\r\n") -> bytes:
    return (fields + "\r\n" + body).encode()


def test_a_plain_mail_is_read_whole():
    # given a mail as a person sends it
    raw = mail(
        BEN + "To: case@in.example.test, Cleo <cleo@example.org>\r\nCc: gus@example.net\r\n"
        "Subject: =?utf-8?q?St=C3=B6rung_am?= =?utf-8?q?_Drucker?=\r\n"
        "Date: Mon, 03 Mar 2025 09:00:00 +0100\r\nMessage-ID: <1@example.org>\r\n"
        "In-Reply-To: <0@example.org>\r\nReferences: <a@example.org>\r\n <0@example.org>\r\n"
    )
    # when it is parsed
    message = parse(raw).message
    # then each field is what a reader sees
    assert message.subject == "Störung am Drucker"
    assert message.senders == (Mailbox("Ben Brandt", "ben@example.org"),)
    assert (message.author, message.author_name, message.author_doubt) == ("ben@example.org", "Ben Brandt", "")
    assert message.to == (Mailbox("", "case@in.example.test"), Mailbox("Cleo", "cleo@example.org"))
    assert message.cc == (Mailbox("", "gus@example.net"),)
    assert message.date == datetime(2025, 3, 3, 8, tzinfo=UTC)
    assert message.message_id == "1@example.org"
    assert message.in_reply_to == ("0@example.org",)
    assert message.references == ("a@example.org", "0@example.org")
    assert message.text == message.plain_text == "Hello\n"
    assert message.new_text == "Hello"
    assert message.nature is Nature.PERSON
    assert message.defects == ()
    assert message.size_bytes == len(raw)


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_the_transfer_encoding_changes_nothing_that_is_read(encoding: str):
    # given the same words in each encoding
    text = "due: 2025-04-01\nnote: a = b\n"
    made = EmailMessage()
    made["From"] = "ben@example.org"
    made.set_content(text, cte=encoding)
    # when it is parsed, then the text is the same
    assert parse(made.as_bytes()).message.text == text


def test_files_come_back_with_their_bytes_and_a_safe_name():
    # given two files, one with a name that climbs out of its folder
    data = bytes(range(256)) * 40
    made = EmailMessage()
    made["From"] = "ben@example.org"
    made.set_content("See the files")
    made.add_attachment(data, maintype="application", subtype="pdf", filename="../../etc/p\u202efdp.exe")
    made.add_attachment(data, maintype="image", subtype="png")
    # when it is parsed
    parsed = parse(made.as_bytes())
    # then the bytes are equal, the names hold no path and no trick, and the unnamed one has a name
    first, second = parsed.message.attachments
    assert first.name == "pfdp.exe"
    assert second.name == "part-3.png"
    assert first.sha256 == second.sha256 == sha256(data).hexdigest()
    assert parsed.contents == {first.sha256: data}
    assert first.size_bytes == len(data)
    assert parsed.message.new_text == "See the files"


def test_a_picture_that_the_html_shows_is_inline_and_another_is_a_file():
    # given two pictures, of which the HTML shows one by its cid
    raw = (
        b"From: ben@example.org\nContent-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n"
        b"<p>Look</p><img src='cid:seen@x'>\n"
        b"--b\nContent-Type: image/png; name=seen.png\nContent-ID: <seen@x>\n\nAAA\n"
        b"--b\nContent-Type: image/png; name=other.png\nContent-ID: <other@x>\n\nBBB\n--b--\n"
    )
    # when it is parsed
    seen, other = parse(raw).message.attachments
    # then only the one that is shown is inline
    assert (seen.inline, seen.content_id) == (True, "seen@x")
    assert other.inline is False


def test_an_attached_message_is_a_file_and_no_text():
    # given a mail that carries another one with an order in it
    raw = (
        b"From: ben@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nmine\n"
        b"--b\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=old.eml\n\n"
        b"From: mallory@example.net\nSubject: x\n\nstatus: closed\n--b--\n"
    )
    # when it is parsed
    message = parse(raw).message
    # then its words are nobody's order
    assert message.text == "mine"
    assert [(file.name, file.type) for file in message.attachments] == [("old.eml", "message/rfc822")]
    assert message.author == "ben@example.org"


def test_a_text_file_is_no_text_of_the_author():
    # given an attached text, and one shown inline with nothing else in the mail
    attached = b"From: ben@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nmine\n--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nstatus: closed\n--b--\n"
    alone = b"From: ben@example.org\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; name=a.txt\nContent-Disposition: inline\n\nstatus: closed\n--b--\n"
    # when they are parsed
    first, second = parse(attached).message, parse(alone).message
    # then neither's words are new text, and the second one is shown all the same
    assert first.new_text == "mine"
    assert (second.text, second.new_text) == ("status: closed", "")
    assert second.attachments[0].name == "a.txt"


def test_html_alone_is_read_as_text_with_its_quotes_marked():
    # given an answer in HTML only, hidden words among it
    page = (
        "<style>p{color:red}</style><p>Please close it.</p><div style='display:none'>status: closed</div>"
        "<div>On Mon, 3 Mar 2025, Ada &lt;ada@x.test&gt; wrote:</div><blockquote type=cite>Shall we?</blockquote>"
        "<script>alert(1)</script>"
    )
    # when it is parsed
    message = parse(b"From: ben@example.org\nContent-Type: text/html\n\n" + page.encode()).message
    # then the author's words are new text, the quote is not, and what is hidden is nowhere
    assert message.new_text == "Please close it."
    assert "> Shall we?" in message.quoted_text
    assert "status" not in message.text + message.html + message.html_text
    assert "alert" not in message.html + message.text
    assert message.plain_text == ""


def test_both_alternatives_are_kept_apart():
    # given a mail whose alternatives differ
    raw = (
        b"From: ben@example.org\nContent-Type: multipart/alternative; boundary=b\n\n"
        b"--b\nContent-Type: text/plain\n\nplain words\n--b\nContent-Type: text/html\n\n<p>other words</p>\n--b--\n"
    )
    # when it is parsed
    message = parse(raw).message
    # then the text is the plain one and the other can be compared with it
    assert message.text == message.plain_text == "plain words"
    assert message.html_text == "other words"


def test_a_mail_is_the_same_by_whatever_way_it_came():
    # given one mail by two ways: other hops, other line ends, a blank line at the end
    first = mail("Received: by a\r\n" + BEN + "Message-ID: <1@x>\r\nDate: now\r\n")
    second = mail(BEN + "Date: now\r\nMessage-ID: <1@x>\r\n").replace(b"\r\n", b"\n") + b"\n"
    other_body = mail(BEN + "Date: now\r\nMessage-ID: <1@x>\r\n", "Other\r\n")
    # when they are parsed, then the identity is one, and another body under the same id is another message
    assert parse(first).message.identity == parse(second).message.identity
    assert parse(first).message.identity != parse(other_body).message.identity
    assert len(parse(first).message.identity) == 40


def test_without_a_message_id_hops_make_no_difference_and_subjects_do():
    # given mails without Message-ID
    first = mail("Received: by a\r\nDKIM-Signature: x\r\n" + BEN + "Subject: a\r\n")
    again = mail("Received: by b\r\nDelivered-To: c@d\r\n" + BEN + "Subject: a\r\n")
    other = mail(BEN + "Subject: b\r\n")
    # when they are parsed, then only what the author wrote counts
    assert parse(first).message.identity == parse(again).message.identity
    assert parse(first).message.identity != parse(other).message.identity


def test_evidence_of_hops_is_read_in_order():
    # given a mail through two hops, the upper one with its verdict
    raw = mail(
        "Delivered-To: one@in.test\r\nDelivered-To: two@in.test\r\nX-Original-To: three@in.test\r\n"
        "Authentication-Results: mx.in.test (border) 1; spf=pass (ok; really) smtp.mailfrom=ben@example.org;\r\n"
        ' dmarc=fail reason="no; luck" header.from=example.org\r\n'
        "Received: from a by MX.in.test (Postfix) with ESMTP; Mon, 03 Mar 2025 09:00:00 +0000\r\n"
        "Authentication-Results: mallory.test; dmarc=pass header.from=example.org; ((\r\n" + BEN
    )
    # when it is parsed
    message = parse(raw).message
    # then each stands with its place, and the malformed one is not believed
    assert message.delivered_to == ("one@in.test", "two@in.test")
    assert message.delivered_to_kinds[1] == ("x-original-to", ("three@in.test",))
    assert [(item.position, item.authserv_id) for item in message.authentication] == [(3, "mx.in.test")]
    assert message.authentication[0].results == (
        ("spf", "pass", (("smtp.mailfrom", "ben@example.org"),)),
        ("dmarc", "fail", (("header.from", "example.org"),)),
    )
    assert [(hop.position, hop.by, hop.at) for hop in message.received] == [
        (4, "mx.in.test", datetime(2025, 3, 3, 9, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    ("fields", "nature"),
    [
        ("Auto-Submitted: auto-replied\r\n", Nature.AUTO_REPLIED),
        ("Auto-Submitted: auto-generated (cron)\r\n", Nature.AUTO_GENERATED),
        ("Auto-Submitted: no\r\n", Nature.PERSON),
        ("Precedence: bulk\r\n", Nature.BULK),
        ("List-Id: <l.example.org>\r\n", Nature.BULK),
        ("Subject: Automatic reply: your case\r\n", Nature.AUTO_REPLIED),
        ("Subject: Abwesenheitsnotiz: Fall 7\r\n", Nature.AUTO_REPLIED),
        ("Subject: Out of office forms are missing\r\n", Nature.PERSON),
        ("Subject: Delivery failed on Monday, please call\r\n", Nature.PERSON),
    ],
)
def test_who_or_what_wrote_it_stands_in_the_header(fields: str, nature: Nature):
    assert parse(mail(BEN + fields)).message.nature is nature


def test_a_delivery_report_names_who_did_not_get_it_and_why():
    # given a report (RFC 3464)
    raw = (
        b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.test\nSubject: Undelivered Mail Returned to Sender\n"
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        b"--b\n\nI am sorry.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.test\n\n"
        b"Final-Recipient: rfc822; gone@example.org\nAction: failed\nStatus: 5.1.1\n"
        b"Diagnostic-Code: smtp; 550 5.1.1 no such user\n\n--b\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--b--\n"
    )
    # when it is parsed
    message = parse(raw).message
    # then it is a bounce with its recipient, and no person's mail
    assert message.is_bounce
    assert message.nature is Nature.BOUNCE
    (bounce,) = message.bounces
    assert (bounce.recipient, bounce.status, bounce.hard) == ("gone@example.org", "5.1.1", True)
    assert bounce.reason == "550 5.1.1 no such user"


def test_a_delayed_report_is_a_bounce_for_now():
    # given a report that says: later
    raw = (
        b"From: MAILER-DAEMON@mx.test\nSubject: Delayed Mail\nContent-Type: multipart/report;"
        b" report-type=delivery-status; boundary=b\n\n--b\n\nNot yet.\n--b\nContent-Type: message/delivery-status\n\n"
        b"Reporting-MTA: dns; mx.test\n\nFinal-Recipient: rfc822; slow@example.org\nAction: delayed\nStatus: 4.4.1\n--b--\n"
    )
    # when it is parsed, then it is shown, and the address is not held to be gone
    message = parse(raw).message
    assert (message.is_bounce, message.nature) == (True, Nature.BOUNCE)
    assert [(item.recipient, item.status, item.hard) for item in message.bounces] == [
        ("slow@example.org", "4.4.1", False)
    ]


def test_a_person_who_writes_about_a_bounce_is_no_bounce():
    # given Ben's complaint, with all the words of a report in it
    raw = mail(
        BEN + "Subject: Undelivered Mail Returned to Sender\r\n",
        "My mail to cleo@example.org failed: 550 5.1.1 user unknown. Why?\r\n",
    )
    # when it is parsed, then it is Ben's mail
    message = parse(raw).message
    assert (message.is_bounce, message.nature, message.bounces) == (False, Nature.PERSON, ())


@pytest.mark.parametrize(
    ("declared", "data", "text"),
    [
        ("utf-8", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", b"Gr\xfc\xdfe \x80", "Grüße €"),
        ("us-ascii", b"Gr\xfc\xdfe", "Grüße"),
        ("no-such-charset", b"Gr\xfc\xdfe", "Grüße"),
        ("ks_c_5601-1987", "안녕".encode("cp949"), "안녕"),
        ("gb2312", "镕".encode("gbk"), "镕"),
        ("iso-2022-jp", b"\x1b$B-j\x1b(B", "㈱"),
        ("unicode_escape", b"\\ud800\\u0041", "\\ud800\\u0041"),
        ("utf-7", b"+2AA-x", "\ufffdx"),
        ("punycode", b"abc-d", "abc-d"),
    ],
)
def test_each_charset_gives_text_that_can_be_stored(declared: str, data: bytes, text: str):
    raw = f"From: ben@example.org\nContent-Type: text/plain; charset={declared}\n\n".encode() + data
    assert parse(raw).message.text == text


def test_flowed_lines_are_joined_and_quotes_are_not():
    raw = b"Content-Type: text/plain; format=flowed\n\none \ntwo\n> quoted \n> line\n-- \nBen\n"
    assert parse(raw).message.text == "one two\n> quoted \n> line\n-- \nBen\n"


def test_base64_in_several_runs_is_read_to_its_end():
    data = base64.b64encode(b"one!") + b"\n" + base64.b64encode(b"two")
    assert parse(b"Content-Transfer-Encoding: base64\n\n" + data).message.text == "one!two"


def test_html_cut_in_two_by_a_file_is_no_text_of_its_own():
    # given Apple Mail's form: plain text beside two HTML parts with a file between them
    raw = (
        b"From: ben@example.org\nContent-Type: multipart/alternative; boundary=a\n\n--a\n\none\n\ntwo\n"
        b"--a\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n<p>one</p>\n"
        b"--m\nContent-Type: application/pdf; name=a.pdf\n\nPDF\n--m\nContent-Type: text/html\n\n<p>two</p>\n--m--\n--a--\n"
    )
    # when it is parsed
    message = parse(raw).message
    # then the words stand once in the text, and both halves in the HTML
    assert message.text == "one\n\ntwo"
    assert message.html_text == "one\ntwo"
    assert (message.html.count("one"), message.html.count("two")) == (1, 1)
    assert [file.name for file in message.attachments] == ["a.pdf"]


def test_plain_text_after_html_is_shown_in_the_page_too():
    # given HTML and a list's footer of plain text with a tag in it
    raw = (
        b"From: ben@example.org\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/html\n\n<p>one</p>\n"
        b"--a\nContent-Type: text/plain\n\n<script>two</script>\n--a--\n"
    )
    message = parse(raw).message
    # then nothing readable is missing, and nothing of it runs
    assert message.text == "one\n<script>two</script>"
    assert "&lt;script&gt;" in message.html
    assert "<script" not in message.html


def test_an_abuse_report_is_told_from_mail_that_carries_one():
    # given a report (RFC 5965), and the same part attached to a person's mail
    part = b"\n\n--b\n\nSee below\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--b--\n"
    report = b"From: abuse@x.test\nContent-Type: multipart/report; report-type=feedback-report; boundary=b" + part
    attached = b"From: ben@example.org\nContent-Type: multipart/mixed; boundary=b" + part
    # then only the first is one
    assert (parse(report).message.nature, parse(report).message.is_feedback_report) == (Nature.FEEDBACK, True)
    assert parse(attached).message.nature is Nature.PERSON


def test_a_person_who_attaches_a_delivery_report_sends_no_bounce():
    raw = (
        b"From: Ben <ben@example.org>\nSubject: What is this?\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHelp\n"
        b"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; cleo@x.test\n"
        b"Action: failed\nStatus: 5.1.1\n--b--\n"
    )
    message = parse(raw).message
    assert (message.is_bounce, message.bounces, message.nature) == (False, (), Nature.PERSON)


def test_headers_too_large_to_be_read_name_no_author():
    # given a second From below more header than is read
    raw = (
        BEN.encode() + b"".join(b"X-%d: " % n + b"a" * 60_000 + b"\n" for n in range(10)) + b"From: mallory@x.test\n\nx"
    )
    message = parse(raw).message
    # then nobody is believed
    assert (message.author, message.author_doubt) == (None, "headers-too-large")
    assert message.text == "x"


def test_a_parsed_message_can_be_sent_to_another_process():
    parsed = parse(mail(BEN))
    assert pickle.loads(pickle.dumps(parsed)) == parsed
