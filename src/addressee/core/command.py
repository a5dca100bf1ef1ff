"""Subject and body -> command: a verb, field lines and prose (FEATURES U-24 to U-26, U-30). Pure.

A command word stands alone in the subject, in any case, beside a reply token or the number of a record of ours.
"Re: delete" is none, in any language, because the subject then is not the word alone. A field line is
`name: value`; the name is a field's key, with or without the namespace, or its label; a line that begins with
white space goes on with the value before it. Everything else is prose.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from addressee.core import form
from addressee.core.fieldtype import fold, whole
from addressee.core.numbers import MOST_DIGITS, split_mask
from addressee.core.registry import fields
from addressee.core.setup import Setup, Table
from addressee.core.tokens import IN_SUBJECT

_LINE = re.compile(r"([^\W\d_][\w \-]{0,60}?)[ \t]*:(?!//)[ \t]*(.*)")
_URL_SCHEMES = frozenset({"http", "https", "ftp", "mailto", "tel"})


@dataclass(frozen=True, slots=True)
class FieldLine:
    """`field: text` as written; `line` counts from 1 in the text that was read."""

    field: str
    text: str
    line: int
    name: str
    indented: bool = False


@dataclass(frozen=True, slots=True)
class UnknownLine:
    """A line of the leading block of a command that names no field of the table."""

    name: str
    line: int
    nearest: str


@dataclass(frozen=True, slots=True)
class Body:
    lines: tuple[FieldLine, ...] = ()
    prose: str = ""
    unknown: tuple[UnknownLine, ...] = ()

    def twice(self) -> str:
        """The field that is set twice to different values, or ""."""
        seen: dict[str, str] = {}
        for found in self.lines:
            if seen.setdefault(found.field, found.text) != found.text:
                return found.field
        return ""


def bare_subject(subject: str, setup: Setup) -> str:
    """The subject without our tokens and without the numbers of our records."""
    return _bare(subject, setup.number_masks)


@lru_cache(maxsize=256)  # asked several times a message: by both rounds of reading, and by the decision
def _bare(subject: str, masks: tuple[str, ...]) -> str:
    text = IN_SUBJECT.sub(" ", subject)
    for mask in masks:
        text = mask_pattern(mask).sub(" ", text)
    return " ".join(text.replace("\u200b", "").split())


@lru_cache(maxsize=1024)
def mask_pattern(mask: str) -> re.Pattern[str]:
    """What finds a number mask such as "CASE-{0}" in a text; group 1 holds the digits."""
    before, after = split_mask(mask)
    digits = rf"([0-9]{{1,{MOST_DIGITS}}})"
    return re.compile(rf"(?<![\w-]){re.escape(before)}{digits}{re.escape(after)}(?![\w-])", re.IGNORECASE)


def verb(subject: str, words: Mapping[str, str], setup: Setup) -> str:
    """What the command word that the subject is means, by folded word -> meaning; "" for no command."""
    return words.get(whole(bare_subject(subject, setup)), "")


def field_names(table: Table, namespace: str) -> dict[str, str]:
    """Every folded name of every field that a line may set -> its key."""
    names: dict[str, str] = {}
    for key, field in table.live_fields.items():
        if field.label:
            names.setdefault(_name(field.label), key)
    for key in table.live_fields:
        names[key] = key
        if namespace:
            names[f"{namespace}_{key}".lower()] = key
    return names


def _name(text: str) -> str:
    return re.sub(r"[\s_-]+", "_", text.strip().casefold())


def read_body(text: str, table: Table, namespace: str, *, strict: bool, first: int = 1) -> Body:
    """Field lines and prose of a text.

    strict  the message is a command: a line that names no field is told, not taken as prose, where it stands before
            all prose, or in the first paragraph with a name that is nearly a field's
    first   the number of the text's first line within what the author wrote
    """
    names = field_names(table, namespace)
    lines: list[FieldLine] = []
    unknown: list[UnknownLine] = []
    prose: list[str] = []
    leading = paragraph = True
    told = False
    goes_on: FieldLine | None = None  # the value that an indented line may go on with
    blank = 0
    for count, raw in enumerate(text.split("\n"), start=first):
        row = raw.rstrip()
        indented = row[:1] in (" ", "\t")
        if goes_on is not None and indented and _continues(row.strip(), goes_on, blank, names, table):
            del prose[len(prose) - blank :]
            said = "\n".join([goes_on.text, *[""] * blank, row.strip()]).strip()
            goes_on, blank = replace(goes_on, text=said), 0
            lines[-1] = goes_on
            continue
        if goes_on is not None and not row:
            blank, paragraph = blank + 1, leading
            prose.append(row)
            continue
        goes_on, blank = None, 0
        if row and not indented:
            told = row.startswith("* ") and _match(row[2:], names) is not None
        if told:  # what we showed beside a form and no line can set, with all that is indented below it
            prose.append(row)
            continue
        if form.MARK_LINE.fullmatch(row):
            continue  # the whole answer to a `read`, sent back
        matched = _LINE.fullmatch(row.strip())
        name = _name(matched[1]) if matched else ""
        key = names.get(name)
        if matched and key:
            goes_on = FieldLine(key, matched[2].strip(), count, matched[1].strip(), indented)
            lines.append(goes_on)
            continue
        if matched and strict and paragraph and name not in _URL_SCHEMES and " " not in matched[1].strip():
            near = difflib.get_close_matches(name, names, 1)
            if leading or near:
                unknown.append(UnknownLine(matched[1].strip(), count, names[near[0]] if near else ""))
                continue
        leading = leading and not row.strip()
        paragraph = leading or (paragraph and bool(row.strip()))
        prose.append(row)
    return Body(tuple(lines), "\n".join(prose).strip(), tuple(unknown))


def _continues(row: str, line: FieldLine, blank: int, names: dict[str, str], table: Table) -> bool:
    """Does an indented row go on with a value? Past a blank line, or looking like a line, only a long text's."""
    if _is_long(line, table):
        return not line.indented or _match(row, names) is None
    return not blank and _match(row, names) is None


def _is_long(line: FieldLine, table: Table) -> bool:
    return bool(fields[table.live_fields[line.field].type].long)


def _match(row: str, names: dict[str, str]) -> str | None:
    matched = _LINE.fullmatch(row)
    return names.get(_name(matched[1])) if matched else None


def between(text: str, begin: str, end: str) -> tuple[int, str]:
    """What stands between the account's parse marks, each alone on its line, and the number of its first line.

    (1, "") where they do not stand.
    """
    rows = [row.strip() for row in text.split("\n")]
    try:
        start = rows.index(begin.strip())
        stop = rows.index(end.strip(), start + 1)
    except ValueError:
        return 1, ""
    return start + 2, "\n".join(text.split("\n")[start + 1 : stop])


def without_block(text: str, begin: str, end: str) -> str:
    """The text without the block between the parse marks, marks included."""
    rows = text.split("\n")
    bare = [row.strip() for row in rows]
    try:
        start = bare.index(begin.strip())
        stop = bare.index(end.strip(), start + 1)
    except ValueError:
        return text
    return "\n".join(rows[:start] + rows[stop + 1 :]).strip()


def only_one_shows(lines: Sequence[FieldLine], other: Sequence[FieldLine]) -> str:
    """Law 15: the field of a line that only one of two alternatives shows, or ""."""
    mine = {(line.field, fold(line.text)) for line in lines}
    theirs = {(line.field, fold(line.text)) for line in other}
    differing = mine ^ theirs
    return min(differing)[0] if differing else ""
