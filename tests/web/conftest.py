"""The firm of tests/web/firm.py in the database, and its people at a browser each."""

from __future__ import annotations

from typing import Any

import firm as house
import pytest
from django.test import Client

from addressee.people.models import Person

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _at_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of every part stands at three in the afternoon of the firm's day."""
    monkeypatch.setenv("ADDRESSEE_NOW", "2026-11-20T15:00:00")


@pytest.fixture
def firm(db: None) -> dict[str, Any]:
    house.found()
    return house.mail()


def signed_in(key: str) -> Client:
    client = Client()
    client.force_login(Person.objects.get(key=key), backend="addressee.people.sign_in.AddressBackend")
    return client


@pytest.fixture
def ada(firm: dict[str, Any]) -> Client:
    """The admin: sees everything."""
    return signed_in("ada")


@pytest.fixture
def ben(firm: dict[str, Any]) -> Client:
    """An agent of the support team, who may not read refunds and has no part in board papers."""
    return signed_in("ben")


@pytest.fixture
def rita(firm: dict[str, Any]) -> Client:
    """May read her own cases, of which there are none, and comment on nothing."""
    return signed_in("rita")
