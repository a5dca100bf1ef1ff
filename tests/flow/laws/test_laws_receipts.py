"""What we say back: receipts in five languages, as text and HTML, to the author and to those in Cc (law 13; U-47, U-48, U-95)."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from html.parser import HTMLParser

import pytest

from addressee.core.language import language
from addressee.core.registry import languages
from addressee.mail.models import Suppression

BEN, ADA, CLEO, RITA, HAL, NORA = (f"{name}@example.test" for name in ("ben", "ada", "cleo", "rita", "hal", "nora"))
CARLA, GUS = "carla@cust.example", "gus@cust.example"
TAGS = [tag for tag, _ in languages.items()]


def parts(office, item):
    """(text, html) of a mail as it is sent."""
    sent = BytesParser(policy=policy.default).parsebytes(office.as_sent(item))
    assert sent.get_content_type() == "multipart/alternative"
    text, html = sent.iter_parts()
    assert [text.get_content_type(), html.get_content_type()] == ["text/plain", "text/html"]
    return text.get_content().replace("\r\n", "\n"), html.get_content()


class Seen(HTMLParser):
    """What a reader of HTML gets: words, cells, links; and whatever should not be there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words, self.cells, self.links, self.tags, self.strange, self._in = [], [], {}, set(), [], []
        self.lang = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        self.tags.add(tag)
        self.lang = said.get("lang", self.lang)
        self._in.append((tag, said.get("href", "")))
        self.strange += [name for name in said if name.startswith("on") or name in ("src", "background", "class")]
        self.strange += [style for style in [said.get("style") or ""] if "url(" in style or "color" in style]

    def handle_endtag(self, tag):
        while self._in and self._in.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not data.strip() or any(tag == "title" for tag, _ in self._in):
            return
        self.words.append(data.strip())
        tag, href = self._in[-1]
        if tag in ("td", "th"):
            self.cells.append(data.strip())
        if tag == "a":
            self.links[data.strip()] = href


def speak(office, **of):
    office.change({f"people.{key}.language": tag for key, tag in of.items()})


# ---------------------------------------------------------------- a receipt, read as a client reads it


def test_given_an_update_when_its_receipt_is_parsed_then_text_and_html_say_the_same_and_nothing_is_loaded(office):
    made = office.customer_ticket()
    line = office.mail(BEN, office.address(made.number), "update", "priority: 5\nstatus: Open\n\nOn it")
    text, html = parts(office, line.to(BEN)[0])
    seen = Seen(html)

    assert text.startswith("--- Please write your answer above this line ---")
    assert seen.words[0] == "--- Please write your answer above this line ---"
    assert seen.words[1] == f'T-{made.number} "Pump leaks" was changed.'
    assert "  Urgency level: 2 → 5\n" in text
    assert seen.cells == ["Field", "Before", "After", "Urgency level", "2", "5", "status", "New", "Open"]
    record, message = (
        f"https://desk.example.test/tables/ticket/T-{made.number}/",
        f"https://desk.example.test/messages/{line.id}/",
    )
    assert set(seen.links.values()) >= {record, message}
    assert record in text
    assert message in text
    assert seen.lang == "en"
    assert not seen.strange
    assert not seen.tags & {"img", "script", "style", "link", "iframe", "form", "font"}
    assert 'name="color-scheme" content="light dark"' in html
    for word in seen.words:
        assert word in " ".join(text.split()) or word in seen.links or word in ("Field", "Before", "After"), word


def test_given_hostile_words_when_a_receipt_repeats_them_then_they_are_text_in_html_too(office):
    made = office.customer_ticket(subject="<script>alert(1)</script><img src=x>")
    line = office.mail(
        BEN, office.address(made.number), "update", 'website: "><script>\nstattus: <b>\nserial: <a href=x>&amp;'
    )
    _, html = parts(office, line.to(BEN)[0])

    assert not Seen(html).tags & {"script", "img", "b"}
    assert "<script" not in html
    _, html = parts(office, made.to(CARLA)[0])
    assert "<script" not in html


def test_given_a_receipt_when_it_is_answered_above_the_marker_then_only_the_answer_is_new(office):
    speak(office, ben="de")
    made = office.customer_ticket()
    line = office.mail(BEN, office.address(made.number), "update", "priority: 5")
    item = line.to(BEN)[0]
    for style in ("gmail", "outlook", "apple", "bare"):
        more = {"body": f"Danke, gesehen.\n\n{item.content['text']}"} if style == "bare" else {}
        office.answer(item, BEN, "Danke, gesehen.", style, **more)
        assert office.stream(made.number)[-1].text == "Danke, gesehen."


