"""What the snapshot of a batch holds, and that it is read in a few statements however large the batch is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addressee.core.fieldtype import fold
from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.core.values import Correspondent as Bond
from addressee.core.values import Snapshot, Wanted
from addressee.records.snapshot import fill
from addressee.records.writer import write

pytestmark = pytest.mark.django_db
GUS = "gus@x.test"


def taken(setup, **wanted):
    snapshot = Snapshot(now=None)
    fill(snapshot, Wanted(**wanted), setup)
    return snapshot


@pytest.fixture
def acme(clerk):
    return clerk.add("company", name="Acme")


@pytest.fixture
def gus(clerk, acme):
    return clerk.add("contact", name="Gus", email=["Gus@X.test", "g@phone.test"], company=acme)


@pytest.fixture
def leak(clerk, gus):
    return clerk.add("case", number=17, name="Leak in the roof", status="New", contact=gus, owner="ben", assignee="ben")


def test_a_record_is_read_as_it_was_written(clerk, firm, leak):
    write(
        [clerk.change(leak, priority=4, refund="12.50", paid=True)],
        firm,
        correspondents={(leak, GUS): Bond(wrote_first=True, sent=True)},
        following={(leak, "cleo"): True, (leak, "ben"): True},
    )
    snapshot = taken(firm, uuids={leak})
    assert snapshot.records[leak] == clerk.states[leak]
    assert snapshot.correspondents[leak] == {GUS: Bond(wrote_first=True, sent=True)}
    assert snapshot.followers[leak] == ("ben", "cleo")


def test_a_contact_is_found_by_any_of_its_addresses_with_its_company(firm, gus, acme):
    snapshot = taken(firm, addresses={GUS, "g@phone.test", "nobody@x.test"})
    assert snapshot.contacts == {GUS: [gus], "g@phone.test": [gus], "nobody@x.test": []}
    assert set(snapshot.records) == {gus, acme}


def test_what_an_addressed_record_links_to_is_read_too_and_the_company_of_its_contact(firm, leak, gus, acme):
    assert set(taken(firm, uuids={leak}).records) == {leak, gus, acme}
    assert set(taken(firm, numbers={("case", 17)}).records) == {leak, gus, acme}


@pytest.mark.parametrize("text", ["case-17", "c17", "17", "leak in the roof"])
def test_a_record_is_named_by_its_number_an_old_mask_its_digits_or_its_title(firm, leak, text):
    assert taken(firm, titles={("case", fold(text))}).named == {("case", text): [leak]}


def test_a_record_is_named_by_its_uuid_in_its_own_table_only(firm, leak):
    snapshot = taken(firm, titles={("case", leak), ("*", leak), ("contact", leak)})
    assert snapshot.named == {("case", leak): [leak], ("*", leak): [leak], ("contact", leak): []}


def test_any_table_is_searched_for_a_link_to_any_but_bare_digits_name_nothing_there(clerk, firm, leak, acme):
    other = clerk.add("contact", name="ACME")
    snapshot = taken(firm, titles={("*", "acme"), ("*", "case-17"), ("*", "17")})
    assert sorted(snapshot.named["*", "acme"]) == sorted([acme, other])
    assert snapshot.named["*", "case-17"] == [leak]
    assert snapshot.named["*", "17"] == []


def test_several_records_of_one_title_are_all_named_but_no_more_than_people_read(clerk, firm):
    write([clerk.create("case", number=n, name="Leak") for n in range(1, 40)], firm)
    assert len(taken(firm, titles={("case", "leak")}).named["case", "leak"]) == 11


def test_a_deleted_record_is_found_by_number_and_uuid_and_is_no_contact_and_no_name(clerk, firm, leak, gus):
    write([clerk.change(leak, "delete"), clerk.change(gus, "delete")], firm)
    snapshot = taken(
        firm,
        addresses={GUS},
        numbers={("case", 17)},
        titles={("case", "leak in the roof"), ("case", "17"), ("case", leak), ("contact", "gus")},
    )
    assert snapshot.records[leak].deleted
    assert snapshot.numbered["case", 17] == leak
    assert snapshot.contacts == {GUS: []}
    assert set(map(tuple, snapshot.named.values())) == {()}


def test_a_unique_value_is_found_by_the_key_of_its_type(firm, gus):
    [key] = fields["email"].keys("GUS@X.TEST")
    other = fields["email"].keys("ben@x.test")[0]
    snapshot = taken(firm, unique={("contact", "email", key), ("contact", "email", other)})
    assert snapshot.unique == {("contact", "email", key): gus}


def test_the_next_number_and_the_last_turn_are_those_that_were_written(clerk, firm, leak):
    write([clerk.create("case", number=18, name="Next")], firm, turns={"support": "ben"})
    snapshot = taken(firm, tables={"case", "contact"}, turns={"support", "sales"})
    assert snapshot.next_number == {"case": 19, "contact": 1}
    assert snapshot.turns.get("support") == "ben"
    assert not snapshot.turns.get("sales")


def test_open_records_are_counted_for_each_member_of_a_least_busy_team(clerk, firm):
    stories = [("ben", "New"), ("ben", "On hold"), ("ben", "Closed"), ("ada", "New")]
    made = [
        clerk.create("case", number=n, name="x", status=status, owner=owner)
        for n, (owner, status) in enumerate(stories, start=1)
    ]
    write([*made, gone := clerk.create("case", number=9, name="x", status="New", owner="cleo")], firm)
    write([clerk.change(gone.change.record, "delete")], firm)
    assert taken(firm, tables={"case"}).open_counts == {("case", "ben"): 2, ("case", "cleo"): 0}


def test_an_address_longer_than_the_index_is_compared_whole(clerk, firm):
    long = "a" * 60 + "@" + ".".join(["d" * 60] * 3 + ["test"])
    other = long.removesuffix("test") + "other"
    assert len(long) > 200
    uuid = clerk.add("contact", name="Long", email=[long])
    assert taken(firm, addresses={long, other}).contacts == {long: [uuid], other: []}


def test_nothing_wanted_reads_nothing(firm, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert taken(Setup(), uuids={"no uuid"}).records == {}
        assert taken(firm).records == {}


def test_odd_wants_find_nothing_and_harm_nothing(firm, leak):
    snapshot = taken(
        firm,
        addresses={"", "%", "'; --"},
        numbers={("case", 10**30), ("nowhere", 1), ("case", -1)},
        titles={("nowhere", "x"), ("case", ""), ("*", ""), ("case", "%s"), ("case", "9" * 300)},
        unique={("nowhere", "x", "y")},
        tables={"nowhere"},
        uuids={"x" * 36},
    )
    assert not snapshot.records


def everything(clerk, firm, count):
    """A batch that wants so many of each thing; how many statements it takes."""
    for _ in range(count):
        company = clerk.create("company", name=f"Company {clerk.count}")
        contact = clerk.create(
            "contact", name=f"C{clerk.count}", email=[f"{clerk.count}@x.test"], company=company.change.record
        )
        case = clerk.create("case", number=clerk.count, name=f"N{clerk.count}", contact=contact.change.record)
        write([company, contact, case], firm, correspondents={(case.change.record, GUS): Bond(wrote=True)})
    states = list(clerk.states.values())[-3 * count :]
    wanted = Wanted(
        addresses={address for state in states for address in state.values.get("email", ())},
        numbers={("case", state.number) for state in states if state.number},
        titles={(state.table, fold(state.title)) for state in states},
        unique={("company", "name", key) for state in states for key in fields["text"].keys(state.title)},
        tables={"case"},
        turns={"support"},
    )
    with CaptureQueriesContext(connection) as captured:
        snapshot = Snapshot(now=None)
        fill(snapshot, wanted, firm)
    assert len(snapshot.records) == 3 * count
    return len(captured)


def test_a_batch_of_sixty_takes_as_many_statements_as_one(clerk, firm):
    assert everything(clerk, firm, 1) == everything(clerk, firm, 60) <= 4
    with CaptureQueriesContext(connection) as captured:
        taken(firm, addresses={"60@x.test"}, tables={"case"})
    assert len(captured) <= 3
