"""A firm, a clock and a post office for the tests of the laws: every mail goes through spool and worker for real."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tomli_w
from django.db import transaction

from addressee.pipeline.apply import apply
from flow.laws.office import Office

FIRM = Path(__file__).with_name("firm.toml")
START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def standing_firm(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """The setup applied once; taken back after each file of laws, so that other tests find nothing of it."""
    with django_db_blocker.unblock(), transaction.atomic():
        applied = apply(FIRM.read_bytes(), now=START)
        assert not applied.faults, applied.faults
        yield
        transaction.set_rollback(True)


@pytest.fixture
def office(standing_firm: None, db: None, monkeypatch: pytest.MonkeyPatch) -> Office:
    """The firm's post office. Whatever a test does is taken back at its end."""
    return Office(START, lambda now: monkeypatch.setenv("ADDRESSEE_NOW", now.isoformat()), _reapply)


def _reapply(changes: dict[str, object]) -> None:
    """The firm's setup with some keys changed: {"site.catch_all": ""}; None takes the key out."""
    document = tomllib.loads(FIRM.read_text())
    for path, value in changes.items():
        *parents, last = path.split(".")
        at = document
        for parent in parents:
            at = at.setdefault(parent, {})
        if value is None:
            at.pop(last, None)
        else:
            at[last] = value
    applied = apply(tomli_w.dumps(document).encode(), now=START + timedelta(seconds=1), prune=True)
    assert not applied.faults, applied.faults
