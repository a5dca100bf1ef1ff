"""Persons as rows and how they sign in: passwords by key or address, API keys, guests never. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.test.utils import CaptureQueriesContext

from addressee.people import rows, sign_in
from addressee.people.models import Key, Person, PersonAddress

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

CAST = {
    "ada": {"name": "Ada Admin", "addresses": ["Ada@Example.test", "ada@phone.example"], "roles": ["admin"]},
    "ben": {"name": "Ben Agent", "addresses": ["ben@example.test"], "roles": ["agent"], "time_zone": "Europe/Berlin"},
    "gus": {"name": "Guest", "guest": True, "roles": ["customer"]},
    "cleo": {"name": "Cleo", "addresses": ["cleo@example.test"], "active": False, "away": ["2026-01-01/2026-01-02"]},
}


@pytest.fixture(scope="module")
def hashes():
    """One hash each for the whole file: hashing a password is slow on purpose."""
    return {key: make_password(f"secret of {key}") for key in CAST}


@pytest.fixture(autouse=True)
def cast(hashes):
    rows.save(CAST, by="operator", applied=True)
    for key, hashed in hashes.items():
        Person.objects.filter(key=key).update(password=hashed)


def test_persons_come_back_as_the_file_wrote_them():
    assert rows.tree() == CAST
    with CaptureQueriesContext(connection) as queries:
        rows.save(rows.tree(), by="operator", applied=True)
    assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]


def test_the_core_gets_a_whole_batch_of_persons_in_one_query():
    addresses = ["ada@example.test", "ben@example.test", "nobody@example.test"]
    with CaptureQueriesContext(connection) as queries:
        found = rows.persons_by(addresses, ["gus", "ada"])
    assert len(queries) == 1
    assert [person.key for person in found] == ["ada", "ben", "gus"]
    ada, ben, gus = found
    assert ada.addresses == ("ada@example.test", "ada@phone.example")
    assert (ben.time_zone, ben.roles) == ("Europe/Berlin", ("agent",))
    assert gus.guest


def test_nothing_asked_is_no_query():
    with CaptureQueriesContext(connection) as queries:
        assert rows.persons_by([], []) == []
    assert not len(queries)


@pytest.mark.parametrize("login", ["ada", "ADA", " ada ", "ada@example.test", "ADA@EXAMPLE.TEST", "ada@phone.example"])
def test_a_person_signs_in_by_key_or_any_address(login, rf):
    assert sign_in.verify_password(login, "secret of ada").key == "ada"
    assert authenticate(rf.post("/sign-in"), username=login, password="secret of ada").key == "ada"


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("ada", "secret of ben"),
        ("ada", ""),
        ("ada", "x" * 100_000),
        ("gus", "secret of gus"),  # a guest
        ("cleo", "secret of cleo"),  # inactive
        ("cleo@example.test", "secret of cleo"),
        ("nobody", "secret"),
        ("", ""),
        ("ada", "secret of ada\ud800"),
        ("ada@example.test, ben@example.test", "secret of ada"),
    ],
)
def test_everything_else_is_refused_alike(login, password, rf):
    assert sign_in.verify_password(login, password) is None
    assert authenticate(rf.post("/sign-in"), username=login, password=password) is None


@pytest.mark.parametrize("login", ["ada\x00", "ada\ud800", "ada\x00@example.test", "a\x07da"])
def test_a_login_that_no_database_can_be_asked_for_is_nobodys(login):
    # SMTP AUTH brings any bytes; a page's form refuses these before
    assert sign_in.verify_password(login, "secret of ada") is None


def test_a_person_without_a_password_never_signs_in():
    person = Person.objects.get(key="ada")
    person.set_unusable_password()
    person.save()
    for password in ("", "!", person.password, person.password[1:]):
        assert sign_in.verify_password("ada", password) is None


@pytest.mark.parametrize("login", ["ada", "gus", "cleo", "nobody", "nobody@example.test"])
def test_every_refusal_costs_one_hash_so_that_nobody_learns_who_exists(login, monkeypatch):
    from django.contrib.auth.hashers import get_hasher

    hasher, hashed = type(get_hasher()), []
    real = hasher.encode
    monkeypatch.setattr(hasher, "encode", lambda self, *a, **k: hashed.append(1) or real(self, *a, **k))
    assert sign_in.verify_password(login, "wrong") is None
    assert len(hashed) == 1


def test_a_session_ends_when_its_person_may_no_longer_sign_in():
    backend, ada = sign_in.AddressBackend(), Person.objects.get(key="ada")
    assert backend.get_user(ada.pk) == ada
    Person.objects.filter(pk=ada.pk).update(is_active=False)
    assert backend.get_user(ada.pk) is None


def test_an_api_key_is_its_persons_until_it_is_revoked():
    ada = Person.objects.get(key="ada")
    one, two = sign_in.make_key(ada, NOW), sign_in.make_key(ada, NOW)
    assert one != two
    assert sign_in.person_of_key(one).key == "ada"
    assert sign_in.person_of_key(one + "x") is None
    assert sign_in.person_of_key("\ud800") is None
    # only a hash is kept
    assert not Key.objects.filter(hash__in=[one, one.removeprefix(sign_in.KEY_PREFIX)]).exists()
    assert sign_in.revoke_keys(ada, NOW) == 2
    assert sign_in.person_of_key(one) is sign_in.person_of_key(two) is None
    assert sign_in.revoke_keys(ada, NOW) == 0


def test_an_api_key_of_an_inactive_person_is_nobodys():
    ada = Person.objects.get(key="ada")
    key = sign_in.make_key(ada, NOW)
    Person.objects.update(is_active=False)
    assert sign_in.person_of_key(key) is None


def test_who_is_not_in_the_tree_goes_with_addresses_and_keys():
    sign_in.make_key(Person.objects.get(key="ben"), NOW)
    rows.save({"ada": CAST["ada"]}, by="operator", applied=True)
    assert list(Person.objects.values_list("key", flat=True)) == ["ada"]
    assert PersonAddress.objects.count() == 2
    assert not Key.objects.exists()


def test_many_persons_are_saved_by_few_statements():
    people = {f"p{n}": {"name": f"P {n}", "addresses": [f"p{n}@example.test"]} for n in range(300)}
    with CaptureQueriesContext(connection) as queries:
        rows.save(people, by="operator", applied=True)
    assert len(queries) < 20
    assert rows.tree() == people
