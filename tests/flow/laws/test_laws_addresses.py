"""U-06: addresses and reply addresses are revoked, rotated, expired; the old ones answer politely and change nothing."""

from __future__ import annotations

import uuid

import pytest

from addressee.audit.models import Entry
from addressee.core.errors import Refused
from addressee.mail import threads
from addressee.mail.models import Token
from addressee.pipeline import addresses, request
from addressee.records.values import lines
from addressee.setup import store

BEN, ADA, CARLA, GUS, RITA = (
    "ben@example.test",
    "ada@example.test",
    "carla@cust.example",
    "gus@cust.example",
    "rita@example.test",
)


@pytest.fixture
def rotated(office):
    """A customer's ticket whose address was rotated: (its number, the old address, the new one)."""
    number = office.customer_ticket().number
    old = office.address(number)
    return number, old, addresses.rotate(str(office.ticket(number).uuid), "ben")


def listed(office, number):
    return addresses.listed(str(office.ticket(number).uuid))


# ---------------------------------------------------------------- the record's own address


def test_given_a_rotated_address_when_mail_comes_to_the_old_one_then_it_is_answered_and_changes_nothing(
    office, rotated
):
    number, old, _ = rotated
    before, stream = office.values(number), len(office.stream(number))
    line = office.mail(BEN, old, "update", "priority: 5")

    assert line.end == ("reject", "address-withdrawn")
    assert "the address was withdrawn" in line.answer(BEN)
    assert "address not honoured: the record's address was withdrawn" in line.why("identify record")
    assert (office.values(number), len(office.stream(number))) == (before, stream)


def test_given_a_rotated_address_when_an_unproven_author_uses_the_old_one_then_it_is_held_and_he_is_not_told(
    office, rotated
):
    line = office.mail(CARLA, rotated[1], "Hello", "x", proof=None)
    assert line.end == ("hold", "address-withdrawn")
    assert line.outbox == []


def test_given_a_rotated_address_when_mail_comes_to_the_new_one_then_it_works_in_each_form(office, rotated):
    number, _, new = rotated
    part = new.partition(".")[2].partition("@")[0]
    assert part != str(office.ticket(number).uuid)
    for n, form in enumerate((new, f"help-desk.{part}@desk.example.test", f"{part}@desk.example.test"), start=3):
        line = office.mail(BEN, form, "update", f"priority: {n}")
        assert line.end == ("accept", "done")
        assert office.values(number)["priority"] == n


def test_given_a_rotated_address_when_asked_at_the_door_then_old_and_new_are_known(office, rotated):
    _, old, new = rotated
    assert threads.address_exists(old)
    assert threads.address_exists(new)
    assert not threads.address_exists(f"ticket.{uuid.uuid4()}@desk.example.test")
    assert not threads.address_exists(new.replace("ticket.", "customer."))


def test_given_a_rotated_address_when_the_record_is_told_then_its_uuid_stays_and_its_addresses_are_the_new(
    office, rotated
):
    number, old, new = rotated
    (line,) = lines([office.ticket(number)], store.current())

    assert line["uuid"] == str(office.ticket(number).uuid)
    assert new in line["addresses"]
    assert old not in line["addresses"]


def test_given_a_reply_address_when_the_records_own_is_rotated_then_answers_still_come_back(office):
    made = office.customer_ticket()
    addresses.rotate(str(office.ticket(made.number).uuid))
    assert office.answer(made.to(CARLA)[0], CARLA, "Still dripping").end == ("accept", "done")


def test_given_days_to_keep_when_they_are_over_then_the_old_address_ends(office):
    number = office.customer_ticket().number
    old = office.address(number)
    addresses.rotate(str(office.ticket(number).uuid), keep_days=7)
    within = office.mail(BEN, old, "update", "priority: 5")
    office.later("8d")
    after = office.mail(BEN, old, "update", "priority: 1")

    assert within.end == ("accept", "done")
    assert after.end == ("reject", "address-withdrawn")
    assert office.values(number)["priority"] == 5


def test_given_two_rotations_when_listed_then_only_the_last_is_honoured(office, rotated):
    number, _, second = rotated
    third = addresses.rotate(str(office.ticket(number).uuid))
    own = {line["address"]: line["state"] for line in listed(office, number) if line["kind"] == "record"}

    assert own == {rotated[1]: "revoked", second: "revoked", third: "honoured"}


def test_given_a_record_without_any_address_when_mail_comes_to_its_uuid_then_it_changes_nothing(office):
    number = office.customer_ticket().number
    old = office.address(number)
    addresses.revoke(str(office.ticket(number).uuid), addresses.OWN)
    (line,) = lines([office.ticket(number)], store.current())

    assert line["addresses"] == []
    assert office.mail(BEN, old, "update", "priority: 5").end == ("reject", "address-withdrawn")


