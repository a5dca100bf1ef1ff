"""Fields and values of a setup: is the type known, are its options right, is this a value of it? Called by check_*."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading, complaint, whole
from addressee.core.language import english
from addressee.core.registry import fields
from addressee.core.setup import FieldDef, SetupFile
from addressee.setup.document import Fault, nearest
from addressee.setup.lines import Path
from addressee.setup.shape import shown

# What only some types take: each type names those it does (FieldType.options).
OPTIONS = ("unique", "many", "min", "max", "max_length", "places", "choices", "table")


LANGUAGE_LENGTH = 12  # characters; what a person's row can hold
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")  # RFC 5646, as far as a site needs it


def language_tag(path: Path, text: str) -> Iterator[Fault]:
    """A fault where a text is no language tag; nothing for none."""
    if text and (not _LANGUAGE.fullmatch(text) or len(text) > LANGUAGE_LENGTH):
        yield Fault(path, f'{shown(text)} is no language: "en" or "pt-BR" is expected (RFC 5646).')


def dangling(path: Path, name: str, known: Any, kind: str) -> Iterator[Fault]:
    """A fault where a name names nothing; nothing for an empty name, which means none."""
    if name and name not in known:
        yield Fault(path, f"there is no {kind} {shown(name)}.", nearest(name, known))


def each_dangling(path: Path, names: Any, known: Any, kind: str) -> Iterator[Fault]:
    for position, name in enumerate(names):
        if not name:
            yield Fault((*path, position), f"the name of a {kind} is empty.")
        yield from dangling((*path, position), name, known, kind)


def twice(path: Path, names: Any) -> Iterator[Fault]:
    """A fault for each entry of a list that stands in it before."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            yield Fault((*path, position), f"{shown(name)} stands here twice.")
        seen.add(name)


def reading_of(setup: SetupFile) -> Reading:
    """Names of persons as the setup has them. Records are not known here: values of link fields are not looked up."""
    named: dict[str, set[str]] = {}
    for key, person in setup.people.items():
        for text in (key, person.name, *person.addresses):
            named.setdefault(whole(text), set()).add(key)
    return Reading(find_persons=lambda text: tuple(sorted(named.get(whole(text), ()))) if text else ())


def field_faults(path: Path, field: FieldDef, setup: SetupFile, *, retired: bool = False) -> Iterator[Fault]:
    """Everything that is wrong with the definition of one field or parameter. What is retired may name what is gone."""
    kind = fields.get(field.type)
    if kind is None:
        yield Fault((*path, "type"), f"there is no field type {shown(field.type)}.", nearest(field.type, fields))
        return
    usual = FieldDef(type=field.type)
    for name in OPTIONS:
        if name not in kind.options and getattr(field, name) != getattr(usual, name):
            takes = ", ".join(sorted(kind.options)) or "no options of its own"
            yield Fault((*path, name), f"a field of type {field.type} takes no {name}. It takes {takes}.")
    wrong = kind.definition(field)
    if wrong:
        yield Fault((*path, _named_in(wrong)), wrong)
    elif _above(field):
        yield Fault((*path, "min"), f"min {shown(field.min)} is above max {shown(field.max)}.")
    if "table" in kind.options and field.table != "*" and not (retired or field.retired):
        yield from dangling((*path, "table"), field.table, setup.tables, "table")
    if field.default is not None and not wrong:
        if kind.appends or not kind.by_text:
            yield Fault((*path, "default"), f"a field of type {field.type} takes no default.")
        else:
            yield from value_faults((*path, "default"), field.default, field, setup)


def _named_in(sentence: str) -> str:
    """The option that a sentence of FieldType.definition begins with."""
    word = sentence.partition(" ")[0]
    return word if word in OPTIONS else "type"


def _above(field: FieldDef) -> bool:
    if field.min is None or field.max is None:
        return False
    try:
        return Decimal(str(field.min)) > Decimal(str(field.max))
    except InvalidOperation:  # dates: their texts sort as they do
        return str(field.min) > str(field.max)


def value_faults(path: Path, value: Any, field: FieldDef, setup: SetupFile) -> Iterator[Fault]:
    """A fault where this is no value of the field, by the field's own type."""
    kind = fields.get(field.type)
    if kind is None or kind.definition(field):
        return  # told at the field itself
    if kind.looks_up == "record":
        if not isinstance(value, str):
            yield Fault(
                path, f"{shown(value)} is no value of this field. Expected: {english().say(kind.expected(field))}."
            )
        return
    try:
        kind.check(value, field, reading_of(setup))
    except BadValue as error:
        near = error.data.pop("near", None) or nearest(value, field.choices)
        yield Fault(path, f"{shown(value)}: {complaint(error)}", str(near) if near else None)


def named_value_faults(path: Path, values: dict[str, Any], table: str, setup: SetupFile) -> Iterator[Fault]:
    """Faults of { field = value } for a table that is known."""
    live = setup.tables[table].live_fields
    for name, value in values.items():
        yield from dangling((*path, name), name, live, f"field of {table}")
        field = live.get(name)
        if field is None:
            continue
        kind = fields.get(field.type)
        if kind is not None and not kind.by_text:
            yield Fault((*path, name), f"a field of type {field.type} can't be set here.")
        else:
            yield from value_faults((*path, name), value, field, setup)
