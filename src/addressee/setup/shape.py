"""Are the keys known and the values of the right kind? Pydantic's errors as faults in our words. Called by check."""

from __future__ import annotations

import json
from typing import Any, get_args

from pydantic import ValidationError

from addressee.core.setup import SetupFile
from addressee.setup import schema
from addressee.setup.document import Document, Fault, nearest
from addressee.setup.lines import Path


def validated(document: Document) -> tuple[SetupFile | None, list[Fault]]:
    """The setup a document means, or what is wrong with its shape."""
    faults = [Fault(("version",), "there is no such key.")] if "version" in document else []
    try:
        setup = SetupFile.model_validate_json(
            json.dumps(document)
        )  # strict models take lists for tuples from JSON only
    except ValidationError as error:
        return None, faults + _faults(error, document)
    return (None, faults) if faults else (setup, [])


def _faults(error: ValidationError, document: Document) -> list[Fault]:
    by_path: dict[Path, Fault] = {}
    for one in error.errors(include_url=False, include_context=True):
        fault = _fault(one["type"], tuple(one["loc"]), one, document)
        if fault.path in by_path and fault.what != by_path[fault.path].what:
            fault = _wrong_kind(fault.path, _value(document, fault.path))  # a union: said once, for all its members
        by_path[fault.path] = fault
    return list(by_path.values())


def _fault(kind: str, loc: Path, error: Any, document: Document) -> Fault:
    if kind == "missing":
        return Fault(loc, "this key is missing.")
    path = _in_document(loc, document)
    if kind == "extra_forbidden":
        return Fault(path, "there is no such key here.", nearest(path[-1], schema.known_keys(path[:-1])))
    value = _value(document, path)
    if loc[-1:] == ("[key]",):
        what = f"{json.dumps(path[-1])} is no name we can use: small letters, digits and _, at most 40, a letter first."
        return Fault(path, what)
    if kind == "literal_error":
        names = get_args(schema.at(path))
        return Fault(path, f"{shown(value)} is not {schema.expected(schema.at(path))}.", nearest(value, names))
    if kind.endswith("_type") or kind in ("int_from_float", "int_parsing"):
        return _wrong_kind(path, value)
    return Fault(path, f"{shown(value)} can't be taken: {str(error['msg'])[:1].lower()}{str(error['msg'])[1:]}.")


def _wrong_kind(path: Path, value: Any) -> Fault:
    return Fault(path, f"{schema.expected(schema.at(path))} is expected here, not {shown(value)}.")


def shown(value: Any) -> str:
    """A value of the file, cut short, for a sentence."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _in_document(loc: Path, document: Document) -> Path:
    """The part of pydantic's location that is a path of the file: it adds members of unions and marks of keys."""
    here: Any = document
    path: Path = ()
    for part in loc:
        inside = (isinstance(here, dict) and part in here) or (
            isinstance(here, list) and isinstance(part, int) and part < len(here)
        )
        if not inside:
            break
        here, path = here[part], (*path, part)
    return path


def _value(document: Document, path: Path) -> Any:
    here: Any = document
    for part in path:
        here = here[part]
    return here
