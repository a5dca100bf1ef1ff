"""Persons as rows: what the setup file says of them, and what the core is told. Called by apply, snapshot and doors."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from django.db import connection
from django.db.models import Model, Prefetch, Q, QuerySet

from addressee.core import values
from addressee.core.addresses import normal
from addressee.people.models import Key, Person, PersonAddress
from addressee.setup.lines import Path

Tree = dict[str, Any]

_NOTHING_SAID: Tree = {
    "name": "", "roles": [], "guest": False, "time_zone": "", "language": "", "away": [], "addresses": [],
    "active": True,
}  # fmt: skip
_PLAIN = ("name", "roles", "guest", "time_zone", "language", "away")  # the same in the file and in the row
_IN_ONE_QUERY = 10_000  # SQLite takes 32,766 variables


# ---- for the core --------------------------------------------------------------------------------------------


def persons_by(addresses: Iterable[str], keys: Iterable[str] = (), names: Iterable[str] = ()) -> list[values.Person]:
    """The persons with one of these normalised addresses, keys or names (any case), in one query."""
    wanted, named, called = sorted({*addresses}), sorted({*keys}), sorted({*names})
    if not wanted and not named and not called:
        return []
    person, address = _quoted(Person), _quoted(PersonAddress)
    found: dict[str, list[Any]] = {}
    for start in range(0, max(len(wanted), len(named), len(called)), _IN_ONE_QUERY):
        part = slice(start, start + _IN_ONE_QUERY)
        arms = [
            (f"SELECT person_id FROM {address} WHERE address IN", wanted[part]),
            (f"SELECT id FROM {person} WHERE key IN", named[part]),
            (f"SELECT id FROM {person} WHERE LOWER(name) IN", [name.lower() for name in called[part]]),
        ]
        which = " UNION ".join(f"{head} ({', '.join(['%s'] * len(given))})" for head, given in arms if given)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS}, a.address FROM {person} p LEFT JOIN {address} a ON a.person_id = p.id "
                f"WHERE p.id IN ({which}) ORDER BY p.key, a.position, a.id",
                [each for _, given in arms for each in given],
            )
            for key, *rest in cursor.fetchall():
                found.setdefault(key, []).append(rest)
    return [_person(key, rows) for key, rows in sorted(found.items())]


_COLUMNS = "p.key, p.name, p.roles, p.guest, p.is_active, p.time_zone, p.language, p.away"


def _quoted(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _person(key: str, rows: list[list[Any]]) -> values.Person:
    """One person of her rows, one for each address."""
    name, roles, guest, active, zone, language, away, _ = rows[0]
    lists = [json.loads(each) if isinstance(each, str) else each for each in (roles, away)]
    own = tuple(row[-1] for row in rows if row[-1])
    return values.Person(key, name, own, tuple(lists[0]), bool(guest), bool(active), zone, language, tuple(lists[1]))


def names(most: int) -> list[str]:
    """What the active persons of the firm are called, at most so many: to name the nearest to a misspelt one."""
    rows = Person.objects.filter(is_active=True, guest=False).exclude(name="").order_by("key")
    return list(rows.values_list("name", flat=True)[:most])


def all_persons() -> list[values.Person]:
    """Every person, guests and inactive ones too, in two queries."""
    return list(_persons(Q()))


def _persons(which: Q) -> Iterable[values.Person]:
    rows = Person.objects.filter(which).distinct().order_by("key")
    return [value_of(row) for row in _with_addresses(rows)]


def _with_addresses(rows: QuerySet[Person]) -> QuerySet[Person]:
    return rows.prefetch_related(Prefetch("addresses", PersonAddress.objects.order_by("position", "pk")))


def value_of(row: Person) -> values.Person:
    """The row as the core knows a person."""
    return values.Person(
        key=row.key,
        name=row.name,
        addresses=tuple(one.address for one in row.addresses.all()),
        roles=tuple(row.roles),
        guest=row.guest,
        active=row.is_active,
        time_zone=row.time_zone,
        language=row.language,
        away=tuple(row.away),
    )


def find(login: str) -> Person | None:
    """The person with this key or address, or None. Guests and inactive ones too: the caller decides."""
    login = login.strip()
    if not login.isprintable():  # NUL and lone surrogates are nothing a database can be asked for
        return None
    address = normal(login)
    which = Q(key=login.lower()) if address is None else Q(addresses__address=address)
    return Person.objects.filter(which).first()


# ---- for the setup file --------------------------------------------------------------------------------------


def tree() -> Tree:
    """The people as a file would name them: what differs from nothing said."""
    return {row.key: _item(row) for row in _with_addresses(Person.objects.order_by("pk"))}


def applied() -> tuple[Tree, dict[Path, str]]:
    """The people as the last apply left them, and who changed which of them last."""
    rows = list(Person.objects.order_by("pk").values_list("key", "item", "changed_by"))
    return {key: item for key, item, _ in rows}, {("people", key): by for key, _, by in rows}


def _item(row: Person) -> Tree:
    out = {name: getattr(row, name) for name in _PLAIN if getattr(row, name)}
    addresses = [one.written or one.address for one in row.addresses.all()]
    if addresses:
        out["addresses"] = addresses
    if not row.is_active:
        out["active"] = False
    said = [name for name in row.item if name in _NOTHING_SAID and name not in out]  # what goes without saying
    return out | {name: _NOTHING_SAID[name] for name in said}


def save(wanted: Tree, *, by: str, applied: bool) -> None:
    """Make the rows equal to a checked tree of people; who is not in it goes, with addresses and keys.

    Ten queries for any number of persons. Call it inside the transaction that holds the rest of the change.
    """
    rows = {row.key: row for row in _with_addresses(Person.objects.all())}
    gone = [row.pk for key, row in rows.items() if key not in wanted]
    fresh: list[Person] = []
    changed: list[Person] = []
    moved: dict[str, list[str]] = {}
    for key, item in wanted.items():
        row = rows.get(key) or Person(key=key)
        before = _item(row) if row.pk else None
        if before is None:
            row.set_unusable_password()
            fresh.append(row)
        elif before != item or (applied and row.item != item):
            changed.append(row)
        else:
            continue
        _take(row, item, by, applied, changed_now=before != item)
        if before is None or before.get("addresses", []) != item.get("addresses", []):
            moved[key] = item.get("addresses", [])
    PersonAddress.objects.filter(person__key__in=list(moved)).delete()
    Person.objects.filter(pk__in=gone).delete()
    Person.objects.bulk_create(fresh)
    Person.objects.bulk_update(changed, [*_PLAIN, "is_active", "item", "changed_by"])
    _write_addresses(moved)


def _take(row: Person, item: Tree, by: str, applied: bool, *, changed_now: bool) -> None:
    for name in _PLAIN:
        setattr(row, name, item.get(name, _NOTHING_SAID[name]))
    row.is_active = item.get("active", True)
    if changed_now:
        row.changed_by = by
    if applied:
        row.item = item


def _write_addresses(moved: dict[str, list[str]]) -> None:
    ids = dict(Person.objects.filter(key__in=list(moved)).values_list("key", "pk"))
    PersonAddress.objects.bulk_create(
        PersonAddress(
            person_id=ids[key], address=normal(written) or written, written=written.strip(), position=position
        )
        for key, addresses in moved.items()
        for position, written in enumerate(addresses)
    )


def with_history(keys: Collection[str]) -> set[str]:
    """Of these persons, who ever could or did sign in: such a person is deactivated rather than removed."""
    rows = Person.objects.filter(key__in=list(keys))
    used = {row.key for row in rows if row.has_usable_password() or row.last_login}
    return used | set(Key.objects.filter(person__key__in=list(keys)).values_list("person__key", flat=True))
