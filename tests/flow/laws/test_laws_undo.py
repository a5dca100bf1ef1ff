"""undo and restore by mail: everything that a message caused is taken back, or nothing and the reason named."""

from __future__ import annotations

import pytest

from addressee.mail.models import OutboxItem
from addressee.records.chain import broken
from addressee.records.models import Counter, IndexRow, Revision

ADA, BEN, CARLA, HAL = "ada@example.test", "ben@example.test", "carla@cust.example", "hal@example.test"


def undo(office, item, author, **more):
    """The answer to a mail of ours whose subject is changed to the word."""
    more.setdefault("login", author.partition("@")[0] if author.endswith("@example.test") else None)
    return office.answer(item, author, more.pop("text", ""), subject="undo", **more)


def by(office, author, subject, body="", **more):
    return office.mail(author, "support@example.test", subject, body, login=author.partition("@")[0], **more)


def test_given_an_update_when_its_receipt_is_answered_with_undo_then_every_value_is_as_before(office):
    n = office.customer_ticket().number
    before = dict(office.values(n))
    done = by(office, BEN, f"update T-{n}", "priority: 5\nstatus: Done\ndue: 2026-12-01\nowner: cleo")
    line = undo(office, done.to(BEN, "receipt")[0], BEN)

    assert line.end == ("accept", "done"), line["trace"]
    assert line.kinds == ["update"]
    assert office.values(n) == before
    assert office.ticket(n).assignee == before["owner"]
    assert line["effects"][0]["fields"]["priority"] == {"before": 5, "after": 2}
    assert "was changed" in line.answer(BEN)
    assert broken(list(Revision.objects.filter(record=office.ticket(n)).order_by("version"))) == []


def test_given_no_receipt_at_hand_when_undo_is_sent_to_the_record_then_the_authors_last_change_is_meant(office):
    n = office.customer_ticket().number
    by(office, BEN, f"update T-{n}", "priority: 5")
    by(office, BEN, f"update T-{n}", "status: Done")
    by(office, ADA, f"update T-{n}", "paid: yes")
    line = by(office, BEN, f"undo T-{n}")

    assert line.end == ("accept", "done"), line["trace"]
    assert (office.values(n)["status"], office.values(n)["priority"], office.values(n)["paid"]) == ("New", 5, True)


def test_given_two_changes_when_the_older_ones_receipt_is_answered_then_that_one_is_meant(office):
    n = office.customer_ticket().number
    first = by(office, BEN, f"update T-{n}", "priority: 5")
    by(office, BEN, f"update T-{n}", "status: Done")
    undo(office, first.to(BEN)[0], BEN)

    assert (office.values(n)["priority"], office.values(n)["status"]) == (2, "Done")


def test_given_a_field_changed_since_when_undone_then_nothing_changes_and_the_field_is_named(office):
    n = office.customer_ticket().number
    done = by(office, BEN, f"update T-{n}", "priority: 5\nstatus: Open")
    by(office, ADA, f"update T-{n}", "priority: 4")
    line = undo(office, done.to(BEN)[0], BEN)

    assert line.end == ("accept", "changed-since")
    assert "T-1: Urgency level" in line.answer(BEN)
    assert (office.values(n)["priority"], office.values(n)["status"]) == (4, "Open")


def test_given_a_comment_with_a_file_when_undone_then_the_entry_is_marked_and_the_file_taken_off(office):
    n = office.customer_ticket().number
    done = by(office, BEN, f"T-{n}", "Wrong ticket.", files=[("a.txt", "text/plain", b"abc")])
    by(office, ADA, f"T-{n}", "Another word.")
    line = undo(office, done.to(BEN)[0], BEN)
    log = office.values(n)["log"]

    assert line.end == ("accept", "done"), line["trace"]
    assert [("withdrawn" in entry, entry["text"]) for entry in log] == [
        (False, "It drips."), (True, "Wrong ticket."), (False, "Another word."),
    ]  # fmt: skip
    assert log[1]["withdrawn"]["actor"] == "ben"
    assert not office.values(n)["papers"]


def test_given_an_undo_when_it_is_undone_then_the_thing_is_done_again(office):
    n = office.customer_ticket().number
    done = by(office, BEN, f"update T-{n}", "priority: 5\nlog: a line")
    stood = dict(office.values(n))
    first = undo(office, done.to(BEN)[0], BEN)
    again = undo(office, first.to(BEN, "receipt")[0], BEN)

    assert again.end == ("accept", "done"), again["trace"]
    assert office.values(n) == stood
    assert undo(office, done.to(BEN)[0], BEN).end == ("accept", "done")
    assert office.values(n)["priority"] == 2


def test_given_an_undo_when_it_is_asked_again_then_there_is_nothing_to_do(office):
    n = office.customer_ticket().number
    done = by(office, BEN, f"update T-{n}", "priority: 5")
    undo(office, done.to(BEN)[0], BEN)

    assert undo(office, done.to(BEN)[0], BEN).end == ("accept", "nothing-to-undo")
    assert undo(office, office.customer_ticket().to(CARLA)[0], ADA)["reason"] == "nothing-to-undo"


