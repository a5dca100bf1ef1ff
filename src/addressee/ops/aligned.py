"""Rows of text in aligned columns for a terminal. Used by the commands that list things."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

WIDEST = 50  # columns of one cell


def aligned(rows: Sequence[Sequence[str]], widest: int = WIDEST) -> str:
    """One line a row; cells as wide as the widest of their column, cut at `widest` columns of the terminal."""
    clean = [[_cut(printable(cell), widest) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*clean, strict=True)]
    lines = (
        "  ".join(cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)).rstrip()
        for row in clean
    )
    return "".join(line + "\n" for line in lines)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: wide letters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def printable(text: str) -> str:
    """One line without control characters: no escape sequence of an outsider's reaches the terminal."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else " " if letter.isspace() else "\ufffd" for letter in text)


def _cut(text: str, widest: int) -> str:
    if width(text) <= widest:
        return text
    text = text[:widest]
    while width(text) >= widest:
        text = text[:-1]
    return text + "…"
