"""Lists: what one may see, filters and orders with and without an index, and pages."""

from __future__ import annotations

import pytest
from django.core.paginator import Paginator
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from addressee.core.authorise import reaches
from addressee.core.errors import BadValue
from addressee.core.setup import FieldDef, Grant, Role, Setup
from addressee.core.values import Actor, Assurance, Person, Right, Snapshot, Wanted
from addressee.core.values import Correspondent as Bond
from addressee.people.models import Person as PersonRow
from addressee.people.models import PersonAddress
from addressee.records import lists
from addressee.records.lists import NoSuchField
from addressee.records.snapshot import fill
from addressee.records.values import reading
from addressee.records.writer import write

pytestmark = pytest.mark.django_db


def titles(records):
    return [record.title for record in records]


@pytest.fixture
def cases(clerk, firm):
    """Six cases; the last is deleted."""
    gus = clerk.add("contact", name="Gus", email=["gus@x.test"])
    told = [
        {"name": "Leak", "status": "New", "priority": 3, "due": "2026-06-01", "refund": "12.50", "paid": True},
        {"name": "Broken Pump", "status": "On hold", "priority": 5, "due": "2026-05-20", "contact": gus},
        {"name": "Noise", "status": "Closed", "priority": 3, "due": "2026-07-01", "owner": "ben"},
        {"name": "ÉCLAIR  stuck", "status": "New", "refund": "1.00", "paid": False},
        {"name": "Leak", "priority": 10, "refund": "100.00"},
        {"name": "Gone", "status": "New", "priority": 4, "refund": "12.50"},
    ]
    written = [clerk.create("case", number=number, **each) for number, each in enumerate(told, start=1)]
    write(written, firm)
    write([clerk.change(written[-1].change.record, "delete")], firm)
    return {each.change.state.number: each.change.record for each in written}


def numbers(records):
    return sorted(record.number for record in records)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({"status": "new"}, [1, 4]),
        ({"status": ["NEW", "On  hold"]}, [1, 2, 4]),
        ({"name": "leak"}, [1, 5]),
        ({"name": "éclair stuck"}, [4]),
        ({"priority": 3, "status": "Closed"}, [3]),
        ({"priority": "3"}, [1, 3]),
        ({"due": "01.06.2026"}, [1]),
        ({"contact": "gus"}, [2]),
        ({"owner": "ben@example.test"}, [3]),
        ({"status": ""}, [5]),
        ({"due": None}, [4, 5]),
        ({"status": []}, []),
        ({"number": "case-2"}, [2]),
        ({"number": "2"}, [2]),
        ({"number": "nonsense"}, []),
        ({"created_by": ""}, [1, 2, 3, 4, 5]),
        # without an index
        ({"refund": "12.5"}, [1]),
        ({"paid": "yes"}, [1]),
        ({"paid": "no"}, [4]),
        ({"refund": ""}, [2, 3]),
    ],
    ids=str,
)
def test_a_filter_finds_what_it_says(cases, firm, where, found):
    ben = PersonRow.objects.create(key="ben", name="Ben Agent")
    PersonAddress.objects.create(person=ben, address="ben@example.test")
    records = lists.filtered(lists.of_table("case"), "case", where, firm, reading=reading(firm))
    assert numbers(records) == found


def test_deleted_records_are_a_list_of_their_own_with_the_same_filters(cases, firm):
    deleted = lists.of_table("case", deleted=True)
    for where in ({"status": "new"}, {"priority": 4}, {"refund": "12.50"}, {"name": "GONE"}):
        assert numbers(lists.filtered(deleted, "case", where, firm, deleted=True)) == [6]
    assert numbers(lists.filtered(deleted, "case", {"status": "Closed"}, firm, deleted=True)) == []
    assert titles(lists.ordered(deleted, "case", ["-priority"], firm, deleted=True)) == ["Gone"]


def test_an_index_is_used_where_there_is_one_and_a_scan_is_named(cases, firm):
    assert lists.scans("case", ["status", "refund"], ["-priority", "paid", "number"], firm) == ["refund", "paid"]
    with CaptureQueriesContext(connection) as captured:
        list(lists.filtered(lists.of_table("case"), "case", {"status": "New"}, firm))
        list(lists.filtered(lists.of_table("case"), "case", {"refund": "1"}, firm))
    assert "records_indexrow" in captured[0]["sql"]
    assert "records_indexrow" not in captured[1]["sql"]