def test_given_a_created_record_when_undone_then_it_is_deleted_and_its_number_stays_given(office):
    made = by(office, BEN, "create", "A crane\nserial: 77")
    line = undo(office, made.to(BEN)[0], BEN)
    record = office.ticket(made.number)

    assert line.end == ("accept", "done"), line["trace"]
    assert line.kinds == ["delete"]
    assert record.deleted_at is not None
    assert not IndexRow.objects.filter(record=record).exists()
    assert Counter.objects.get(table="ticket").next == made.number + 1
    assert by(office, BEN, "create", "Another\nserial: 77").number == made.number + 1
    # its serial was taken meanwhile: it cannot come back as it was
    assert undo(office, line.to(BEN)[0], BEN)["reason"] == "bad-value"
    assert office.ticket(made.number).deleted_at is not None


def test_given_a_created_record_that_others_worked_on_when_undone_then_it_stays(office):
    made = by(office, BEN, "create", "A crane")
    by(office, ADA, f"T-{made.number}", "I am on it.")

    assert undo(office, made.to(BEN)[0], BEN).end == ("accept", "changed-since")
    assert office.ticket(made.number).deleted_at is None


def test_given_a_customers_own_ticket_when_he_takes_it_back_then_it_goes_and_his_contact_stays(office):
    made = office.customer_ticket()
    line = undo(office, made.to(CARLA)[0], CARLA)

    assert line.end == ("accept", "done"), line["trace"]
    assert office.ticket(made.number).deleted_at is not None
    assert office.count("customer") == 1
    assert "stays" in line.answer(CARLA)


def test_given_a_delete_when_undone_then_the_record_and_its_links_are_back(office):
    made = office.customer_ticket()
    customer = office.values(made.number)["customer"]
    rows = IndexRow.objects.filter(record=office.ticket(made.number)).count()
    gone = by(office, ADA, f"delete T-{made.number}", "no more")
    assert gone.end == ("accept", "done"), gone["trace"]
    line = undo(office, gone.to(ADA, "receipt")[0], ADA)

    assert line.end == ("accept", "done"), line["trace"]
    assert line.kinds == ["restore"]
    assert office.ticket(made.number).deleted_at is None
    assert office.values(made.number)["customer"] == customer
    assert IndexRow.objects.filter(record=office.ticket(made.number)).count() == rows
    assert office.answer(made.to(CARLA)[0], CARLA, "And still it drips.").end == ("accept", "done")


@pytest.mark.parametrize("how", ["number", "address", "token"])
def test_given_a_deleted_record_when_restore_is_mailed_to_it_then_it_comes_back(office, how):
    made = office.customer_ticket()
    gone = by(office, ADA, f"delete T-{made.number}")
    to, subject = "support@example.test", f"restore T-{made.number}"
    if how == "address":
        to, subject = office.address(made.number), "restore"
    elif how == "token":
        to, subject = gone.to(ADA)[0].content["reply_to"], "restore"
    line = office.mail(ADA, to, subject, "", login="ada")

    assert line.end == ("accept", "done"), line["trace"]
    assert line.kinds == ["restore"]
    assert office.ticket(made.number).deleted_at is None
    assert office.mail(ADA, to, subject, "", login="ada").end == ("accept", "not-deleted")


def test_given_a_deleted_record_when_other_words_come_then_they_reach_it_as_little_as_before(office):
    made = office.customer_ticket()
    by(office, ADA, f"delete T-{made.number}")

    for subject in (f"update T-{made.number}", f"read T-{made.number}", f"T-{made.number}", f"delete T-{made.number}"):
        assert by(office, ADA, subject, "priority: 1").end == ("reject", "deleted-record"), subject
    assert by(office, "rita@example.test", f"restore T-{made.number}").end == ("hold", "not-permitted")
    assert office.ticket(made.number).deleted_at is not None


def test_given_a_level_below_when_undoing_then_it_is_asked_as_of_the_action_and_e4_of_a_delete(office):
    made = office.customer_ticket()
    changed = by(office, ADA, f"update T-{made.number}", "priority: 5")
    assert undo(office, changed.to(ADA)[0], ADA, login=None, proof=None).end == ("hold", "confirm")
    assert office.mail(ADA, "support@example.test", f"undo T-{made.number}").end == ("accept", "done")
    gone = by(office, ADA, f"delete T-{made.number}")
    assert office.mail(ADA, "support@example.test", f"undo T-{made.number}").end == ("hold", "confirm")
    assert undo(office, gone.to(ADA)[0], ADA, login=None).end == ("accept", "done")
    assert office.ticket(made.number).deleted_at is None


def test_given_no_right_to_what_was_done_when_undoing_then_it_is_refused_by_name(office):
    made = office.customer_ticket()
    done = by(office, BEN, f"update T-{made.number}", "priority: 5")
    office.change({"people.ben.roles": ["reader"]})
    line = undo(office, done.to(BEN)[0], BEN)

    assert line["reason"] == "not-permitted"
    assert office.values(made.number)["priority"] == 5
    assert office.mail("mallory@evil.example", "support@example.test", f"undo T-{made.number}")["reason"] == (
        "not-permitted"
    )


