"""The only writer: what a batch leaves behind, and that a hundred changes cost as many statements as one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from addressee.audit.models import Entry
from addressee.core.setup import FieldDef
from addressee.core.values import Correspondent as Bond
from addressee.records import index
from addressee.records.chain import broken
from addressee.records.index import UniqueTaken
from addressee.records.models import Correspondent, Counter, Follower, IndexRow, Record, Revision, Turn
from addressee.records.writer import Audited, RecordMoved, write

pytestmark = pytest.mark.django_db


def test_a_new_record_has_its_values_index_rows_revision_and_audit_entry(clerk, firm):
    # given a contact with two addresses
    created = clerk.create("contact", name="Gus", email=["Gus@Example.TEST", "g@phone.test"], company=None)
    # when it is written
    write([created], firm)
    # then the record stands as decided
    record = Record.objects.get()
    assert (record.table, record.title, record.version, record.deleted_at) == ("contact", "Gus", 1, None)
    assert record.values == {"name": "Gus", "email": ["Gus@Example.TEST", "g@phone.test"]}
    # and is found by what is indexed, the addresses in their normal form and unique
    rows = IndexRow.objects.order_by("field", "text").values_list("field", "text", "num", "ukey")
    assert [(field, text, num, ukey is not None) for field, text, num, ukey in rows] == [
        ("email", "g@phone.test", None, True),
        ("email", "gus@example.test", None, True),
        ("name", "gus", None, False),
    ]
    # and before and after stand in the revision, who and by which right in the audit entry
    revision, entry = Revision.objects.get(), Entry.objects.get()
    assert revision.fields["name"] == {"before": None, "after": "Gus"}
    assert (revision.version, revision.kind, revision.actor, revision.message) == (1, "create", "ben", "m" * 40)
    assert (entry.what, entry.actor, entry.delivery, entry.right) == ("create", "ben", 7, "case.all")
    assert (entry.record, entry.revision_hash, entry.data) == (record.uuid, revision.hash, {})


def test_an_update_moves_only_the_index_rows_of_the_fields_that_changed(clerk, firm):
    uuid = clerk.add("case", number=1, name="Leak", status="New", priority=3, due="2026-06-01")
    before = dict(IndexRow.objects.values_list("field", "id"))
    # when one indexed field changes, one goes and one stays
    write([clerk.change(uuid, status="Closed", due=None)], firm)
    # then that row is another one, the emptied one is gone, the rest is untouched
    after = dict(IndexRow.objects.values_list("field", "id"))
    assert after["status"] != before["status"]
    assert {name for name in before if before[name] == after.get(name)} == {"name", "priority"}
    assert set(after) == {"status", "name", "priority"}
    assert IndexRow.objects.get(field="status").text == "closed"
    assert Record.objects.get().values["due"] is None


def test_several_changes_of_one_record_in_a_batch_leave_its_last_state_and_a_revision_each(clerk, firm):
    # given a record made and changed twice in one batch
    created = clerk.create("case", number=4, name="Leak", status="New")
    uuid = created.change.record
    batch = [created, clerk.change(uuid, status="On hold"), clerk.change(uuid, status="Closed", name="Leak fixed")]
    # when the batch is written
    write(batch, firm)
    # then the record is what the last one made of it
    record = Record.objects.get()
    assert (record.version, record.title, record.values["status"]) == (3, "Leak fixed", "Closed")
    assert list(IndexRow.objects.filter(field="status").values_list("text", flat=True)) == ["closed"]
    # and each left its revision, chained
    revisions = list(Revision.objects.order_by("version"))
    assert [r.fields.get("status") for r in revisions] == [
        {"before": None, "after": "New"},
        {"before": "New", "after": "On hold"},
        {"before": "On hold", "after": "Closed"},
    ]
    assert broken(revisions) == []


def rows():
    """All that a writer leaves, but for the keys that the database makes."""
    drop = {"id", "hash", "revision_hash"}
    models = (Record, IndexRow, Revision, Entry, Counter)
    return {
        model.__name__: sorted(
            (repr({k: v for k, v in row.items() if k not in drop}) for row in model.objects.values()), key=str
        )
        for model in models
    }


def test_one_batch_leaves_the_same_rows_as_one_by_one(clerk, firm):
    def story():
        own = type(clerk)(firm)
        first = own.create("case", number=1, name="One", status="New")
        second = own.create("contact", name="Gus", email=["gus@x.test"])
        a, b = first.change.record, second.change.record
        later = [own.change(a, contact=b, priority=2), own.change(b, email=["g@x.test"]), own.change(a, "delete")]
        return [first, second, *later, own.change(a, "restore"), own.change(b, "delete")]

    with transaction.atomic():
        write(story(), firm)
        together = rows()
        transaction.set_rollback(True)
    for each in story():
        write([each], firm)
    assert rows() == together


def test_a_deleted_record_keeps_its_values_and_frees_what_was_unique(clerk, firm):
    gus = clerk.add("contact", name="Gus", email=["gus@x.test"])
    write([clerk.change(gus, "delete")], firm)
    # then it stands, marked, without index rows
    record = Record.objects.get()
    assert record.deleted_at is not None
    assert record.values["email"] == ["gus@x.test"]
    assert not IndexRow.objects.exists()
    # and its address may be used again
    clerk.add("contact", name="Gus the second", email=["GUS@x.test"])
    # but then the first cannot come back with it
    with pytest.raises(UniqueTaken) as caught, transaction.atomic():
        write([clerk.change(gus, "restore")], firm)
    assert (caught.value.table, caught.value.field, caught.value.record) == ("contact", "email", gus)


def test_a_change_of_a_deleted_record_leaves_it_deleted_since_when_it_was(clerk, firm):
    uuid = clerk.add("case", number=1, name="Leak")
    write([clerk.change(uuid, "delete")], firm)
    deleted_at = Record.objects.get().deleted_at
    write([replace(clerk.change(uuid, name="Leaks"), at=deleted_at.replace(year=2027))], firm)
    assert Record.objects.get().deleted_at == deleted_at
    assert not IndexRow.objects.exists()
    write([clerk.change(uuid, "restore")], firm)
    assert Record.objects.get().deleted_at is None
    assert IndexRow.objects.get(field="name").text == "leaks"


@pytest.mark.parametrize("batches", [[0, 2], [0, 1, 2]], ids=["in one batch", "in two"])
def test_a_value_that_another_record_has_is_refused_by_name(clerk, firm, batches):
    made = [clerk.create("contact", name=name, email=["same@x.test"]) for name in ("Ben", "Cleo")]
    for start, end in list(pairwise(batches))[:-1]:
        write(made[start:end], firm)
    with pytest.raises(UniqueTaken) as caught, transaction.atomic():
        write(made[batches[-2] :], firm)
    told = (caught.value.table, caught.value.field, caught.value.record)
    assert told == ("contact", "email", made[1].change.record)


def test_two_records_may_swap_a_unique_value_in_one_batch(clerk, firm):
    a, b = clerk.add("company", name="Acme"), clerk.add("company", name="Umbra")
    write([clerk.change(a, name="Umbra"), clerk.change(b, name="Acme")], firm)
    assert sorted(Record.objects.values_list("title", flat=True)) == ["Acme", "Umbra"]


def test_a_record_that_moved_since_the_snapshot_is_not_overwritten(clerk, firm):
    # given two decisions from one snapshot
    uuid = clerk.add("case", number=1, name="Leak")
    seen = clerk.states[uuid]
    write([clerk.change(uuid, status="New")], firm)
    clerk.states[uuid] = seen
    # when the second is written
    with pytest.raises(RecordMoved), transaction.atomic():
        write([clerk.change(uuid, name="Leaks")], firm)
    # then nothing of the first is lost
    assert Record.objects.get().values == {"name": "Leak", "status": "New"}


def test_a_number_is_given_once(clerk, firm):
    clerk.add("case", number=1, name="One")
    with pytest.raises(IntegrityError), transaction.atomic():
        clerk.add("case", number=1, name="Another")


def test_counters_turns_correspondents_and_followers_stand_after_a_batch(clerk, firm):
    written = [clerk.create("case", number=n, name=str(n)) for n in (5, 3)]
    one, two = (each.change.record for each in written)
    write(
        written,
        firm,
        correspondents={(one, "gus@x.test"): Bond(wrote_first=True, wrote=True)},
        following={(one, "ben"): True, (two, "ben"): True},
        turns={"support": "ben"},
    )
    write(
        [clerk.create("case", number=4, name="4")],
        firm,
        correspondents={(one, "gus@x.test"): Bond(sent=True), (two, "gus@x.test"): Bond(written_to=True)},
        following={(one, "ben"): True},
        turns={"support": "cleo"},
        entries=[Audited("comment", clerk.states[one].created_at, author="gus@x.test", record=one, data={"n": 1})],
    )
    assert Counter.objects.get(table="case").next == 6
    assert Turn.objects.get().person == "cleo"
    flags = ("wrote_first", "wrote", "written_to", "sent")
    assert Correspondent.objects.filter(record=one).values_list(*flags).get() == (True, True, False, True)
    assert Correspondent.objects.filter(record=two).values_list(*flags).get() == (False, False, True, False)
    assert Follower.objects.count() == 2
    assert Entry.objects.get(what="comment").record == UUID(one)


def statements(clerk, firm, count):
    """How many statements it takes to make, and then to change, so many records with everything around them."""
    out = []
    made = [
        clerk.create(
            "contact" if n % 2 else "case",
            number=None if n % 2 else n,
            name=f"n{n}",
            **({"email": [f"{clerk.count}@x.test", f"b{clerk.count}@x.test"]} if n % 2 else {"status": "New"}),
        )
        for n in range(clerk.count, clerk.count + count)
    ]
    extras = {
        "correspondents": {(w.change.record, "gus@x.test"): Bond(wrote=True) for w in made},
        "following": {(w.change.record, "ben"): True for w in made},
        "turns": {"support": "ben"},
    }
    with CaptureQueriesContext(
        connection,
    ) as captured:
        write(made, firm, **extras)
    out.append(len(captured))
    changes = [clerk.change(w.change.record, name=w.change.record) for w in made]
    changes += [clerk.change(w.change.record, name="again " + w.change.record) for w in made]
    with CaptureQueriesContext(connection) as captured:
        write(changes, firm, **extras)
    out.append(len(captured))
    return out


def test_a_hundred_changes_take_as_many_statements_as_two(clerk, firm):
    few = statements(clerk, firm, 2)
    assert statements(clerk, firm, 100) == few
    assert few[0] <= 9
    assert few[1] <= 9


def test_one_new_record_takes_four_statements(clerk, firm, django_assert_num_queries):
    written = clerk.create("contact", name="Gus", email=["gus@x.test"])
    with django_assert_num_queries(4):  # record, index rows, revision, audit entry
        write([written], firm)


def test_a_new_field_touches_no_record_and_a_removed_one_one_statement(clerk, firm, grow, django_assert_num_queries):
    write([clerk.create("case", number=n, name=str(n), due="2026-06-01") for n in range(1, 200)], firm)
    # given a field more, indexed at once: no record has a value of it, so nothing is written
    clerk.setup = grown = grow(firm, "case", colour=FieldDef(type="text", index=True))
    uuid = next(iter(clerk.states))
    with django_assert_num_queries(5):  # as for any other change
        write([clerk.change(uuid, colour="Red")], grown)
    assert IndexRow.objects.get(field="colour").text == "red"
    # when a field goes, its index rows go in one statement
    with django_assert_num_queries(1):
        index.drop("case", "due")
    assert not IndexRow.objects.filter(field="due").exists()


def test_a_changed_revision_breaks_the_chain(clerk, firm):
    uuid = clerk.add("case", number=1, name="Leak")
    write([clerk.change(uuid, name="Leaks")], firm)
    Revision.objects.filter(version=1).update(actor="mallory")
    assert broken(list(Revision.objects.order_by("version"))) == [1]
