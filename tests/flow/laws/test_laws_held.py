"""Held is a queue, not a grave (law 6), and files (U-62 to U-65, U-67)."""

from __future__ import annotations

import hashlib

import pytest

from addressee.core.errors import Refused
from addressee.core.tokens import digest, encode
from addressee.mail import spool
from addressee.mail.models import File, Token
from addressee.pipeline import request
from addressee.records import files
from addressee.records.models import Revision

BEN, ADA, CARLA, GUS = "ben@example.test", "ada@example.test", "carla@cust.example", "gus@cust.example"


def hold_each(office):
    """One held message of each kind."""
    made = office.customer_ticket()
    n = made.number
    stranger = office.mail(GUS, "members@example.test", "A question", "Who?")
    held = {
        "stranger": stranger,
        "not-proven": office.mail(BEN, "members@example.test", "create", "Forged?", proof=None),
        "not-permitted": office.mail(GUS, "support@example.test", f"T-{n}", "Me too"),
        "confirm": office.mail(ADA, "support@example.test", f"delete T-{n}", "x"),
        "create-off": office.mail(GUS, "full@example.test", "Hello", "x"),
        "spam": office.mail(GUS, "support@example.test", "Win", "x", headers=["X-Spam-Flag: YES"]),
        "bad-value": office.mail(GUS, "generous@example.test", "create", "A\npriority: 9", proof=None),
        "no-such-address": office.mail(GUS, "nothing@desk.example.test", "Lost", "x"),
        "no-record": office.mail(BEN, "support@example.test", "delete", "x", proof=None),
    }
    assert {line.end for line in held.values()} == {("hold", reason) for reason in held}
    return n, held


def test_given_each_kind_of_held_message_when_released_then_it_is_posted_as_its_author_or_waits_on(office):
    n, held = hold_each(office)
    after = {why: office.again(line, request.release(line.id, "ada")) for why, line in held.items()}

    assert {why: line.end for why, line in after.items()} == {
        "stranger": ("accept", "done"),
        "not-proven": ("accept", "done"),
        "not-permitted": ("accept", "done"),
        "confirm": ("accept", "done"),
        "create-off": ("accept", "done"),
        "spam": ("accept", "done"),
        "bad-value": ("accept", "done"),
        "no-such-address": ("hold", "no-such-address"),
        "no-record": ("hold", "no-record"),
    }
    assert office.ticket(n).deleted_at is not None
    assert after["not-proven"]["actor"] == "ben"
    assert after["not-proven"]["assurance"] == "E1", "a release vouches; it proves nothing"
    assert after["not-proven"].to(BEN) == []
    released = office.values(after["bad-value"].number)
    assert (released["name"], released["priority"]) == ("A", 3)
    assert "priority: 9" in str(released["log"]), "its text counts, its lines do not"
    for line in after.values():
        assert "ada decided so" in line.why("override")[0]


def test_given_a_held_command_when_released_as_a_comment_then_it_is_only_text(office):
    n, held = hold_each(office)
    line = office.again(held["confirm"], request.release(held["confirm"].id, "ada", as_comment=True))

    assert line["disposition"] == "accept"
    assert line.kinds == ["comment"]
    assert office.ticket(n).deleted_at is None


def test_given_a_held_message_when_routed_then_it_lands_where_the_person_said_as_its_author(office):
    n, held = hold_each(office)
    record = str(office.ticket(n).uuid)
    on_record = office.again(held["stranger"], request.route(held["stranger"].id, "ticket", record, "ada"))
    new = office.again(held["not-permitted"], request.route(held["not-permitted"].id, "ticket", None, "ada"))
    lost = office.again(held["no-such-address"], request.route(held["no-such-address"].id, "ticket", None, "ada"))
    elsewhere = office.again(held["create-off"], request.route(held["create-off"].id, "invoice", None, "ada"))

    assert on_record.record == f"T-{n}"
    assert [(told.author, told.text) for told in office.stream(n)][-1] == (GUS, "Who?")
    assert new.kinds[-1] == "create"
    assert new.number != n, "the person said a new record, whatever the subject names"
    assert lost.end == ("accept", "done")
    assert elsewhere["effects"][0]["table"] == "invoice"


