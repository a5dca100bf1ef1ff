"""What the models of core/setup say of a path: known keys, default, kind of value. Called by shape and difference."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from addressee.core.setup import SetupFile
from addressee.setup.lines import Path

NOTHING = object()  # there is no such key, or it has no default

# Lists whose entries are things with a name: in every other place a list is one value.
NAMED_LISTS = ("filters", "rules")
# Every kind of thing in a file, in the order in which `dump` writes them.
KINDS = (
    "tables", "views", "roles", "teams", "people", "accounts", "filters", "rules", "templates", "processes",
)  # fmt: skip


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a model as a file writes them."""
    named = {info.alias or name: info for name, info in model.model_fields.items()}
    if issubclass(model, SetupFile):
        del named["version"]  # counted by us, never written in a file
    return named


def at(path: Path) -> Any:
    """The type of what stands at a path (Optional taken off), or NOTHING where the models know no such key."""
    here: Any = SetupFile
    for part in path:
        here = _below(here, part)
        if here is NOTHING:
            return NOTHING
    return here


def known_keys(path: Path) -> list[str]:
    """The keys that the thing at a path takes; none where it takes any name."""
    here = at(path)
    return list(fields_of(here)) if is_model(here) else []


def default(path: Path) -> Any:
    """What a key means when it is not written, in JSON's terms; NOTHING where it has to be written or is unknown."""
    above = at(path[:-1])
    if not is_model(above) or path[-1] not in fields_of(above):
        return NOTHING
    info = fields_of(above)[str(path[-1])]
    if info.is_required():
        return NOTHING
    value = info.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return {}  # what it leaves out has defaults of its own
    return list(value) if isinstance(value, tuple) else value


def placeholder(path: Path) -> str:
    """Something of the right kind for a key that has to be written and was not. Such keys are texts and choices."""
    kind = at(path)
    return str(get_args(kind)[0]) if get_origin(kind) is Literal else ""


def is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _below(kind: Any, part: str | int) -> Any:
    if is_model(kind):
        info = fields_of(kind).get(str(part))
        return bare(info.annotation) if info else NOTHING
    if get_origin(kind) is dict:
        return bare(get_args(kind)[1])
    if get_origin(kind) is tuple:
        return bare(get_args(kind)[0])
    return Any if kind is Any else NOTHING


def bare(annotation: Any) -> Any:
    """The type without Annotated and without `or None`."""
    if get_origin(annotation) is Annotated:
        return bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        kinds = [one for one in get_args(annotation) if one is not type(None)]
        return bare(kinds[0]) if len(kinds) == 1 else typing.Union[tuple(kinds)]  # noqa: UP007 - made at run time
    return annotation


def expected(kind: Any) -> str:
    """The form of a value, as a phrase: "true or false"."""
    kind = bare(kind)
    plain = {bool: "true or false", int: "a whole number", float: "a number", str: "text in quotes"}
    if kind in plain:
        return plain[kind]
    origin = get_origin(kind)
    if origin is Literal:
        return "one of " + ", ".join(f'"{one}"' for one in get_args(kind))
    if origin is tuple:
        return f"a list of {_many(bare(get_args(kind)[0]))}"
    if origin in (Union, types.UnionType):
        return "a number or text in quotes"
    return "a table: { key = value } or a [section]"


def _many(kind: Any) -> str:
    return {str: 'texts: ["one", "two"]', int: "whole numbers"}.get(kind, "tables: { key = value }")
