"""`addressee apply`, `dump`, `password` and `key` as a user runs them: real processes on a real home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from setup.conftest import FIRM


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A home where the firm was applied."""
    home = tmp_path_factory.mktemp("home")
    first = addressee(home, "apply", str(FIRM))
    assert first.returncode == 0, first.stderr
    return home


def addressee(home: Path, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "ADDRESSEE_DATABASE_URL"}
    command = [sys.executable, "-m", "addressee.ops.main", *args]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=env | {"ADDRESSEE_HOME": str(home)}, check=False
    )


def test_the_second_apply_says_that_there_is_no_difference(home):
    again = addressee(home, "apply", str(FIRM))
    assert again.returncode == 0
    first, second, *rest = again.stdout.splitlines()
    assert first == "no difference"
    # and one line names what is kept and does nothing yet
    assert second.startswith("kept, but not in effect yet: ")
    assert "accounts.workshop.imap" in second
    assert rest == []


def test_the_dump_of_a_home_applies_to_nothing_there_and_makes_the_same_elsewhere(home, tmp_path):
    dump = addressee(home, "dump")
    assert (dump.returncode, dump.stderr) == (0, "")
    back = addressee(home, "apply", "-", "--prune", "--json", stdin=dump.stdout)
    assert (back.returncode, back.stdout) == (0, "")
    # in another home it makes the same firm
    assert addressee(tmp_path / "home", "apply", "-", stdin=dump.stdout).returncode == 0
    assert addressee(tmp_path / "home", "dump").stdout == dump.stdout


def test_json_is_one_line_a_difference_and_a_dry_run_writes_nothing(home):
    text = "[site]\nname = 'Other'\n[templates.bye]\nsubject = 'Bye'\n[[filters]]\nname = 'n'\nto = 'a@b.c'\nthen = 'mute'\n"
    told = addressee(home, "apply", "-", "--dry-run", "--json", stdin=text)
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [(line["change"], line["path"], line["in_effect"]) for line in lines] == [
        ("alter", "site.name", True),
        ("add", "filters.n", False),
        ("add", "templates.bye", True),
    ]
    assert lines[0]["before"] == "Northgate Bicycles"
    assert lines[0]["after"] == "Other"
    assert "filters" in told.stderr
    assert "Nothing was written" in addressee(home, "apply", "-", "--dry-run", stdin=text).stdout
    assert addressee(home, "apply", str(FIRM), "--json").stdout == ""


def test_a_refused_file_lists_every_fault_on_stderr(home, tmp_path):
    file = tmp_path / "firm.toml"
    file.write_text("[site]\nnmae = 'x'\n[tables.repair]\ntitle = 'subjct'\n", encoding="utf-8")
    refused = addressee(home, "apply", str(file), "--json")
    assert (refused.returncode, refused.stdout) == (65, "")
    assert refused.stderr.splitlines() == [
        "firm.toml:2: site.nmae: there is no such key here. Did you mean name?",
        'firm.toml:4: tables.repair.title: there is no field "subjct". Did you mean subject?',
        "firm.toml is refused, nothing was changed: 2 faults.",
    ]


@pytest.mark.parametrize("file", ["missing.toml", "."])
def test_a_file_that_is_not_there_is_66(home, file):
    missing = addressee(home, "apply", file)
    assert missing.returncode == 66
    assert "can't be read" in missing.stderr


def test_an_empty_home_dumps_nothing_and_says_how_to_begin(tmp_path):
    dump = addressee(tmp_path / "new", "dump")
    assert (dump.returncode, dump.stdout) == (0, "")
    assert "addressee apply" in dump.stderr


def test_a_password_comes_from_stdin_or_is_made_and_printed_once(home):
    given = addressee(home, "password", "ADA@phone.example", "--json", stdin="geheim und lang\n")
    assert json.loads(given.stdout) == {"person": "ada", "password": None}
    made = addressee(home, "password", "ada")
    assert made.returncode == 0
    assert len(made.stdout.strip()) >= 20
    assert "not shown again" in made.stderr
    also = addressee(home, "password", "ben", "--json")
    assert json.loads(also.stdout)["person"] == "ben"
    # neither is in the dump
    dump = addressee(home, "dump").stdout
    assert made.stdout.strip() not in dump
    assert "geheim" not in dump


def test_a_key_is_printed_once_and_revoked(home):
    made = json.loads(addressee(home, "key", "cleo", "--json").stdout)
    assert made["person"] == "cleo"
    assert made["key"].startswith("adr_")
    assert json.loads(addressee(home, "key", "cleo", "--revoke", "--json").stdout) == {"person": "cleo", "revoked": 1}


@pytest.mark.parametrize("command", ["password", "key"])
@pytest.mark.parametrize(
    ("person", "said"), [("cloe", "Did you mean cleo?"), ("counter", "a guest"), ("", "no person")]
)
def test_no_such_person_and_guests_are_refused(home, command, person, said):
    refused = addressee(home, command, person, stdin="secret")
    assert (refused.returncode, refused.stdout) == (66, "")
    assert said in refused.stderr
