"""Three writers of one record at once; `make prove NAME=writers` has them change it a thousand times each."""

from __future__ import annotations

from pathlib import Path

import pytest

import homes
from prove.writers import prove


@pytest.fixture
def own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL a database of its own."""
    for name, value in homes.empty(tmp_path / "home").env.items():
        monkeypatch.setenv(name, value)


def test_two_workers_and_a_web_editor_of_one_record_lose_nothing(own_database: None) -> None:
    # given mail of Ada and mail of Ben, each changing a field of one case, and Cleo at the page changing a third
    # when two workers and the editor run at once
    # then every change of every field is there, one revision each
    assert prove(60) == []
