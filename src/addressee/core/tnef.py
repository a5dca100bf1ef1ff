"""winmail.dat, in which Outlook hides attachments from everybody else ([MS-OXTNEF]). Called by core.unpack.

Our own reader of the few attributes that hold files: the one library for it has had no release since 2021, reads all
of the format and raises for broken input. This one is linear, never raises, and gives what stands before the damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from addressee.core.charsets import decode

SIGNATURE = b"\x78\x9f\x3e\x22"  # 2.1.3.1
MOST_FILES = 1_000
_MOST_PROPERTIES = 2_000  # of one attachment
# 2.1.3.2, attribute ids
_RENDERING = 0x00069002  # every attachment begins with it
_TITLE = 0x00018010
_TRANSPORT_NAME = 0x00069001
_DATA = 0x0006800F
_PROPERTIES = 0x00069005
_CODE_PAGE = 0x00069007
# [MS-OXPROPS], property ids
_LONG_NAME, _NAME, _CONTENT, _MIME_TYPE = 0x3707, 0x3704, 0x3701, 0x370E
# [MS-OXCDATA] 2.11.1, property types: how many bytes a value takes, on a border of four
_FIXED = {0x1: 4, 0x2: 4, 0x3: 4, 0x4: 4, 0x5: 8, 0x6: 8, 0x7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING8, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102
_MANY = 0x1000
_IID_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")  # a message within: again TNEF


@dataclass(frozen=True, slots=True)
class TnefFile:
    """name as its author's program wrote it, "" for none; type "" where nothing says it."""

    name: str
    type: str
    content: bytes


@dataclass(slots=True)
class _Open:
    """An attachment that is being read."""

    title: str = ""
    long_name: str = ""
    type: str = ""
    content: bytes | None = None

    def done(self) -> TnefFile | None:
        if self.content is None:
            return None
        return TnefFile(self.long_name or self.title, self.type, self.content)


def is_tnef(content: bytes) -> bool:
    return content.startswith(SIGNATURE)


def files_in(content: bytes) -> list[TnefFile]:
    """The files of a TNEF stream, in their order; a message within is one, of type application/ms-tnef."""
    found: list[TnefFile] = []
    reading: _Open | None = None
    charset = "cp1252"
    for attribute, data in _attributes(content):
        if attribute == _CODE_PAGE and len(data) >= 4:
            charset = f"cp{int.from_bytes(data[:4], 'little')}"
        elif attribute == _RENDERING:
            if reading is not None and (file := reading.done()) is not None:
                found.append(file)
            if len(found) >= MOST_FILES:
                return found
            reading = _Open()
        elif reading is not None:
            _take(reading, attribute, data, charset)
    if reading is not None and (file := reading.done()) is not None:
        found.append(file)
    return found


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(id, data) of each attribute; a length that leads behind the end is cut there. Checksums are not asked."""
    at = 6  # signature and key
    while at + 9 <= len(content):
        attribute = int.from_bytes(content[at + 1 : at + 5], "little")
        size = int.from_bytes(content[at + 5 : at + 9], "little")
        yield attribute, content[at + 9 : at + 9 + size]
        at += 9 + size + 2


def _take(reading: _Open, attribute: int, data: bytes, charset: str) -> None:
    if attribute in (_TITLE, _TRANSPORT_NAME):
        reading.title = reading.title or _text(data, charset)
    elif attribute == _DATA:
        reading.content = data
    elif attribute == _PROPERTIES:
        for key, kind, value in _properties(data):
            if key == _LONG_NAME or (key == _NAME and not reading.long_name):
                reading.long_name = _string(value, kind, charset)
            elif key == _MIME_TYPE:
                reading.type = _string(value, kind, charset).strip().lower()
            elif key == _CONTENT and kind == _OBJECT and value.startswith(_IID_MESSAGE):
                reading.content, reading.type = value[16:], "application/ms-tnef"
            elif key == _CONTENT and kind == _BINARY and reading.content is None:
                reading.content = value


def _string(value: bytes, kind: int, charset: str) -> str:
    return value.decode("utf-16-le", "replace").rstrip("\0") if kind == _UNICODE else _text(value, charset)


def _text(data: bytes, charset: str) -> str:
    return decode(data.rstrip(b"\0"), charset)[0]


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(id, type, first value) of each property of a list (2.1.3.3.1); ends at the first that can't be read."""
    most = min(int.from_bytes(data[:4], "little"), _MOST_PROPERTIES)
    at = 4
    for _ in range(most):
        if at + 4 > len(data):
            return
        kind, key = int.from_bytes(data[at : at + 2], "little"), int.from_bytes(data[at + 2 : at + 4], "little")
        at += 4
        if key >= 0x8000:  # named: a set, and in it a number or a name
            named = int.from_bytes(data[at + 16 : at + 20], "little")
            at += 20
            at += 4 + _padded(int.from_bytes(data[at : at + 4], "little")) if named else 4
        base = kind & ~_MANY
        fixed = _FIXED.get(base)
        if fixed is not None and not kind & _MANY:
            yield key, base, data[at : at + fixed]
            at += fixed
            continue
        count = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if fixed is not None:
            at += fixed * count
            continue
        if base not in (_STRING8, _UNICODE, _OBJECT, _BINARY):
            return
        for place in range(min(count, _MOST_PROPERTIES)):
            size = int.from_bytes(data[at : at + 4], "little")
            if place == 0:
                yield key, base, data[at + 4 : at + 4 + size]
            at += 4 + _padded(size)
            if at > len(data):
                return


def _padded(size: int) -> int:
    return (size + 3) // 4 * 4
