"""What a mail says: commands, field lines and values (laws 14 and 15, FEATURES U-24 to U-27, U-30)."""

from __future__ import annotations

import pytest

BEN = "ben@example.test"
ADA = "ada@example.test"


def ticket(office, body="A pump", author=ADA, **more):
    line = office.mail(author, "support@example.test", "create", body, **more)
    assert line.end == ("accept", "done"), line["trace"]
    return line.number


# ---------------------------------------------------------------- the word in the subject


@pytest.mark.parametrize(
    "subject", ["update", "UPDATE", " Update ", "uPdAtE T-{n}", "T-{n} update", "update HELP{n}", "update [#{n}]"]
)
def test_given_the_word_alone_when_it_stands_in_any_case_beside_the_number_then_it_is_a_command(office, subject):
    n = ticket(office)
    to = "support@example.test" if "{n}" in subject else office.address(n)
    line = office.mail(BEN, to, subject.format(n=n), "priority: 5")

    assert line.kinds == ["update"]
    assert office.values(n)["priority"] == 5


NO_COMMANDS = [
    "Re: update", "AW: update", "Fwd: update", "WG: update", "SV: update", "RE: Re: update", "[list] update",
    "update!", "please update", "updates", "update the pump", '"update"', "u p d a t e", "Re: T-{n} update",
]  # fmt: skip


@pytest.mark.parametrize("subject", NO_COMMANDS)
def test_given_anything_more_than_the_word_when_it_is_the_subject_then_it_is_text(office, subject):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), subject.format(n=n), "priority: 5")

    assert (line.end, line.kinds) == (("accept", "done"), ["comment"])
    assert office.values(n)["priority"] == 2
    assert office.stream(n)[-1].text == "priority: 5"


@pytest.mark.parametrize("subject", ["Re: delete", "AW: delete", "Fwd: delete"])
def test_given_re_delete_when_a_person_who_may_delete_sends_it_signed_in_then_nothing_is_deleted(office, subject):
    n = ticket(office)
    line = office.mail(ADA, office.address(n), subject, "", login="ada")

    assert line.kinds == ["comment"]
    assert office.ticket(n).deleted_at is None


def test_given_a_customer_when_he_writes_delete_then_he_is_refused_by_name_and_his_text_is_kept(office):
    made = office.customer_ticket()
    line = office.mail("carla@cust.example", "support@example.test", f"delete T-{made.number}", "I solved it myself")

    assert line.end == ("accept", "not-permitted")
    assert "no right of the guest visitor to delete" in line.answer()
    assert office.stream(made.number)[-1].text == "I solved it myself"
    assert office.ticket(made.number).deleted_at is None


@pytest.mark.parametrize("subject", ["delete T-99", "delete INV-0001", "delete T-{other}", "delete T-{n} T-{other}"])
def test_given_a_record_address_when_the_subject_names_another_record_then_no_command(office, subject):
    n, other = ticket(office, "One"), ticket(office, "Two")
    for to in (office.address(n), office.address(n).partition(".")[2]):
        line = office.mail(ADA, to, subject.format(n=n, other=other), "x", login="ada")

        assert line.end == ("accept", "text-only"), to
    assert office.count() == 2


def test_given_a_command_that_needs_a_record_when_a_table_is_addressed_then_rejected_or_held_by_proof(office):
    proven = office.mail(BEN, "support@example.test", "delete", "x")
    unproven = office.mail(BEN, "support@example.test", "delete", "y", proof=None)

    assert proven.end == ("reject", "no-record")
    assert "needs a record" in proven.answer()
    assert unproven.end == ("hold", "no-record")
    assert unproven.outbox == []
    assert office.count() == 0


# ---------------------------------------------------------------- to whom it is addressed


@pytest.mark.parametrize(
    ("header_to", "cc", "counts"),
    [
        ("someone@else.example", "", False),
        ("someone@else.example", "support@example.test", True),
        ("help-desk@desk.example.test", "", True),
        ("qw_ticket@desk.example.test", "", True),
        ("sales@example.test", "", True),  # another account of the same table
        ("invoice@desk.example.test", "", False),
        ("undisclosed-recipients:;", "", False),
    ],
)
def test_given_a_command_when_no_address_of_the_table_stands_in_to_or_cc_then_it_is_text(office, header_to, cc, counts):
    n = ticket(office)
    line = office.mail(BEN, "support@example.test", f"update T-{n}", "priority: 5", header_to=header_to, cc=cc)

    assert (office.values(n)["priority"] == 5) is counts
    if not counts:
        assert line.end == ("accept", "text-only")
        assert "To or Cc" in line.answer()