def test_given_lines_that_cannot_be_taken_when_told_then_each_with_its_cause_and_with_the_cure(office):
    n = office.mail(ADA, "support@example.test", "create", "x").number
    refused = office.mail(BEN, office.address(n), "update", "priority: 9\nsecret: x").answer()
    wrong = office.mail(BEN, office.address(n), "update", "priority: 9\nstattus: x").answer()

    assert "ben may not write secret of ticket" in refused
    assert "What you can do: ask whoever looks after this site" in refused
    assert "line 1: priority: '9' is not taken; expected is a whole number from 1 to 5." in wrong
    assert "Did you mean status?" in wrong
    assert "What you can do: send the lines again" in wrong


# ---------------------------------------------------------------- in the reader's language


@pytest.mark.parametrize("tag", TAGS)
def test_given_a_person_of_any_language_when_he_is_answered_then_every_sentence_is_his(office, tag):
    speak(office, ben=tag)
    words = language(tag)
    made = office.customer_ticket()
    to = office.address(made.number)
    files = [("a.exe", "application/octet-stream", b"MZ"), ("b.pdf", "application/pdf", b"%PDF")]
    done = office.mail(BEN, to, "update", "priority: 5\npaid: yes", files=files)
    wrong = office.mail(BEN, to, "update", "priority: 9\nstattus: x\ndue: never")
    asked = office.mail(BEN, to, "help")
    barred = office.mail(BEN, to, "update", "secret: x")
    text, html = parts(office, done.to(BEN)[0])

    assert text.startswith(words.marker_line)
    assert words("receipt.changed", what=f'T-{made.number} "Pump leaks"') in text
    assert f"paid: {words('value.yes')}" in text
    assert Seen(html).lang == tag
    assert words("reason.bad-value") in wrong.answer()
    assert words("expected.date", range="") in wrong.answer()
    assert words("hint.near", name="status") in wrong.answer()
    assert words("help.words") in asked.answer()
    assert (
        words.own("action.update", "Lines `field: value` change the record; everything else you write is a comment.")
        in asked.answer()
    )
    assert words("reason.not-permitted") in barred.answer()
    assert words("why.may-not-write", who="ben", fields="secret", table="ticket") in barred.answer()
    english_only = {
        "was changed",
        "is not taken",
        "expected is",
        "You do not have",
        "Write one of",
        "waits for a person",
    }
    if tag != "en":
        for line in (done, wrong, asked, barred):
            assert not [words for words in english_only if words in line.answer()]


@pytest.mark.parametrize("tag", TAGS)
def test_given_staff_of_any_language_when_a_customer_writes_then_the_notice_is_in_it_and_its_answer_is_public(
    office, tag
):
    speak(office, ben=tag, cleo=tag)
    made = office.customer_ticket()
    notice = next(o for o in made.outbox if o.kind == "notification")
    line = office.answer(notice, notice.to, "Noon.", "bare", body=f"Noon.\n\n{notice.content['text']}")

    assert notice.content["text"].splitlines()[0] == language(tag)("notice.public", whom=CARLA)
    assert line.seen == ["public"]
    assert office.stream(made.number)[-1].text == "Noon."


def test_given_a_correspondent_when_answered_then_in_his_contacts_language_else_the_accounts_else_the_sites(office):
    office.change({"site.language": "fr"})
    assert language("fr")("receipt.created", what="x").partition("x")[2] in office.customer_ticket(GUS).answer(GUS)
    office.change({"site.language": "fr", "accounts.support.language": "es"})
    assert language("es")("receipt.created", what="x").partition("x")[2] in office.customer_ticket(GUS).answer(GUS)
    office.change(
        {
            "site.language": "fr",
            "accounts.support.language": "es",
            "tables.customer.person": {"address": "email", "name": "name", "language": "speaks"},
            "tables.customer.fields.speaks": {"type": "text"},
        }
    )
    office.mail(ADA, "customer@desk.example.test", "create", f"Carla\nemail: {CARLA}\nspeaks: pt-BR")
    assert language("pt")("receipt.created", what="x").partition("x")[2] in office.customer_ticket().answer(CARLA)


