"""What hops wrote above a message: Received, Authentication-Results, Delivered-To, Date. Called by core.parse."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from addressee.core.headers import Headers, printable, raw_text
from addressee.core.limits import DEFAULT, Limits
from addressee.core.message import AuthenticationResults, Received

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
_DATE = re.compile(
    r"(?:[A-Za-z]{3,9},?\s*)?(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{4})\s+(\d{1,2}):(\d{2})(?::(\d{2}))?\s*"
    r"(?:([+-])(\d{2}):?(\d{2})|(?:GMT|UTC?|Z)\b)"
)
_BY = re.compile(r"by\s+([^\s;()]{1,255})", re.IGNORECASE)
_BEFORE_BY = re.compile(r"(?:^|\s)(?=by\s)", re.IGNORECASE)
# RFC 8601 2.2, on text whose comments are out and whose quoted strings are set aside.
_AUTHSERV = re.compile(r"\s*([^\s;=]{1,255})(?:\s+\d{1,9})?\s*(?:;|\Z)")
_METHOD = re.compile(r"\s*([A-Za-z0-9_-]{1,40})(?:\s*/\s*\d{1,9})?\s*=\s*([A-Za-z0-9_-]{1,40})(?=\s|\Z)")
_PROPERTY = re.compile(
    r"\s+(?:(reason)|([A-Za-z0-9_-]{1,40})\s*\.\s*([A-Za-z0-9_.-]{1,60}))\s*=\s*"
    r'("(?:[^"\\]|\\.)*+"|[^\s;"]{1,500})(?=\s|\Z)'
)
_PIECE = re.compile(r'"(?:[^"\\]|\\.)*+"|[();]|[^"();]+|"')
_RECIPIENT_FIELDS = ("delivered-to", "x-original-to", "envelope-to")
_ADDRESS = re.compile(r"(?<![^\s<>,;])[^\s<>,;]+@[^\s<>,;]+")


def date(text: str) -> datetime | None:
    """An RFC 5322 date as an aware datetime in UTC, or None where there is no telling."""
    if len(text) > 200:
        return None
    found = _DATE.match(text)
    try:
        if found and found[2].lower() in _MONTHS:
            offset = timedelta(hours=int(found[8]), minutes=int(found[9])) if found[7] else timedelta()
            moment = datetime(
                int(found[3]), _MONTHS[found[2].lower()], int(found[1]),
                int(found[4]), int(found[5]), min(int(found[6] or 0), 59), tzinfo=UTC,
            )  # fmt: skip
            return moment + offset if found[7] == "-" else moment - offset
        parts = parsedate_tz(text)
        if parts is None:
            return None
        zone = timezone(timedelta(seconds=parts[9] or 0))
        return datetime(*parts[:5], min(parts[5], 59), tzinfo=zone).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None  # parsedate_tz raises most of these for some text


def received(headers: Headers, limits: Limits = DEFAULT) -> tuple[Received, ...]:
    """Every Received field with its place among the fields, topmost first."""
    found = []
    for position, (name, value) in enumerate(headers.fields):
        if name != "received":
            continue
        text = raw_text(value[:4_096])
        at = text.find(" by ") + 1 or text.find("\tby ") + 1
        if not at:
            before = _BEFORE_BY.search(text)
            at = before.end() if before else 0
        by = _BY.match(text, at)
        stamp = text.rpartition(";")[2].strip()
        found.append(Received(position, by[1].lower().strip("[].") if by else "", date(stamp)))
        if len(found) == limits.received:
            break
    return tuple(found)


def authentication(headers: Headers) -> tuple[AuthenticationResults, ...]:
    """Every readable Authentication-Results field (RFC 8601), topmost first; one that is malformed says nothing."""
    found: list[AuthenticationResults] = []
    for position, (name, value) in enumerate(headers.fields):
        if name == "authentication-results" and len(found) < 50:
            results = _results(position, raw_text(value[:16_384]))
            if results is not None:
                found.append(results)
    return tuple(found)


def _results(position: int, text: str) -> AuthenticationResults | None:
    """One field. Strict and whole: after the first thing that RFC 8601 does not allow, nothing of it is believed.

    Own parser: the authres package takes 300 us a field, reads what follows garbage, and raises for some input.
    """
    pieces = _pieces(text)
    if pieces is None:
        return None
    head = _AUTHSERV.fullmatch(pieces[0])
    if head is None:
        return None
    results = []
    for piece in pieces[1:]:
        if not piece.strip() or piece.strip().lower() == "none":
            continue
        method = _METHOD.match(piece)
        if method is None:
            return None
        properties: list[tuple[str, str]] = []
        at = method.end()
        while piece[at:].strip():
            item = _PROPERTY.match(piece, at)
            if item is None or len(properties) > 50:
                return None
            at = item.end()
            if not item[1]:
                content = item[4]
                if content.startswith('"'):
                    content = re.sub(r"\\(.)", r"\1", content[1:-1])
                properties.append((f"{item[2]}.{item[3]}".lower(), printable(content)))
        results.append((method[1].lower(), method[2].lower(), tuple(properties)))
        if len(results) > 100:
            return None
    return AuthenticationResults(position, printable(head[1]).lower().strip('"'), tuple(results))


def _pieces(text: str) -> list[str] | None:
    """The field cut at its semicolons, without comments (they nest, RFC 5322 3.2.2); None where one is left open."""
    pieces: list[list[str]] = [[]]
    depth = 0
    for found in _PIECE.finditer(text):
        piece = found[0]
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth -= 1
            if depth < 0:
                return None
            if depth == 0:
                pieces[-1].append(" ")
        elif depth:
            continue
        elif piece == '"':
            return None
        elif piece == ";":
            pieces.append([])
        else:
            pieces[-1].append(piece)
    return None if depth else ["".join(piece) for piece in pieces]


def delivered_to(headers: Headers) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Delivered-To, X-Original-To, Envelope-To: each kind that is there, with all its addresses, topmost first."""
    kinds = []
    for name in _RECIPIENT_FIELDS:
        values = headers.all(name)[:100]
        addresses = [found[0] for value in values for found in _ADDRESS.finditer(printable(raw_text(value[:4_096])))]
        if addresses:
            kinds.append((name, tuple(dict.fromkeys(addresses[:100]))))
    return tuple(kinds)
