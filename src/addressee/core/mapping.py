"""Which part of a message lands in which field of a new record: presets, the account's map, field lines. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from addressee.core.action import Request, appended, set_by_lines, with_files
from addressee.core.errors import BadValue
from addressee.core.language import Saying, saying
from addressee.core.message import Mailbox
from addressee.core.registry import fields

SOURCES = (
    "subject", "text", "html", "author", "author.address", "author.name", "to", "cc", "date", "importance",
    "account", "attachments", "images",
)  # fmt: skip
NO_SUBJECT = "(no subject)"


def mapped(request: Request) -> tuple[dict[str, Any], list[Saying]]:
    """The values of a new record, and notes of what was shortened or could not be put where it belongs."""
    notes: list[Saying] = []
    values: dict[str, Any] = {}
    table, account = request.definition, request.account
    for name, value in (account.preset if account else {}).items():
        if definition := table.live_fields.get(name):
            values[name] = fields[definition.type].check(value, definition, request.reading)
    title, text = _title_and_text(request)
    for name, source in _map(request).items():
        if name in table.live_fields and name not in request.values:
            _put(request, values, name, _source(request, source, title, text), notes)
    values |= set_by_lines(request, {}, request.values)
    if table.title and not values.get(table.title):
        _put(request, values, table.title, title or NO_SUBJECT, notes)
    return values, notes


def _map(request: Request) -> dict[str, str]:
    """The account's map; else title, text and files go where the table says."""
    if request.account is not None and request.account.map:
        return request.account.map
    table = request.definition
    wanted = {table.title: "subject", table.mail.text: "text", table.mail.files: "attachments"}
    return {name: source for name, source in wanted.items() if name}


def _title_and_text(request: Request) -> tuple[str, str]:
    """In a command the first line of prose is the title, unless a line set it; else the subject is."""
    prose = request.prose.strip()
    if not request.explicit:
        subject = request.message.subject.strip() if request.message else ""
        first = prose.split("\n", 1)[0].strip()
        return " ".join(subject.split()) or first, prose
    if request.definition.title in request.values:
        return "", prose
    first, _, rest = prose.partition("\n")
    return first.strip(), rest.strip()


def _source(request: Request, source: str, title: str, text: str) -> Any:
    message = request.message
    if source == "subject":
        return title
    if source == "text":
        return text
    if source == "attachments":
        apart = "images" in _map(request).values()
        return [f for f in request.stored_files if not f.inline and not (apart and f.place)]
    if source == "images":
        return [replace(f, inline=False) for f in request.stored_files if f.place]
    if source == "account":
        return request.account.address if request.account else ""
    if message is None:
        return ""
    known = {
        "html": message.html,
        "author": _mailbox(Mailbox(message.author_name, message.author or "")),
        "author.address": message.author or "",
        "author.name": message.author_name,
        "to": ", ".join(_mailbox(m) for m in message.to),
        "cc": ", ".join(_mailbox(m) for m in message.cc),
        "date": message.date.isoformat(timespec="minutes") if message.date else "",
        "importance": message.importance,
    }
    return known.get(source, "")


def _mailbox(mailbox: Mailbox) -> str:
    return f"{mailbox.name} <{mailbox.address}>" if mailbox.name else mailbox.address


def _put(request: Request, values: dict[str, Any], name: str, found: Any, notes: list[Saying]) -> None:
    definition = request.definition.live_fields[name]
    if definition.type == "files":
        files = found if isinstance(found, list) else []
        if files:
            values[name] = with_files({}, name, tuple(files))
        return
    text = str(found) if not isinstance(found, list) else ", ".join(f.name for f in found)
    if not text.strip():
        return
    if definition.type == "append_only":
        values[name] = appended(request, values, name, text)
        return
    if definition.max_length and len(text) > definition.max_length:
        text = text[: definition.max_length - 1].rstrip() + "…"
        notes.append(saying("note.shortened", field=definition.label or name, most=definition.max_length))
    if definition.type == "text":
        text = " ".join(text.split())
    try:
        values[name] = fields[definition.type].parse(text, definition, request.reading)
    except BadValue as fault:
        expected = fault.data.get("expected", fault.slug)
        notes.append(saying("note.left-empty", field=definition.label or name, expected=expected))
