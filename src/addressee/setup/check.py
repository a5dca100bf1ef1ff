"""Is a file right, together with what stands? Every fault at once, or the setup it makes. Called by pipeline/apply."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from addressee.core.setup import SetupFile
from addressee.setup import schema
from addressee.setup.check_mail import mail_faults
from addressee.setup.check_processes import process_faults
from addressee.setup.check_site import people_faults, site_faults
from addressee.setup.check_tables import table_faults
from addressee.setup.difference import Stored, Tree, document_of, merge, tree_of
from addressee.setup.document import Document, Fault, Source, place
from addressee.setup.lines import Path
from addressee.setup.shape import validated

KEY_LENGTH = 200  # characters; what a row of the setup can hold


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file comes to: the tree that would stand and its setup, or the faults, in the order of the file."""

    tree: Tree
    setup: SetupFile | None
    faults: tuple[Fault, ...]
    named: Tree = field(default_factory=dict)  # what the file itself names


def check(
    source: Source, stored: Stored, *, prune: bool = False, keep: Callable[[Path], bool] = lambda p: True
) -> Checked:
    """Check shape, then names and values against each other. Parts with a fault are set aside, to find the others."""
    if any(not fault.path for fault in source.faults):  # could not be read at all
        return Checked({}, None, source.faults)
    document = copy.deepcopy(source.document)
    faults = list(source.faults)
    faults += _set_faulty_aside(document)
    aside = [fault.path for fault in faults]
    faults += _faulty_names(document)
    named = tree_of(document)
    tree = merge(stored, named, prune=prune, keep=keep)
    setup, missing = _whole(tree)
    faults += [fault for fault in missing if not _inside(fault.path, aside)]
    aside += [fault.path for fault in missing]
    if setup is not None:
        faults += [fault for fault in _cross_checked(setup) if not _inside(fault.path, aside)]
    if faults:
        return Checked(tree, None, tuple(place(_with_names(source), faults)))
    return Checked(tree, setup, (), named)


def _cross_checked(setup: SetupFile) -> Iterable[Fault]:
    yield from site_faults(setup)
    yield from table_faults(setup)
    yield from people_faults(setup)
    yield from mail_faults(setup)
    yield from process_faults(setup)


def _inside(path: Path, aside: list[Path]) -> bool:
    return any(path[: len(one)] == one for one in aside)


def _set_faulty_aside(document: Document) -> list[Fault]:
    """The faults of the file's own shape; what they lie in is taken out. Keys may be missing: what stands has them."""
    found: list[Fault] = []
    while True:
        _, faults = validated(document)
        faults = [fault for fault in faults if not _may_be_missing(fault, document)]
        if not faults:
            return found
        found += faults
        for path in sorted({_whole_value(fault.path) for fault in faults}, key=_deepest_last_first):
            _take_out(document, path)


def _may_be_missing(fault: Fault, document: Document) -> bool:
    missing = _look_up(document, fault.path) is schema.NOTHING
    return missing and not (fault.path[0] in schema.NAMED_LISTS and fault.path[2:] == ("name",))


def _whole_value(path: Path) -> Path:
    """The path of the value to take out: of a list the whole, of [[filters]] the one that has no name."""
    start = 2 if path[0] in schema.NAMED_LISTS else 1
    if path[0] in schema.NAMED_LISTS and path[2:] == ("name",):
        return path[:2]
    first = next((place for place in range(start, len(path)) if isinstance(path[place], int)), len(path))
    return path[:first]


def _deepest_last_first(path: Path) -> tuple[int, int]:
    return (-len(path), -next((part for part in path if isinstance(part, int)), 0))


def _look_up(document: Document, path: Path) -> Any:
    here: Any = document
    for part in path:
        inside = part in here if isinstance(here, dict) else isinstance(here, list) and int(part) < len(here)
        if not inside:
            return schema.NOTHING
        here = here[part]
    return here


def _take_out(document: Document, path: Path) -> None:
    above = _look_up(document, path[:-1])
    if _look_up(document, path) is not schema.NOTHING:
        del above[path[-1]]


def _faulty_names(document: Document) -> list[Fault]:
    """Names of [[filters]] and [[rules]]: not empty, not too long, each once. The faulty ones are taken out."""
    faults = []
    for kind in schema.NAMED_LISTS:
        seen: set[str] = set()
        kept = []
        for position, one in enumerate(document.get(kind, [])):
            name = one["name"]
            what = ""
            if not name.strip() or len(name) > KEY_LENGTH:
                what = f"a name has 1 to {KEY_LENGTH} characters."
            elif name in seen:
                what = f'two {kind} are named "{name[:60]}".'
            if what:
                faults.append(Fault((kind, position, "name"), what))
            else:
                kept.append(one)
            seen.add(name)
        if kind in document:
            document[kind] = kept
    return faults


def _whole(tree: Tree) -> tuple[SetupFile | None, list[Fault]]:
    """The setup of a merged tree, and the keys it misses. They stand empty in the setup, to find what else is wrong."""
    document = copy.deepcopy(document_of(tree))
    setup, faults = validated(document)
    if setup is None:
        for fault in faults:
            _look_up(document, fault.path[:-1])[fault.path[-1]] = schema.placeholder(fault.path)
        setup, _ = validated(document)  # None where what stands is no setup: written by a newer program
    return setup, [Fault(_by_name(fault.path, tree), fault.what, fault.near) for fault in faults]


def _by_name(path: Path, tree: Tree) -> Path:
    if path[0] in schema.NAMED_LISTS and isinstance(path[1], int):
        return (path[0], list(tree[str(path[0])])[path[1]], *path[2:])
    return path


def _with_names(source: Source) -> Source:
    """The lines of [[filters]] and [[rules]] by name too: faults of the whole name them so."""
    lines = dict(source.lines)
    for path, line in source.lines.items():
        if path[0] in schema.NAMED_LISTS and len(path) > 1:
            name = _look_up(source.document, (*path[:2], "name"))
            if isinstance(name, str):
                lines.setdefault((path[0], name, *path[2:]), line)
    return Source(source.document, lines)
