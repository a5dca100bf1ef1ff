"""The form in our answers, edited in the quote of a reply (FEATURES U-28; laws 12, 14 and 15; AGI-44, AGI-45)."""

from __future__ import annotations

import re
import textwrap
from html import escape

import pytest

BEN, ADA, RITA = "ben@example.test", "ada@example.test", "rita@example.test"
STORY = ("The pump stands in the cellar. " * 6).strip() + "\n\nIt drips:\npriority: none\n  since May"


def ticket(office, body="A pump\nstatus: New\nwebsite: https://pumps.example/p?id=1&x=2"):
    line = office.mail(ADA, "support@example.test", "create", body)
    assert line.end == ("accept", "done"), line["trace"]
    return line.number


def shown(office, n, who=BEN):
    """What `read` answers: the mail of ours."""
    return office.mail(who, office.address(n), "read").to(who, "receipt")[0]


def said(item, *edits):
    """The text of our mail with values edited: ("priority: 2", "priority: 5")."""
    text = item.content["text"]
    for old, new in edits:
        assert old in text, text
        text = text.replace(old, new)
    return text


def reply(office, item, quote, *, text="", who=BEN, html=None, **more):
    subject = more.pop("subject", f"Re: {item.subject}")
    return office.mail(who, item.content["reply_to"] or item.sender, subject, f"{text}\n\n{quote}".strip(), html=html,
                       headers=[f"In-Reply-To: <{item.message_id}>"], **more)  # fmt: skip


def lines_of(mark):
    return lambda text: "\n".join(f"{mark}{line}".rstrip() for line in text.splitlines())


def wrapped(text):
    """As programs that wrap what they quote at 60 columns."""
    out = []
    for line in text.splitlines():
        out += [f"> {part}" for part in textwrap.wrap(line, 60)] or [">"]
    return "\n".join(out)


def badly_wrapped(text):
    """As programs that wrap the quote after marking it: the rest of a line loses its mark."""
    return "\n".join("\n".join(textwrap.wrap(f"> {line}", 60, break_long_words=False)) for line in text.splitlines())


def flowed(text):
    """Paragraphs run together: what is left of the lines of a form is one."""
    return "\n".join(f"> {' '.join(part.split())}" for part in re.split(r"\n\s*\n", text))


def linked(text):
    """Addresses made links by the program, and typographic signs."""
    text = re.sub(r"https://\S+", lambda url: f"{url[0]} <{url[0]}>", text).replace("---", "—-").replace('"', "”")
    return "\n".join(f"> {line}" for line in text.splitlines())


QUOTES = {
    "gmail": lambda t: "On Fri, 20 Nov 2026 at 11:00, Quay Works <x@desk.example.test> wrote:\n\n" + lines_of("> ")(t),
    "apple": lambda t: "> On 20 Nov 2026, at 11:00, Quay Works <x@desk.example.test> wrote:\n> \n" + lines_of("> ")(t),
    "thunderbird": lambda t: "Am 20.11.26 um 11:00 schrieb Quay Works:\n" + lines_of("> ")(t),
    "outlook": lambda t: "-----Original Message-----\nFrom: Quay Works <x@desk.example.test>\nSent: Friday, November 20, 2026 11:00 AM\nTo: Ben\nSubject: Re: read\n\n" + t,
    "outlook web": lambda t: "________________________________\nVon: Quay Works <x@desk.example.test>\nGesendet: Freitag, 20. November 2026 11:00\nAn: Ben\nBetreff: Re: read\n\n" + t,
    "no space": lines_of(">"),
    "twice": lines_of("> > "),
    "bar": lambda t: "On Fri, 20 Nov 2026 at 11:00, Quay Works <x@desk.example.test> wrote:\n\n" + lines_of("| ")(t),
    "indented": lambda t: "On Fri, 20 Nov 2026 at 11:00, Quay Works <x@desk.example.test> wrote:\n\n" + lines_of("  > ")(t),
    "wrapped": wrapped,
    "badly wrapped": badly_wrapped,
    "flowed": flowed,
    "linked": linked,
}  # fmt: skip


@pytest.mark.parametrize("client", QUOTES)
def test_given_a_form_when_one_value_is_edited_in_the_quote_then_that_one_changes_and_nothing_else(office, client):
    n = ticket(office)
    office.change({"roles.agent.grants.ticket.fields": None})
    office.mail(BEN, office.address(n), "update", "secret: " + STORY.replace("\n", "\n  "))
    before = dict(office.values(n))
    assert before["secret"] == STORY.replace("  since", "since").strip()
    quote = QUOTES[client](said(shown(office, n), ("priority: 2", "priority: 5")))
    line = reply(office, shown(office, n), quote)  # another, later mail of ours: its form is not the one quoted
    assert (line.kinds, office.values(n)["priority"]) == (["comment"], 2)

    item = shown(office, n)
    line = reply(office, item, QUOTES[client](said(item, ("priority: 2", "priority: 5"))))

    assert line["assurance"] == "E4"
    assert [e["fields"] for e in line["effects"] if e["kind"] == "update"] == [{"priority": {"before": 2, "after": 5}}]
    after = office.values(n)
    assert {k: v for k, v in after.items() if k not in ("priority", "log")} == {
        k: v for k, v in before.items() if k not in ("priority", "log")
    }