def test_given_a_blind_copy_of_a_create_when_proven_then_the_record_is_text_only_and_told(office):
    line = office.mail(BEN, "support@example.test", "create", "Buy milk\npriority: 5", header_to="x@else.example")

    assert line.end == ("accept", "text-only")
    assert office.values(line.number)["priority"] == 2
    assert "To or Cc" in line.answer()


def test_given_a_blind_copy_when_signed_in_then_the_command_counts(office):
    n = ticket(office)
    office.mail(BEN, "support@example.test", f"update T-{n}", "priority: 5", header_to="x@else.example", login="ben")

    assert office.values(n)["priority"] == 5


# ---------------------------------------------------------------- only the author's own new text


OLD_LINES = {
    "quoted": "Yes please.\n\n> priority: 5\n> refund: 900\n",
    "below an attribution": "Yes please.\n\nOn Fri, 20 Nov 2026 at 09:00, Mal <mal@evil.example> wrote:\n\npriority: 5\n",
    "below an Outlook block": "Yes please.\n\nFrom: Mal <mal@evil.example>\nSent: Friday, November 20, 2026 9:00 AM\nTo: support@example.test\nSubject: update\n\npriority: 5\n",
    "in a signature": "Yes please.\n\n-- \nBen\npriority: 5\n",
    "in a forwarded mail": "Yes please.\n\n---------- Forwarded message ---------\nFrom: Mal <mal@evil.example>\nDate: Fri, 20 Nov 2026\nSubject: x\nTo: ben@example.test\n\npriority: 5\n",
}


@pytest.mark.parametrize("where", OLD_LINES)
def test_given_field_lines_in_old_text_when_an_update_is_sent_then_they_change_nothing(office, where):
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", OLD_LINES[where])

    assert office.values(n)["priority"] == 2
    assert office.values(n)["refund"] is None


def test_given_field_lines_in_an_attachment_when_an_update_is_sent_then_they_change_nothing(office):
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", "see file", files=[("v.txt", "text/plain", b"priority: 5\n")])

    assert office.values(n)["priority"] == 2


HIDDEN = {
    "display none": '<p>status: Open</p><p style="display:none">priority: 5</p>',
    "font of no size": '<p>status: Open</p><span style="font-size:0">priority: 5<br></span>',
    "a comment": "<p>status: Open</p><!-- priority: 5 -->",
    "a title": "<html><head><title>priority: 5</title></head><body><p>status: Open</p></body></html>",
    "a quote": "<p>status: Open</p><blockquote><p>priority: 5</p></blockquote>",
    "the hidden attribute": "<p>status: Open</p><p hidden>priority: 5</p>",
}


@pytest.mark.parametrize("form", HIDDEN)
def test_given_hidden_html_when_it_is_the_only_text_then_only_what_is_seen_counts(office, form):
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", html=HIDDEN[form])

    values = office.values(n)
    assert (values["status"], values["priority"]) == ("Open", 2)


@pytest.mark.parametrize(
    ("plain", "html"),
    [
        ("status: Open", "<p>status: Open</p><p>priority: 5</p>"),
        ("status: Open\npriority: 5", "<p>status: Open</p>"),
        ("priority: 4", "<p>priority: 5</p>"),
        ("priority: 5", "<p>Hello</p>"),
        ("Hello", "<p>priority: 5</p>"),
    ],
)
def test_given_a_line_that_only_one_alternative_shows_when_an_update_is_sent_then_no_command_and_told(
    office, plain, html
):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "update", plain, html=html)

    assert line.end == ("accept", "conflicting-values")
    assert (office.values(n)["priority"], office.values(n)["status"]) == (2, "New")
    assert "only one of the text and HTML forms" in line.answer()


def test_given_both_alternatives_alike_when_an_update_is_sent_then_it_counts(office):
    n = ticket(office)
    line = office.mail(
        BEN, office.address(n), "update", "Hello\n\npriority: 5\nname: Größe  und mehr",
        html="<div>Hello</div><div><br></div><div>priority: <b>5</b></div><div>name: Gr&ouml;&szlig;e &nbsp;und mehr</div>",
    )  # fmt: skip

    assert line.end == ("accept", "done"), line["trace"]
    assert office.values(n)["priority"] == 5


