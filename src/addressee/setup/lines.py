"""On which line does each key of a setup file stand? (tomllib does not tell.) Called by setup/document."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Path = tuple[str | int, ...]

_KEYS = ("bare_key", "quoted_key", "dotted_key")


def key_lines(source: bytes) -> dict[Path, int]:
    """Path of keys and list positions -> line, from 1, where it is first named. For text that tomllib has read."""
    root = Parser(Language(tree_sitter_toml.language())).parse(source).root_node
    lines: dict[Path, int] = {}
    elements: dict[Path, int] = {}  # [[name]] -> the position of the last one
    for node in root.children:
        if node.type == "pair":
            _note(lines, (), node)
        elif node.type in ("table", "table_array_element"):
            _section(lines, elements, node)
    return lines


def _section(lines: dict[Path, int], elements: dict[Path, int], node: Node) -> None:
    path: Path = ()
    names = [name for child in node.children if child.type in _KEYS for name in _names(child)]
    for depth, name in enumerate(names, 1):
        path = (*path, name)
        if node.type == "table_array_element" and depth == len(names):
            lines.setdefault(path, _line(node))
            elements[path] = elements.get(path, -1) + 1
            for inner in [inner for inner in elements if len(inner) > len(path) and inner[: len(path)] == path]:
                del elements[inner]  # the lists inside it begin anew
        if path in elements:
            path = (*path, elements[path])
        lines.setdefault(path, _line(node))
    for child in node.children:
        if child.type == "pair":
            _note(lines, path, child)


def _note(lines: dict[Path, int], above: Path, pair: Node) -> None:
    """The lines of a pair and of everything in its value. A list instead of recursion: files may be hostile."""
    waiting: list[tuple[Path, Node]] = [(above, pair)]
    while waiting:
        path, node = waiting.pop()
        if node.type == "pair":
            for name in _names(node.children[0]):
                path = (*path, name)
                lines.setdefault(path, _line(node))
            waiting.append((path, node.children[-1]))
        elif node.type == "inline_table":
            waiting.extend((path, child) for child in node.children if child.type == "pair")
        elif node.type == "array":
            for position, child in enumerate(_values(node)):
                lines.setdefault((*path, position), _line(child))
                waiting.append(((*path, position), child))


def _values(array: Node) -> Iterator[Node]:
    return (child for child in array.named_children if child.type != "comment")


def _names(key: Node) -> list[str]:
    if key.type == "dotted_key":
        return [name for child in key.children if child.type in _KEYS for name in _names(child)]
    text = (key.text or b"").decode("utf-8", "replace")
    if key.type == "quoted_key":
        return [str(tomllib.loads(f"key = {text}")["key"])]
    return [text]


def _line(node: Node) -> int:
    return node.start_point.row + 1
