"""Which lines of a message count as field lines, and when none may be trusted (laws 14 and 15). Pure; by decide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from addressee.core.command import Body, FieldLine, between, only_one_shows, read_body, without_block
from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading, fold
from addressee.core.form import MARK_LINE
from addressee.core.language import Saying, saying
from addressee.core.message import Message
from addressee.core.present import name_of
from addressee.core.reasons import Reason
from addressee.core.registry import actions, fields
from addressee.core.setup import Account, Setup, Table
from addressee.core.threads import is_number, other_numbers
from addressee.core.values import LineFault, RecordState

_TAKES_ANY_TEXT = frozenset({"comment", "help", "why"})  # a text may say anything
_WORDS_OF_RECORDS = frozenset({"update", "delete", "read", "attach", "create"})


_NAMED_BY_PROSE = frozenset({"create", "event", "task"})
_NO_WORDS = re.compile(r"[<\[(]?(?:https?://|mailto:|cid:)\S+|\[image[^\]]{0,200}\]|[\W_]+")


@dataclass(frozen=True, slots=True)
class Text:
    """What the author wrote, taken apart.

    prose   the text that is no field line
    doubt   why no line may count (law 15), and `faults` which one it is about
    passed  labels between the parse marks that name no field: a machine says more than we ask for
    """

    body: Body
    prose: str
    doubt: Reason | None = None
    faults: tuple[LineFault, ...] = ()
    passed: tuple[str, ...] = ()


def read_text(
    message: Message,
    word: str,
    table: Table,
    account: Account | None,
    setup: Setup,
    *,
    trusted: bool,
    on_record: bool = True,
) -> Text:
    """The field lines of a message, by the fields of a table.

    word     the command, "" for none: then lines count between the account's parse marks only, with field_updates
    trusted  a mail without a command may set values at all: its author is clear, and it was addressed to us openly
    """
    namespace = setup.site.namespace
    explicit = bool(word) and word in actions and actions[word].takes_lines(on_record)
    text = message.new_text
    marks = account.parse if account is not None and account.field_updates and not word and trusted else None
    first, block = between(text, marks.begin, marks.end) if marks else (1, "")
    if not explicit and not block:
        return Text(Body(), text)
    body = read_body(text if explicit else block, table, namespace, strict=explicit, first=first)
    if len(body.lines) > setup.option("assignment_count"):
        return Text(body, text, Reason.TOO_MANY_LINES)
    twice = body.twice()
    if twice:
        return _doubtful(body, text, LineFault(twice, 0, "", None, "set-twice"))
    if message.plain_text.strip() and message.html_text.strip():
        shown = message.html_new_text
        other = read_body(
            between(shown, marks.begin, marks.end)[1] if marks else shown, table, namespace, strict=explicit
        )
        differing = only_one_shows(body.lines, other.lines)
        if not differing and word in _NAMED_BY_PROSE and _title(body.prose) != _title(other.prose):
            differing = table.title or "text"  # its first line becomes the title
        if differing:
            return _doubtful(body, text, LineFault(differing, 0, "", None, "one-alternative"))
    if explicit:
        return Text(body, body.prose)
    machine = read_body(block, table, namespace, strict=True, first=first)
    rest = without_block(text, marks.begin, marks.end) if marks else text
    return Text(body, rest, passed=tuple(u.name for u in machine.unknown))


def several(message: Message, word: str, table: Table, record: RecordState | None, setup: Setup) -> Saying | None:
    """Why a command with this text is more than one, or None: it is refused rather than guessed (FEATURES U-30)."""
    if word not in actions or word in _TAKES_ANY_TEXT:
        return None
    rows = [row.strip() for row in message.new_text.split("\n") if row.strip()]
    forms = [found[1].strip() for row in rows if (found := MARK_LINE.fullmatch(row)) and found[1].strip()]
    if len(forms) > 1 or (forms and record is not None and forms[0] != name_of(record, setup)):
        return saying("several.forms", records=tuple(dict.fromkeys(forms)))
    body = read_body(message.new_text, table, setup.site.namespace, strict=False)
    leads = bool(rows) and bool(read_body(rows[0], table, setup.site.namespace, strict=False).lines)
    if leads and not actions[word].takes_lines(record is not None):
        return saying("several.lines", word=word)
    if word in ("update", "delete") and rows and fold(rows[0]) in _WORDS_OF_RECORDS - {word}:
        return saying("several.words", words=(word, fold(rows[0])))
    if body.lines and record is not None:
        others = [row for row in rows if len(row) < 100 and other_numbers(row, record, setup) and is_number(row, setup)]
        if others:
            return saying("several.records", records=tuple(others[:5]))
    return None


def _title(prose: str) -> str:
    """The letters of the first line: its links, bullets and emphasis are shown in each alternative in its own way."""
    return _NO_WORDS.sub("", fold(prose.partition("\n")[0]))


def _doubtful(body: Body, text: str, fault: LineFault) -> Text:
    return Text(body, text, Reason.CONFLICTING_VALUES, (fault,))


def with_edits(text: Text, edits: Mapping[str, str]) -> Text:
    """The text with the values that its author changed in a quoted form of ours (law 14)."""
    lines = (*text.body.lines, *(FieldLine(name, said, 0, name) for name, said in edits.items()))
    body = replace(text.body, lines=lines)
    twice = body.twice()
    if twice and text.doubt is None:
        return _doubtful(body, text.prose, LineFault(twice, 0, "", None, "set-twice"))
    return replace(text, body=body)


def read_values(
    body: Body, table: Table, reading: Reading, setup: Setup
) -> tuple[dict[str, Any], tuple[LineFault, ...]]:
    """field -> value in stored form, and every line that could not be read: which, what it says, what is expected."""
    values: dict[str, Any] = {}
    faults = [LineFault(u.name, u.line, "", None, "no-such-field", _near(u.nearest)) for u in body.unknown]
    limit = setup.option("value_size_bytes")
    for line in body.lines:
        definition = table.live_fields[line.field]
        kind = fields[definition.type]
        if not kind.by_text:
            faults.append(LineFault(line.name, line.line, line.text, saying("expected.files-sent"), "not-by-text"))
            continue
        if len(line.text.encode("utf-8", "replace")) > limit:
            faults.append(
                LineFault(line.name, line.line, line.text[:80], saying("expected.bytes", most=limit), "too-long")
            )
            continue
        try:
            value = kind.parse(line.text, definition, reading)
        except BadValue as fault:
            told = fault.data.get("expected")
            expected = told if isinstance(told, Saying) else kind.expected(definition)
            faults.append(LineFault(line.name, line.line, line.text, expected, fault.slug, _hint(fault)))
            continue
        if value is None and definition.required:
            faults.append(LineFault(line.name, line.line, "", saying("expected.not-empty"), "required"))
            continue
        values[line.field] = value
    return values, tuple(sorted(faults, key=lambda fault: fault.line))


def _hint(fault: BadValue) -> Saying | None:
    found = fault.data.get("found")
    near = _near(str(fault.data.get("near") or ""))
    if found and fault.slug in ("ambiguous-date", "time-comes-twice"):
        return saying("hint.two-readings", readings=found)
    return near or (saying("hint.several", names=found) if found else None)


def _near(name: str) -> Saying | None:
    return saying("hint.near", name=name) if name else None


def names_set(body: Body) -> set[str]:
    """The fields that the lines name, whether their values can be read or not."""
    return {line.field for line in body.lines}
