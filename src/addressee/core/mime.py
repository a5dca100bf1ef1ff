"""The parts of a message (RFC 2046), cut by offsets: nothing is copied before a part is wanted.

Called by core.parse. Not the standard library's parser: that one walks every line of every attachment, raises
for some inputs and takes a time that grows with the square of others. Here one search per level of nesting.
"""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp, a2b_uu
from dataclasses import dataclass, field

from addressee.core.headers import Headers, parameters, scan
from addressee.core.limits import DEFAULT, Limits

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120}")
_CLOSE = re.compile(rb"(--)?[ \t]*\r?(?:\n|\Z)")
_GUESS = re.compile(rb"(?:\A|\n)--([^\s\"\\][^\r\n\"]{4,70}?)[ \t]*\r?\n(?=[Cc]ontent-)")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


@dataclass(slots=True)
class Part:
    """One part: its header section, and where its body stands in the raw message."""

    headers: Headers
    type: str  # "text/plain", lower case
    params: dict[str, str]
    start: int
    end: int
    depth: int = 0
    typed: bool = True  # it says its type itself
    children: list[Part] = field(default_factory=list)

    @property
    def multipart(self) -> bool:
        return bool(self.children)


def split(raw: bytes, limits: Limits = DEFAULT) -> tuple[Part, set[str]]:
    """The tree of parts of a message, and what was odd in it. Iterative; never raises."""
    defects: set[str] = set()
    root = _part(raw, 0, len(raw), 0, "text/plain", limits, defects)
    count = 1
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if not part.type.startswith("multipart/"):
            continue
        if part.depth >= limits.depth:
            defects.add("too-deep")
            continue
        implied = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        for start, end in _regions(raw, part, limits, defects):
            if count >= limits.parts:
                defects.add("too-many-parts")
                break
            count += 1
            part.children.append(_part(raw, start, end, part.depth + 1, implied, limits, defects))
        if not part.children:
            part.type = "text/plain"  # no boundary, or none found: show what there is
        waiting.extend(reversed(part.children))
    return root, defects


def _part(raw: bytes, start: int, end: int, depth: int, implied: str, limits: Limits, defects: set[str]) -> Part:
    headers, body = scan(raw, start, end, limits, defects)
    value = headers.first("content-type")
    if not value:
        return Part(headers, implied, {}, body, end, depth, typed=False)
    kind, params = parameters(value, limits, defects)
    kind = kind.replace(" ", "")
    if not _TYPE.fullmatch(kind):
        defects.add("malformed-content-type")
        # RFC 2045 5.2: without a readable type it is plain text; "text" alone occurs and means the same.
        kind = "text/html" if kind.startswith("html") else "text/plain"
        return Part(headers, kind, params, body, end, depth, typed=False)
    return Part(headers, kind, params, body, end, depth)


def _regions(raw: bytes, part: Part, limits: Limits, defects: set[str]) -> list[tuple[int, int]]:
    """The parts between the delimiter lines (RFC 2046 5.1.1); the last one may lack its end."""
    boundary = part.params.get("boundary", "").encode("utf-8", "replace")
    if boundary.endswith(b" ") and raw.find(b"--" + boundary, part.start, part.end) < 0:
        boundary = boundary.rstrip()  # RFC 2046 5.1.1: white space at its end does not count
    if len(boundary) > limits.boundary_bytes:
        defects.add("boundary-too-long")  # longer than RFC 2046 allows by far; it separates the parts all the same
    if not boundary:
        guess = _GUESS.search(raw, part.start, min(part.end, part.start + 65_536))
        defects.add("no-boundary")
        if guess is None:
            return []
        boundary = guess[1]
    regions: list[tuple[int, int]] = []
    needle = b"\n--" + boundary
    opened = -1
    # A delimiter on the first line of the body has no line end before it inside the body.
    at = part.start if raw.startswith(needle[1:], part.start) else raw.find(needle, part.start, part.end)
    while at >= 0:
        after = at + len(needle) - (raw[at] != 10)
        tail = _CLOSE.match(raw, after, part.end)
        if tail is None:
            at = raw.find(needle, after, part.end)
            continue
        if opened >= 0:
            regions.append((opened, at - 1 if at > opened and raw[at - 1] == 13 else max(at, opened)))
            if len(regions) > limits.parts:
                return regions
        opened = -1 if tail[1] else tail.end()
        if tail[1]:
            break
        # The line end of this delimiter may be the one before the next: step back onto it.
        at = raw.find(needle, max(after, tail.end() - 1), part.end)
    else:
        defects.add("no-closing-boundary" if opened >= 0 else "boundary-not-found")
    if opened >= 0:
        regions.append((opened, part.end))
    return regions


def content(raw: bytes, part: Part, defects: set[str] | None = None) -> bytes:
    """The decoded bytes of a leaf (RFC 2045 6). What is no valid encoding is read as far as it goes."""
    data = raw[part.start : part.end]
    encoding = part.headers.first("content-transfer-encoding")
    if not encoding:
        return data
    name = encoding.strip(b" \t\r\n\"';").lower()
    if name in {b"7bit", b"8bit", b"binary"}:
        return data
    if name == b"base64":
        return _base64(data)
    if name == b"quoted-printable":
        return a2b_qp(data)
    if name in {b"x-uuencode", b"uuencode", b"x-uue", b"uue"}:
        return _uuencoded(data)
    if defects is not None and name not in {b"7-bit", b"8-bit"}:
        defects.add("unknown-transfer-encoding")
    return data


def _base64(data: bytes) -> bytes:
    pad = data.find(b"=")
    if pad >= 0 and data[pad:].translate(None, b"= \t\r\n"):
        # Text after the padding: several runs one after the other, or a footer some hop added.
        return b"".join(_run(run) for run in data.split(b"=", 1_000) if run)
    try:
        return a2b_base64(data)
    except BinasciiError:
        return _run(data)


def _run(data: bytes) -> bytes:
    letters = data.translate(None, _NOT_BASE64)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return a2b_base64(letters + b"=" * (-len(letters) % 4))


def _uuencoded(data: bytes) -> bytes:
    begin = re.search(rb"(?:\A|\n)begin [0-7]{3,4}[^\n]*\n", data)
    out = []
    for line in data[begin.end() if begin else 0 :].split(b"\n"):
        line = line.rstrip(b"\r")
        if not line:
            continue
        if line == b"end":
            break
        try:
            out.append(a2b_uu(line))
        except BinasciiError:
            size = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                out.append(a2b_uu(line[:size]))
            except BinasciiError:
                continue
    return b"".join(out)