def test_given_one_field_twice_with_two_values_when_sent_then_no_command_and_told(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "update", "priority: 4\nqw_priority: 5")
    same = office.mail(BEN, office.address(n), "update", "priority: 4\npriority: 4")
    create = office.mail(BEN, "support@example.test", "create", "X\npriority: 4\npriority: 5")

    assert line.end == ("accept", "conflicting-values")
    assert "priority is set twice" in line.answer()
    assert same.end == ("accept", "done")
    assert create.end == ("reject", "conflicting-values")


# ---------------------------------------------------------------- mail without a command


def test_given_labelled_lines_without_a_command_when_no_marks_stand_then_they_are_text(office):
    """Law 14: in a mail without a command word, labelled values count in a quoted form or between marks only."""
    n = ticket(office)
    line = office.mail(BEN, "support@example.test", f"About T-{n}", "priority: 5\nstatus: Done\nThanks")
    made = office.mail(BEN, "support@example.test", "A new one", "priority: 5\nThanks")

    assert (line.end, line.kinds) == (("accept", "done"), ["comment"])
    assert office.values(n)["priority"] == 2
    assert office.values(made.number)["priority"] == 2
    assert office.values(made.number)["log"][0]["text"] == "priority: 5\nThanks"


BLOCK = "Dear desk\n--- values ---\nUrgency level: 4\nqw_status : Open\nTemperature: 80 C\nserial: S-1\n--- end ---\npriority: 1\n"


def test_given_the_accounts_marks_when_a_machine_writes_then_only_lines_between_them_count(office):
    line = office.mail(
        "pump7@machines.example", "robot@example.test", "Alarm", BLOCK, headers=["Auto-Submitted: auto-generated"]
    )

    assert line.end == ("accept", "done"), line["trace"]
    values = office.values(line.number)
    assert (values["name"], values["priority"], values["status"], values["serial"]) == ("Alarm", 4, "Open", "S-1")
    assert line.to("pump7@machines.example") == []
    assert any("Temperature" in why for why in line.why("value"))


def test_given_the_marks_when_a_number_stands_in_the_subject_then_that_record_changes(office):
    made = office.mail("pump7@machines.example", "robot@example.test", "Alarm", BLOCK).number
    line = office.mail(
        "pump7@machines.example", "robot@example.test", f"T-{made} again",
        "--- values ---\npriority: 5\n--- end ---\n", headers=["Precedence: bulk"],
    )  # fmt: skip

    assert line.kinds[0] == "update"
    assert office.values(made)["priority"] == 5


def test_given_the_marks_without_field_updates_when_a_machine_writes_then_it_is_text(office):
    line = office.mail("pump7@machines.example", "mute-robot@example.test", "Alarm", BLOCK)

    assert office.values(line.number)["status"] == "New"


@pytest.mark.parametrize(
    "body",
    [
        "All well?\n\n> --- values ---\n> priority: 5\n> --- end ---\n",
        "All well?\n\n-- \n--- values ---\npriority: 5\n--- end ---",
    ],
)
def test_given_the_marks_in_a_quote_or_signature_when_answered_then_nothing_changes(office, body):
    made = office.mail("pump7@machines.example", "robot@example.test", "Alarm", BLOCK).number
    office.mail("pump7@machines.example", "robot@example.test", f"T-{made}", body)

    assert office.values(made)["priority"] == 4


def test_given_the_marks_with_a_contradiction_when_sent_then_nothing_is_made(office):
    line = office.mail(
        "pump7@machines.example", "robot@example.test", "Alarm", "--- values ---\npriority: 4\npriority: 5\n--- end ---"
    )
    robot = office.mail(
        "pump7@machines.example", "robot@example.test", "Alarm", "--- values ---\npriority: 9\n--- end ---",
        headers=["Auto-Submitted: auto-generated"],
    )  # fmt: skip

    assert line.end == ("reject", "conflicting-values")
    assert robot.end == ("hold", "bad-value"), "nobody can be told, so a person decides"
    assert "line 2" in " ".join(robot.why("value")), "counted in what the author wrote"
    assert office.count() == 0


