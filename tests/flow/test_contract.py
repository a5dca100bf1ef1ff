"""The contract of DESIGN section 5 as another program meets it: the real command, its lines, its exit codes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from homes import Home, make

ADA, STRANGER = "ada@example.test", "gus@customer.example"
CASE = "case@desk.example.test"
# What the desk has not: a table of contacts, a sensitive field, an answer by template.
MORE = """
[tables.contact]
title = "name"
person = { address = "email", name = "name" }
[tables.contact.fields]
name = { type = "text", required = true }
email = { type = "email", many = true, unique = true }

[tables.case]
mail = { text = "log", files = "files", links = ["contact"] }
[tables.case.fields]
contact = { type = "link", table = "contact" }
refund = { type = "decimal", places = 2, sensitive = true }

[accounts.support]
contact = "find_or_create"
map = { name = "subject", log = "text" }
"""


def mail(subject: str = "A leak", author: str = STRANGER, text: str = "It drips.", proven: bool = True) -> bytes:
    domain = author.partition("@")[2]
    head = f"Authentication-Results: mx.example.test; dmarc=pass header.from={domain}\n" if proven else ""
    name = f"<{subject.replace(' ', '.')}@customer.example>"
    return f"{head}From: {author}\nTo: {CASE}\nSubject: {subject}\nMessage-ID: {name}\n\n{text}\n".encode()


@pytest.fixture(scope="session")
def office_template(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("contract")
    home = make(folder / "home", Path(__file__).with_name("desk.toml"))
    (folder / "more.toml").write_text(MORE, "utf-8")
    done = home.run("apply", folder / "more.toml")
    assert done.code == 0, done.err
    return home


@pytest.fixture
def office(office_template: Home, tmp_path: Path) -> Home:
    return office_template.copy(tmp_path / "home")


def received(home: Home, raw: bytes, *options: str) -> dict:
    done = home.run("receive", "--json", *options, stdin=raw)
    assert done.code == 0, done.err
    [line] = done.lines
    return line


# ---- Lines ------------------------------------------------------------------------------------------------


def test_a_line_tells_of_the_record_that_was_written_to_before_what_was_made_beside_it(office: Home):
    # given a stranger whose mail makes a case and a contact / when another program reads the line
    line = received(office, mail())
    # then the case comes first, and the communication names it
    assert [(effect["kind"], effect["table"]) for effect in line["effects"]] == [
        ("create", "case"),
        ("create", "contact"),
    ]
    [shown] = line["communications"]
    assert shown["record"] == line["effects"][0]["record"] == "CASE-1"


def test_a_log_entry_names_the_guest_as_actor_and_the_stranger_as_author(office: Home):
    received(office, mail())
    received(office, mail("Re: CASE-1", ADA, "On my way."))
    [record] = office.run("record", "case", "1", "--json").lines
    told = [(entry["actor"], entry.get("author"), entry["text"]) for entry in record["values"]["log"]]
    assert told == [("gus", STRANGER, "It drips."), ("ada", None, "On my way.")]


def test_what_explain_foretells_is_what_happens_and_nothing_is_written_for_it(office: Home):
    raws = [mail(), mail("create", ADA, "name: x\npriority: many"), mail("Re: CASE-9"), b"garbage"]
    for raw in raws:
        before = office.run("ledger", "--json").out
        [foretold] = office.run("explain", "--json", stdin=raw).lines
        assert office.run("ledger", "--json").out == before
        happened = received(office, raw)
        for key in ("disposition", "reason", "author", "actor", "assurance", "account", "trace", "replies"):
            assert foretold[key] == happened[key]
        assert foretold["spool_id"] is None
        assert [effect["record"] for effect in foretold["effects"]] == [None] * len(foretold["effects"])
    # and a person is not told of a number that there is not
    assert office.run("explain", stdin=mail("Another")).out.startswith(b"-  case@")


def test_parse_says_null_where_there_is_no_message_id(office: Home):
    [bare] = office.run("parse", "--json", stdin=b"Subject: x\n\ny").lines
    [body] = office.run("parse", "--json", "--body-text", stdin=b"y").lines
    assert (bare["message_id"], bare["in_reply_to"], bare["author"]) == (None, None, None)
    assert body["message_id"] is None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_raw_gives_back_every_byte_of_a_message_with_a_from_line(office: Home, tmp_path: Path, end: bytes):
    # given a message that some program wrote a line of its own before
    raw = b"From gus@customer.example Fri May  1 12:00:00 2026\n" + mail()
    raw = raw.replace(b"\n", end)
    (tmp_path / "one.eml").write_bytes(raw)
    # when it comes by standard input, or as a file / then what is kept is what came
    assert office.run("raw", str(received(office, raw)["spool_id"])).out == raw
    [again] = office.run("receive", "--json", tmp_path / "one.eml").lines
    assert office.run("raw", str(again["spool_id"])).out == raw
    # and the line is no part of what the message says, nor of what makes it the same
    assert again["reason"] == "duplicate"
    assert office.run("receive", "--json", stdin=mail()).lines[0]["reason"] == "duplicate"
    [record] = office.run("record", "case", "1", "--json").lines
    assert record["values"]["log"][0]["text"] == "It drips."


def test_a_message_over_the_limit_is_kept_whole_and_held_and_a_person_may_release_it(office: Home, tmp_path: Path):
    # given a site that works on small messages only
    (tmp_path / "small.toml").write_text("[site.limits]\nmessage_size_bytes = 1000\n", "utf-8")
    assert office.run("apply", tmp_path / "small.toml").code == 0
    raw = mail(text="It drips.\n" + "x" * 2000)
    # when the MTA hands over a larger one / then it is kept and held, as explain foretells
    [foretold] = office.run("explain", "--json", stdin=raw).lines
    line = received(office, raw)
    assert (
        (line["disposition"], line["reason"]) == (foretold["disposition"], foretold["reason"]) == ("hold", "too-large")
    )
    assert any("message_size_bytes" in step["why"] for step in line["trace"])
    assert office.run("raw", str(line["spool_id"])).out == raw
    # and a person's word is enough
    [released] = office.run("release", str(line["spool_id"]), "--json").lines
    assert released["effects"][0]["record"] == "CASE-1"
    # but what is beyond all measure is not kept, and offered again
    done = office.run("receive", stdin=mail("More", text="x" * 5000))
    assert done.code == 75
    assert "message_size_bytes" in done.err


# ---- undo ID ----------------------------------------------------------------------------------------------


def test_what_a_message_changed_is_taken_back_by_its_id_once_and_a_missing_one_is_66(office: Home):
    received(office, mail("create", ADA, "name: A pump"))
    line = received(office, mail("update CASE-1", ADA, "name: A crane"))
    # when it is undone by spool id, then the line says what came of it, and the record is as before
    done = office.run("undo", str(line["spool_id"]), "--json")
    [undone] = done.lines
    assert (done.code, undone["disposition"], undone["reason"]) == (0, "accept", "done")
    assert set(line) <= set(undone)
    assert (undone["message_id"], undone["spool_id"]) == (line["message_id"], line["spool_id"])
    assert undone["effects"][0]["fields"]["name"] == {"before": "A crane", "after": "A pump"}
    [record] = office.run("record", "case", "1", "--json").lines
    assert record["values"]["name"] == "A pump"
    assert record["revisions"][-1]["actor"] == "operator"
    # and by Message-ID there is nothing left to undo
    [again] = office.run("undo", line["message_id"], "--json").lines
    assert (again["disposition"], again["reason"], again["effects"]) == ("reject", "nothing-to-undo", [])
    # what changed nothing, or is not there, is 66
    asked = received(office, mail("read CASE-1", ADA, ""))
    assert office.run("undo", str(asked["spool_id"])).code == 66
    assert office.run("undo", "nobody@nowhere.example").code == 66


# ---- Section 4: create with one's own rights --------------------------------------------------------------


def test_a_sensitive_value_of_a_new_record_needs_the_level_of_a_create(office: Home):
    made = received(office, mail("create", ADA, "name: Refund\nrefund: 12.5"))
    assert (made["disposition"], made["assurance"]) == ("accept", "E3")
    assert made["effects"][0]["fields"]["refund"] == {"before": None, "after": "12.50"}
    # but not for a stranger, whose rights are lent, nor for a record that stands
    lent = received(office, mail("Create", STRANGER, "name: Refund\nrefund: 12.5"))
    changed = received(office, mail("update CASE-1", ADA, "refund: 1"))
    assert {(line["disposition"], line["reason"]) for line in (lent, changed)} == {("hold", "confirm")}


# ---- Exit codes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("ADDRESSEE_FILES_URL", "s3://bucket/x", "file:/path"),
        ("ADDRESSEE_FILES_URL", "file:", "file:/path"),
        ("ADDRESSEE_NOW", "tomorrow", "+2h"),
        ("ADDRESSEE_DATABASE_URL", "mysql://x/y", "postgresql://"),
        ("ADDRESSEE_KEY_FILE", os.devnull, "backup"),
    ],
)
def test_a_setting_that_cannot_be_used_is_78_and_names_itself_and_the_cure(
    office: Home, variable: str, value: str, named: str
):
    for command in ("ledger", "receive"):
        done = office.run(command, "--json", stdin=mail(), env={variable: value})
        assert (done.code, done.out) == (78, b"")
        assert variable in done.err or value in done.err
        assert named in done.err
        assert "Traceback" not in done.err
    assert office.run("ledger", "--json").lines[0]["accepted"] == 0


def test_mail_that_a_database_server_does_not_take_now_is_offered_again(office: Home):
    away = {"ADDRESSEE_DATABASE_URL": "postgresql://127.0.0.1:1/nobody"}
    codes = {command: office.run(command, stdin=mail(), env=away) for command in ("receive", "ledger", "check")}
    assert {command: done.code for command, done in codes.items()} == {"receive": 75, "ledger": 78, "check": 78}
    assert all(done.err.count("\n") == 1 and "ADDRESSEE_DATABASE_URL" in done.err for done in codes.values())


def test_a_database_that_is_none_is_78(tmp_path: Path):
    home = Home(tmp_path, {"ADDRESSEE_DATABASE_URL": f"sqlite://{tmp_path}/some.sqlite3"})
    (tmp_path / "some.sqlite3").write_bytes(b"no database at all\n" * 500)
    for command in ("ledger", "receive"):
        done = home.run(command, stdin=mail())
        assert done.code == 78
        assert "not a database" in done.err
        assert "Traceback" not in done.err


def test_every_command_makes_the_home_and_one_that_can_be_none_is_78(tmp_path: Path):
    for command in ("parse", "held"):
        home = Home(tmp_path / command / "deep", {"ADDRESSEE_DATABASE_URL": ""})
        assert home.run(command, "--json", stdin=mail()).code == 0
        assert (home.folder / "addressee.sqlite3").exists()
    (tmp_path / "file").write_text("no folder")
    for command in ("parse", "held"):
        assert Home(tmp_path / "file").run(command, stdin=mail()).code == 78


# ---- Faults that a test asks for --------------------------------------------------------------------------


@pytest.mark.parametrize(("point", "kept"), [("K3", 0), ("K4", 1), ("k6", 1), ("K8", 1)])
def test_a_fault_may_be_asked_for_by_its_number_and_leaves_one_effect(office: Home, point: str, kept: int):
    raw = mail(text="x" * 300_000)
    done = office.run("receive", stdin=raw, env={"ADDRESSEE_FAULT": f"{point}:1:kill9"})
    assert done.code == -9
    assert office.run("ledger", "--json").lines[0]["accepted"] == kept
    # when the MTA delivers it again / then there is one record
    received(office, raw)
    assert len(office.run("records", "case", "--json").lines) == 1
    counts = json.loads(office.run("ledger", "--json").out)
    assert (counts["applied"], counts["waiting"], counts["adds_up"]) == (1, 0, True)
