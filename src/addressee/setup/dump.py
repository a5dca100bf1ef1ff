"""The setup as a file that a person likes to read: stable order, a section a thing, short tables on one line.

Called by `addressee dump`. What it writes applies to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tomli_w

from addressee.setup import schema
from addressee.setup.difference import Tree
from addressee.setup.document import dotted
from addressee.setup.lines import Path

LINE_LENGTH = 120
TITLES = {
    "tables": "tables",
    "views": "views",
    "roles": "who may do what",
    "accounts": "accounts: where mail comes in and goes out",
    "filters": "filters, rules, templates, processes",
}
# Tables that read better as a section of their own than as one line.
SECTIONS: tuple[Path, ...] = (("site", "limits"), ("tables", "*", "fields"), ("roles", "*", "grants"))


def dumped(tree: Tree) -> str:
    """The file. Any tree that was applied comes back as it is."""
    parts = []
    if tree.get("site"):
        parts.append("\n".join(_section(("site",), tree["site"])))
    for kind in schema.KINDS:
        for key, thing in tree.get(kind, {}).items():
            head = [f"# {'-' * 64} {TITLES[kind]}"] if kind in TITLES and key == next(iter(tree[kind])) else []
            path: Path = (kind,) if kind in schema.NAMED_LISTS else (kind, key)
            parts.append("\n".join([*head, *_section(path, thing, many=kind in schema.NAMED_LISTS)]))
    return "\n\n".join(parts) + "\n" if parts else ""


def _section(path: Path, thing: dict[str, Any], *, many: bool = False) -> Iterator[str]:
    thing = {key: value for key, value in thing.items() if value is not None}  # TOML has no word for nothing
    order = list(schema.known_keys(path if not many else (*path, 0)))
    keys = sorted(thing, key=lambda key: order.index(key) if key in order else len(order))
    apart = [key for key in keys if _is_apart((*path, key)) and thing[key]]
    plain = [key for key in keys if key not in apart]
    if many or plain or not apart:
        yield f"[[{dotted(path)}]]" if many else f"[{dotted(path)}]"
    width = max((len(_key(key)) for key in plain), default=0) if _is_apart(path) else 0
    for key in plain:
        yield f"{_key(key):<{width}} = {_value(thing[key])}"
    for key in apart:
        if plain and path == ("site",):
            yield ""
        yield from _section((*path, key), thing[key])


def _is_apart(path: Path) -> bool:
    return any(len(path) == len(one) and all(w in ("*", g) for w, g in zip(one, path, strict=True)) for one in SECTIONS)


def _key(key: str) -> str:
    return dotted((key,))


def _value(value: Any) -> str:
    if isinstance(value, dict):
        if not value:
            return "{}"
        return "{ " + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        texts = [_value(one) for one in value]
        line = "[" + ", ".join(texts) + "]"
        if any(isinstance(one, dict) for one in value) or len(line) > LINE_LENGTH:
            return "[\n" + "".join(f"  {text},\n" for text in texts) + "]"
        return line
    return tomli_w.dumps({"v": value}).removeprefix("v = ").rstrip("\n")
