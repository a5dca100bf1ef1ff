"""Messages in files: single ones, Maildirs, mboxes, folders of .eml; read one by one, never changed. For intake."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# A line that parts two messages of an mbox (RFC 4155): an address, then a date that ends with a year or a zone.
_FROM_LINE = re.compile(rb"From (\S*)[ \t]+(?:.*[ \t])?\d{1,2}:\d\d(?::\d\d)?[ \t].*\d{4}.*$")
_QUOTED = re.compile(rb">+From ")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:|>?From ")


@dataclass(frozen=True, slots=True)
class Found:
    """One message as it lay there.

    file    where: the path, and after a colon the number within an mbox; "" for standard input
    raw     its bytes, of an mbox without the From_ line; cut one byte above `most_bytes` where it is larger
    sender  the address of the From_ line, "" where there is none
    """

    file: str
    raw: bytes
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One file or folder that was named: what it is, and the files in it."""

    kind: str  # message | mbox | maildir | folder
    paths: tuple[str, ...]

    @property
    def count(self) -> int | None:
        """How many messages; None for an mbox, which would have to be read for it."""
        return None if self.kind == "mbox" else len(self.paths)


def look(name: str) -> Source:
    """What a path leads to. Raises FileNotFoundError (nothing there, or a folder without mail) and OSError."""
    path = Path(name)
    if not path.is_dir():
        with path.open("rb") as file:
            start = file.read(5)
        mailbox = start == b"From " and path.suffix.lower() != ".eml"
        return Source("mbox" if mailbox else "message", (name,))
    if (path / "cur").is_dir() or (path / "new").is_dir():
        return Source("maildir", tuple(_maildir(path)))
    found = sorted(
        os.path.join(folder, file)
        for folder, _, files in os.walk(path)
        for file in files
        if file.lower().endswith(".eml")
    )
    if not found:
        raise FileNotFoundError(2, "it is no Maildir and holds no .eml files", name)
    return Source("folder", tuple(found))


def _maildir(path: Path) -> list[str]:
    """The files of new and cur, oldest first: a name begins with the second of delivery."""
    found = []
    for folder in ("new", "cur"):
        if (path / folder).is_dir():
            with os.scandir(path / folder) as entries:
                found += [entry.path for entry in entries if not entry.name.startswith(".") and entry.is_file()]

    def age(file: str) -> tuple[int, str]:
        name = os.path.basename(file)
        second = name.partition(".")[0]
        return (int(second) if second.isascii() and second.isdecimal() and len(second) < 12 else 0, name)

    return sorted(found, key=age)


def messages(sources: Iterable[Source], most_bytes: int) -> Iterator[Found]:
    """Every message of the sources in turn; one at a time is in memory. Raises OSError for a file that can't be read.

    A file of a Maildir that was moved while we read (another program marked it as seen) is found under its new name.
    """
    for source in sources:
        for name in source.paths:
            if source.kind == "mbox":
                with open(name, "rb") as file:
                    yield from mbox(file, name, most_bytes)
            else:
                with _open(name, moving=source.kind == "maildir") as file:
                    yield single(file, name, most_bytes)


def _open(name: str, *, moving: bool) -> BinaryIO:
    try:
        return open(name, "rb")
    except FileNotFoundError:
        if not moving:
            raise
        unique = os.path.basename(name).partition(":")[0]
        cur = Path(name).parent.parent / "cur"
        for other in cur.glob("*"):
            if other.name.partition(":")[0] == unique:
                return other.open("rb")
        raise


def single(file: BinaryIO, name: str, most_bytes: int) -> Found:
    """A file that holds one message: every byte is kept (law 2), a From_ line that some program wrote before it too."""
    raw = file.read(most_bytes + 1)
    sender = ""
    if raw.startswith(b"From "):
        line, _, rest = raw.partition(b"\n")
        sender = _sender(line) if _FIELD.match(rest) else ""
    return Found(name, raw, sender)


def mbox(file: BinaryIO, name: str, most_bytes: int) -> Iterator[Found]:
    """The messages of an mbox, mboxrd quoting taken off.

    A line parts two messages only where it stands after an empty line (or first), looks like a From_ line, and is
    followed by a header: mboxes of programs that did not quote "From " in texts stay whole.
    """
    number, sender = 0, ""
    lines: list[bytes] = []
    size = 0
    held: bytes | None = None  # a From_ line that waits for the line after it
    after_empty = True
    for line in file:
        if held is not None:
            if _FIELD.match(line):
                if number:
                    yield Found(f"{name}:{number}", _joined(lines, most_bytes), sender)
                number, sender, lines, size = number + 1, _sender(held), [], 0
            else:
                size = _add(lines, held, size, most_bytes)
            held = None
        if after_empty and line.startswith(b"From ") and _FROM_LINE.match(line.rstrip(b"\r\n")):
            held = line
            continue
        after_empty = line in (b"\n", b"\r\n")
        size = _add(lines, line[1:] if _QUOTED.match(line) else line, size, most_bytes)
    if held is not None:
        _add(lines, held, size, most_bytes)
    if lines:
        yield Found(f"{name}:{number or 1}", _joined(lines, most_bytes), sender)


def _add(lines: list[bytes], line: bytes, size: int, most_bytes: int) -> int:
    """Keep a line, but nothing more of a message that is too large already."""
    if size <= most_bytes + 2:
        lines.append(line)
    return size + len(line)


def _joined(lines: list[bytes], most_bytes: int) -> bytes:
    """The message without the empty line that the mailbox format puts after it."""
    if lines and lines[-1] in (b"\n", b"\r\n"):
        lines = lines[:-1]
    return b"".join(lines)[: most_bytes + 1]


def _sender(line: bytes) -> str:
    words = line.split()
    return words[1].decode("utf-8", "replace") if len(words) > 1 and b"@" in words[1] else ""
