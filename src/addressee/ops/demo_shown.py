"""What the demo tells while it runs: a block a mail on the terminal, or JSON lines. Called by demo_command."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from addressee.ops.demo_post import Walked

# Steps that say nothing beside the block's own lines, and those that a later one says better.
_SILENT = {("rules", "passed"), ("identify record", "none"), ("command", "none")}
_TOLD_BELOW = {"effect", "settle", "answer"}
_NAMES = {"identify record": "record"}
_WAYS = {"relay": "through the relay", "sign-in": "signed in", "stranger": "straight from outside"}
_GOOD = {"done", "auto-reply", "bounce"}
_MAILS = {"auto_reply": "auto-reply", "composed": "mail", "notification": "notice", "redirect": "forwarded whole"}
_MOST_COLUMNS = 118


class Colours:
    """ANSI colours where the stream is a terminal and nobody asked for none (NO_COLOR)."""

    def __init__(self) -> None:
        self.on = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    def __call__(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


class Terminal:
    """For a person."""

    def __init__(self) -> None:
        self._colour = Colours()
        self._columns = min(shutil.get_terminal_size((_MOST_COLUMNS, 24)).columns, _MOST_COLUMNS)

    def say(self, text: str = "") -> None:
        self._write(text)

    def part(self, ready: Mapping[str, Any]) -> None:
        """A part of serve is ready; told in one line when all are."""

    def serving(self, parts: Mapping[str, str]) -> None:
        self._write("  ready      " + " · ".join(f"{part} {place}".strip() for part, place in parts.items()))

    def walked(self, walked: Walked, number: int, total: int) -> None:
        """One mail: who and what, the steps with result and why, and what came of it."""
        dim, bold = "2", "1"
        sample = walked.sample
        self._write()
        self._line("┌", self._colour(dim, f"{number}/{total}"), self._colour(bold, sample.says))
        to = walked.line["recipient"] if walked.line else sample.to
        way = self._colour(dim, f"({_WAYS[sample.by]})")
        self._line("│", f"{sample.name or sample.address} {way} → {_short_address(to)}", f"“{walked.subject}”")
        for name, result, why in _steps(walked):
            self._step(f"{name:<11}{result:<14} ", why)
        self._line("└", self._verdict(walked), *(self._colour(dim, text) for text in _settled(walked)))
        for text in (*_effects(walked), *_mails(walked)):
            self._line(" ", text)
        if not walked.as_expected:
            self._line(" ", self._colour("31;1", f"expected was {sample.expect}"))

    def end(self, summary: Mapping[str, Any]) -> None:
        """Nothing: the sentences of demo_command tell a person."""

    def _step(self, head: str, why: str) -> None:
        """A step with its reason, on a second line where the first is too short."""
        lines = textwrap.wrap(why, self._columns - len(head) - 3, max_lines=2, placeholder=" …") or [""]
        for place, text in enumerate(lines):
            self._line("│", (" " * len(head) if place else head) + self._colour("2", text))

    def _verdict(self, walked: Walked) -> str:
        if walked.line is None:
            return self._colour("31", walked.refusal)
        disposition, reason = walked.line["disposition"], walked.line["reason"]
        if disposition == "accept":
            return self._colour("32" if reason in _GOOD else "33", f"{disposition}: {reason}")
        return self._colour({"hold": "33", "reject": "31"}.get(disposition, "36"), f"{disposition}: {reason}")

    def _line(self, edge: str, *parts: str) -> None:
        self._write(_clip(f"{self._colour('2', edge)} {'  '.join(part for part in parts if part)}", self._columns))

    def _write(self, text: str = "") -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class JsonLines:
    """For a program: one object a line on stdout; sentences go to stderr."""

    def say(self, text: str = "") -> None:
        if text:
            sys.stderr.write(text + "\n")

    def part(self, ready: Mapping[str, Any]) -> None:
        self._write(ready)

    def serving(self, parts: Mapping[str, str]) -> None:
        """Each part was told when it was ready."""

    def walked(self, walked: Walked, number: int, total: int) -> None:
        told: dict[str, Any] = {"sample": walked.sample.key, "expected": walked.sample.expect, "became": walked.became}
        self._write({**told, **(walked.line or {"refusal": walked.refusal})})

    def end(self, summary: Mapping[str, Any]) -> None:
        self._write(summary)

    def _write(self, line: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()


def _steps(walked: Walked) -> Iterable[tuple[str, str, str]]:
    """The steps worth a line. Where a record was found or a right was, how it was asked for is said there too."""
    trace = [(step["step"], step["result"], step.get("why", "")) for step in (walked.line or {}).get("trace", ())]
    trace = [step for step in trace if step[:2] not in _SILENT and step[0] not in _TOLD_BELOW]
    found = any(name == "identify record" for name, *_ in trace)
    allowed = {result for name, result, _ in trace if name == "authorise"}
    for name, result, why in trace:
        if not (name == "route" and found) and not (name == "command" and result in allowed):
            yield _NAMES.get(name, name), result, why


def _settled(walked: Walked) -> tuple[str, str]:
    """By which id and how fast, and why."""
    if walked.line is None:
        return "", "no byte of the message was sent"
    why = next((step["why"] for step in reversed(walked.line["trace"]) if step["step"] == "settle"), "")
    return f"trace {walked.line['spool_id']}, {walked.took_seconds:.2f} s", "" if why == "Done." else why


def _effects(walked: Walked) -> Iterable[str]:
    for effect in walked.line["effects"] if walked.line else ():
        record = effect["record"] or ""
        name = record if len(record) < 20 else effect["table"]
        yield f"{effect['kind']} {name}  {_values(effect['fields'])}".rstrip()
    left_out = [file for file in (walked.line or {}).get("attachments", ()) if not file["stored"]]
    if left_out:
        yield "left out  " + ", ".join(f"{file['name']} ({file['reason']})" for file in left_out)


def _values(fields: Mapping[str, Mapping[str, Any]]) -> str:
    told = []
    for name, change in fields.items():
        before, after = change.get("before"), change.get("after")
        if isinstance(after, list) and after and isinstance(after[-1], dict) and "text" in after[-1]:
            told.append(f"“{' '.join(str(after[-1]['text']).split())}”")  # what was added to a log
        elif before in (None, [], ""):
            told.append(f"{name} {_text(after)}")
        else:
            told.append(f"{name} {_text(before)} → {_text(after)}")
    return ", ".join(told)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, dict):
        return str(value.get("title") or value.get("name") or "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None else str(value)


def _mails(walked: Walked) -> Sequence[str]:
    if walked.mails:
        return ["✉ " + " · ".join(f"{_MAILS.get(kind, kind)} to {to}" for kind, to in walked.mails)]
    told = [step for step in (walked.line or {}).get("trace", ()) if step["step"] == "answer"]
    return [f"no answer: {told[0]['why']}"] if told else []


def _short_address(address: str) -> str:
    """A reply address without most of its token: 21 random letters say nothing to a reader."""
    local, _, domain = address.rpartition("@")
    return f"{local[:6]}…@{domain}" if len(local) == 21 else address


def _clip(text: str, columns: int) -> str:
    """Cut what is longer than the terminal is wide; colours take no room."""
    shown, out, place = 0, [], 0
    while place < len(text):
        if text[place] == "\x1b":
            end = text.index("m", place) + 1
            out.append(text[place:end])
            place = end
            continue
        if shown < columns - 1:
            out.append(text[place])
        elif shown == columns - 1:
            out.append("…" if len(text) - place > 1 else text[place])
        shown += 1
        place += 1
    return "".join(out)
