"""The public example of a setup file applies unchanged, twice, and its dump applies to nothing. `make test-corpus`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tree import ROOT


def example() -> Path:
    """It lies beside the corpus; a missing one fails the run, as a missing corpus does."""
    corpus = Path(os.environ.get("ADDRESSEE_CORPUS") or ROOT / ".." / "shared" / "corpus").resolve()
    return corpus.parent / "example-setup.toml"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


def addressee(home: Path, *args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    env = {name: value for name, value in os.environ.items() if name != "ADDRESSEE_DATABASE_URL"}
    command = [sys.executable, "-m", "addressee.ops.main", *args]
    return subprocess.run(
        command, input=stdin, capture_output=True, env=env | {"ADDRESSEE_HOME": str(home)}, check=False
    )


def test_the_example_applies_twice_and_its_dump_applies_to_nothing(home):
    # when the example is applied
    first = addressee(home, "apply", str(example()), "--json")
    assert first.returncode == 0, first.stderr.decode()
    lines = [json.loads(line) for line in first.stdout.splitlines()]
    assert {line["change"] for line in lines} == {"add", "alter"}
    # then the second time there is no difference
    second = addressee(home, "apply", str(example()), "--json")
    assert (second.returncode, second.stdout) == (0, b"")
    # and its dump applies to nothing, with and without --prune
    dump = addressee(home, "dump").stdout
    for how in ([], ["--prune"]):
        back = addressee(home, "apply", "-", "--json", *how, stdin=dump)
        assert (back.returncode, back.stdout) == (0, b"")