@pytest.mark.parametrize("name", ["colour", "log", "files", "created_at", "uuid", "values__x", "indexrow__text"])
def test_what_cannot_be_filtered_by_is_refused_by_name(cases, firm, name):
    with pytest.raises(NoSuchField) as caught:
        lists.filtered(lists.of_table("case"), "case", {name: "x"}, firm)
    assert caught.value.data == {"field": name, "table": "case"}


@pytest.mark.parametrize("name", ["colour", "log", "files", "uuid", "pk", "table"])
@pytest.mark.parametrize("minus", ["", "-"])
def test_what_cannot_be_sorted_by_is_refused_by_name(cases, firm, name, minus):
    with pytest.raises(NoSuchField):
        lists.ordered(lists.of_table("case"), "case", [minus + name], firm)


def test_a_wrong_value_in_a_filter_says_what_is_expected(cases, firm):
    with pytest.raises(BadValue) as caught:
        lists.filtered(lists.of_table("case"), "case", {"status": "Nw"}, firm)
    assert caught.value.data["near"] == "New"


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ([], [5, 4, 3, 2, 1]),
        (["priority"], [3, 1, 2, 5, 4]),
        (["-priority"], [5, 2, 3, 1, 4]),
        (["-priority", "due"], [5, 2, 1, 3, 4]),
        (["due"], [2, 1, 3, 5, 4]),
        (["name", "-number"], [2, 5, 1, 3, 4]),
        (["number"], [1, 2, 3, 4, 5]),
        (["-number"], [5, 4, 3, 2, 1]),
        # without an index: numbers as numbers, none last
        (["refund", "number"], [4, 1, 5, 2, 3]),
        (["-refund", "number"], [5, 1, 4, 2, 3]),
        (["paid", "number"], [4, 1, 2, 3, 5]),
    ],
    ids=str,
)
def test_an_order_puts_records_without_a_value_last(cases, firm, order, found):
    records = lists.ordered(lists.of_table("case"), "case", order, firm)
    assert [record.number for record in records] == found
    # and pages of any size hold the same
    for size in range(1, 7):
        pages = Paginator(records, size)
        assert [record.number for page in pages for record in page.object_list] == found
        assert pages.count == 5


def test_a_page_deep_in_a_sorted_list_is_read_through_the_index(clerk, firm):
    write([clerk.create("case", number=n, name=f"n{n}", priority=n % 7) for n in range(1, 400)], firm)
    records = lists.ordered(lists.of_table("case"), "case", ["-priority"], firm)
    with CaptureQueriesContext(connection) as captured:
        page = records[100:150]
    assert len(page) == 50
    assert len(captured) == 1
    assert captured[0]["sql"].count("JOIN") == 1


def test_counts_stop_at_a_limit(clerk, firm, monkeypatch):
    write([clerk.create("case", number=n, name="x") for n in range(1, 40)], firm)
    monkeypatch.setattr(lists, "MOST_COUNTED", 25)
    assert lists.ordered(lists.of_table("case"), "case", [], firm).count() == 25


@pytest.mark.parametrize("text", ["case-2", "CASE-2", "c2", "2", " 2 "])
def test_a_record_is_found_by_number_in_any_case_an_old_mask_or_digits(cases, firm, text):
    assert str(lists.find("case", text, firm).uuid) == cases[2]


def test_a_record_is_found_by_uuid_in_its_own_table_and_deleted_ones_too(cases, firm):
    assert lists.find("case", cases[6].upper(), firm).number == 6
    assert lists.find("contact", cases[6], firm) is None
    for text in ("", "case-99", "9" * 40, "no uuid", "contact-2", "-2", "\0"):
        assert lists.find("case", text, firm) is None


def test_words_and_digits_are_searched_in_title_and_number(cases, firm):
    records = lists.of_table("case")
    assert numbers(lists.searched(records, "pump bro")) == [2]
    assert numbers(lists.searched(records, "case-3")) == [3]
    assert numbers(lists.searched(records, "%")) == []


# ---------------------------------------------------------------- rights: the list and the core agree

