"""The bytes of a message we send: headers folded and encoded, parts put together (RFC 5322, RFC 2045 to 2047).

Pure and deterministic: the same input gives the same bytes. Called by mail/outbox. No value that stands in a header
can end it: every one is cleaned to one line, and beyond plain ASCII it is encoded.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64encode, encodebytes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from addressee.core.charsets import storable

CRLF = b"\r\n"
LINE_CHARS = 76
MOST_LINE_BYTES = 998  # RFC 5322 2.1.1
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]+")
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_END = re.compile(r"\r\n?|\n")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_BARE_CR = re.compile(rb"\r(?!\n)")
_BARE_LF = re.compile(rb"(?<!\r)\n")


@dataclass(frozen=True, slots=True)
class Part:
    """A file that goes along."""

    name: str
    type: str
    content: bytes
    inline: bool = False
    content_id: str = ""


def clean(text: str, most: int = 500) -> str:
    """Text on one line, without control characters and doubled spaces; what is cut off is marked by an ellipsis."""
    line = _CONTROLS.sub(" ", storable(text[: most * 4])).strip()
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


# ---- Header fields


def text_field(name: str, value: str) -> bytes:
    """An unstructured field, folded (RFC 5322 2.2.3); encoded words (RFC 2047) where it is not plain ASCII."""
    value = clean(value, 2000)
    if _is_plain(value):
        return _folded(name, value.split(" "))
    return _folded(name, list(encoded_words(value, LINE_CHARS - len(name) - 2)))


def mailbox_field(name: str, address: str, display: str = "") -> bytes:
    """From, To, Reply-To with one mailbox (RFC 5322 3.4). `address` must have passed core.addresses.normal."""
    display = clean(display, 200)
    words = [f"<{clean(address)}>"] if display else [clean(address)]
    if display and _is_plain(display):
        escaped = display.replace("\\", "\\\\").replace('"', '\\"')
        words = [f'"{escaped}"', *words]
    elif display:
        words = [*encoded_words(display, LINE_CHARS - len(name) - 2), *words]
    return _folded(name, words)


def words_field(name: str, words: Sequence[str]) -> bytes:
    """A structured field of plain ASCII words: message ids, keywords. Words that are not that are left out."""
    fit = [word for word in words if word.isascii() and word.isprintable() and " " not in word and word]
    return _folded(name, [word for word in fit if len(word) <= MOST_LINE_BYTES - 100])


def _is_plain(value: str) -> bool:
    # "=?" must not stand as it is: a reader would take it for an encoded word, with whatever is hidden in it
    return value.isascii() and "=?" not in value and max(map(len, value.split(" "))) <= LINE_CHARS - 12


def encoded_words(value: str, first: int) -> Iterator[str]:
    """The text as encoded words of at most 75 characters (RFC 2047 2), each of whole characters; `first` is shorter."""
    room = max((min(first, 75) - 12) // 4 * 3, 6)  # bytes before base64, without =?utf-8?b??=
    piece = b""
    for letter in value:
        encoded = letter.encode("utf-8")
        if len(piece) + len(encoded) > room:
            yield f"=?utf-8?b?{b64encode(piece).decode('ascii')}?="
            piece, room = b"", 45
        piece += encoded
    yield f"=?utf-8?b?{b64encode(piece).decode('ascii')}?="


def _folded(name: str, words: Sequence[str]) -> bytes:
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > LINE_CHARS and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines).encode("utf-8") + CRLF


# ---- Parts


def body(
    text: str,
    html: str = "",
    files: Sequence[Part] = (),
    raw: bytes | None = None,
    *,
    calendar: str = "",
    boundary: str,
) -> bytes:
    """The body with its Content- fields in front, as it follows the other headers.

    html      the same words in HTML, "" for none
    calendar  an invitation (RFC 6047), "" for none: as a form of the text, and as a file for who has no calendar
    raw       a whole message that goes along (redirect)
    boundary  characters that differ from message to message; made longer where a part holds them
    """
    forms = [_text_leaf("plain", text)]
    if html:
        forms.append(_text_leaf("html", html))
    if calendar:
        forms.append(_calendar_leaf(calendar))
        files = [*files, Part("invite.ics", "application/ics", calendar.encode("utf-8"))]
    leaf = forms[0] if len(forms) == 1 else _multipart("alternative", forms, f"{boundary}a")
    parts = [leaf, *map(_file_leaf, files)]
    if raw is not None:
        parts.append(_message_leaf(raw))
    return leaf if len(parts) == 1 else _multipart("mixed", parts, f"{boundary}m")


def _multipart(kind: str, parts: Sequence[bytes], boundary: str) -> bytes:
    line = f"--=_{boundary}".encode("ascii")
    while any(line in part for part in parts):
        line += b"x"
    head = f'Content-Type: multipart/{kind};\r\n boundary="{line[2:].decode("ascii")}"\r\n\r\n'.encode("ascii")
    # RFC 2046 5.1.1: the line end before a boundary belongs to the boundary
    return head + b"".join(line + CRLF + part + CRLF for part in parts) + line + b"--\r\n"


def _text_leaf(kind: str, text: str) -> bytes:
    lines = _LINE_END.split(_UNSHOWN.sub("", storable(text)).rstrip("\r\n") + "\n")
    content = "\r\n".join(lines)
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: "
    if content.isascii() and max(map(len, lines)) <= MOST_LINE_BYTES:
        return f"{head}7bit\r\n\r\n{content}".encode("ascii")
    quoted = binascii.b2a_qp(content.encode("utf-8"), istext=True)
    return f"{head}quoted-printable\r\n\r\n".encode("ascii") + quoted


def _calendar_leaf(calendar: str) -> bytes:
    """RFC 6047 2.4: the method stands in the type too. Base64, so that no hop folds its lines anew."""
    head = f"Content-Type: text/calendar; charset=utf-8; method={method_of(calendar)}\r\n"
    return f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode("ascii") + _base64(calendar.encode("utf-8"))


def method_of(calendar: str) -> str:
    """The METHOD of a calendar text of ours."""
    return "CANCEL" if "\r\nMETHOD:CANCEL\r\n" in calendar else "REQUEST"


def _file_leaf(part: Part) -> bytes:
    kind = part.type.lower()
    if not _TYPE.fullmatch(kind) or kind.startswith(("multipart/", "message/")):  # RFC 2046 5.2.1: no base64 in those
        kind = "application/octet-stream"
    name = clean(part.name, 255) or "file"
    head = f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
    head += f"Content-Disposition: {'inline' if part.inline else 'attachment'};\r\n {_file_name(name)}\r\n"
    if part.content_id and part.content_id.isascii() and part.content_id.isprintable():
        head += f"Content-ID: <{clean(part.content_id, 200).strip('<>')}>\r\n"
    return head.encode("ascii") + CRLF + _base64(part.content)


def _file_name(name: str) -> str:
    if name.isascii() and not set(name) & set('"\\%') and "=?" not in name and len(name) <= 60:
        return f'filename="{name}"'
    # RFC 2231 3 and 4: percent-encoded, in numbered pieces of which none cuts an octet in two
    pieces = re.findall(r"(?:%..|[^%]){1,20}", quote(name, safe=""))
    pieces[0] = f"utf-8''{pieces[0]}"
    if len(pieces) == 1:
        return f"filename*={pieces[0]}"
    return ";\r\n ".join(f"filename*{n}*={piece}" for n, piece in enumerate(pieces))


def _message_leaf(raw: bytes) -> bytes:
    """A message within ours: as such where it is 7-bit text, else as a file whose bytes are equal.

    message/rfc822 may not be in base64 (RFC 2046 5.2.1), and 8-bit or overlong lines do not survive every server.
    Line ends are made CRLF where the message uses LF alone.
    """
    text = _BARE_LF.sub(CRLF, raw)
    plain = raw.isascii() and b"\0" not in raw and not _BARE_CR.search(raw)
    if plain and max(map(len, text.split(CRLF))) <= MOST_LINE_BYTES:
        return b"Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n" + text
    return _file_leaf(Part("message.eml", "application/octet-stream", raw))


def _base64(content: bytes) -> bytes:
    return encodebytes(content).replace(b"\n", CRLF) or CRLF
