"""`addressee records` and `addressee record`: the contract's keys and values, and what people see."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID

import pytest

from addressee.core.values import Correspondent as Bond
from addressee.mail.models import Communication, File, Message, RawMessage
from addressee.ops.main import NO_INPUT, USAGE, main
from addressee.records.models import Revision
from addressee.records.writer import write
from addressee.setup import store

pytestmark = pytest.mark.django_db
KEYS = [
    "table",
    "number",
    "uuid",
    "title",
    "values",
    "team",
    "account",
    "assignee",
    "addresses",
    "created_at",
    "created_by",
    "updated_at",
    "deleted",
    "marked",
]


@pytest.fixture
def firm(firm, monkeypatch):
    monkeypatch.setattr(store, "current", lambda: firm)
    return firm


@pytest.fixture
def ask(capsys):
    """Run the command; its exit code, its lines read as JSON (or its text), and what it told people."""

    def run(*arguments):
        code = main(list(arguments))
        out, err = capsys.readouterr()
        told = [json.loads(line) for line in out.splitlines()] if "--json" in arguments else out
        return code, told, err

    return run


@pytest.fixture
def story(clerk, firm):
    """A case of Gus's, made by his mail, changed by Ben, commented by Cleo."""
    acme = clerk.add("company", name="Acme")
    gus = clerk.add("contact", name="Gus", email=["Gus@x.test"], company=acme)
    leak = clerk.create(
        "case",
        number=17,
        name="Leak",
        status="New",
        contact=gus,
        about={"table": "contact", "uuid": gus},
        refund="12.50",
        paid=False,
        team="support",
        account="support",
        created_by="portal",
        log=[{"at": "2026-05-01T13:00:00Z", "actor": "gus@x.test", "text": "It drips."}],
    )
    uuid = leak.change.record
    write([leak], firm, following={(uuid, "cleo"): True}, correspondents={(uuid, "gus@x.test"): Bond(wrote_first=True)})
    write([clerk.change(uuid, status="On hold", owner="ben", assignee="ben")], firm)
    raw = RawMessage.objects.create(sha256="0" * 64, size_bytes=1, bytes=b"x", received_at=leak.at)
    mail = Message.objects.create(identity="m" * 40, message_id="a1@x.test", raw=raw, received_at=leak.at)
    post = {"record_id": UUID(uuid), "visibility": "public"}
    Communication.objects.create(
        uuid=UUID(int=1), kind="mail", at=leak.at, message=mail, author="gus@x.test", text="It drips.", **post
    )
    Communication.objects.create(
        uuid=UUID(int=2),
        kind="comment",
        at=leak.at + timedelta(hours=1),
        actor="cleo",
        text="On my way\x1b[31m",
        **post,
    )
    kept = {"message": mail, "type": "image/png", "size_bytes": 3}
    File.objects.create(name="roof.png", sha256="a" * 64, position=0, **kept)
    File.objects.create(name="virus.exe", sha256="b" * 64, position=1, stored=False, reason="type", **kept)
    return {"case": uuid, "contact": gus, "company": acme}


def test_a_list_tells_every_key_of_the_contract_and_every_field(ask, story):
    code, [line], err = ask("records", "case", "--json")
    assert (code, err) == (0, "")
    assert list(line) == KEYS
    uuid, gus = story["case"], {"table": "contact", "record": story["contact"], "title": "Gus"}
    assert line["values"] == {
        "name": "Leak",
        "status": "On hold",
        "priority": None,
        "due": None,
        "log": [{"at": "2026-05-01T13:00:00Z", "actor": "gus@x.test", "text": "It drips."}],
        "files": None,
        "contact": gus,
        "company": None,
        "owner": "ben",
        "refund": "12.50",
        "paid": False,
        "about": gus,
    }
    assert (line["number"], line["uuid"], line["title"], line["table"]) == ("CASE-17", uuid, "Leak", "case")
    assert (line["team"], line["account"], line["assignee"], line["created_by"]) == (
        "support",
        "support",
        "ben",
        "portal",
    )
    assert line["addresses"] == [f"case.{uuid}@localhost", f"{uuid}@localhost"]
    assert line["created_at"].endswith("Z")
    assert line["deleted"] is False