def test_given_a_held_message_when_rejected_then_the_proven_author_is_told_and_no_one_else(office):
    _, held = hold_each(office)
    office.later("2h")
    proven = office.again(held["stranger"], request.reject(held["stranger"].id, "ada"))
    unproven = office.again(held["not-proven"], request.reject(held["not-proven"].id, "ada"))
    unread = office.again(held["no-such-address"], request.reject(held["no-such-address"].id, "ada"))

    assert proven.end == unproven.end == unread.end == ("reject", "refused-by-person")
    assert unproven.outbox == []
    assert "A person refused" in proven.to(GUS)[0].content["text"]


def test_given_a_held_message_when_the_rule_changes_and_it_is_replayed_then_it_is_decided_anew_once(office):
    _, held = hold_each(office)
    office.change({"accounts.members.guest": "visitor"})
    line = office.again(held["stranger"], request.replay(held["stranger"].id))
    again = request.replay(held["stranger"].id)

    assert line.end == ("accept", "done")
    assert again["effects"] == line["effects"]
    assert office.count() == 2


def test_given_a_released_message_when_it_comes_again_then_law_3_holds(office):
    raw = office.bytes_of(BEN, "members@example.test", "create", "x", proof=None)
    line = office.send(raw, "members@example.test")
    request.release(line.id, "ada")
    again = office.send(raw, "members@example.test")

    assert again.end == ("discard", "duplicate")
    assert office.count() == 1
    with pytest.raises(request.NotHeld):
        request.release(line.id, "ada")


def test_given_everything_released_routed_and_rejected_when_the_ledger_is_asked_then_it_adds_up(office):
    _, held = hold_each(office)
    request.release(held["spam"].id, "ada")
    request.reject(held["stranger"].id, "ada")
    request.route(held["create-off"].id, "ticket", None, "ada")

    ledger = spool.ledger()
    assert ledger["adds_up"]
    assert ledger["held"] == len(held) - 3


def test_given_a_change_by_mail_when_its_history_is_read_then_it_names_author_message_and_values(office):
    made = office.customer_ticket()
    line = office.mail(BEN, office.address(made.number), "update", "priority: 5")
    last = Revision.objects.filter(record=office.ticket(made.number)).order_by("-version")[0]

    assert (last.actor, last.author, last.fields["priority"]) == ("ben", BEN, {"before": 2, "after": 5})
    assert last.message
    assert line.why("authorise") == ["update: reaches all records of ticket"]


# ---------------------------------------------------------------- files


def pdf(count):
    return [(f"f{i}.pdf", "application/pdf", b"%PDF-1.4 " + bytes([i]) * 50) for i in range(count)]


def test_given_three_files_when_mailed_then_three_stand_in_the_field_with_equal_bytes(office):
    made = office.customer_ticket(files=pdf(3))
    value = office.values(made.number)["papers"]

    assert [f["name"] for f in value] == ["f0.pdf", "f1.pdf", "f2.pdf"]
    for stored, (_, _, content) in zip(value, pdf(3), strict=True):
        assert stored["sha256"] == hashlib.sha256(content).hexdigest()
        with files.open(stored["sha256"]) as file:
            assert file.read() == content


def test_given_a_sixth_a_large_and_a_foreign_file_when_mailed_then_each_is_named_with_its_reason(office):
    many = [
        *pdf(6),
        ("big.pdf", "application/pdf", b"x" * 20001),
        ("run.exe", "application/octet-stream", b"MZ"),
        ("none", "text/plain", b"x"),
    ]
    made = office.customer_ticket(files=many)
    told = {f["name"]: f["reason"] for f in made["attachments"]}

    assert told == {
        **{f"f{i}.pdf": None for i in range(5)}, "f5.pdf": "too-many", "big.pdf": "too-large",
        "run.exe": "type-not-taken", "none": "type-not-taken",
    }  # fmt: skip
    assert len(office.values(made.number)["papers"]) == 5
    for name in ("f5.pdf", "big.pdf", "run.exe", "none"):
        assert name in made.answer()
    assert File.objects.filter(message__subject="Pump leaks").count() == 9, "left out of the record, not lost"


