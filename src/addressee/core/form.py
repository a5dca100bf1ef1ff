"""The form in our answers: values to be edited in the quote of a reply (FEATURES U-28, law 14). Pure.

A form stands between two lines that bear its mark, six characters of its token's hash, so that no other text and no
older form is taken for it. What was sent is kept with the token and compared value by value: only what differs was
written by a person. Mail programs quote, wrap, indent and link what they quote; none of that is a difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from itertools import pairwise

from addressee.core.authorise import field_access
from addressee.core.body import split
from addressee.core.fieldtype import Reading
from addressee.core.message import Message
from addressee.core.registry import fields
from addressee.core.setup import Setup, Table
from addressee.core.values import Person, RecordState, TokenState

MARK_CHARS = 8
SHORT_CHARS = 500  # a longer value stands in the form of a `read` only
MARK_LINE = re.compile(r"[\s>|]*-{2,} (.{0,80}?)\([0-9a-f]{8}\) -{2,}\s*")  # group 1: which record, "" at the end
_QUOTE = re.compile(r"^(?:[ \t\u00a0]*(?:[>|:]|[A-Z]{1,3}>)[ \t\u00a0]?)+")
_LINKED = re.compile(
    r"[ \u00a0]?<(?:mailto:|https?://|tel:)[^<>\s]{1,2000}>|[ \u00a0]?\[(?:mailto:|https?://)[^\[\]\s]{1,2000}\]"
)
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_SAME = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "."})


def form_of(
    record: RecordState, person: Person | None, setup: Setup, reading: Reading, *, whole: bool
) -> tuple[tuple[str, str], ...]:
    """(field, text) of all that the person may see and a line can set; long texts last, and only where `whole`."""
    short: list[tuple[str, str]] = []
    long: list[tuple[str, str]] = []
    for key, definition in setup.tables[record.table].live_fields.items():
        kind = fields[definition.type]
        if kind.by_text and not kind.appends and field_access(person, record.table, key, setup) != "none":
            text = str(kind.editable(record.values.get(key), definition, reading))
            if whole or len(text) <= SHORT_CHARS:
                (long if kind.long else short).append((key, text))
    return (*short, *long)


def mark_of(token_hash: str) -> str:
    return token_hash[:MARK_CHARS]


def as_text(form: Iterable[tuple[str, str]], name: str, mark: str) -> str:
    """The form as lines; a value of several lines goes on indented."""
    lines = (f"{key}: {text}".rstrip().replace("\n", "\n  ") for key, text in form)
    return "\n".join([f"--- {name} ({mark}) ---", *lines, f"--- ({mark}) ---"])


def as_html(form: Iterable[tuple[str, str]], name: str, mark: str) -> str:
    """The same in HTML, as lines that mail programs quote as lines."""
    lines = as_text(form, name, mark).split("\n")
    return "<p>" + "<br>\n".join(re.sub("^  ", "&nbsp; ", escape(line)) for line in lines) + "</p>"


class Torn(ValueError):
    """A form whose end is missing, or that stands there twice with two values for a field: nothing of it is read."""


def edited(message: Message, token: TokenState, table: Table) -> dict[str, str]:
    """field -> new text of each value in a quoted form of this token that is not as it was sent.

    Only what stands in a quote counts. Raises Torn, also where the text and HTML alternatives differ (law 15).
    """
    mark = f"({mark_of(token.hash)})"
    if not token.form or (mark not in message.quoted_text and mark not in message.html_text):
        return {}
    parts = [(message.quoted_text, message.text)]
    if message.plain_text.strip() and mark in message.html_text:
        parts.append((split(message.html_text).quoted_text, message.html_text))
    found = [_changed(quoted, whole, mark, token.form, table) for quoted, whole in parts]
    if any(each != found[0] for each in found):
        raise Torn
    return found[0]


def _blocks(text: str, mark: str) -> list[str]:
    """What stands between the marks, quote characters taken off. Raises Torn for a mark without its fellow."""
    pieces = text.split(mark)
    if len(pieces) % 2 == 0:
        raise Torn
    blocks = []
    for piece in pieces[1::2]:
        rows = [_QUOTE.sub("", row) for row in piece.split("\n")]
        rows[0] = rows[0].lstrip(" -–—*_")
        rows[-1] = re.sub(r"[\s*_–—-]+$", "", rows[-1])
        blocks.append("\n".join(row.rstrip() for row in rows))
    return blocks


def _changed(quoted: str, whole: str, mark: str, sent: Mapping[str, str], table: Table) -> dict[str, str]:
    """The values of a quote that are not as sent. In the whole text stands also what lost its quote sign."""
    blocks = _blocks(quoted, mark)
    around = _blocks(whole, mark) if whole.count(mark) == quoted.count(mark) else blocks
    changed: dict[str, str] = {}
    for block, with_rest in zip(blocks, around, strict=True):
        rest = _values(with_rest, sent)
        for key, found in _values(block, sent).items():
            definition = table.live_fields.get(key)
            if definition is None or _same(found, sent[key]) or _same(rest.get(key, found), sent[key]):
                continue
            text = _unwrapped(found, sent[key], many=fields[definition.type].long)
            if not _same(text, sent[key]) and changed.setdefault(key, text) != text:
                raise Torn
    return changed


def _values(block: str, sent: Mapping[str, str]) -> dict[str, str]:
    """field -> what stands behind its name, up to the next name in the order in which they were sent."""
    places: list[tuple[str, int, int]] = []
    at = 0
    for key in sent:
        name = re.escape(key)
        candidates = [(m.start(), m.end()) for m in re.finditer(rf"(?m)^[ \t*_]*{name}[*_]*[ \t]*:[ \t]?[*_]*", block)]
        candidates = candidates or [(m.start(), m.end()) for m in re.finditer(rf"(?<=\s){name}[ \t]*:[ \t]?", block)]
        candidates = [each for each in candidates if each[0] >= at]
        if not candidates:
            continue  # its line was taken out: that is no change
        chosen = candidates[0]
        if places and len(candidates) > 1:  # the name stands in the value before it too
            before, _, end = places[-1]
            whole = (each for each in candidates if _plain(block[end : each[0]]) == _plain(sent[before]))
            chosen = next(whole, candidates[0])
        places.append((key, *chosen))
        at = chosen[1]
    ends = [start for _, start, _ in places[1:]] + [len(block)]
    return {key: block[begin:end].strip() for (key, _, begin), end in zip(places, ends, strict=True)}


def _same(found: str, sent: str) -> bool:
    """As it was sent, but for how it was wrapped."""
    now, then = _plain(found), _plain(sent)
    return now == then or "".join(now.split()) == "".join(then.split())


def _plain(text: str) -> str:
    """A text without what mail programs do to it."""
    text = _UNSEEN.sub("", _LINKED.sub("", text)).replace("...", ".").translate(_SAME)
    return " ".join(" ".join(_QUOTE.sub("", row) for row in text.split("\n")).split()).strip("<> ")


def _unwrapped(found: str, sent: str, *, many: bool) -> str:
    """A changed value as it is meant: one line, or the lines of a long text, joined again where they were wrapped."""
    rows = [" ".join(_UNSEEN.sub("", _LINKED.sub("", row)).split()) for row in found.split("\n")]
    if not many:
        first = rows[0] if rows else ""
        return first if first and _plain(first) == _plain(sent) else " ".join(filter(None, rows))
    flat, text = " ".join(sent.split(" ")), rows[0]
    for before, row in pairwise(rows):
        ends, begins = before.split(" ")[-1], row.split(" ")[0]
        wrapped = bool(ends and begins) and (
            f"{ends} {begins}" in flat or (len(before) > 60 and f"{ends}\n" not in flat)
        )
        text += (" " if wrapped else "\n") + row
    return text.strip()