@pytest.mark.parametrize("client", QUOTES)
def test_given_a_form_when_it_is_only_quoted_then_the_answer_is_a_comment(office, client):
    n = ticket(office)
    item = shown(office, n)
    line = reply(office, item, QUOTES[client](said(item)), text="Thank you!")

    assert line.kinds == ["comment"]
    assert office.values(n)["priority"] == 2


def test_given_an_answer_in_html_alone_when_a_value_is_edited_then_it_changes(office):
    n = ticket(office)
    item = shown(office, n)
    rows = "<br>".join(escape(row) for row in said(item, ("status: New", "status: Open")).splitlines())
    html = f"<div>Done.</div><div class='gmail_quote'>On Fri, Quay Works &lt;x@desk.example.test&gt; wrote:<br><blockquote class='gmail_quote' style='border-left:1px solid #ccc'>{rows}</blockquote></div>"
    line = reply(office, item, "", html=html)

    assert line.kinds == ["update", "comment"]
    assert office.values(n)["status"] == "Open"
    assert office.stream(n)[-1].text == "Done."


@pytest.mark.parametrize("same", [True, False])
def test_given_both_alternatives_when_they_quote_one_value_then_it_changes_and_two_change_nothing(office, same):
    n = ticket(office)
    item = shown(office, n)
    other = said(item, ("priority: 2", "priority: 5" if same else "priority: 4"))
    html = "<p>x</p><blockquote type='cite'>" + "<br>".join(map(escape, other.splitlines())) + "</blockquote>"
    line = reply(office, item, QUOTES["gmail"](said(item, ("priority: 2", "priority: 5"))), text="x", html=html)

    assert office.values(n)["priority"] == (5 if same else 2)
    assert same or "could not be read" in line.answer()


def test_given_three_edits_one_forbidden_when_answered_then_two_change_and_the_third_is_named(office):
    n = ticket(office)
    item = shown(office, n)  # agents may read `secret` and not write it
    edits = ("priority: 2", "priority: 5"), ("status: New", "status: Open"), ("secret:", "secret: told")
    line = reply(office, item, QUOTES["gmail"](said(item, *edits)), text="As we said")

    values = office.values(n)
    assert (values["priority"], values["status"], values["secret"]) == (5, "Open", None)
    assert line.end == ("accept", "done")
    assert "You may not write secret" in line.answer()
    assert office.stream(n)[-1].text == "As we said"


def test_given_a_person_without_the_right_when_he_edits_then_nothing_changes_and_he_is_told(office):
    n = ticket(office)
    office.change({"roles.reader.grants.ticket": {"read": "all", "comment": "all"}})
    item = shown(office, n, RITA)
    line = reply(office, item, QUOTES["gmail"](said(item, ("priority: 2", "priority: 5"))), who=RITA, text="Please")

    assert office.values(n)["priority"] == 2
    assert "You may not write priority" in line.answer(RITA) or line.end == ("accept", "not-permitted")
    assert office.stream(n)[-1].text == "Please"


@pytest.mark.parametrize("proof", [None, "direct"])
def test_given_an_answer_below_e4_when_it_edits_the_form_then_the_form_is_a_quote(office, proof):
    n = ticket(office)
    item = shown(office, n)
    reply(office, item, QUOTES["gmail"](said(item, ("priority: 2", "priority: 5"))), text="Done", proof=proof)

    assert office.values(n)["priority"] == 2


def test_given_the_form_of_another_person_when_his_mail_is_answered_then_it_is_a_quote(office):
    n = ticket(office)
    item = shown(office, n, ADA)
    line = reply(office, item, QUOTES["gmail"](said(item, ("priority: 2", "priority: 5"))), text="Done")

    assert line["assurance"] != "E4"
    assert office.values(n)["priority"] == 2


def test_given_no_field_updates_when_the_quote_is_edited_then_only_the_word_update_makes_it_count(office):
    office.change({"accounts.support.field_updates": False})
    n = ticket(office)
    item = shown(office, n)
    edited = QUOTES["gmail"](said(item, ("priority: 2", "priority: 5")))
    line = reply(office, item, edited)
    assert office.values(n)["priority"] == 2
    assert "only with the one word update" in line.answer()

    reply(office, item, edited, subject="update")
    assert office.values(n)["priority"] == 5