def test_given_a_file_that_was_left_out_when_the_message_comes_again_then_it_stays_left_out(office):
    raw = office.bytes_of(CARLA, "support@example.test", "Pump", files=[("run.exe", "application/octet-stream", b"MZ")])
    office.send(raw, "support@example.test")
    office.batch([(raw, "support@example.test")] * 2)

    assert list(File.objects.values_list("stored", "reason")) == [(False, "type-not-taken")]


def test_given_files_with_a_command_that_is_refused_when_mailed_then_they_are_kept_all_the_same(office):
    made = office.customer_ticket()
    line = office.mail(CARLA, office.address(made.number), "update", "priority: 5", files=pdf(2))

    assert line.end == ("accept", "not-permitted")
    assert [f["name"] for f in office.values(made.number)["papers"]] == ["f0.pdf", "f1.pdf"]


def test_given_a_role_that_may_not_write_the_file_field_when_files_come_then_the_field_stands_and_it_is_told(office):
    made = office.customer_ticket()
    office.change({"roles.agent.grants.ticket.fields": {"papers": "read", "log": "read"}})
    line = office.mail(BEN, office.address(made.number), "x", "words", files=pdf(1))

    assert line["disposition"] == "accept"
    assert office.values(made.number)["papers"] is None
    assert len(office.values(made.number)["log"]) == 1
    assert "You may not write papers" in line.answer()
    assert "You may not write log" in line.answer()
    assert [f.name for f in File.objects.filter(message_id=office.stream(made.number)[-1].message_id)] == ["f0.pdf"]


def test_given_the_same_file_twice_when_mailed_then_it_stands_once(office):
    made = office.customer_ticket(files=pdf(1))
    office.mail(CARLA, office.address(made.number), "again", "x", files=pdf(1))

    assert len(office.values(made.number)["papers"]) == 1


def test_given_a_token_alone_when_text_and_files_come_with_it_then_they_land_in_the_record(office):
    office.change({"accounts.support.guest": None})
    n = office.mail(ADA, "support@example.test", "create", "x").number
    token = encode(b"13 bytes long")
    Token.objects.create(hash=digest(token), record=office.ticket(n), address=CARLA, created_at=office.now)
    line = office.mail(CARLA, f"{token}@desk.example.test", "x", "here", files=pdf(1))

    assert (line.end, line["actor"], line["assurance"]) == (("accept", "done"), None, "E4")
    assert [f["name"] for f in office.values(n)["papers"]] == ["f0.pdf"]
    assert [(e["author"], e["text"]) for e in office.values(n)["log"]] == [(CARLA, "here")]


# ---------------------------------------------------------------- who may decide (one place for pages and commands)


def test_given_held_mail_when_persons_decide_then_only_those_whose_table_or_team_it_is(office):
    line = office.mail("gus@cust.example", "members@example.test", "Hello", "x")
    for person in ("rita", "nora", "visitor", "lost", "nobody"):
        for act in (
            lambda by: request.release(line.id, by),
            lambda by: request.route(line.id, "ticket", None, by),
            lambda by: request.reject(line.id, by),
        ):
            with pytest.raises(Refused, match="not-permitted"):
                act(person)
    with pytest.raises(Refused, match="not-permitted"):
        request.route(line.id, "archive", None, "hal")  # he may update tickets, and read no archive
    assert office.line(line.id).end == ("hold", "stranger")
    assert office.again(line, request.reject(line.id, "hal")).end == ("reject", "refused-by-person")


def test_given_held_mail_when_the_operator_decides_then_it_is_done(office):
    line = office.mail("gus@cust.example", "members@example.test", "Hello", "x")
    assert office.again(line, request.release(line.id, "operator")).end == ("accept", "done")
