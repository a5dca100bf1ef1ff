"""Three writers of one record at once; `make prove NAME=writers` has them change it a thousand times each."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from prove.crash import database_like
from prove.writers import prove


@pytest.fixture
def own_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On PostgreSQL a database of its own."""
    url = database_like(os.environ.get("ADDRESSEE_DATABASE_URL", ""), "writers", None)
    monkeypatch.setenv("ADDRESSEE_DATABASE_URL", url)
    return


def test_two_workers_and_a_web_editor_of_one_record_lose_nothing(own_database: None) -> None:
    # given mail of Ada and mail of Ben, each changing a field of one case, and Cleo at the page changing a third
    # when two workers and the editor run at once
    # then every change of every field is there, one revision each
    assert prove(60) == []
