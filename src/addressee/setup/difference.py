"""What a file would change: merging it with what stands, and the difference as lines. Pure; called by check and apply.

Both work on trees: documents whose named lists (filters, rules) are dicts by name. What the file names is made
equal, what it does not name stays; with `prune` it goes, and what holds data is retired instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from addressee.setup import schema
from addressee.setup.document import Document, dotted
from addressee.setup.in_effect import in_effect, stored_only
from addressee.setup.lines import Path

Tree = dict[str, Any]

# Where the order of things has a meaning: the first account of a table is its default, the first filter wins,
# and pages show tables, fields and views in this order.
ORDERED: tuple[Path, ...] = (
    ("tables",), ("tables", "*", "fields"), ("views",), ("accounts",), ("filters",), ("rules",),
)  # fmt: skip
# What may hold data or history -> what is written instead of taking it away.
KEPT: dict[Path, Tree] = {
    ("tables", "*"): {"retired": True},
    ("tables", "*", "fields", "*"): {"retired": True},
    ("people", "*"): {"active": False},
}


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a difference. `changed_by` names who changed the value on a page since the last apply."""

    change: str  # add | alter | remove
    path: Path
    before: Any
    after: Any
    in_effect: bool = True
    changed_by: str | None = None

    def line(self) -> dict[str, Any]:
        """As `apply --json` prints it (DESIGN section 5)."""
        return {
            "change": self.change,
            "path": dotted(self.path),
            "before": self.before,
            "after": self.after,
            "in_effect": self.in_effect,
            "changed_by": self.changed_by,
        }


@dataclass(frozen=True, slots=True)
class Stored:
    """The setup as it stands, as the last apply left it, and who changed which thing since."""

    tree: Tree
    applied: Tree
    changed_by: Mapping[Path, str]  # (kind, key), or ("site",) ->


def tree_of(document: Document) -> Tree:
    """Named lists as dicts by name. For a document whose names are known to be texts and unique."""
    return {
        kind: {one["name"]: one for one in value} if kind in schema.NAMED_LISTS else value
        for kind, value in document.items()
    }


def document_of(tree: Tree) -> Document:
    return {kind: list(value.values()) if kind in schema.NAMED_LISTS else value for kind, value in tree.items()}


# ---- merge ---------------------------------------------------------------------------------------------------


def merge(
    stored: Stored, named: Tree, *, prune: bool = False, keep: Callable[[Path], bool] = lambda path: True
) -> Tree:
    """What stands after the file. `keep` tells of a table, field or person whether it holds data or history."""
    return dict(_merge((), stored.tree, named, stored.applied, prune, keep))


def _merge(path: Path, old: Any, new: Any, applied: Any, prune: bool, keep: Callable[[Path], bool]) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    out = {}
    for key in in_order(list(old), list(new)):
        here = (*path, key)
        if key not in new:
            left = _left_over(here, old[key], prune, keep)
            if left is not None:
                out[key] = left
        elif key not in old:
            out[key] = new[key]
        else:
            before = applied.get(key, {}) if isinstance(applied, dict) else {}
            out[key] = _merge(here, old[key], _brought_back(here, old[key], new[key], before), before, prune, keep)
    return out


def _left_over(path: Path, value: Any, prune: bool, keep: Callable[[Path], bool]) -> Any:
    """What becomes of a thing that the file does not name; None: it goes."""
    if not prune:
        return value
    mark = _kept(path)
    if mark is not None and keep(path):
        return {**value, **mark}
    if any(matches(path, pattern[:-1]) for pattern in KEPT):  # what holds such things: thing by thing
        left = {key: _left_over((*path, key), one, prune, keep) for key, one in value.items()}
        return {key: one for key, one in left.items() if one is not None} or None
    return None


def _brought_back(path: Path, old: Any, new: Any, applied: Any) -> Any:
    """What `prune` retired comes back when a file names it again; what a page retired stays so."""
    mark = _kept(path)
    if mark is None or not isinstance(new, dict) or not isinstance(applied, dict):
        return new
    ((key, value),) = mark.items()
    if key not in new and old.get(key) == value and applied.get(key) == value:
        return {**new, key: not value}
    return new


def _kept(path: Path) -> Tree | None:
    return next((mark for pattern, mark in KEPT.items() if matches(path, pattern)), None)


def matches(path: Path, pattern: Path) -> bool:
    return len(path) == len(pattern) and all(want in ("*", got) for want, got in zip(pattern, path, strict=True))


