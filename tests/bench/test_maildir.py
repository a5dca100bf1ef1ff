"""The short form of `make prove NAME=maildir`: the same code, 500 messages."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from prove.maildir import House, prove


@pytest.fixture(autouse=True)
def on_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADDRESSEE_DATABASE_URL", raising=False)


def test_a_maildir_is_received_whole_with_flat_memory(tmp_path: Path):
    wrong, run = prove(tmp_path / "house", 500, "now", time.monotonic() + 300)
    assert wrong == []
    assert run.code == 0
    assert run.samples


def test_one_that_was_stopped_goes_on(tmp_path: Path):
    # given a proof of a hundred messages that was stopped: sixty are in the home, the batch of the others is not
    house = House(tmp_path / "house")
    records = house.write_mail(100)
    house.begin("now")
    rest = tmp_path / "rest"
    rest.mkdir()
    for name in sorted(os.listdir(house.folder / "Maildir" / "new"))[60:]:
        (house.folder / "Maildir" / "new" / name).rename(rest / name)
    assert house.receive(100, time.monotonic() + 300).code == 0
    for path in rest.iterdir():
        path.rename(house.folder / "Maildir" / "new" / path.name)
    # when it is run again / then only what is left is received, and nothing is twice
    wrong, run = prove(house.folder, 100, "now", time.monotonic() + 300)
    assert wrong == []
    assert run.samples[-1][0] <= 40
    assert house.count() == 100
    assert len(house.asked("records", "case")) == records