def test_given_mail_that_went_out_when_undone_then_it_is_named_and_what_waits_is_not_sent(office):
    made = office.customer_ticket()
    first = by(office, BEN, f"T-{made.number}", "We come on Monday.", cc=CARLA)
    second = by(office, BEN, f"T-{made.number}", "We come on Tuesday.", header_to=f"support@example.test, {CARLA}")
    notice = made.to(BEN, "notification") or made.to("cleo@example.test", "notification")
    owner = notice[0].to
    public = office.answer(notice[0], owner, "It is paid for.", login=owner.partition("@")[0])
    (gone,) = public.to(CARLA, "composed")
    OutboxItem.objects.filter(pk=gone.pk).update(state="sent", due_at=None, sent_at=office.now)
    waiting = OutboxItem.objects.filter(message=gone.message, due_at__isnull=False)
    assert waiting.exists()
    line = undo(office, public.to(owner, "receipt")[0], owner)

    assert line.end == ("accept", "done"), line["trace"]
    assert f"The mail to {CARLA} went out on 2026-11-20" in line.answer(owner)
    assert set(OutboxItem.objects.filter(message=gone.message).values_list("state", flat=True)) == {"sent", "cancelled"}
    assert first.end == second.end == ("accept", "done")


def test_given_a_change_and_its_undo_in_one_batch_when_worked_then_as_one_by_one(office):
    n = office.customer_ticket().number
    mails = [
        (office.bytes_of(ADA, "support@example.test", f"update T-{n}", "priority: 5"), "support@example.test"),
        (office.bytes_of(ADA, "support@example.test", f"undo T-{n}", ""), "support@example.test"),
    ]
    lines = office.batch(mails)

    assert [line.end for line in lines] == [("accept", "done")] * 2
    assert office.values(n)["priority"] == 2
    assert lines[1]["effects"][0]["fields"] == {"priority": {"before": 5, "after": 2}}


def test_given_more_changes_than_one_undo_takes_when_asked_then_it_is_refused_with_the_limit(office):
    n = office.customer_ticket().number
    done = by(office, BEN, f"update T-{n}", "priority: 5")
    office.change({"site.limits": {"undo_changes": 0}})

    assert undo(office, done.to(BEN)[0], BEN).end == ("accept", "too-many-changes")
    assert office.values(n)["priority"] == 5


def test_given_the_same_undo_thrice_when_delivered_then_it_counts_once(office):
    n = office.customer_ticket().number
    by(office, ADA, f"update T-{n}", "priority: 5")
    raw = office.bytes_of(ADA, "support@example.test", f"undo T-{n}", "")
    lines = [office.send(raw, "support@example.test", author=ADA) for _ in range(3)]

    assert [line.end for line in lines] == [("accept", "done"), ("discard", "duplicate"), ("discard", "duplicate")]
    assert office.values(n)["priority"] == 2


def test_given_a_batch_when_its_receipt_is_answered_with_undo_then_every_record_is_as_before(office):
    table = "ticket@desk.example.test"
    made = [by(office, ADA, "create", f"Pump {i}\npriority: {i + 1}").number for i in range(4)]
    line = office.mail(ADA, table, "update", "view: open_tickets\npriority: 5\nstatus: Open", login="ada")
    assert line.end == ("accept", "done"), line["trace"]
    assert [office.values(n)["priority"] for n in made] == [5] * 4
    back = undo(office, line.to(ADA, "receipt")[0], ADA, to=table)

    assert back.end == ("accept", "done"), back["trace"]
    assert back.kinds == ["update"] * 4
    assert [(office.values(n)["priority"], office.values(n)["status"]) for n in made] == [
        (1, "New"), (2, "New"), (3, "New"), (4, "New"),
    ]  # fmt: skip


def test_given_no_record_and_no_receipt_when_undo_is_sent_to_a_table_then_it_asks_for_one(office):
    by(office, ADA, "create", "Pump")
    line = office.mail(ADA, "ticket@desk.example.test", "undo", "", login="ada")

    assert line.end == ("reject", "no-record")
    assert office.count() == 1


def test_given_the_link_of_an_older_receipt_when_followed_then_that_message_is_meant(office):
    n = office.customer_ticket().number
    first = by(office, BEN, f"update T-{n}", "priority: 5")
    by(office, BEN, f"update T-{n}", "status: Done")
    line = office.mail(BEN, first.to(BEN, "receipt")[0].content["reply_to"], "undo", "", login="ben")

    assert line.end == ("accept", "done"), line["trace"]
    assert (office.values(n)["priority"], office.values(n)["status"]) == (2, "Done")


def test_given_the_notice_of_a_customers_message_when_answered_with_undo_then_his_is_not_taken_back(office):
    made = office.customer_ticket()
    notice = next(o for o in made.outbox if o.kind == "notification")
    line = undo(office, notice, notice.to)

    assert line["reason"] == "nothing-to-undo"
    assert office.ticket(made.number).deleted_at is None
