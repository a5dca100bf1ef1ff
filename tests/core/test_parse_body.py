"""The author's own new text is told from what his program repeated or added, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core.body import split, unflow
from addressee.core.language import english

INTRODUCTIONS = [
    "On Mon, 3 Mar 2025 at 09:00, Ada Example <ada@example.org> wrote:",
    "On Mon, 3 Mar 2025 at 09:00, Ada Example\n<ada@example.org> wrote:",
    "On Mon, Mar 3, 2025 at 9:00 AM Ada Example <\nada@example.org> wrote:",
    "Am 03.03.2025 um 09:00 schrieb Ada Example <ada@example.org>:",
    "Am Mo., 3. März 2025 um 09:00 Uhr schrieb Ada Example <\nada@example.org>:",
    "Le lun. 3 mars 2025 à 09:00, Ada Example <ada@example.org> a écrit :",
    "El lun, 3 mar 2025 a las 9:00, Ada (<ada@example.org>) escribió:",
    "Il giorno lun 3 mar 2025 alle ore 09:00 Ada <ada@example.org> ha scritto:",
    "Em seg., 3 de mar. de 2025 às 09:00, Ada <ada@example.org> escreveu:",
    "Op ma 3 mrt 2025 om 09:00 schreef Ada <ada@example.org>:",
    "Den mån 3 mars 2025 kl 09:00 skrev Ada <ada@example.org>:",
    "pon., 3 mar 2025 o 09:00 Ada <ada@example.org> napisał(a):",
    "po 3. 3. 2025 v 9:00 odesílatel Ada <ada@example.org> napsal:",
    "пн, 3 мар. 2025 г. в 09:00, Ada <ada@example.org>:",
    "3 марта 2025, 09:00 Ada <ada@example.org> написал:",
    "ma 3. maalisk. 2025 klo 9.00 Ada (ada@example.org) kirjoitti:",
    "2025年3月3日(月) 9:00 Ada <ada@example.org>:",
    "在 2025年3月3日，Ada <ada@example.org> 写道：",
    "Ada Example, 03.03.2025 09:00:",
]
HEADERS = [
    "-----Original Message-----\nFrom: Ada <ada@example.org>\nSent: Monday\nTo: Ben\nSubject: Case",
    "________________________________\nFrom: Ada <ada@example.org>\nSent: Monday, 3 March 2025 09:00\nTo: Ben\nSubject: Case",
    "Von: Ada [mailto:ada@example.org]\nGesendet: Montag, 3. März 2025 09:00\nAn: Ben\nBetreff: Fall",
    "*De :* Ada <ada@example.org>\n*Envoyé :* lundi\n*À :* Ben\n*Objet :* Cas",
    "-------- Ursprüngliche Nachricht --------\nVon: Ada <ada@example.org>\nDatum: 03.03.25 09:00\nAn: Ben\nBetreff: Fall",
]


@pytest.mark.parametrize("introduction", INTRODUCTIONS)
def test_an_answer_above_a_marked_quote_is_told_apart(introduction: str):
    # given an answer, the line by which a program introduces a quote, and the quote
    cut = split(f"Please close it.\n\n{introduction}\n> Shall we?\n> status: open\n")
    # then only the answer is new
    assert cut.new_text == "Please close it."
    assert "Shall we?" in cut.quoted_text


@pytest.mark.parametrize("introduction", INTRODUCTIONS[:16])
def test_a_quote_without_marks_is_a_quote_all_the_same(introduction: str):
    assert split(f"Please close it.\n\n{introduction}\n\nShall we?\nstatus: open\n").new_text == "Please close it."


@pytest.mark.parametrize("block", HEADERS)
def test_a_mail_shown_with_its_fields_is_a_quote(block: str):
    cut = split(f"Please close it.\n\n{block}\n\nShall we?\nstatus: open\n")
    assert cut.new_text == "Please close it."
    assert cut.forward is not None
    assert cut.forward.before == "Please close it."
    assert cut.forward.embedded.endswith("status: open")


@pytest.mark.parametrize("prefix", ["", "> ", "| ", ">> "])
def test_all_below_our_own_marker_is_old(prefix: str):
    text = f"Yes.\n\n{prefix}{english().marker_line}\n{prefix}status: open\n"
    assert split(text).new_text == "Yes."


def test_answers_between_the_quotes_are_all_new():
    text = "On 3 Mar 2025, Ada <a@x.test> wrote:\n> One?\nYes.\n> Two?\nNo.\n"
    assert split(text).new_text == "Yes.\nNo."


@pytest.mark.parametrize(
    ("below", "signature"),
    [
        ("-- \nBen Brandt\nTel: 12345", "--\nBen Brandt\nTel: 12345"),
        ("--\nBen", "--\nBen"),
        ("Sent from my iPhone", "Sent from my iPhone"),
        ("Von meinem iPhone gesendet", "Von meinem iPhone gesendet"),
        ("Get Outlook for iOS<https://aka.ms/x>", "Get Outlook for iOS<https://aka.ms/x>"),
        ("Best regards,\nBen Brandt\nAcme Works", "Best regards,\nBen Brandt\nAcme Works"),
        ("Mit freundlichen Grüßen\nBen Brandt", "Mit freundlichen Grüßen\nBen Brandt"),
        ("-Ben", "-Ben"),
        (
            "This e-mail is confidential and intended only for Ada.",
            "This e-mail is confidential and intended only for Ada.",
        ),
    ],
)
def test_a_signature_is_no_new_text(below: str, signature: str):
    cut = split(f"Please close it.\n\n{below}\n")
    assert (cut.new_text, cut.signature) == ("Please close it.", signature)


@pytest.mark.parametrize(
    "text",
    [
        "Yes", "-- Ben", "Sent from my iPhone", "Thanks,", "Thanks,\nstatus: closed", "status: closed\npriority: high",
        "from: Berlin\nto: Hamburg\ndate: 2025-04-01", "- one\n- two\n- Three", "He wrote: no.", "Wrote:",
        "Sent from my desk, where it is quiet.", "The list:\n* a\n* b", "It is 10:30:", "a\n---\nb is below the rule\n" * 9,
        "note\n\nPlease call.", "Hello,\nOn 3 March the customer wrote:\nIt is broken.", "This message has attachments.",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_mark_stays_new_text(text: str):
    cut = split(text)
    assert cut.new_text == text.strip()
    assert (cut.quoted_text, cut.signature, cut.forward) == ("", "", None)


def test_a_forwarded_mail_is_kept_apart_from_the_words_before_it():
    text = "Please handle this.\n\n---------- Forwarded message ---------\nFrom: Cleo <c@x.test>\nDate: Mon\nSubject: s\nTo: b@x.test\n\nIt is broken.\n"
    cut = split(text)
    assert cut.forward is not None
    assert cut.forward.before == cut.new_text == "Please handle this."
    assert cut.forward.embedded.startswith("From: Cleo")
    assert cut.forward.embedded.endswith("It is broken.")


LINES = st.lists(
    st.sampled_from(
        [
            "", "Yes.", "status: closed", "> old", ">", "-- ", "--", "Ben", "Thanks,", "Sent from my iPhone", "____________________",
            "On Mon, 3 Mar 2025 at 09:00, Ada <ada@x.test> wrote:", "From: Ada <a@x.test>", "To: Ben", "Subject: s", "wrote:", english().marker_line,
            "-----Original Message-----", "---------- Forwarded message ---------", "a:", ":", " ", "\xa0>", "<x@y", "> wrote:",
        ]
    ),
    max_size=14,
).map("\n".join)  # fmt: skip


@given(st.one_of(LINES, st.text(max_size=200)))
def test_no_word_is_lost_and_none_is_made_up(text: str):
    # when any text is split
    cut = split(text)
    # then each word stands in one of the parts, as often as it was written
    parts = sorted(f"{cut.new_text} {cut.quoted_text} {cut.signature}".split())
    assert parts == sorted(text.split())


@given(LINES)
def test_words_under_a_quote_are_never_new_text(text: str):
    quoted = "\n".join("> " + line for line in text.split("\n"))
    assert split(f"Yes.\n\n{quoted}\n").new_text == "Yes."
    assert split(f"Yes.\n\n{english().marker_line}\n{text}\n").new_text == "Yes."


@given(st.from_regex(r"[a-zA-Z .,:-]{1,60}", fullmatch=True).filter(str.strip))
def test_one_line_is_never_emptied(line: str):
    assert split(line).new_text == line.strip()


@given(st.text(max_size=200), st.booleans())
def test_unflowing_keeps_every_word(text: str, delete_space: bool):
    joined = "".join(unflow(text, delete_space).split())
    assert joined == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("More.\n\nOn Sat, X wrote:\n> quoted", "More."),
        ("Hi\n\nOn Saturday, Bob wrote:\n\n> quoted\n> more", "Hi"),
        ("ok\nBob wrote:\n> q", "ok"),
        ("See what\nI wrote:\n> this", "See what\nI wrote:"),
        ("The log says:\n> error 5", "The log says:"),
    ],
)
def test_a_line_that_only_names_the_writer_goes_with_the_quote_below_it(text: str, new: str) -> None:
    # given an answer above a quote whose introduction holds no date or address
    # when its new text is asked for
    # then the introduction is none of it, and the author's own sentences are
    assert split(text).new_text == new