def in_order(old: list[str], new: list[str]) -> list[str]:
    """All names: known ones keep their places but stand in the order of the file; a fresh one follows the one that the
    file names before it, else it stands before the one after it, else last."""
    known, there = set(old), set(new)
    order = iter([name for name in new if name in known])
    out = [next(order) if name in there else name for name in old]
    for position, name in enumerate(new):
        if name in known:
            continue
        after = next((one for one in new[position + 1 :] if one in known), None)
        if position:
            out.insert(out.index(new[position - 1]) + 1, name)
        elif after is not None:
            out.insert(out.index(after), name)
        else:
            out.append(name)
    return out


# ---- difference ----------------------------------------------------------------------------------------------


def difference(stored: Stored, after: Tree) -> list[Change]:
    """The lines from what stands to `after`: one a thing that comes or goes, one a value that changes."""
    return [_named(change, stored) for change in _compare((), stored.tree, after)]


def _named(change: Change, stored: Stored) -> Change:
    by = stored.changed_by.get(change.path[:2]) or stored.changed_by.get(change.path[:1])
    if not by or same(_look(stored.applied, change.path), _look(stored.tree, change.path)):
        return change
    return Change(change.change, change.path, change.before, change.after, change.in_effect, by)


def _look(tree: Any, path: Path) -> Any:
    """The value at a path, or what it means that there is none."""
    for depth, part in enumerate(path, 1):
        if not isinstance(tree, dict) or part not in tree:
            value = schema.default(path) if depth == len(path) else None
            return None if value is schema.NOTHING else value
        tree = tree[part]
    return tree


def _compare(path: Path, old: Tree, new: Tree) -> Iterator[Change]:
    for key in in_order(list(new), list(old)):
        here = (*path, key)
        if key not in old:
            yield from _came(here, new[key])
        elif key not in new:
            yield from _went(here, old[key])
        elif isinstance(old[key], dict) and isinstance(new[key], dict):
            yield from _compare(here, old[key], new[key])
        elif not same(old[key], new[key]):
            yield Change("alter", here, old[key], new[key], in_effect(here, new[key]))
    if any(matches(path, pattern) for pattern in ORDERED):
        yield from _moved(path, old, new)


def _moved(path: Path, old: Tree, new: Tree) -> Iterator[Change]:
    before = [key for key in old if key in new]
    after = [key for key in new if key in old]
    if before != after:
        yield Change("alter", path, list(old), list(new), in_effect(path, None))


def _came(path: Path, value: Any) -> Iterator[Change]:
    """A key that was not written: a thing comes, or a value that had its default is altered."""
    if _is_kind(path):
        for key, one in value.items():
            yield from _came((*path, key), one)
        return
    usual = schema.default(path)
    if isinstance(value, dict) and usual == {}:
        yield from _compare(path, {}, value)
    elif usual is schema.NOTHING or usual is None:
        yield from _added(path, value)
    elif not same(usual, value):
        yield Change("alter", path, usual, value, in_effect(path, value))


def _went(path: Path, value: Any) -> Iterator[Change]:
    if _is_kind(path):
        for key, one in value.items():
            yield from _went((*path, key), one)
        return
    usual = schema.default(path)
    if isinstance(value, dict) and usual == {}:
        yield from _compare(path, value, {})
    elif usual is schema.NOTHING or usual is None:
        fields = value.pop("fields", {}) if _is_table(path) and (value := dict(value)) else {}
        yield Change("remove", path, value, None, in_effect(path, value))
        for name, field in fields.items():
            yield Change("remove", (*path, "fields", name), field, None)
    elif not same(usual, value):
        yield Change("alter", path, value, usual, in_effect(path, usual))


def _added(path: Path, value: Any) -> Iterator[Change]:
    """A line for the thing; for each field of a table and for each part that is not in effect a line of its own."""
    rest = json.loads(json.dumps(value))
    fields = rest.pop("fields", {}) if _is_table(path) else {}
    apart = [] if not in_effect(path, value) else list(stored_only(path, rest))
    for inner, _ in apart:
        above = rest
        for part in inner[len(path) : -1]:
            above = above[part]
        del above[inner[-1]]
    yield Change("add", path, None, rest, in_effect(path, value))
    for inner, kept in apart:
        yield Change("add", inner, None, kept, in_effect=False)
    for name, field in fields.items():
        yield Change("add", (*path, "fields", name), None, field)


def _is_kind(path: Path) -> bool:
    return len(path) == 1 and path[0] in schema.KINDS


def _is_table(path: Path) -> bool:
    return matches(path, ("tables", "*"))


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1, 1.0 and true are three values, and the order of keys says nothing."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def names_not_in_effect(tree: Tree) -> list[str]:
    """What `apply` tells in one line: paths that are kept and do nothing yet, the same key of many things once."""
    paths: Iterable[Path] = [path for path, _ in stored_only((), tree)]
    return list(dict.fromkeys(dotted(path) for path in paths))
