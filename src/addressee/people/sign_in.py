"""Who may sign in, and with what: passwords for pages and SMTP AUTH, API keys. Called by Django, listeners, api, ops.

An answer takes the same time whether the person, the password or neither is right, so that nobody learns who
exists by asking. Guest persons and inactive ones never sign in.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from addressee.core import values
from addressee.people import rows
from addressee.people.models import Key, Person

PASSWORD_LENGTH_MOST = 1000  # characters; hashing more is work for nothing
KEY_PREFIX = "adr_"  # so that a key is recognised where it should not be: in a log or a repository


class AddressBackend(BaseBackend):
    """Django's sign-in by a person's key or any of his addresses."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> Person | None:
        if username is None or password is None:
            return None
        return _signed_in(username, password)

    def get_user(self, user_id: int) -> Person | None:
        """The person of a session, as long as he may sign in."""
        return Person.objects.filter(pk=user_id, guest=False, is_active=True).first()


def verify_password(login: str, password: str) -> values.Person | None:
    """For SMTP AUTH (RFC 4954): the person whose key or address and password these are, or None."""
    person = _signed_in(login, password)
    return rows.value_of(person) if person else None


def _signed_in(login: str, password: str) -> Person | None:
    person = rows.find(login)
    if len(password) > PASSWORD_LENGTH_MOST or any("\ud800" <= letter <= "\udfff" for letter in password):
        return None  # nobody has such a password
    if person is None or not person.has_usable_password():
        make_password(password)  # as long as a check takes
        return None
    right = person.check_password(password)
    return person if right and may_sign_in(person) else None


def may_sign_in(person: Person) -> bool:
    return person.is_active and not person.guest


def set_password(person: Person, password: str) -> None:
    """Store a new password; sessions that were signed in with the old one end."""
    person.set_password(password)
    person.save(update_fields=["password"])


def make_a_password() -> str:
    """128 random bits that can be typed."""
    return secrets.token_urlsafe(16)


def make_key(person: Person, at: datetime) -> str:
    """A new API key of 256 random bits. Only its hash is kept: it can't be shown again."""
    text = KEY_PREFIX + secrets.token_urlsafe(32)
    Key.objects.create(person=person, hash=_digest(text), created_at=at)
    return text


def revoke_keys(person: Person, at: datetime) -> int:
    """End every API key of a person; the number of keys that worked until now."""
    return Key.objects.filter(person=person, revoked_at=None).update(revoked_at=at)


def person_of_key(text: str) -> values.Person | None:
    """Whose API key this is (Authorization: Bearer), or None."""
    row = Key.objects.filter(hash=_digest(text), revoked_at=None).select_related("person").first()
    return rows.value_of(row.person) if row and may_sign_in(row.person) else None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