PEOPLE = {
    "ben": Person("ben", "Ben", ("ben@x.test",), ("agent",)),
    "cleo": Person("cleo", "Cleo", ("cleo@x.test", "gus@x.test"), ("agent",)),
    "gary": Person("gary", "Guest", (), ("agent",), guest=True),
}
ADDRESSES = ["gus@x.test", "ben@x.test", "cleo@x.test", "mallory@x.test"]
maybe_bond = st.none() | st.builds(Bond, wrote_first=st.booleans(), wrote=st.booleans(), written_to=st.booleans())
stories = st.lists(
    st.fixed_dictionaries(
        {
            "team": st.sampled_from(["", "support", "sales"]),
            "assignee": st.sampled_from(["", "ben", "cleo", "gary", "zoe"]),
            "created_by": st.sampled_from(["", "ben", "cleo", "gary"]),
            "contact": st.sampled_from([None, 0, 1, 2]),
            "company": st.none(),
            "bonds": st.dictionaries(st.sampled_from(ADDRESSES), maybe_bond, max_size=3),
        }
    ),
    min_size=1,
    max_size=5,
)


def agent_of(firm: Setup, extent: str) -> Setup:
    told = {name: getattr(firm, name) for name in firm.model_fields_set}
    return Setup(**{**told, "roles": {"agent": Role(grants={"case": Grant(read=extent)})}})


class Rights(TestCase):
    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(
        story=stories,
        extent=st.sampled_from(["none", "own", "team", "all"]),
        who=st.sampled_from([*PEOPLE, *ADDRESSES]),
    )
    def test_a_list_holds_exactly_the_records_that_the_core_lets_one_read(self, story, extent, who):
        from store.conftest import FIRM, Clerk

        # given a firm, its contacts (the last one deleted) and some cases
        setup = agent_of(FIRM, extent)
        clerk = Clerk(setup)
        contacts = [
            clerk.add("contact", name=f"C{n}", email=[ADDRESSES[n]] if n < 2 else ["mallory@x.test"]) for n in range(3)
        ]
        write([clerk.change(contacts[2], "delete")], setup)
        made, bonds = [], {}
        for number, told in enumerate(story, start=1):
            link = contacts[told["contact"]] if told["contact"] is not None else None
            own = {name: told[name] for name in ("team", "assignee", "created_by")}
            made.append(clerk.create("case", number=number, name=str(number), contact=link, **own))
            uuid = made[-1].change.record
            bonds |= {(uuid, address): bond for address, bond in told["bonds"].items() if bond}
        write(made, setup, correspondents=bonds)
        # when somebody asks: a person, or a stranger with a guest's rights
        stranger = who not in PEOPLE
        person = PEOPLE["gary"] if stranger else PEOPLE[who]
        seen = lists.visible_to(person, "case", setup, lent_to=who if stranger else "")
        # then the list and the core agree on every record
        snapshot = Snapshot(now=None)
        fill(snapshot, Wanted(uuids={each.change.record for each in made}), setup)
        actor = Actor(person, who if stranger else (person.addresses or ("",))[0], Assurance.E6, lent=stranger)
        allowed = {
            each.change.record
            for each in made
            if reaches(
                actor,
                Right.READ,
                snapshot.records[each.change.record],
                setup,
                snapshot.correspondents[each.change.record],
                snapshot.records,
            )
        }
        assert {str(record.uuid) for record in seen} == allowed


def test_a_scan_and_an_index_find_the_same(clerk, firm, grow):
    # given a field with an index and the same without
    loose = grow(
        firm,
        "company",
        a=FieldDef(type="text", index=True),
        b=FieldDef(type="text"),
        c=FieldDef(type="multi_choice", choices=("Été", "On hold", "Hold"), index=True),
        d=FieldDef(type="multi_choice", choices=("Été", "On hold", "Hold")),
        e=FieldDef(type="integer", index=True),
        f=FieldDef(type="integer"),
        g=FieldDef(type="link", table="*"),
    )
    clerk.setup = loose
    texts = ["Leak", "LEAK", "leak  now", "a.c", "abc", "é", "É", None, "50%", "a_c", "(x", "\\"]
    sets = [["Été"], ["On hold"], ["Hold", "On hold"], None] * 3
    made = [
        clerk.create("company", name=str(n), a=text, b=text, c=parts, d=parts, e=n % 3, f=n % 3)
        for n, (text, parts) in enumerate(zip(texts, sets, strict=True))
    ]
    write(made, loose)
    everything = lists.of_table("company")
    pairs = [("a", "b", texts), ("c", "d", ["Été", "hold", "On hold"]), ("e", "f", [0, 1, "2", 7])]
    for indexed, scanned, wanted in pairs:
        for value in wanted:
            by_index = lists.filtered(everything, "company", {indexed: value}, loose)
            by_scan = lists.filtered(everything, "company", {scanned: value}, loose)
            assert sorted(titles(by_index)) == sorted(titles(by_scan)), value
            assert bool(titles(by_index)) is (value != 7), value