@pytest.mark.parametrize(
    ("tag", "day", "money", "moment"),
    [
        ("en", "2026-12-24", "1234.50", "2026-12-24 15:30"),
        ("en-GB", "24/12/2026", "1234.50", "24/12/2026 15:30"),
        ("de", "24.12.2026", "1.234,50", "24.12.2026 15:30"),
        ("fr", "24/12/2026", "1 234,50", "24/12/2026 15:30"),
        ("es", "24/12/2026", "1.234,50", "24/12/2026 15:30"),
        ("pt", "24/12/2026", "1.234,50", "24/12/2026 15:30"),
    ],
)
def test_given_values_when_told_in_a_language_then_as_it_writes_them_and_what_is_sent_back_is_the_same(
    office, tag, day, money, moment
):
    speak(office, ada=tag)
    n = office.mail(ADA, "support@example.test", "create", "x").number
    to = office.address(n)
    line = office.mail(ADA, to, "update", "due: 2026-12-24\nrefund: 1234.50\nvisit: 2026-12-24 15:30", login="ada")
    before = office.values(n)
    for shown in (f"due: {day}", f"refund: {money}", f"visit: {moment}"):
        assert shown in line.answer()
    office.mail(ADA, to, "update", "due: 2020-01-01\nrefund: 1\nvisit: 2020-01-01 00:00", login="ada")
    office.mail(ADA, to, "update", f"due: {day}\nrefund: {money}\nvisit: {moment}", login="ada")

    assert office.values(n) == before
    read = office.mail(ADA, to, "read", login="ada").answer()
    assert "due: 2026-12-24" in read, "a form to be sent back keeps the plain form"


# ---------------------------------------------------------------- those in Cc


def test_given_read_with_two_in_cc_when_both_may_read_then_each_gets_one_answer_with_a_token_of_his_own(office):
    made = office.customer_ticket()
    line = office.mail(BEN, office.address(made.number), "read", cc=f"{CLEO}, Rita <{RITA}>")

    assert sorted(o.to for o in line.outbox) == [BEN, CLEO, RITA]
    assert {o.kind for o in line.outbox} == {"receipt"}
    for item in line.outbox:
        text, _ = parts(office, item)
        assert "name: Pump leaks" in text
        assert office.token_row(item).address == item.to
        sent = BytesParser(policy=policy.default).parsebytes(office.as_sent(item))
        assert sent["In-Reply-To"] == f"<{line['message_id']}>"
        assert sent["Auto-Submitted"] == "auto-replied"
    assert len({o.token_hash for o in line.outbox}) == 3
    assert "named you in Cc" not in line.to(BEN)[0].content["text"]
    assert "You get this because ben@example.test named you in Cc." in line.to(CLEO)[0].content["text"]
    assert sorted(reply["to"] for reply in line["replies"]) == [BEN, CLEO, RITA]


def test_given_a_field_hidden_from_one_in_cc_when_answered_then_its_value_is_in_no_byte_that_he_gets(office):
    made = office.customer_ticket(CARLA)
    office.mail(ADA, office.address(made.number), "update", "secret: he never pays\nrefund: 77.13", login="ada")
    for subject, body in (("read", ""), ("update", "secret: he never paid\npriority: 5")):
        line = office.mail(ADA, office.address(made.number), subject, body, login="ada", cc=f"{BEN}, {CARLA}")
        theirs = {o.to: office.as_sent(o).replace(b"=\r\n", b"").decode() for o in line.outbox}
        assert set(theirs) >= {ADA, BEN, CARLA}
        assert "he never pa" in theirs[ADA]
        assert "he never pa" in theirs[BEN], "an agent may read it"
        assert "he never pa" not in theirs[CARLA]
        assert "secret" not in theirs[CARLA]
    assert "Urgency level: 2 → 5" in line.to(CARLA)[0].content["text"]


def test_given_cc_without_a_right_when_the_author_is_answered_then_his_receipt_names_who_was_left_out_and_why(office):
    made = office.customer_ticket()
    Suppression.objects.create(address=RITA, reason="it bounced", at=office.now)
    line = office.mail(
        BEN, office.address(made.number), "update", "priority: 5", cc=f"{NORA}, {RITA}, stranger@other.example, {CLEO}"
    )
    text, html = parts(office, line.to(BEN)[0])

    assert sorted(o.to for o in line.outbox) == [BEN, CLEO]
    for said in (f"{NORA} may not read this.", "stranger@other.example may not read this.", f"{RITA} gets no mail"):
        assert said in text
        assert said in html
    assert NORA not in line.to(CLEO)[0].content["text"]
    assert any(f"{NORA} may not read" in why for why in line.why("answer"))


def test_given_cc_that_is_the_author_ourselves_a_robot_or_twice_the_same_person_then_nobody_gets_two(office):
    made = office.customer_ticket()
    others = f"{BEN}, ben.agent@phone.example, support@example.test, {office.address(made.number)}, noreply@x.example"
    line = office.mail(BEN, office.address(made.number), "read", cc=f"{others}, {CLEO}, {CLEO.upper()}, not-an-address")

    assert sorted(o.to for o in line.outbox) == [BEN, CLEO]
    assert "Not told by us" not in line.answer(BEN)