def test_given_a_copy_of_the_form_that_is_no_quote_when_no_word_is_said_then_it_is_text(office):
    n = ticket(office)
    item = shown(office, n)
    form = said(item, ("priority: 2", "priority: 5")).partition("\n--- T-")[2]
    line = reply(office, item, "", text="Look:\n--- T-" + form)

    assert line.kinds == ["comment"]
    assert office.values(n)["priority"] == 2


def test_given_a_bad_value_in_the_quote_when_answered_then_nothing_changes_and_what_is_expected_is_told(office):
    n = ticket(office)
    item = shown(office, n)
    edits = ("priority: 2", "priority: 9"), ("status: New", "status: Opn")
    line = reply(office, item, QUOTES["gmail"](said(item, *edits)), text="Hm")

    assert line.end == ("accept", "bad-value")
    assert office.values(n)["priority"] == 2
    assert "priority: '9' is not taken" in line.answer()
    assert "Did you mean Open?" in line.answer()


def test_given_two_values_for_a_field_when_one_is_quoted_and_one_on_top_then_no_command(office):
    n = ticket(office)
    item = shown(office, n)
    line = reply(
        office, item, QUOTES["gmail"](said(item, ("priority: 2", "priority: 5"))), text="priority: 4", subject="update"
    )

    assert line.end == ("accept", "conflicting-values")
    assert office.values(n)["priority"] == 2


def test_given_a_line_taken_out_or_emptied_when_answered_then_taken_out_is_no_change_and_emptied_clears(office):
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", "due: 2026-12-24")
    item = shown(office, n)
    reply(office, item, QUOTES["gmail"](said(item, ("due: 2026-12-24\n", ""))))
    assert office.values(n)["due"] == "2026-12-24"
    reply(office, item, QUOTES["gmail"](said(item, ("due: 2026-12-24", "due:"))))
    assert office.values(n)["due"] is None


def test_given_a_form_without_its_end_when_it_is_edited_then_nothing_is_read(office):
    n = ticket(office)
    item = shown(office, n)
    text = said(item, ("priority: 2", "priority: 5"))
    line = reply(office, item, QUOTES["gmail"](text[: text.rindex("--- (")]))

    assert office.values(n)["priority"] == 2
    assert "their end is missing" in line.answer()


def test_given_the_record_changed_meanwhile_when_an_old_form_is_answered_then_only_the_edit_counts(office):
    n = ticket(office)
    item = shown(office, n)
    office.mail(ADA, office.address(n), "update", "status: Open\nserial: S-1")
    reply(office, item, QUOTES["gmail"](said(item, ("priority: 2", "priority: 5"))))

    values = office.values(n)
    assert (values["priority"], values["status"], values["serial"]) == (5, "Open", "S-1")


def test_given_a_person_by_name_and_a_firm_by_title_when_edited_in_the_quote_then_both_are_found(office):
    n = ticket(office)
    office.mail(ADA, "firm@desk.example.test", "create", "name: Dock & Sons")
    item = shown(office, n)
    owner = re.search(r"^owner: .*$", item.content["text"], re.MULTILINE)[0]
    edits = (
        (owner, "owner: Cleo Agent" if "cleo" not in owner.lower() else "owner: Ben Agent"),
        ("firm:", "firm: dock & sons"),
    )
    line = reply(office, item, QUOTES["gmail"](said(item, *edits)))

    assert line.end == ("accept", "done"), line.answer()
    assert office.values(n)["firm"] is not None


@pytest.mark.parametrize("who", [BEN, ADA])
def test_given_what_read_answers_when_it_is_sent_back_as_update_then_nothing_changes(office, who):
    n = ticket(office)
    office.mail(
        ADA,
        office.address(n),
        "update",
        "secret: " + STORY.replace("\n", "\n  ") + "\nrefund: 12.50\nvisit: 2026-12-01 10:00",
    )
    before = {k: v for k, v in office.values(n).items() if k != "log"}
    text = shown(office, n, who).content["text"].partition("---\n")[2]
    line = office.mail(who, office.address(n), "update", text.strip())

    assert "update" not in line.kinds, line["trace"]
    assert line["reason"] == "done"
    assert {k: v for k, v in office.values(n).items() if k != "log"} == before


def test_given_a_log_that_speaks_of_fields_when_the_whole_answer_is_sent_back_then_nothing_changes(office):
    n = ticket(office)
    office.mail(BEN, office.address(n), "comment", "He says:\npriority: 5\n\nstatus: Done")
    before = {k: v for k, v in office.values(n).items() if k != "log"}
    assert "priority: 5" in office.values(n)["log"][-1]["text"]
    text = shown(office, n).content["text"].partition("---\n")[2]
    line = office.mail(BEN, office.address(n), "update", text.strip())

    assert line.end == ("accept", "done"), line["trace"]
    assert {k: v for k, v in office.values(n).items() if k != "log"} == before


def test_given_a_customer_when_he_gets_receipts_then_no_form_is_in_them(office):
    made = office.customer_ticket()
    assert "--- (" not in made.answer("carla@cust.example")
