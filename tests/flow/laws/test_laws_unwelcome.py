"""Whom the site does not want: strangers refused, and authors of the block list marked (site.strangers, U-20)."""

from __future__ import annotations

import pytest

from addressee.pipeline import strangers
from addressee.records import lists
from addressee.records.values import lines as record_lines
from addressee.setup import store

BEN, ADA, CARLA, GUS, SPAM = (
    "ben@example.test",
    "ada@example.test",
    "carla@cust.example",
    "gus@cust.example",
    "win@spam.example",
)


@pytest.fixture
def closed(office):
    office.change({"site.strangers": "refuse"})
    return office


# ---------------------------------------------------------------- strangers, by our own mail server


def test_given_strangers_are_refused_when_a_proven_one_writes_then_he_is_rejected_and_told_why(closed):
    line = closed.mail(GUS, "members@example.test", "Hello", "words of mine")

    assert line.end == ("reject", "stranger")
    assert "takes no guests" in line.answer(GUS)
    assert "words of mine" not in line.answer(GUS)
    assert closed.count() == 0


def test_given_strangers_are_refused_when_an_unproven_one_writes_then_it_is_held_and_nobody_is_told(closed):
    line = closed.mail(GUS, "members@example.test", "Hello", "words", proof=None)

    assert line.end == ("hold", "stranger")
    assert line.outbox == []


def test_given_strangers_are_held_when_a_proven_one_writes_then_a_person_decides(office):
    assert office.mail(GUS, "members@example.test", "Hello", "words").end == ("hold", "stranger")


def test_given_strangers_are_refused_when_the_account_takes_guests_then_nothing_is_different(closed):
    assert closed.mail(GUS, "support@example.test", "Hello", "words").end == ("accept", "done")


def test_given_strangers_are_refused_when_one_answers_mail_of_another_then_it_still_goes_to_catch_all(closed):
    sent = closed.customer_ticket(to="members@example.test", author=BEN, subject="create").to(BEN)[0]
    answer = closed.answer(sent, GUS, "I am not Ben")

    assert answer.end == ("redirect", "not-a-recipient")


# ---------------------------------------------------------------- strangers, while they are still there


def refused(office, author, *to, **more):
    from addressee.core.message import Envelope

    raw = office.bytes_of(author, to[0], more.pop("subject", "Hello"), "words", proof=None, **more)
    envelope = Envelope("smtp", sender=author or "x@relay.example", peer="198.51.100.9")
    setup = store.current()
    return strangers.are_refused(envelope, setup) and strangers.is_strangers(envelope, to, raw, setup)


def test_given_addresses_with_and_without_guests_when_a_stranger_knocks_then_only_a_hopeless_message_is_refused(closed):
    assert refused(closed, GUS, "members@example.test")
    assert not refused(closed, GUS, "support@example.test")
    assert not refused(closed, GUS, "members@example.test", "support@example.test")
    assert not refused(closed, GUS, "postmaster@desk.example.test")
    assert refused(closed, None, "members@example.test")
    assert refused(closed, None, "members@example.test", from_field=f"From: {BEN}, {GUS}")


def test_given_people_contacts_and_correspondents_when_they_knock_then_they_are_heard(closed):
    made = closed.customer_ticket()

    assert not refused(closed, BEN, "members@example.test")
    assert not refused(closed, CARLA, "members@example.test")
    assert refused(closed, "lost@example.test", "members@example.test")  # left the firm
    assert not refused(closed, GUS, closed.address(made.number))  # the table's default account takes guests


def test_given_a_token_of_ours_anywhere_when_a_stranger_knocks_then_he_is_heard(closed):
    sent = closed.customer_ticket().to(CARLA)[0]
    token = closed.token(sent)

    assert not refused(closed, GUS, "members@example.test", subject=f"Re: hello [#{token}]")
    assert not refused(closed, GUS, "members@example.test", headers=[f"X-Addressee-Token: {token}"])
    assert not refused(closed, GUS, "members@example.test", headers=[f"In-Reply-To: <{sent.message_id}>"])
    assert refused(closed, GUS, "members@example.test", headers=["In-Reply-To: <something@else.example>"])


def test_given_the_site_holds_strangers_when_one_knocks_then_he_is_heard(office):
    assert not refused(office, GUS, "members@example.test")


def test_given_a_knock_when_it_is_looked_at_then_the_number_of_statements_is_fixed(
    closed, django_assert_max_num_queries
):
    to = tuple(f"members+{i}@example.test" for i in range(20))
    with django_assert_max_num_queries(6):
        assert refused(closed, GUS, *to)


# ---------------------------------------------------------------- the block list


def test_given_blocked_authors_are_marked_when_one_writes_then_his_record_is_made_and_bears_the_mark(office):
    office.change({"site.block_as": "mark"})
    line = office.mail(SPAM, "support@example.test", "You have won", "Claim it now")
    record = office.ticket(line.number)
    (told,) = record_lines([record], store.current())

    assert line.end == ("accept", "done")
    assert any("marked: win@spam.example matches *@spam.example" in why for why in line.why("rule"))
    assert (record.marked, told["marked"]) == ("blocked", "blocked")
    assert [o.to for o in line.outbox if o.to == SPAM] == []
    assert any("is not answered" in why for why in line.why("answer"))


def test_given_marked_and_other_records_when_listed_by_the_mark_then_each_is_found(office):
    office.change({"site.block_as": "mark"})
    marked = office.mail(SPAM, "support@example.test", "You have won", "x").number
    plain = office.customer_ticket().number
    setup = store.current()

    def listed(mark):
        found = lists.filtered(lists.of_table("ticket"), "ticket", {"marked": mark}, setup)
        return [record.number for record in found]

    assert listed("blocked") == [marked]
    assert listed("") == [plain]
    assert record_lines([office.ticket(plain)], setup)[0]["marked"] is None


def test_given_a_marked_record_when_it_is_changed_then_the_mark_stays(office):
    office.change({"site.block_as": "mark"})
    number = office.mail(SPAM, "support@example.test", "You have won", "x").number
    assert office.mail(BEN, office.address(number), "update", "priority: 5").end == ("accept", "done")
    assert office.ticket(number).marked == "blocked"


def test_given_blocked_authors_are_discarded_when_a_person_releases_nothing_is_marked(office):
    line = office.mail(SPAM, "support@example.test", "You have won", "x")
    assert line.end == ("discard", "blocked")
    assert office.count() == 0