def test_given_a_guest_in_cc_when_the_record_is_his_own_then_he_gets_it_and_another_stranger_does_not(office):
    made = office.customer_ticket(CARLA)
    line = office.mail(BEN, office.address(made.number), "read", cc=f"{CARLA}, {GUS}")
    item = line.to(CARLA)[0]

    assert sorted(o.to for o in line.outbox) == [BEN, CARLA]
    assert "log" not in item.content["text"].split("copy")[0] or "Pump leaks" in item.content["text"]
    assert f"{GUS} may not read this." in line.answer(BEN)
    back = office.answer(item, CARLA, "Thank you")
    assert (back["assurance"], back.seen) == ("E4", ["public"])


def test_given_a_comment_or_help_with_cc_when_answered_then_only_the_author_is(office):
    made = office.customer_ticket()
    for subject in ("Just a word", "help", "why", "follow"):
        line = office.mail(BEN, office.address(made.number), subject, "words", cc=CLEO)
        assert [o.to for o in line.outbox if o.kind == "receipt"] == [BEN], subject
    stranger = office.mail(CARLA, "support@example.test", "A new pump", "It drips", cc=CLEO)
    assert [o.to for o in stranger.outbox if o.kind == "receipt"] == [CARLA]


def test_given_an_unproven_or_held_command_when_it_has_cc_then_nobody_is_answered_by_it(office):
    made = office.customer_ticket()
    forged = office.mail(BEN, office.address(made.number), "read", cc=CLEO, proof=None)
    strict = office.mail(BEN, "strict@example.test", f"read T-{made.number}", cc=CLEO)
    held = office.mail(BEN, office.address(made.number), "delete", cc=CLEO)

    assert forged.to(CLEO) == strict.to(CLEO) == held.to(CLEO) == []
    assert strict["disposition"] == "hold"
    proven = office.mail(BEN, "strict@example.test", f"read T-{made.number}", cc=CLEO, login="ben")
    assert len(proven.to(CLEO)) == 1


def test_given_limits_when_many_are_in_cc_then_they_count_for_each_of_them_and_what_is_behind_is_named(office):
    office.change({"site.limits": {"copy_count": 2, "answers_per_hour": 3}})
    made = office.customer_ticket()
    to = office.address(made.number)
    first = office.mail(ADA, to, "read", cc=f"{BEN}, {CLEO}, {RITA}")
    more = [office.mail(ADA, to, "read", str(i), cc=CLEO) for i in range(2)]
    office.change({"site.limits": {"copy_count": 2, "answers_per_hour": 4}})
    own = office.mail(CLEO, to, "read")
    office.change({"site.limits": {"copy_count": 2, "answers_per_hour": 4}})
    over = office.mail(HAL, to, "read", cc=CLEO)
    late = office.mail(BEN, to, "read", cc=CLEO)

    assert sorted(o.to for o in first.outbox) == [ADA, BEN, CLEO]
    assert f"{RITA} stands behind the first 2 addresses." in first.answer(ADA)
    assert [len(line.to(CLEO)) for line in more] == [1, 1]
    assert len(own.to(CLEO)) == 1
    assert over.to(CLEO) == late.to(CLEO) == []
    assert f"{CLEO} got as many automatic messages" in late.answer(BEN)


def test_given_a_batch_of_commands_with_cc_when_worked_then_it_is_as_one_by_one(office):
    made = office.customer_ticket()
    to = office.address(made.number)
    raws = [(office.bytes_of(BEN, to, "read", str(i), cc=f"{CLEO}, {GUS}"), to) for i in range(3)]
    lines = office.batch(raws)

    assert [sorted(o.to for o in line.outbox) for line in lines] == [[BEN, CLEO]] * 3


def test_given_readers_of_two_languages_when_one_command_is_told_then_each_in_his(office):
    speak(office, ben="de", cleo="pt")
    made = office.customer_ticket()
    line = office.mail(BEN, office.address(made.number), "update", "priority: 5", cc=f"{CLEO}, {GUS}")

    assert "wurde geändert" in line.answer(BEN)
    assert f"{GUS} darf dies nicht lesen." in line.answer(BEN)
    assert "o registo foi alterado" in line.to(CLEO)[0].content["text"]
    assert "o colocou em cópia" in line.to(CLEO)[0].content["text"]
