"""The two things the spool reads in a message before anybody decides: whose it claims to be, and its Message-ID.

Called by mail.spool for every message taken, so it is quick, and it looks at the first 64 kB of bytes only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from addressee.core.charsets import storable
from addressee.core.headers import printable, raw_text, scan

_HEAD_BYTES = 64 * 1024
_ANGLE = re.compile(rb"<([^<>]*)>")
_BRACKETED = re.compile(r"<([^<>\s]{1,990})>")


@dataclass(frozen=True, slots=True)
class Peek:
    """author_hash  of the From bytes, "" where there is no From: a key for order (law 7), never an identity
    message_id   as the header says, without brackets, "" where there is none; what `trace ID` looks for
    """

    author_hash: str
    message_id: str


def peek(raw: bytes) -> Peek:
    """Never raises."""
    head = raw[:_HEAD_BYTES]
    if b"\n" not in head:
        head = head.replace(b"\r", b"\n")
    headers, _ = scan(head, 0, len(head))
    return Peek(_author_hash(headers.all("from")), _message_id(headers.first("message-id")))


def message_id_hash(message_id: str) -> str:
    """40 hex characters by which ids of any length are looked up; "" for none."""
    return sha256(message_id.encode("utf-8", "replace")).hexdigest()[:40] if message_id else ""


def _author_hash(values: list[bytes]) -> str:
    """Of what stands in angle brackets where anything does: a display name changes with the device one writes on."""
    if not values:
        return ""
    words = [b",".join(_ANGLE.findall(value)) or value for value in values]
    return sha256(b"\n".join(b"".join(word.lower().split()) for word in words)).hexdigest()[:40]


def _message_id(value: bytes) -> str:
    shown = printable(raw_text(value))
    found = _BRACKETED.search(shown)
    return storable(found[1] if found else shown.strip("<> ").partition(" ")[0])[:990]
