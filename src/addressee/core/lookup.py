"""What names in a text mean: records by number, title or uuid, persons by name, key or address. Pure; by decide."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any

from addressee.core.authorise import addresses_of, field_access, reaches
from addressee.core.fieldtype import fold
from addressee.core.numbers import read_number
from addressee.core.present import name_of
from addressee.core.setup import Setup
from addressee.core.values import Actor, RecordState, Right, Snapshot


def may_know(actor: Actor, record: RecordState, setup: Setup, snapshot: Snapshot) -> bool:
    """May the actor be told what a record is called (law 13)? He may read it, or it is himself as a contact."""
    bound = snapshot.correspondents.get(record.uuid, {})
    if reaches(actor, Right.READ, record, setup, bound, snapshot.records):
        return field_access(actor.person, record.table, setup.tables[record.table].title, setup) != "none"
    return bool(actor.address) and actor.address in addresses_of(record, setup)


class Titles(dict[str, tuple[str, str]]):
    """uuid -> (table, what the record is called), made when asked; number or uuid where the reader may know no more."""

    def __init__(self, snapshot: Snapshot, setup: Setup, knows: Callable[[RecordState], bool]) -> None:
        super().__init__()
        self._snapshot, self._setup, self._knows = snapshot, setup, knows

    def __missing__(self, uuid: str) -> tuple[str, str]:
        record = self._snapshot.records[uuid]
        known = self._knows(record) and record.title
        return record.table, known or name_of(record, self._setup)

    def __contains__(self, uuid: object) -> bool:
        return uuid in self._snapshot.records

    def get(self, uuid: str, default: Any = None) -> Any:
        return self.__missing__(uuid) if uuid in self else default


def find_records(table: str, text: str, snapshot: Snapshot, setup: Setup) -> tuple[str, ...]:
    """The records that a number, title or uuid names in a table ("*" = any); deleted ones are not found."""
    wanted = text.strip()
    found: list[str] = []
    for key in setup.live_tables if table == "*" else (table,):
        number = read_number(setup.tables[key], wanted) if key in setup.tables else None
        if number is not None and (key, number) in snapshot.numbered:
            found.append(snapshot.numbered[(key, number)])
        found += snapshot.named.get((key, fold(wanted)), [])
    found += snapshot.named.get((table, fold(wanted)), [])
    if wanted.lower() in snapshot.records and (table == "*" or snapshot.records[wanted.lower()].table == table):
        found.append(wanted.lower())
    alive = (u for u in found if u in snapshot.records and not snapshot.records[u].deleted)
    return tuple(dict.fromkeys(alive))


def nearest(text: str, names: Iterable[str]) -> str:
    """The name that a misspelt text may be meant as, "" where none is near."""
    known = {fold(name): name for name in names}
    near = difflib.get_close_matches(fold(text), known, 1, 0.7)
    return known[near[0]] if near else ""


def find_persons(text: str, snapshot: Snapshot) -> tuple[str, ...]:
    """The persons that a key, address or name names."""
    wanted = fold(text)
    here = {key: p for key, p in snapshot.persons.items() if p.active and not p.guest}
    key = wanted if wanted in here else snapshot.person_by_address.get(wanted, "")
    if key in here:
        return (key,)
    return tuple(key for key, p in here.items() if fold(p.name) == wanted)
