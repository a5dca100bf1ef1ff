"""Many rows in one statement, on SQLite and PostgreSQL alike. Called by the writers of records and mail.

Django's bulk_create cuts a batch at 999 parameters on SQLite; a batch of messages would become many statements.
SQLite takes 32,766 parameters since 3.32.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, models

MOST_PARAMETERS = 30_000
T = TypeVar("T")
M = TypeVar("M", bound=models.Model)


def chunks(items: Sequence[T], parameters_each: int) -> Iterator[Sequence[T]]:
    """The items in slices that fit one statement."""
    size = max(1, MOST_PARAMETERS // parameters_each)
    for start in range(0, len(items), size):
        yield items[start : start + size]


def new(model: type[M], **values: Any) -> M:
    """A row that is only to be inserted: by attribute (record_id, not record), what is left out by default.

    Django's own constructor takes three times as long, and a message makes a dozen rows. Raises TypeError for a
    name that is no column's.
    """
    blank = _blank(model)
    if not values.keys() <= blank.keys():
        raise TypeError(f"{model.__name__} has no {', '.join(sorted(values.keys() - blank.keys()))}")
    row = model.__new__(model)
    row.__dict__.update(blank, **values)
    return row


@cache
def _blank(model: type[models.Model]) -> dict[str, Any]:
    columns = (field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField))
    return {field.attname: field.get_default() for field in columns}


def insert(objects: Sequence[models.Model], conflict: str = "") -> int:
    """Insert objects of one model; how many rows were written.

    conflict  what follows the values, such as "ON CONFLICT DO NOTHING"

    Keys that the database makes are not read back. Raises django.db.IntegrityError.
    """
    if not objects:
        return 0
    head, prepared = _plan(type(objects[0]), connection.vendor)
    row, written = "(" + ", ".join(["%s"] * len(prepared)) + ")", 0
    with connection.cursor() as cursor:
        for part in chunks(objects, len(prepared)):
            parameters = [
                value if prepare is None or value is None else prepare(value)
                for own in map(vars, part)
                for name, prepare in prepared
                for value in (own[name],)
            ]
            cursor.execute(f"{head}{', '.join([row] * len(part))} {conflict}", parameters)
            written += cursor.rowcount
    return written


def values(columns: Sequence[models.Field[Any, Any]], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """(VALUES …) with its parameters. Both databases call its columns column1, column2 …"""
    row = "(" + ", ".join(map(_typed, columns)) + ")"
    prepared = [_preparation(field) for field in columns]
    parameters = [
        value if prepare is None or value is None else prepare(value)
        for each in rows
        for prepare, value in zip(prepared, each, strict=True)
    ]
    return f"(VALUES {', '.join([row] * len(rows))})", parameters


def fields(model: type[models.Model], *names: str) -> list[models.Field[Any, Any]]:
    by_name = {field.name: field for field in model._meta.concrete_fields}
    return [by_name[name] for name in names]


def placeholders(items: Iterable[Any]) -> tuple[str, list[Any]]:
    """(%s, %s, …) with its parameters."""
    parameters = list(items)
    return "(" + ", ".join(["%s"] * len(parameters)) + ")", parameters


@cache
def table(model: type[models.Model]) -> str:
    return quoted(model._meta.db_table)


@cache
def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


@cache
def _plan(model: type[models.Model], vendor: str) -> tuple[str, list[tuple[str, Callable[[Any], Any] | None]]]:
    """The head of an INSERT, and each attribute with how it becomes a parameter."""
    columns = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    head = f"INSERT INTO {table(model)} ({', '.join(quoted(str(field.column)) for field in columns)}) VALUES "
    return head, [(field.attname, _preparation(field)) for field in columns]


_PLAIN = (models.CharField, models.TextField, models.IntegerField, models.FloatField, models.BooleanField)


@cache
def _preparation(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How a value becomes a parameter; None where it is one already: most are, and Django asks each one anew."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, _PLAIN):
        return None
    if isinstance(target, models.DateTimeField):
        return moment
    if isinstance(target, models.UUIDField):
        return str if connection.vendor == "postgresql" else _hex
    if isinstance(target, models.JSONField) and connection.vendor == "sqlite":
        return json.dumps
    return lambda value: field.get_db_prep_save(value, connection)


def key(value: UUID | str) -> str:
    """A uuid as the database at hand takes it for a parameter."""
    return str(value) if connection.vendor == "postgresql" else _hex(value)


def uuid_text(value: UUID | str) -> str:
    """A uuid as the core writes it, of what a plain statement brings: SQLite keeps 32 digits without dashes."""
    text = str(value)
    return text if "-" in text else f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=256)  # the rows of a batch are all of one moment
def moment(at: datetime) -> Any:
    """A time as the database at hand takes it for a parameter."""
    return connection.ops.adapt_datetimefield_value(at)


def aware(at: datetime) -> datetime:
    """A time as a plain statement brings it: SQLite keeps UTC and does not say so."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _hex(value: UUID | str) -> str:
    """A uuid as SQLite keeps it."""
    return value.hex if isinstance(value, UUID) else value.replace("-", "")


def _typed(field: models.Field[Any, Any]) -> str:
    """A parameter with its type: in a bare VALUES PostgreSQL takes every text for text."""
    if connection.vendor != "postgresql":
        return "%s"
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    return f"%s::{target.db_type(connection)}"