def test_given_an_unproven_author_when_his_marks_name_a_record_then_nothing_changes(office):
    made = office.mail("pump7@machines.example", "robot@example.test", "Alarm", BLOCK).number
    line = office.mail(
        "pump7@machines.example",
        "robot@example.test",
        f"T-{made}",
        "--- values ---\npriority: 1\n--- end ---",
        proof=None,
    )

    assert line["disposition"] == "hold"
    assert office.values(made)["priority"] == 4


# ---------------------------------------------------------------- the form of a line


@pytest.mark.parametrize(
    "line",
    [
        "priority:5",
        "priority : 5",
        "PRIORITY:\t5",
        "qw_priority: 5",
        "QW_Priority  :5",
        "Urgency level: 5",
        "urgency  LEVEL : 5",
        "  priority: 5",
    ],
)
def test_given_a_field_line_in_any_dress_when_sent_then_it_sets_the_field(office, line):
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", line)

    assert office.values(n)["priority"] == 5


@pytest.mark.parametrize(
    "text",
    [
        "http://example.test/x",
        "https://priority.example: see there",
        "mailto:ben@example.test",
        "At 10:30 we met",
        "Well: that is it, in words",
    ],
)
def test_given_a_line_that_only_looks_like_a_field_when_created_then_it_is_text(office, text):
    line = office.mail(BEN, "support@example.test", "create", f"Look\n\n{text}")

    assert line.end == ("accept", "done"), line["trace"]
    assert text in office.values(line.number)["log"][0]["text"]


def test_given_a_body_of_one_line_when_created_then_it_is_the_name(office):
    line = office.mail(BEN, "ticket@desk.example.test", "CREATE", "Buy milk")

    assert office.values(line.number)["name"] == "Buy milk"
    assert line["effects"][0]["fields"]["name"] == {"before": None, "after": "Buy milk"}


def test_given_a_value_over_several_lines_when_the_next_begin_with_space_then_they_belong_to_it(office):
    office.change({"roles.agent.grants.ticket.fields": {}})
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", "secret: one\n  two\n  three\npriority: 5\nand a word")

    assert office.values(n)["secret"] == "one\ntwo\nthree"
    assert office.values(n)["priority"] == 5
    assert office.stream(n)[-1].text == "and a word"


# ---------------------------------------------------------------- values that cannot be taken


BAD = [
    ("priority: six", "line 1: priority: 'six' is not taken; expected is a whole number from 1 to 5"),
    ("priority: 9", "expected is a whole number from 1 to 5"),
    ("due: tomorrowish", "'tomorrowish' is not taken; expected is a date, YYYY-MM-DD"),
    ("due: 05/06/2026", "expected is a date, YYYY-MM-DD"),
    ("status: Opne", "Did you mean Open?"),
    ("refund: 1.234", "expected is a number such as 1234.50"),
    ("owner: Nobody Known", "expected is a person's name, key or address"),
    ("customer: Nobody", "expected is the number, title or uuid of a record of customer"),
    ("paid: perhaps", "expected is yes or no"),
    ("website: not a url", "website"),
    ("name:", "it may not be empty"),
    ("prioritty: 5", "there is no field 'prioritty'. Did you mean priority?"),
    ("papers: a.pdf", "expected is files sent with the mail"),
    ("visit: 2026-13-01 10:00", "visit"),
]


@pytest.mark.parametrize(("wrong", "told"), BAD)
def test_given_one_wrong_line_when_updating_then_no_field_changes_the_text_is_kept_and_the_answer_says_what_is_expected(
    office, wrong, told
):
    n = ticket(office)
    before = office.values(n)
    line = office.mail(
        ADA, office.address(n), "update", f"{wrong}\nstatus2x\nHello", files=[("a.txt", "text/plain", b"abc")]
    )

    assert line.end == ("accept", "no-such-field" if "prioritty" in wrong else "bad-value")
    assert told in " ".join(line.answer().split())
    after = office.values(n)
    assert {k: v for k, v in after.items() if k not in ("log", "papers")} == {
        k: v for k, v in before.items() if k not in ("log", "papers")
    }
    assert [f["name"] for f in after["papers"]] == ["a.txt"]
    assert "Hello" in office.stream(n)[-1].text