def test_given_mail_to_an_old_address_when_a_person_releases_it_then_it_counts(office, rotated):
    line = office.mail(BEN, rotated[1], "update", "priority: 5", proof=None)
    again = office.again(line, request.release(line.id, "ada"))
    assert again["disposition"] == "accept"
    assert office.values(rotated[0])["priority"] == 5


# ---------------------------------------------------------------- reply addresses


def test_given_a_revoked_reply_address_when_it_is_answered_then_nothing_changes_and_the_author_is_told(office):
    made = office.customer_ticket()
    sent = made.to(CARLA)[0]
    (row,) = [each for each in listed(office, made.number) if each["kind"] == "reply" and each["address"] == CARLA]
    addresses.revoke(str(office.ticket(made.number).uuid), row["id"], "ben")
    stream = len(office.stream(made.number))
    line = office.answer(sent, CARLA, "Still dripping")

    assert line.end == ("reject", "token-revoked")
    assert "it was withdrawn" in line.answer(CARLA)
    assert len(office.stream(made.number)) == stream


def test_given_an_address_when_all_its_reply_addresses_are_revoked_then_those_of_others_stand(office):
    made = office.customer_ticket()
    count = addresses.revoke(str(office.ticket(made.number).uuid), CARLA)
    states = {row["address"]: row["state"] for row in listed(office, made.number) if row["kind"] == "reply"}

    assert count == Token.objects.filter(address=CARLA).count() > 0
    assert states[CARLA] == "revoked"
    assert {state for address, state in states.items() if address != CARLA} == {"honoured"}


@pytest.mark.parametrize("which", ["nobody@x.example", "0123456789", "abc", "", "%"])
def test_given_a_name_that_means_no_reply_address_when_revoked_then_it_says_so_and_none_is(office, which):
    made = office.customer_ticket()
    with pytest.raises(request.NotFound):
        addresses.revoke(str(office.ticket(made.number).uuid), which)
    assert not Token.objects.exclude(revoked_at=None).exists()


# ---------------------------------------------------------------- who may, and what tells of it


def test_given_a_person_without_the_right_when_he_rotates_then_he_is_refused_and_nothing_is_written(office):
    number = office.customer_ticket().number
    for person in ("rita", "nora"):
        with pytest.raises(Refused, match="not-permitted"):
            addresses.rotate(str(office.ticket(number).uuid), person)
    assert [line["state"] for line in listed(office, number) if line["kind"] == "record"] == ["honoured"]
    assert not Entry.objects.filter(what="address").exists()


def test_given_a_rotation_and_a_revocation_when_done_then_each_has_its_audit_entry(office, rotated):
    number, _, new = rotated
    addresses.revoke(str(office.ticket(number).uuid), "all")
    first, second = Entry.objects.filter(what="address").order_by("pk")

    assert (first.actor, str(first.record)) == ("ben", str(office.ticket(number).uuid))
    assert first.data["rotated_to"] in new
    assert first.right == "update on ticket: all"
    assert (second.actor, second.data["revoked"]) == ("operator", "all")


# ---------------------------------------------------------------- a name of the table


@pytest.fixture
def renamed(office):
    office.change({"tables.ticket.local_parts": ["helpers"], "tables.ticket.local_parts_was": ["help-desk"]})
    return office


def test_given_a_name_of_the_table_that_was_when_mail_comes_to_it_then_it_is_answered_and_makes_nothing(renamed):
    line = renamed.mail(BEN, "help-desk@desk.example.test", "create", "Old name")
    unproven = renamed.mail(GUS, "help-desk@desk.example.test", "Hello", "x", proof=None)

    assert line.end == ("reject", "address-withdrawn")
    assert "the address was withdrawn" in line.answer(BEN)
    assert (unproven.end, unproven.outbox) == (("hold", "address-withdrawn"), [])
    assert renamed.count() == 0
    assert renamed.mail(BEN, "Helpers@desk.example.test", "create", "New name").end == ("accept", "done")


def test_given_a_name_of_the_table_that_was_when_it_stands_before_a_uuid_then_it_changes_nothing(renamed):
    number = renamed.customer_ticket().number
    old = f"help-desk.{renamed.ticket(number).uuid}@desk.example.test"

    assert renamed.mail(BEN, old, "update", "priority: 5").end == ("reject", "address-withdrawn")
    assert renamed.values(number)["priority"] == 2
    assert threads.address_exists("help-desk@desk.example.test")
