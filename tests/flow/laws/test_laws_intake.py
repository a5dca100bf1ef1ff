"""What comes in twice, late, by machine or to the wrong place (laws 2, 3, 4, 6, 8, 14; FEATURES U-09 to U-12, U-20, U-23, U-45)."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from addressee.core.message import Envelope
from addressee.mail import spool
from addressee.mail.models import Communication, Message

BEN, ADA, CARLA, GUS = "ben@example.test", "ada@example.test", "carla@cust.example", "gus@cust.example"


def ticket(office, body="A pump", **more):
    return office.mail(ADA, "support@example.test", "create", body, **more).number


# ---------------------------------------------------------------- the same message (law 3)


def test_given_one_message_three_times_when_it_creates_then_one_effect_and_one_answer(office):
    raw = office.bytes_of(CARLA, "support@example.test", "Pump leaks", "It drips.")
    lines = [office.send(raw, "support@example.test") for _ in range(3)]

    assert [line.end for line in lines] == [("accept", "done"), ("discard", "duplicate"), ("discard", "duplicate")]
    assert [line["duplicate_of"] for line in lines] == [None, lines[0].id, lines[0].id]
    assert (office.count(), len(office.all_mail(CARLA)), len(office.stream(1))) == (1, 1, 1)


def test_given_one_message_three_times_in_one_batch_when_worked_off_then_one_effect(office):
    raw = office.bytes_of(CARLA, "support@example.test", "Pump leaks", "It drips.")
    lines = office.batch([(raw, "support@example.test")] * 3)

    assert [line["disposition"] for line in lines] == ["accept", "discard", "discard"]
    assert office.count() == 1


@pytest.mark.parametrize(
    "others",
    [("sales@example.test",), ("ticket@desk.example.test", "HELP-DESK@desk.example.test"), ("support+x@example.test",)],
)
def test_given_one_message_to_several_addresses_of_one_table_when_it_comes_then_one_record(office, others):
    raw = office.bytes_of(CARLA, "support@example.test", "Pump leaks", header_to="support@example.test")
    lines = office.send_all(raw, "support@example.test", *others)

    assert [line["disposition"] for line in lines] == ["accept", *["discard"] * len(others)]
    assert office.count() == 1


def test_given_one_message_to_a_table_and_a_record_when_it_comes_then_each_has_its_effect_and_one_is_answered(office):
    n = ticket(office)
    raw = office.bytes_of(BEN, "support@example.test", "See both", "Hello", cc=office.address(n))
    table, record = office.send_all(raw, "support@example.test", office.address(n))

    assert (table.kinds, record.kinds) == (["create"], ["comment"])
    assert [len(line.to(BEN, "receipt")) for line in (table, record)] == [1, 0], "one answer a message (law 10)"


def test_given_one_command_to_two_records_when_one_refuses_it_then_that_is_told_all_the_same(office):
    mine = office.mail("hal@example.test", "support@example.test", "create", "Mine").number
    other = ticket(office, "Not mine\nowner: hal")
    raw = office.bytes_of("hal@example.test", office.address(mine), "update", "priority: 5", cc=office.address(other))
    office.change({"roles.helper.grants.ticket": {"create": True, "read": "all", "comment": "all", "update": "none"}})
    lines = office.send_all(raw, office.address(mine), office.address(other))

    assert [line.end for line in lines] == [("accept", "not-permitted")] * 2
    assert [len(line.to("hal@example.test", "receipt")) for line in lines] == [1, 1]


def test_given_the_same_message_id_with_another_body_when_it_comes_then_it_is_another_message_and_the_trace_says_so(
    office,
):
    first = office.customer_ticket(message_id="<same@cust.example>")
    second = office.mail(
        CARLA, "support@example.test", "Pump leaks", "Quite another text", message_id="<same@cust.example>"
    )

    assert second["disposition"] == "accept"
    assert second.number != first.number
    assert "another body" in second.why("message id")[0]
    assert first.why("message id") == []


def test_given_no_message_id_when_hops_add_their_headers_then_it_is_the_same_and_another_date_is_another(office):
    when = office.now
    one = office.bytes_of(CARLA, "support@example.test", "Pump", "x", message_id="", date=when)
    two = office.bytes_of(
        CARLA,
        "support@example.test",
        "Pump",
        "x",
        message_id="",
        date=when,
        top=["X-Spam-Score: 0", "Delivered-To: y@example.test"],
    )
    three = office.bytes_of(CARLA, "support@example.test", "Pump", "x", message_id="", date=when + timedelta(minutes=1))
    lines = [office.send(raw, "support@example.test") for raw in (one, two, three)]

    assert [line["disposition"] for line in lines] == ["accept", "discard", "accept"]


def test_given_a_command_twice_when_worked_off_then_it_runs_once(office):
    n = ticket(office)
    raw = office.bytes_of(BEN, office.address(n), "update", "log: once")
    lines = [office.send(raw, office.address(n)) for _ in range(2)]

    assert [line["disposition"] for line in lines] == ["accept", "discard"]
    assert [entry["text"] for entry in office.values(n)["log"] or []] == ["once"]


def test_given_a_held_message_when_it_comes_again_then_one_waits(office):
    raw = office.bytes_of(BEN, "members@example.test", "create", "x", proof=None)
    lines = [office.send(raw, "members@example.test") for _ in range(2)]

    assert [line.end for line in lines] == [("hold", "not-proven"), ("discard", "duplicate")]
    assert len(list(spool.held())) == 1


# ---------------------------------------------------------------- numbers and the search order


def test_given_each_step_of_the_search_order_when_an_earlier_one_names_another_then_it_wins_and_is_logged(office):
    first, second = ticket(office, "One"), ticket(office, "Two")
    line = office.mail(BEN, office.address(first), f"About T-{second}", "Hello")

    assert line.record == f"T-{first}"
    assert any("names another record" in why for why in line.why("identify record"))


@pytest.mark.parametrize(
    "number", ["T-{n}", "t-{n}", "HELP{n}", "help{n}", "[#{n}]", "Re: [#{n}] pump", "(T-{n})", "T-{n}: pump"]
)
def test_given_a_number_in_an_old_or_new_mask_when_it_stands_in_the_subject_then_the_record_is_found(office, number):
    n = ticket(office)

    assert office.mail(BEN, "support@example.test", number.format(n=n), "hi").record == f"T-{n}"


@pytest.mark.parametrize(
    "number", ["[#99999]", "T-99999", "XT-{n}", "T-{n}5", "T-{n}x", "T-99999999999999999999", "INV-0001"]
)
def test_given_a_number_that_is_none_of_ours_when_it_stands_in_the_subject_then_a_new_record(office, number):
    n = ticket(office)
    line = office.customer_ticket(subject=f"Pump {number.format(n=n)}")

    assert line.number != n
    assert line.kinds[-1] == "create"


def test_given_a_foreign_number_when_a_customer_writes_it_then_it_ends_in_the_held_list_and_nowhere_else(office):
    n = ticket(office)
    line = office.mail(CARLA, "support@example.test", f"T-{n}", "Is it mine?")

    assert line.end == ("hold", "not-permitted")
    assert [row.pk for row in spool.held()] == [line.id]
    assert (office.count(), len(office.stream(n))) == (1, 1)


def test_given_a_closed_ticket_when_its_customer_writes_then_it_opens_again_and_when_staff_do_it_stays(office):
    made = office.customer_ticket()
    office.mail(ADA, office.address(made.number), "update", "status: Done")
    office.mail(BEN, "support@example.test", f"T-{made.number}", "for the file")
    assert office.values(made.number)["status"] == "Done"
    line = office.mail(CARLA, "support@example.test", f"T-{made.number}", "It drips again")

    assert office.values(made.number)["status"] == "Open"
    assert line["effects"][0]["fields"]["status"] == {"before": "Done", "after": "Open"}


def test_given_a_deleted_ticket_when_written_to_then_rejected_or_held_and_nothing_written(office):
    made = office.customer_ticket()
    office.mail(ADA, office.address(made.number), "delete", "", login="ada")
    proven = office.mail(CARLA, "support@example.test", f"T-{made.number}", "Hello?")
    unproven = office.mail(CARLA, "support@example.test", f"T-{made.number}", "Hello??", proof=None)

    assert proven.end == ("reject", "deleted-record")
    assert "was deleted" in proven.answer()
    assert unproven.end == ("hold", "deleted-record")


def test_given_a_thread_when_its_author_answers_his_own_mail_then_one_record_and_apart_by_setting(office):
    first = office.customer_ticket(message_id="<t1@cust.example>")
    second = office.mail(CARLA, "support@example.test", "And more", "x", headers=["References: <t1@cust.example>"])
    third = office.mail(CARLA, "apart@example.test", "Other", "x", headers=["In-Reply-To: <t1@cust.example>"])

    assert second.number == first.number
    assert third.number != first.number


def test_given_a_stranger_who_refers_to_anothers_message_when_he_writes_then_he_gets_nowhere(office):
    first = office.customer_ticket(message_id="<t1@cust.example>")
    line = office.mail(
        "mal@evil.example", "support@example.test", "Me too", "x", headers=["In-Reply-To: <t1@cust.example>"]
    )

    assert line.end == ("hold", "not-permitted")
    assert len(office.stream(first.number)) == 1


# ---------------------------------------------------------------- machines (law 14)

VACATION = ["Auto-Submitted: auto-replied"]


@pytest.mark.parametrize(
    "headers",
    [VACATION, ["X-Autoreply: yes"], ["Precedence: auto_reply"], ["Auto-Submitted: auto-replied (vacation)"]],
)
def test_given_an_out_of_office_note_when_it_answers_a_notice_then_it_is_shown_and_nothing_else(office, headers):
    made = office.customer_ticket()
    item = made.to(CARLA)[0]
    line = office.answer(item, CARLA, "I am away.", headers=headers)
    fresh = office.mail(CARLA, "support@example.test", "Away", "x", headers=headers)

    assert line.end == ("accept", "auto-reply")
    assert (line.kinds, line.seen, line.outbox) == ([], ["internal"], [])
    assert len(office.values(made.number)["log"]) == 1
    assert (fresh.end, fresh.outbox) == (("discard", "auto-reply"), [])
    assert office.count() == 1


def test_given_an_out_of_office_subject_with_a_command_behind_when_it_comes_then_no_command(office):
    made = office.customer_ticket("ben@example.test", subject="create", body="Mine")
    line = office.answer(made.to(BEN)[0], BEN, "priority: 5", subject="update", headers=VACATION)

    assert line.end == ("accept", "auto-reply")
    assert office.values(made.number)["priority"] == 2


def test_given_a_bounce_of_our_notice_when_it_comes_to_the_reply_address_then_it_is_shown(office):
    made = office.customer_ticket()
    item = made.to(CARLA)[0]
    raw = (
        "From: MAILER-DAEMON@relay.example\nTo: {to}\nSubject: Undelivered Mail Returned to Sender\n"
        "Message-ID: <b1@relay.example>\nAuto-Submitted: auto-replied\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nNo such user.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
        f"Final-Recipient: rfc822; {CARLA}\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
    ).format(to=item.envelope_sender)
    line = office.send(raw.encode(), item.envelope_sender, author="")

    assert line.end == ("accept", "bounce")
    assert (line.kinds, line.outbox) == ([], [])
    assert office.stream(made.number)[-1].kind == "bounce"


def test_given_list_mail_when_it_comes_then_it_may_make_a_record_but_not_command_and_is_not_answered(office):
    line = office.mail(
        CARLA, "support@example.test", "create", "Buy milk", headers=["List-Id: <l.cust.example>", "Precedence: list"]
    )

    assert line.end == ("accept", "text-only")
    assert line.to(CARLA) == []
    assert office.values(line.number)["name"] == "create"


def test_given_auto_generated_mail_with_a_command_word_when_it_names_a_record_then_it_is_text(office):
    n = ticket(office)
    line = office.mail(ADA, "support@example.test", f"delete T-{n}", "x", headers=["Auto-Submitted: auto-generated"])

    assert line.end == ("accept", "text-only")
    assert line.to(ADA) == []
    assert office.ticket(n).deleted_at is None


@pytest.mark.parametrize(
    "author",
    ["mailer-daemon@cust.example", "no-reply@cust.example", "support@example.test", "ticket@desk.example.test"],
)
def test_given_an_author_that_is_no_person_when_proven_then_he_is_not_answered(office, author):
    assert office.mail(author, "support@example.test", "x", "y").to(author) == []


def test_given_a_null_envelope_sender_when_a_mail_comes_then_it_is_not_answered(office):
    raw = office.bytes_of(CARLA, "support@example.test", "Hello", "x")
    line = office.send(raw, "support@example.test", author="", envelope=Envelope("lmtp", sender="", trusted=True))

    assert line["disposition"] == "accept"
    assert line.to(CARLA) == []


def test_given_a_program_that_asks_for_no_answer_when_it_writes_then_it_gets_none(office):
    line = office.mail(
        CARLA, "support@example.test", "Hello", "x", headers=["X-Auto-Response-Suppress: OOF, AutoReply"]
    )

    assert line["disposition"] == "accept"
    assert line.to(CARLA) == []


def test_given_our_own_mail_when_it_comes_back_then_it_is_a_loop(office):
    made = office.customer_ticket()
    line = office.send(office.as_sent(made.to(CARLA)[0]), "support@example.test")
    many = office.mail(
        CARLA, "support@example.test", "x", received=[f"Received: by r{i}.example; x" for i in range(41)], proof=None
    )

    assert (line.end, line.outbox) == (("discard", "loop"), [])
    assert (many.end, many.outbox) == (("discard", "loop"), [])


# ---------------------------------------------------------------- old mail (law 8)


def received(at, by="mx.example.test"):
    return f"Received: from relay.example ([192.0.2.7])\n by {by} with ESMTPS id 1; {format_datetime(at)}"


def test_given_mail_that_our_server_took_long_ago_when_it_comes_then_it_is_linked_and_nothing_else(office):
    made = office.customer_ticket()
    old = office.now - timedelta(days=8)
    on_record = office.mail(CARLA, "support@example.test", f"T-{made.number}", "old words", received=[received(old)])
    command = office.mail(ADA, office.address(made.number), "delete", "", received=[received(old)])
    fresh = office.mail(CARLA, "support@example.test", "An old wish", "x", received=[received(old)])
    unknown = office.mail("new@other.example", "support@example.test", "An old wish", "x", received=[received(old)])

    assert (on_record.end, on_record.seen, on_record.kinds, on_record.outbox) == (
        ("accept", "history"),
        ["public"],
        [],
        [],
    )
    assert (command.end, command.kinds, command.outbox) == (("accept", "history"), [], [])
    assert fresh["communications"][0]["table"] == "customer"
    assert (unknown.end, unknown.outbox) == (("discard", "history"), [])
    assert Message.objects.filter(subject="An old wish").count() == 2
    assert office.count() == 1
    assert len(office.values(made.number)["log"]) == 1


@pytest.mark.parametrize(
    ("case", "old"),
    [
        ("an old Date alone", False),
        ("just within", False),
        ("just over", True),
        ("old by another server", False),
        ("old below a new one", False),
        ("a direct peer", False),
        ("taken as history", True),
    ],
)
def test_given_signs_of_age_when_judged_then_only_our_own_servers_word_or_the_operators_counts(office, case, old):
    week = timedelta(days=7)
    age = {
        "just within": week - timedelta(minutes=5),
        "an old Date alone": timedelta(0),
        "taken as history": timedelta(0),
    }.get(case, week + timedelta(minutes=5))
    by = "relay.example" if case == "old by another server" else "mx.example.test"
    lines = [received(office.now - age, by)]
    if case == "old below a new one":
        lines = [received(office.now, "inner.example"), *lines]
    raw = office.bytes_of(CARLA, "support@example.test", "Wish", "x", received=lines, date=office.now - 9 * week)
    envelope = Envelope(
        "smtp" if case == "a direct peer" else "lmtp",
        sender="x@relay.example",
        trusted=case != "a direct peer",
        history=case == "taken as history",
    )
    line = office.send(raw, "support@example.test", envelope=envelope)

    assert (line["reason"] == "history") is old, line["trace"]


def test_given_an_account_that_works_old_mail_when_it_comes_then_it_is_worked(office):
    old = office.now - timedelta(days=30)
    line = office.mail(CARLA, "working@example.test", "Old", "x", received=[received(old)])

    assert line.kinds[-1] == "create"


def test_given_history_with_a_forged_age_when_a_stranger_names_a_ticket_then_correspondents_never_see_it(office):
    made = office.customer_ticket()
    old = office.now - timedelta(days=30)
    line = office.mail("mal@evil.example", "support@example.test", f"T-{made.number}", "psst", received=[received(old)])

    assert line.seen in ([], ["internal"])
    assert line.outbox == []


# ---------------------------------------------------------------- switches, block list, spam, catch-all


def test_given_the_switch_off_when_mail_comes_then_it_is_kept_and_nothing_posted(office):
    office.change({"site.inbound": False})
    line = office.mail(CARLA, "support@example.test", "Hello", "x")
    assert (line.end, line.outbox, office.count()) == (("hold", "inbound-off"), [], 0)

    office.change({"site.inbound": True, "tables.ticket.inbound": False})
    n = office.mail(CARLA, "support@example.test", "Hello again", "x")
    assert (n.end, n.outbox, office.count()) == (("hold", "inbound-off"), [], 0)
    assert office.mail("nora@example.test", "invoice@desk.example.test", "create", "x").end == ("accept", "done")


@pytest.mark.parametrize(
    ("author", "blocked"),
    [
        ("noreply@cust.example", True),
        ("x@spam.example", True),
        ("x@junk.example", True),
        ("x@more.junk.example", False),
        ("noreplyx@cust.example", False),
    ],
)
def test_given_the_block_list_when_addresses_parts_and_domains_write_then_they_are_discarded(office, author, blocked):
    line = office.mail(author, "support@example.test", "x", "y")

    assert (line.end == ("discard", "blocked")) is blocked
    assert (line.outbox == []) is blocked


def test_given_the_spam_mark_when_mail_to_three_tables_comes_then_it_is_held_as_junk_and_never_answered(office):
    lines = [
        office.mail(CARLA, to, "Win", "x", headers=["X-Spam-Flag: YES"])
        for to in ("support@example.test", "invoice@desk.example.test", "firm@desk.example.test")
    ]
    clean = office.mail(CARLA, "support@example.test", "Hello", "x", headers=["X-Spam-Flag: NO"])

    assert {line.end for line in lines} == {("hold", "spam")}
    assert [o for line in lines for o in line.outbox] == []
    assert len(list(spool.held(junk=True))) == 3
    assert list(spool.held()) == []
    assert clean["disposition"] == "accept"


@pytest.mark.parametrize("name", ["postmaster", "Abuse"])
def test_given_mail_to_people_when_a_catch_all_is_set_then_it_goes_on_whole_once_and_else_it_is_held(office, name):
    raw = office.bytes_of(CARLA, f"{name}@desk.example.test", "Please", "Your server stinks.")
    lines = [office.send(raw, f"{name}@desk.example.test") for _ in range(2)]
    office.change({"site.catch_all": ""})
    held = office.mail(CARLA, f"{name}@desk.example.test", "Please", "once more")

    assert [line.end for line in lines] == [("redirect", "for-people"), ("discard", "duplicate")]
    assert [o.to for o in lines[0].outbox] == ["office@example.test"]
    assert b"Your server" in office.as_sent(lines[0].outbox[0])
    assert held.end == ("hold", "for-people")


def test_given_an_address_without_table_or_record_when_mail_is_kept_for_it_then_it_is_held(office):
    for to, reason in (
        ("nothing@desk.example.test", "no-such-address"),
        ("", "no-recipient"),
        (f"ticket.{'0' * 32}@desk.example.test", "no-such-record"),
    ):
        raw = office.bytes_of(CARLA, "x@desk.example.test", f"To {to}", "x")
        assert office.send(raw, *([to] if to else [])).end == ("hold", reason)


def test_given_a_table_that_takes_no_mail_when_mailed_then_it_is_held(office):
    assert office.mail(ADA, "archive@desk.example.test", "create", "x").end == ("hold", "inbound-off")


def test_given_every_kind_of_end_when_the_ledger_is_asked_then_it_adds_up(office):
    test_given_one_message_three_times_when_it_creates_then_one_effect_and_one_answer(office)
    office.mail(CARLA, "postmaster@desk.example.test", "x", "y")
    office.mail(BEN, "members@example.test", "create", "x", proof=None)
    office.mail(BEN, "support@example.test", "delete", "x")
    ledger = spool.ledger()

    assert ledger == {
        "accepted": 6,
        "applied": 1,
        "held": 1,
        "rejected": 1,
        "discarded": 2,
        "redirected": 1,
        "waiting": 0,
        "adds_up": True,
    }


# ---------------------------------------------------------------- addresses (U-01 to U-04)


@pytest.mark.parametrize(
    "to",
    [
        "ticket@desk.example.test",
        "TICKET@Desk.Example.Test",
        "qw_ticket@desk.example.test",
        "help-desk@desk.example.test",
        "ticket+tag@desk.example.test",
        "support+tag@example.test",
    ],
)
def test_given_every_address_of_a_table_when_mailed_then_a_record_is_made(office, to):
    line = office.mail(BEN, to, "create", "x")

    assert line.end == ("accept", "done")
    assert line["account"] == "support"


@pytest.mark.parametrize("form", ["ticket.{u}", "qw_ticket.{u}", "help-desk.{u}", "{u}", "{h}", "TICKET.{U}"])
def test_given_every_address_of_a_record_when_mailed_then_it_is_reached(office, form):
    n = ticket(office)
    uuid = office.ticket(n).uuid
    line = office.mail(BEN, f"{form.format(u=uuid, h=uuid.hex, U=str(uuid).upper())}@desk.example.test", "x", "hi")

    assert line.record == f"T-{n}"


def test_given_a_record_of_a_generous_account_when_its_own_address_is_used_then_the_tables_default_account_decides(
    office,
):
    made = office.customer_ticket(GUS, "generous@example.test")
    stranger = office.mail(CARLA, office.address(made.number), "update", "priority: 5")

    assert (stranger["account"], stranger["actor"]) == ("support", "visitor")
    assert stranger.end == ("hold", "not-permitted")


def test_given_a_record_behind_the_wrong_tables_name_when_mailed_then_it_is_no_record(office):
    n = ticket(office)
    line = office.mail(BEN, f"invoice.{office.ticket(n).uuid}@desk.example.test", "x", "hi")

    assert line.end == ("hold", "no-such-record")


def test_given_a_single_mailbox_when_plus_addresses_are_used_then_tables_records_and_tokens_are_found(office):
    n = ticket(office)
    made = office.customer_ticket(to="sales@example.test")
    item = made.to(CARLA)[0]
    assert item.content["reply_to"].startswith("sales+")
    by_table = office.mail("nora@example.test", "support+invoice@example.test", "create", "x")
    by_record = office.mail(BEN, f"support+{office.ticket(n).uuid}@example.test", "x", "hi")
    by_token = office.answer(item, CARLA, "hi")

    assert by_table["effects"][0]["table"] == "invoice"
    assert by_record.record == f"T-{n}"
    assert (by_token.record, by_token["assurance"], by_token["account"]) == (f"T-{made.number}", "E4", "sales")


def test_given_two_accounts_of_one_table_when_both_are_mailed_then_each_has_its_own_preset(office):
    assert office.values(office.customer_ticket(to="support@example.test").number)["priority"] == 2
    assert office.values(office.customer_ticket(to="sales@example.test", subject="other").number)["priority"] == 1


def test_given_one_mail_when_it_makes_a_ticket_then_all_seven_parts_land(office):
    office.mail(ADA, "firm@desk.example.test", "create", "Cranes Ltd")
    office.mail(ADA, "customer@desk.example.test", "create", f"Carla\nemail: {CARLA}, c@home.example\nfirm: Cranes Ltd")
    line = office.mail(
        "c@home.example",
        "support@example.test",
        "Pump leaks",
        "It drips.",
        files=[("a.pdf", "application/pdf", b"%PDF-1")],
    )
    record, told = office.ticket(line.number), {e["table"]: e["fields"] for e in line["effects"]}["ticket"]

    assert (record.values["name"], record.values["log"][0]["text"]) == ("Pump leaks", "It drips.")
    assert [f["name"] for f in record.values["papers"]] == ["a.pdf"]
    assert told["customer"]["after"]["title"] == "Carla"
    assert told["firm"]["after"]["title"] == "Cranes Ltd"
    assert (record.team, record.account) == ("desk", "support")
    assert record.assignee in ("ben", "cleo")
    assert office.count("customer") == 1
    assert Communication.objects.filter(record=record).count() == 1


def test_given_find_only_when_an_unknown_author_writes_then_no_contact_is_made(office):
    office.customer_ticket(to="sales@example.test")

    assert office.count("customer") == 0


def test_given_the_plan_of_turns_when_four_come_then_they_go_round(office):
    owners = [office.ticket(office.customer_ticket(subject=f"No {i}").number).assignee for i in range(4)]

    assert owners == ["ben", "cleo", "ben", "cleo"]