@pytest.mark.parametrize(("wrong", "told"), BAD)
def test_given_one_wrong_line_when_creating_then_no_record_is_made(office, wrong, told):
    proven = office.mail(ADA, "support@example.test", "create", f"A pump\n{wrong}" if "name" not in wrong else wrong)
    unproven = office.mail("gus@cust.example", "generous@example.test", "create", f"A pump\n{wrong}", proof=None)

    reason = "no-such-field" if "prioritty" in wrong else "bad-value"
    assert proven.end == ("reject", reason)
    assert told.removeprefix("line 1: ") in " ".join(proven.answer().split())
    assert unproven.end == ("hold", reason)
    assert unproven.outbox == []
    assert office.count() == 0


def test_given_a_label_of_the_authors_own_below_his_text_when_updating_then_it_is_text(office):
    n = ticket(office)
    line = office.mail(
        ADA, office.address(n), "update", "priority: 5\nHello all\nRemark: see below\n\nprioritty: is no field"
    )

    assert line.end == ("accept", "done"), line["trace"]
    assert office.stream(n)[-1].text == "Hello all\nRemark: see below\n\nprioritty: is no field"


def test_given_several_wrong_lines_when_updating_then_each_is_told_with_its_line(office):
    n = ticket(office)
    text = office.mail(ADA, office.address(n), "update", "priority: 0\n\ndue: never\nstattus: x\nname: Fine").answer()

    assert "line 1: priority" in text
    assert "line 3: due" in text
    assert "line 4: there is no field 'stattus'. Did you mean status?" in text
    assert office.values(n)["name"] == "A pump"


def test_given_two_hundred_and_one_lines_when_sent_then_too_many_and_two_hundred_are_taken(office):
    lines = "\n".join(["priority: 4"] * 201)
    n = ticket(office)
    over = office.mail(BEN, office.address(n), "update", lines)
    just = office.mail(BEN, office.address(n), "update", "\n".join(["priority: 4"] * 200))
    create = office.mail(BEN, "support@example.test", "create", f"X\n{lines}")

    assert over.end == ("accept", "too-many-lines")
    assert just.end == ("accept", "done")
    assert create.end == ("reject", "too-many-lines")


def test_given_a_unique_value_when_another_record_has_it_then_refused_by_line_or_by_title(office):
    n = ticket(office, "A\nserial: S-1")
    other = ticket(office, "B")
    update = office.mail(ADA, office.address(other), "update", "serial: s-1")
    create = office.mail(ADA, "support@example.test", "create", "C\nserial: S-1")
    firm = office.mail(ADA, "firm@desk.example.test", "create", "Cranes Ltd")
    again = office.mail(ADA, "firm@desk.example.test", "create", "cranes  LTD")
    own = office.mail(ADA, office.address(n), "update", "serial: S-1\npriority: 4")

    assert update.end == ("accept", "bad-value")
    assert "a value no other record has" in update.answer()
    assert create.end == ("reject", "bad-value")
    assert firm.end == ("accept", "done")
    assert again.end == ("reject", "bad-value"), again["trace"]
    assert "a value no other record has" in again.answer()
    assert own.end == ("accept", "done")


def test_given_unique_titles_in_one_batch_when_two_are_alike_then_one_is_made(office):
    raws = [
        (office.bytes_of(ADA, "firm@desk.example.test", "create", text), "firm@desk.example.test")
        for text in ("One", "ONE", "Two")
    ]
    lines = office.batch(raws)

    assert [line["disposition"] for line in lines] == ["accept", "reject", "accept"]


def test_given_a_link_by_name_when_one_two_or_none_are_called_so_then_one_is_taken(office):
    for name in ("Ann", "Bob", "Bob"):
        office.mail(ADA, "customer@desk.example.test", "create", name)
    n = ticket(office)
    one = office.mail(ADA, office.address(n), "update", "customer: ann")
    two = office.mail(ADA, office.address(n), "update", "customer: Bob")

    assert one.end == ("accept", "done")
    assert one["effects"][0]["fields"]["customer"]["after"]["title"] == "Ann"
    assert two.end == ("accept", "bad-value")
    assert "Several" in two.answer()


@pytest.mark.parametrize("who", ["cleo", "Cleo Agent", "cleo agent", "CLEO@example.test"])
def test_given_a_person_by_key_name_or_address_when_set_then_it_is_she(office, who):
    n = ticket(office)
    office.mail(ADA, office.address(n), "update", f"owner: {who}")

    assert office.values(n)["owner"] == "cleo"
    assert office.ticket(n).assignee == "cleo"