def test_a_table_without_numbers_has_null_for_them_and_an_unassigned_record_null_for_that(ask, story):
    _, [line], _ = ask("records", "contact", "--json")
    assert line["number"] is line["assignee"] is line["team"] is line["account"] is line["created_by"] is None
    assert line["values"]["email"] == ["Gus@x.test"]
    assert line["values"]["company"] == {"table": "company", "record": story["company"], "title": "Acme"}


@pytest.mark.parametrize("name", ["17", "case-17", "C17", "uuid"])
def test_a_record_tells_its_stream_revisions_and_followers(ask, story, name):
    code, [line], err = ask("record", "case", story["case"].upper() if name == "uuid" else name, "--json")
    assert (code, err) == (0, "")
    assert list(line) == [*KEYS, "stream", "revisions", "followers"]
    assert line["followers"] == ["cleo"]
    # the mail stands before the change it made; the later change and the comment after them
    assert [(entry["kind"], entry["text"]) for entry in line["stream"]] == [
        ("mail", "It drips."),
        ("change", "created"),
        ("change", "status: New -> On hold; owner: nothing -> ben"),
        ("comment", "On my way\x1b[31m"),
    ]
    mail, *_, comment = line["stream"]
    assert set(mail) >= {"kind", "at", "actor", "text", "visibility", "message_id", "files"}
    assert (mail["message_id"], mail["actor"], mail["author"]) == ("a1@x.test", None, "gus@x.test")
    assert mail["files"] == [{"name": "roof.png", "type": "image/png", "size_bytes": 3, "sha256": "a" * 64}]
    assert (comment["message_id"], comment["actor"], comment["files"]) == (None, "cleo", [])
    # and revisions tell before and after as the contract prints values
    first, second = line["revisions"]
    assert (first["at"], first["actor"], first["message_id"]) == ("2026-05-01T13:00:00Z", "ben", "a1@x.test")
    assert first["fields"]["contact"] == {
        "before": None,
        "after": {"table": "contact", "record": story["contact"], "title": "Gus"},
    }
    assert second["fields"]["status"] == {"before": "New", "after": "On hold"}


def test_a_revision_of_a_field_that_is_gone_is_still_told(ask, story):
    first = Revision.objects.get(version=1, record=story["case"])
    first.fields["colour"] = {"before": None, "after": "red"}
    Revision.objects.filter(pk=first.pk).update(fields=first.fields)
    _, [line], _ = ask("record", "case", "17", "--json")
    assert line["revisions"][0]["fields"]["colour"] == {"before": None, "after": "red"}


def test_a_person_sees_an_aligned_table_and_a_page_without_escape_sequences(ask, story):
    code, table, err = ask("records", "CASE", "--where", "refund=12.5")
    assert code == 0
    assert "no index" in err
    assert [line.split() for line in table.splitlines()] == [
        ["record", "title", "refund", "status", "owner", "updated"],
        ["CASE-17", "Leak", "12.50", "On", "hold", "ben", "2026-05-01", "13:00"],
    ]
    _, page, _ = ask("record", "case", "17")
    assert "\x1b" not in page
    for told in ("CASE-17  Leak", "contact", "Gus", "It drips.", "file: roof.png (3 bytes)", "follower"):
        assert told in page
    assert "virus.exe" not in page


