"""A setup file as a plain document: its keys and values, and the line of each. Called by pipeline/apply and tests.

Everything that can be wrong with a file is a Fault; nothing here raises for any bytes.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from dataclasses import dataclass, field
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any

from addressee.setup.lines import Path, key_lines

NESTED_MOST = 20  # levels; a setup needs 6
LARGEST_INTEGER = 2**63 - 1  # TOML 1.0 "Integer": what every reader of the file can hold
FILE_SIZE_BYTES = 8_388_608  # a firm of 100 tables needs 200 kB

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a file: where, what, and the nearest name that would be right."""

    path: Path
    what: str
    near: str | None = None
    line: int | None = None
    clash: Path = ()  # the other of two things that can't both be: the fault is told where the file names one

    def text(self, file: str) -> str:
        """setup.toml:12: tables.case.titel: there is no such key here. Did you mean title?"""
        place = f"{file}:{self.line}" if self.line else file
        hint = f" Did you mean {self.near}?" if self.near else ""
        return f"{place}: {dotted(self.path)}: {self.what}{hint}" if self.path else f"{place}: {self.what}{hint}"


@dataclass(frozen=True, slots=True)
class Source:
    """What was read: the document (lists of filters and rules as they stand), the lines, and the faults so far."""

    document: Document = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def line(self, path: Path) -> int | None:
        """The line of a path, or of the nearest thing above it that the file names."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None


def dotted(path: Path) -> str:
    """A path as one would write it in the file: tables.case.fields, filters."Monitoring noise".then, steps[2]."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part + 1}]"
        else:
            plain = re.fullmatch(r"[A-Za-z0-9_-]+", part)
            out += ("." if out else "") + (part if plain else _quoted(part))
    return out


def _quoted(key: str) -> str:
    return json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f")  # JSON may hold it, TOML may not


def nearest(name: object, known: Any) -> str | None:
    """The known name that looks most like this one, or None where none does."""
    names = [str(one) for one in known]
    lowered = {one.lower(): one for one in reversed(names)}
    text = str(name).lower()[:200]
    found = get_close_matches(text, lowered, 1, 0.6 if len(text) > 3 else 0.5)
    return lowered[found[0]] if found else None


def read(source: bytes) -> Source:
    """The document of a TOML file. Dates and times become text, as every value of the setup is JSON."""
    if len(source) > FILE_SIZE_BYTES:
        return Source(faults=(Fault((), f"the file is larger than {FILE_SIZE_BYTES} bytes.", line=1),))
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source[: error.start].count(b"\n") + 1
        return Source(faults=(Fault((), "this is no UTF-8 text. Save the file as UTF-8.", line=line),))
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, and what int() and date() say of absurd values
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        said = "too many brackets within each other." if isinstance(error, RecursionError) else str(error)
        what = f"this is no TOML: {said.partition(' (at ')[0].rstrip('.')}."
        lines = text.count("\n") + 1
        return Source(faults=(Fault((), what, line=int(found[1]) if found else lines),))
    lines_of = key_lines(text.encode())
    reader = Source(document, lines_of)
    faults: list[Fault] = []
    plain = _plain(document, faults)
    return Source(plain, lines_of, tuple(place(reader, faults)))


def place(source: Source, faults: list[Fault]) -> list[Fault]:
    """The faults with their lines, in the order of the file, each once."""
    placed = {}
    for fault in faults:
        path = fault.clash if fault.clash in source.lines and fault.path not in source.lines else fault.path
        placed[path, fault.what] = Fault(path, fault.what, fault.near, fault.line or source.line(path))
    return sorted(placed.values(), key=lambda fault: (fault.line or 2**31, dotted(fault.path)))


def _plain(document: Document, faults: list[Fault]) -> Document:
    """The same as JSON can hold it; what it can't hold is left out and named."""
    out: Document = {}
    waiting: list[tuple[Path, Any, Any]] = [((), document, out)]
    while waiting:
        path, value, into = waiting.pop()
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in list(entries):
            here = (*path, name)
            kept, wrong = _scalar(name, inner, len(here))
            if wrong:
                faults.append(Fault(here, wrong))
                continue
            if isinstance(inner, dict | list):
                kept = type(inner)()
                waiting.append((here, inner, kept))
            if isinstance(into, dict):
                into[name] = kept
            else:
                into.append(kept)
    return out


def _scalar(name: str | int, value: Any, depth: int) -> tuple[Any, str]:
    """The value as JSON can hold it, and what is wrong with it."""
    if depth > NESTED_MOST:
        return None, f"more than {NESTED_MOST} levels within each other."
    if isinstance(value, datetime | date | time):
        return value.isoformat(), ""
    if isinstance(value, float) and not math.isfinite(value):
        return None, "this is no number that can be kept."
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return None, "this number is too large."
    if "\x00" in str(name) or (isinstance(value, str) and "\x00" in value):
        return None, "a NUL character can't be kept."
    return value, ""
