"""Applying a setup to real rows: items, people, audit, versions, index rows of old records. On both databases."""

from __future__ import annotations

import json
import random
import tomllib
from datetime import UTC, datetime
from uuid import UUID

import pytest
import tomli_w
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addressee.audit.models import Entry
from addressee.core.setup import Setup
from addressee.people.models import Person, PersonAddress
from addressee.pipeline.apply import apply, stored
from addressee.records.models import IndexRow, Record
from addressee.setup import store
from addressee.setup.document import dotted
from addressee.setup.dump import dumped
from addressee.setup.models import Item

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
YESTERDAY = datetime(2026, 4, 30, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def applied(text, **how):
    outcome = apply(text.encode(), now=NOW, **how)
    assert not outcome.faults, [fault.text("x") for fault in outcome.faults]
    return [(change.change, dotted(change.path), change.before, change.after) for change in outcome.changes]


def record(number, at=YESTERDAY, **values):
    return Record.objects.create(
        uuid=UUID(int=number),
        table="club",
        title=values.get("name") or "",
        values=values,
        created_at=at,
        updated_at=at,
    )


def test_without_a_setup_there_is_an_empty_one():
    assert store.current() == Setup()
    assert stored().tree == {}


def test_the_firm_applies_twice_the_second_time_without_a_difference(firm):
    assert len(applied(firm)) > 50
    version = store.version()
    assert applied(firm) == []
    assert store.version() == version == 1
    # and the frozen value is what the file says
    setup = store.current()
    assert (setup.version, setup.site.name) == (1, "Northgate Bicycles")
    assert list(setup.tables["repair"].fields)[:3] == ["subject", "state", "extras"]  # in the order of the file
    assert list(setup.tables) == ["rider", "club", "repair", "bill", "barrow"]
    assert [one.name for one in setup.filters] == ["Robots that are well", "Ben's lists"]
    assert setup.default_account == {"repair": "workshop"}


def test_a_dump_of_the_rows_applies_to_nothing(firm):
    applied(firm)
    text = dumped(stored().tree)
    assert applied(text) == []
    assert applied(text, prune=True) == []
    assert "Ada@Northgate.example" in text  # as it was written, though compared in lower case


def test_a_refused_file_writes_nothing(firm):
    before = _everything()
    outcome = apply(firm.replace('roles = ["boss"]', 'roles = ["bos"]').encode(), now=NOW)
    assert [dotted(fault.path) for fault in outcome.faults] == ["people.ada.roles[1]"]
    assert _everything() == before


def test_a_dry_run_tells_the_same_and_writes_nothing(firm):
    before = _everything()
    told = applied(firm, dry_run=True)
    assert _everything() == before
    assert told == applied(firm)


def _everything():
    models = (Item, Person, PersonAddress, Entry, IndexRow)
    return [list(model.objects.order_by("pk").values()) for model in models] + [store.version()]


def test_every_change_is_an_audit_entry(firm):
    applied(firm)
    Entry.objects.all().delete()
    applied("[site]\nname = 'New'")
    (entry,) = Entry.objects.all()
    assert (entry.what, entry.actor, entry.at) == ("apply", "operator", NOW)
    assert entry.data["path"] == "site.name"
    assert entry.data["before"] == "Northgate Bicycles"


def test_only_what_changed_is_written(firm):
    applied(firm)
    rows = {row.pk: (row.data, row.position) for row in Item.objects.all()}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        applied("[templates.ready]\nsubject = 'Done'")
    changed = [row.key for row in Item.objects.all() if rows[row.pk] != (row.data, row.position)]
    assert changed == ["ready"]
    assert len(queries) < 40


def test_the_version_is_one_query_and_the_value_is_kept(firm):
    applied(firm)
    first = store.current()
    with CaptureQueriesContext(connection) as queries:
        assert store.current() is first
    assert len(queries) == 1
    applied("[site]\nname = 'New'")
    assert store.current().site.name == "New"
    assert store.current().version == 2


def test_a_page_that_writes_is_named_by_the_next_difference(firm):
    # given a template that Ada changed on a page
    applied(firm)
    tree = store.tree()
    tree["templates"]["ready"]["subject"] = "Done"
    store.save(tree, by="ada")
    # when the file is looked at again
    (change,) = apply(firm.encode(), now=NOW, dry_run=True).changes
    # then the line names her
    assert (dotted(change.path), change.before, change.after, change.changed_by) == (
        "templates.ready.subject",
        "Done",
        "Ready",
        "ada",
    )
    # and once it was applied nobody is named
    applied(firm)
    (change,) = apply(b"[templates.ready]\nsubject = 'X'", now=NOW, dry_run=True).changes
    assert change.changed_by is None


# ---- people --------------------------------------------------------------------------------------------------------


def test_people_become_rows_with_normal_addresses_in_order(firm):
    applied(firm)
    ada = Person.objects.get(key="ada")
    assert list(ada.addresses.order_by("position").values_list("address", flat=True)) == [
        "ada@northgate.example",
        "ada@phone.example",
    ]
    assert not ada.has_usable_password()
    assert Person.objects.get(key="counter").guest


def test_two_persons_may_swap_addresses(firm):
    applied(firm)
    swapped = (
        firm.replace("cleo@north", "X@north").replace('["ben@north', '["cleo@north').replace("X@north", "ben@north")
    )
    assert {path for _, path, _, _ in applied(swapped)} == {"people.ben.addresses", "people.cleo.addresses"}
    assert PersonAddress.objects.get(address="ben@northgate.example").person.key == "cleo"


def test_a_password_outlives_an_apply(firm):
    applied(firm)
    ada = Person.objects.get(key="ada")
    ada.set_password("secret")
    ada.save()
    applied(firm.replace("Ada Admin", "Ada the Admin"))
    assert Person.objects.get(key="ada").check_password("secret")
    assert "secret" not in dumped(stored().tree)
    assert ada.password not in dumped(stored().tree)


def test_prune_removes_a_person_without_history_and_deactivates_the_other(firm):
    # given Cleo, who signed in once, and the guest, who never can
    applied(firm)
    cleo = Person.objects.get(key="cleo")
    cleo.set_password("secret")
    cleo.save()
    text = "\n".join(f"[{section}" for section in ("site]", "people.ada]"))
    # when a file without them is applied
    changes = {path: change for change, path, _, _ in applied(text, prune=True) if path.startswith("people")}
    assert changes["people.cleo.active"] == "alter"
    assert changes["people.counter"] == changes["people.ben"] == "remove"
    assert sorted(Person.objects.values_list("key", "is_active")) == [("ada", True), ("cleo", False)]
    # then the whole file brings her back
    applied(firm)
    assert Person.objects.get(key="cleo").is_active


# ---- tables with records -------------------------------------------------------------------------------------------


def test_prune_retires_a_table_and_a_field_with_data_and_drops_the_others(firm):
    applied(firm)
    record(1, name="Wheelers", home=None, shut=None)
    text = (
        "[tables.club]\ntitle = 'name'\n[tables.club.fields]\nname = { type = 'text', unique = true }\n[tables.rider]"
    )
    paths = {path for _, path, _, _ in applied(text, prune=True)}
    assert {"tables.club.fields.home", "tables.club.fields.shut", "tables.repair"} <= paths
    setup = store.current()
    assert list(setup.tables) == ["club", "rider"]
    applied("[tables.rider]\n", prune=True)
    assert store.current().tables["club"].retired
    assert list(store.current().tables["club"].fields) == ["name"]
    assert Record.objects.filter(table="club").count() == 1


@pytest.mark.parametrize("count", [3, 300])
def test_adding_or_removing_a_field_takes_the_same_statements_for_any_number_of_records(firm, count):
    applied(firm)
    record(1, name="c1")
    for number in range(2, 2 + count):
        record(number, name=f"c{number}")
    with CaptureQueriesContext(connection) as adding:
        applied("[tables.club.fields]\ntown = { type = 'text', index = true }")
    with CaptureQueriesContext(connection) as removing:
        without = dumped(stored().tree).replace('town = { type = "text", index = true }\n', "")
        assert applied(without, prune=True) == [
            ("remove", "tables.club.fields.town", {"type": "text", "index": True}, None)
        ]
    assert not [query for query in adding if "records_record" in query["sql"] and "UPDATE" in query["sql"]]
    assert (len(adding), len(removing)) == COUNTS.setdefault("first", (len(adding), len(removing)))


COUNTS: dict[str, tuple[int, int]] = {}


@pytest.mark.django_db(transaction=True)
def test_a_field_that_becomes_indexed_has_the_rows_of_old_records(firm, monkeypatch):
    # given 25 old records, in slices of 10, one of them deleted
    from addressee.pipeline import reindex

    monkeypatch.setattr(reindex, "SLICE", 10)
    applied(firm)
    for number in range(25):
        record(number, name=f"c{number}", home=f"https://c{number}.example")
    Record.objects.filter(uuid=UUID(int=3)).update(deleted_at=NOW)
    seen = []
    # when an index is asked for
    how = {"progress": lambda what, done, total: seen.append((what, done, total))}
    applied("[tables.club.fields]\nhome = { index = true }", **how)
    # then all that live are found by it, and the progress was told
    rows = IndexRow.objects.filter(table="club", field="home")
    assert rows.count() == 24
    assert rows.filter(text="https://c7.example").get().record_id == UUID(int=7)
    assert seen == [("index of club.home", 10, 24), ("index of club.home", 20, 24), ("index of club.home", 24, 24)]
    # and when it is no longer asked for, they are gone
    applied("[tables.club.fields]\nhome = { index = false }")
    assert not rows.exists()


@pytest.mark.django_db(transaction=True)
def test_a_record_written_while_old_ones_are_indexed_is_indexed_too(firm):
    applied(firm)
    for number in range(5):
        record(number, name=f"c{number}", home=f"https://c{number}.example")

    def meanwhile(what, done, total):
        # a mail changes one record, makes one and deletes one, all by the setup that still stands
        if not Record.objects.filter(uuid=UUID(int=9)).exists():
            changed = {"name": "c2", "home": "https://new.example"}
            Record.objects.filter(uuid=UUID(int=2)).update(values=changed, updated_at=NOW)
            Record.objects.filter(uuid=UUID(int=3)).update(deleted_at=NOW, updated_at=NOW)
            record(9, at=NOW, name="c9", home="https://c9.example")

    applied("[tables.club.fields]\nhome = { index = true }", progress=meanwhile)
    rows = dict(IndexRow.objects.filter(table="club", field="home").values_list("record_id", "text"))
    assert {record_id.int: text for record_id, text in rows.items()} == {
        0: "https://c0.example",
        1: "https://c1.example",
        2: "https://new.example",
        4: "https://c4.example",
        9: "https://c9.example",
    }


def test_a_field_with_two_equal_values_can_not_become_unique(firm):
    applied(firm)
    record(1, name="One", home="https://same.example")
    record(2, name="Two", home="https://same.example")
    outcome = apply(b"[tables.club.fields]\n\nhome = { unique = true }", now=NOW)
    (fault,) = outcome.faults
    assert (fault.line, dotted(fault.path)) == (3, "tables.club.fields.home.unique")
    assert fault.what == "One and Two have the same value, so the field can't be unique."
    # and with different values it may, and keeps the next twin out
    Record.objects.filter(uuid=UUID(int=2)).update(values={"name": "Two", "home": "https://other.example"})
    applied("[tables.club.fields]\nhome = { unique = true }")
    assert IndexRow.objects.filter(table="club", field="home").exclude(ukey=None).count() == 2
    applied("[tables.club.fields]\nhome = { unique = false, index = true }")
    assert IndexRow.objects.filter(table="club", field="home", ukey=None).count() == 2


@pytest.mark.parametrize("change", ["type = 'long_text'", "type = 'integer', unique = false"])
def test_the_type_of_a_field_with_values_stays(firm, change):
    applied(firm)
    record(1, name="One", home="https://one.example")
    outcome = apply(f"[tables.club.fields]\nhome = {{ {change} }}".encode(), now=NOW)
    assert [(fault.line, dotted(fault.path)) for fault in outcome.faults] == [(2, "tables.club.fields.home.type")]
    # without values it may change
    Record.objects.all().delete()
    applied(f"[tables.club.fields]\nhome = {{ {change} }}")


def test_items_are_json_that_keeps_its_order(firm):
    applied(firm)
    data = json.loads(Item.objects.get(kind="tables", key="repair").data)
    assert list(data)[:3] == ["label", "inbound", "validate"]


def test_a_retired_table_may_name_what_is_gone(firm):
    # given a rider on record, and nothing of clubs, to which riders link
    applied(firm)
    Record.objects.create(uuid=UUID(int=1), table="rider", values={"name": "R"}, created_at=NOW, updated_at=NOW)
    # when all tables are pruned
    applied("[site]\nname = 'Empty'", prune=True)
    # then the riders' table stays, retired, and the club's is gone
    assert {key: table.retired for key, table in store.current().tables.items()} == {"rider": True}
    assert applied(dumped(stored().tree), prune=True) == []


@pytest.mark.django_db(transaction=True)
def test_old_records_are_called_by_a_new_title_field_also_after_a_stop(firm, monkeypatch):
    # given 25 clubs in slices of 10, and an apply that is stopped after the first slice
    from addressee.pipeline import restate

    monkeypatch.setattr(restate, "SLICE", 10)
    applied(firm)
    for number in range(1, 26):
        record(number, name=f"c{number}", home=f"https://c{number}.example")

    def stop(what, done, total):
        if what.startswith("titles"):
            raise KeyboardInterrupt

    text = "[tables.club]\ntitle = 'home'\nassignee = 'keeper'\nfields.keeper = { type = 'person' }"
    with pytest.raises(KeyboardInterrupt):
        applied(text, progress=stop)
    titles = Record.objects.filter(table="club", title__startswith="https://")
    assert titles.count() == 10
    # when it is applied again
    seen = []
    assert applied(text, progress=lambda what, done, total: seen.append((what, done, total))) == []
    # then all have their new title, and a third time there is nothing to do
    assert titles.count() == 25
    assert seen[-1] == ("titles of club", 25, 25)
    assert applied(text, progress=stop) == []


@pytest.mark.parametrize("seed", range(8))
def test_a_random_part_of_the_firm_stands_as_its_dump_says(firm, seed):
    # given the firm, and then a file with some of its things in any order
    chance = random.Random(seed)
    applied(firm)
    document = tomllib.loads(firm)
    for kind in ("views", "templates", "processes", "roles", "accounts", "people", "filters", "rules"):
        things = document[kind]
        names = [name for name in things if chance.random() > 0.04] if isinstance(things, dict) else list(things)
        chance.shuffle(names)
        document[kind] = {name: things[name] for name in names} if isinstance(things, dict) else names
    text = tomli_w.dumps(document)
    outcome = apply(text.encode(), now=NOW, prune=True)
    # then it is refused for what it no longer names, or it stands and its dump applies to nothing
    if outcome.faults:
        assert all(fault.line for fault in outcome.faults)
        assert applied(firm) == []
    else:
        assert applied(text, prune=True) == []
        assert applied(dumped(stored().tree), prune=True) == []
        assert set(store.current().accounts) == set(document["accounts"])