@pytest.mark.parametrize("who", ["lost", "visitor", "Guest of the desk"])
def test_given_somebody_who_is_gone_or_a_guest_when_set_as_owner_then_he_is_nobody(office, who):
    n = ticket(office)

    assert office.mail(ADA, office.address(n), "update", f"owner: {who}").end == ("accept", "bad-value")


def test_given_a_time_when_ben_in_new_york_and_ada_in_lisbon_write_it_then_each_means_his_own_clock(office):
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", "visit: 2026-07-01 10:00")
    assert office.values(n)["visit"] == "2026-07-01T14:00:00Z"
    office.mail(ADA, office.address(n), "update", "visit: 2026-07-01 10:00")
    assert office.values(n)["visit"] == "2026-07-01T09:00:00Z"


def test_given_a_decimal_in_any_notation_when_proven_enough_then_its_places_stand(office):
    n = ticket(office)
    office.mail(ADA, office.address(n), "update", "refund: 1.234,5", login="ada")

    assert office.values(n)["refund"] == "1234.50"


def test_given_a_subject_longer_than_the_title_may_be_when_created_then_it_is_shortened_and_told(office):
    line = office.customer_ticket(subject="Pump " * 30)

    assert len(office.values(line.number)["name"]) <= 60
    assert office.values(line.number)["name"].endswith("…")
    assert "shortened to 60 characters" in line.answer()


def test_given_a_required_field_when_the_new_record_lacks_it_then_it_is_named(office):
    line = office.mail(ADA, "customer@desk.example.test", "create", "name:\nemail: x@y.example")

    assert line.end == ("reject", "bad-value")


def test_given_an_empty_value_when_the_field_may_be_empty_then_it_is_cleared(office):
    n = ticket(office, "A pump\ndue: 2026-12-01")
    office.mail(BEN, office.address(n), "update", "due:")

    assert office.values(n)["due"] is None


# ---------------------------------------------------------------- fields and rights


def test_given_a_field_one_may_only_read_when_set_then_nothing_changes_and_it_is_named(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "update", "secret: mine\npriority: 5")
    create = office.mail(BEN, "support@example.test", "create", "B\nsecret: mine")

    assert line.end == ("accept", "not-permitted")
    assert "ben may not write secret of ticket" in line.answer()
    assert office.values(n)["priority"] == 2
    assert create.end == ("hold", "not-permitted")


def test_given_a_field_one_may_not_see_when_its_value_is_guessed_then_right_and_wrong_guesses_look_alike(office):
    """Setting a hidden field to the value it has must not be told apart from any other refusal."""
    invoice = office.mail("nora@example.test", "invoice@desk.example.test", "create", "Rent\namount: 500.00")
    office.change(
        {"roles.agent.grants.invoice": {"read": "all", "comment": "all", "update": "all", "fields": {"amount": "none"}}}
    )
    number = invoice["effects"][0]["record"]
    right, wrong, silly = (
        office.mail(BEN, "invoice@desk.example.test", f"update {number}", f"amount: {guess}")
        for guess in ("500.00", "501.00", "x")
    )

    assert right.end == wrong.end == silly.end == ("accept", "not-permitted")


def test_given_what_read_answered_when_it_is_sent_back_with_one_change_then_the_rest_needs_no_right(office):
    n = ticket(office, "A pump\nsecret: of Ada")
    line = office.mail(BEN, office.address(n), "update", "secret: of Ada\npriority: 5")
    all_same = office.mail("rita@example.test", office.address(n), "update", "priority: 5")

    assert line.end == ("accept", "done")
    assert list(line["effects"][0]["fields"]) == ["priority"]
    assert all_same.end == ("hold", "not-permitted"), "she may not comment either"


def test_given_a_hidden_field_when_read_is_asked_then_it_is_absent(office):
    invoice = office.mail("nora@example.test", "invoice@desk.example.test", "create", "Rent\namount: 500.00")
    text = office.mail(BEN, "invoice@desk.example.test", f"read {invoice['effects'][0]['record']}").answer()

    assert "name: Rent" in text
    assert "amount" not in text
    assert "500" not in text