def test_filters_of_one_field_add_up_and_of_two_narrow(ask, clerk, firm):
    made = [
        clerk.create("case", number=n, name=str(n), status=status, priority=priority)
        for n, (status, priority) in enumerate([("New", 1), ("On hold", 1), ("Closed", 1), ("New", 2)], start=1)
    ]
    write(made, firm)

    def found(*arguments):
        return [line["title"] for line in ask("records", "case", "--json", *arguments)[1]]

    assert found("--where", "status=new", "--where", "status=on hold", "--where", "priority=1") == ["2", "1"]
    assert found("--view", "open_cases") == ["4", "2", "1"]
    assert found("--view", "open_cases", "--where", "priority=1") == ["2", "1"]
    assert found("--view", "open_cases", "--where", "status=new") == ["4", "1"]
    assert found("--view", "open_cases", "--where", "status=closed") == []
    write([clerk.change(made[0].change.record, "delete")], firm)
    assert found("--deleted", "--where", "status=New") == ["1"]
    assert found() == ["4", "3", "2"]


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["records", "cse"], NO_INPUT, "Did you mean case?"),
        (["record", "cse", "1"], NO_INPUT, "Did you mean case?"),
        (["record", "case", "99"], NO_INPUT, "The newest is CASE-17."),
        (["record", "case", "Leak"], NO_INPUT, "Did you mean CASE-17, 'Leak'?"),
        (["record", "contact", "zoe"], NO_INPUT, "`addressee records contact` lists them."),
        (["records", "case", "--view", "open_case"], USAGE, "Did you mean open_cases?"),
        (["records", "contact", "--view", "open_cases"], USAGE, "contact has no view 'open_cases'."),
        (["records", "case", "--where", "statsu=New"], USAGE, "Did you mean status?"),
        (["records", "case", "--where", "log=x"], USAGE, "log can't be filtered or sorted by."),
        (["records", "case", "--where", "status"], USAGE, "--where takes FIELD=VALUE, not 'status'."),
        (["records", "case", "--where", "due=tomorrow"], USAGE, "It is no date. Expected: a date, YYYY-MM-DD."),
        (["records", "case", "--where", "contact=Zoe"], USAGE, "No record has that number, title or uuid."),
    ],
    ids=lambda told: "_".join(told) if isinstance(told, list) else "",
)
def test_a_mistake_is_named_with_what_was_meant(ask, story, arguments, code, sentence):
    found, out, err = ask(*arguments)
    assert (found, out) == (code, "")
    assert sentence in err
    assert err.startswith(f"addressee {arguments[0]}: ")
    assert err.count("\n") == 1


def test_an_empty_list_says_so_to_people_and_nothing_to_programs(ask, firm):
    assert ask("records", "case") == (0, "", "There is no record of case.\n")
    assert ask("records", "case", "--deleted", "--json") == (0, [], "")


def test_links_and_addresses_of_a_long_list_cost_one_query_each_a_slice(
    ask, clerk, firm, django_assert_max_num_queries
):
    gus = [clerk.create("contact", name=f"C{n}", email=[f"{n}@x.test"]) for n in range(120)]
    cases = [clerk.create("case", number=n, name="x", contact=each.change.record) for n, each in enumerate(gus)]
    write([*gus, *cases], firm)
    from addressee.records import lists, values

    records = list(lists.ordered(lists.of_table("case"), "case", [], firm))
    with django_assert_max_num_queries(2):
        told = values.lines(records, firm)
    assert {line["values"]["contact"]["title"] for line in told} == {f"C{n}" for n in range(120)}


@pytest.mark.parametrize("whom", ["ben", "BEN", "Ben", "ben@x.test"])
def test_an_assignee_is_named_by_key_name_or_address(ask, story, whom):
    from addressee.people.models import Person, PersonAddress

    row, _ = Person.objects.get_or_create(key="ben", defaults={"name": "Ben"})
    PersonAddress.objects.get_or_create(address="ben@x.test", defaults={"person": row})
    code, lines, _ = ask("records", "case", "--where", f"assignee={whom}", "--json")
    assert (code, [line["assignee"] for line in lines]) == (0, ["ben"])
    assert ask("records", "case", "--where", "assignee=nobody", "--json")[1] == []