def test_given_sensitive_values_when_proven_only_by_dmarc_then_confirmation_and_when_signed_in_then_done(office):
    n = ticket(office)
    asked = office.mail(BEN, office.address(n), "update", "refund: 10\npriority: 5")
    assert asked.end == ("hold", "confirm")
    assert office.values(n)["priority"] == 2
    shown = asked.to(BEN, "confirmation")[0].content["text"]
    assert "refund: nothing → 10.00" in shown
    assert "Urgency level: 2 → 5" in shown
    assert office.mail(BEN, office.address(n), "update", "refund: 10\npriority: 5", login="ben").end == (
        "accept",
        "done",
    )
    assert office.values(n)["refund"] == "10.00"


def test_given_an_append_only_field_when_lines_and_text_are_sent_then_they_are_added_with_stamps_and_nothing_is_lost(
    office,
):
    n = ticket(office, "A pump\n\nfirst")
    by_line = office.mail(BEN, office.address(n), "update", "log: second\n\nand third")
    office.mail(BEN, office.address(n), "update", "log:")

    log = office.values(n)["log"]
    assert [entry["text"] for entry in log] == ["first", "second", "and third"]
    assert [entry["actor"] for entry in log] == ["ada", "ben", "ben"]
    assert all(entry["at"].endswith("Z") for entry in log)
    assert by_line.end == ("accept", "done")


def test_given_a_new_record_when_its_log_is_set_by_a_line_then_it_is_one_stamped_entry(office):
    n = ticket(office, "A pump\nlog: by line")

    assert [(e["actor"], e["text"]) for e in office.values(n)["log"]] == [("ada", "by line")]


def test_given_values_that_stand_already_when_updating_then_nothing_changes_but_the_text_is_kept(office):
    n = ticket(office)
    version = office.ticket(n).version
    line = office.mail(BEN, office.address(n), "update", "priority: 2")

    assert line["disposition"] == "accept"
    assert office.ticket(n).version == version


@pytest.mark.parametrize("subject", ["update T-{n}", "Re: T-{n}"])
def test_given_a_record_only_account_when_an_answer_or_update_comes_then_fields_are_byte_equal(office, subject):
    made = office.customer_ticket("carla@cust.example", "record@example.test")
    office.mail(ADA, office.address(made.number), "update", "status: Done")
    before = office.values(made.number)
    for author in ("carla@cust.example", BEN):
        line = office.mail(
            author,
            "record@example.test",
            subject.format(n=made.number),
            "priority: 5\nHello",
            files=[("a.txt", "text/plain", b"x")],
        )
        assert line["disposition"] == "accept"
        assert line["effects"][0]["fields"] == {}
    assert office.values(made.number) == before
    assert "Hello" in office.stream(made.number)[-1].text
    assert [f["name"] for f in line["attachments"] if f["stored"]] == ["a.txt"]


@pytest.mark.parametrize(
    ("html", "made"),
    [
        ("<p>Buy <b>milk</b> (<a href='https://shop.example/x'>here</a>)</p><p>priority: 5</p>", True),
        ("<ul><li>Buy milk here</li></ul><p>priority: 5</p>", True),
        ("<p>Buy poison</p><p>priority: 5</p>", False),
        ("<p>priority: 5</p>", False),
    ],
)
def test_given_a_title_that_only_one_alternative_shows_when_creating_then_no_record_is_made(office, html, made):
    body = "* Buy milk <https://shop.example/x> here\npriority: 5"
    line = office.mail(BEN, "support@example.test", "create", body, html=html)

    assert (line["disposition"] == "accept") is made, line["trace"]
    assert office.count() == int(made)
    assert made or "only one of the text and HTML forms" in line.answer()


def test_given_a_misspelt_person_or_title_when_updating_then_the_nearest_that_he_may_know_is_named(office):
    office.mail(ADA, "firm@desk.example.test", "create", "name: Dock & Sons")
    office.mail(ADA, "firm@desk.example.test", "create", "name: Docklands")
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "update", "firm: Dok & Sons\nowner: Cleo Agnt")
    assert "firm: 'Dok & Sons' is not taken" in line.answer()
    assert "Did you mean Dock & Sons?" in line.answer()
    assert "Did you mean Cleo Agent?" in line.answer()

    office.change({"roles.agent.grants.firm": None})  # he may not read firms: their names are not told
    told = office.mail(BEN, office.address(n), "update", "firm: Dok & Sons").answer()
    assert "Dock & Sons" not in told.replace("'Dok & Sons'", "")
