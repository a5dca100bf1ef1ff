"""The header section of a message or part: found, cut to its limits, decoded. Called by core.mime and core.parse.

Tolerant and linear: every position is looked at a bounded number of times, whatever the bytes are.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64, a2b_qp
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby

from addressee.core.charsets import codec, decode, storable
from addressee.core.limits import DEFAULT, Limits

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:[ \t]*([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)")
_END_OF_HEADERS = re.compile(rb"\n\r?\n")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# RFC 2047 2, read generously: spaces in the text and words over 75 characters occur.
_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?(.*?)\?=", re.DOTALL)
_PARAMETER = re.compile(
    r"""[;\s]*([^\s=;"]{1,80})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)(?:"|\Z)|([^;"]*))[^;]*""", re.DOTALL
)
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?")
_NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


class Headers:
    """The fields of one header section, in order: lower-case name, raw value (still folded and encoded)."""

    __slots__ = ("_by_name", "fields")

    def __init__(self, fields: list[tuple[str, bytes]]) -> None:
        self.fields = fields
        self._by_name: dict[str, list[bytes]] = {}
        for name, value in fields:
            self._by_name.setdefault(name, []).append(value)

    def first(self, name: str) -> bytes:
        """The raw value of the topmost field of that name, b"" where there is none."""
        values = self._by_name.get(name)
        return values[0] if values else b""

    def all(self, name: str) -> list[bytes]:
        return self._by_name.get(name, [])

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def names(self) -> Iterator[str]:
        return iter(self._by_name)


def scan(
    raw: bytes, start: int, end: int, limits: Limits = DEFAULT, defects: set[str] | None = None
) -> tuple[Headers, int]:
    """Read the header section that begins at `start`; its fields, and where the body begins.

    A line that is no field ends the section, but for one that stands before a field again: that one is skipped.
    """
    odd = defects if defects is not None else set()
    fields: list[tuple[str, bytes]] = []
    at = start
    while at < end:
        if raw[at] == 10 or (raw[at] == 13 and raw[at : at + 2] == b"\r\n"):
            return Headers(fields), at + (1 if raw[at] == 10 else 2)
        if at - start > limits.headers_bytes:
            odd.add("headers-too-large")
            close = _END_OF_HEADERS.search(raw, at - 1, end)
            return Headers(fields), close.end() if close else end
        field = _FIELD.match(raw, at, end)
        if field:
            value = field[2]
            if len(value) > limits.header_bytes:
                odd.add("header-too-long")
                value = value[: limits.header_bytes]
            fields.append((field[1].lower().decode("ascii"), value))
            at = field.end()
            continue
        line_end = raw.find(b"\n", at, end) + 1 or end
        mbox_line = at == start and raw.startswith((b"From ", b">From "), at)
        if not (mbox_line or raw[at] in b" \t" or _FIELD.match(raw, line_end, end)):
            odd.add("no-blank-line")
            return Headers(fields), at
        if not mbox_line:
            odd.add("malformed-header")
        at = line_end
    return Headers(fields), end


def unfold(value: bytes) -> bytes:
    """RFC 5322 2.2.3: line ends before white space go, the white space stays."""
    if b"\n" in value:  # `scan` took a line end only before white space: every one here is a fold
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return value.strip(b" \t\r")


def text(value: bytes, charset: str = "") -> str:
    """An unstructured field as a person reads it: unfolded, encoded words decoded, control characters as spaces.

    charset  what the message declares for its text: tried for raw 8-bit bytes that are no UTF-8
    """
    plain = raw_text(value, charset)
    return printable(decode_words(plain) if "=?" in plain else plain)


def raw_text(value: bytes, charset: str = "") -> str:
    """The unfolded field as characters, encoded words still encoded."""
    plain = unfold(value)
    if plain.isascii():
        return plain.decode("ascii")
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        return decode(plain, charset)[0]


def printable(value: str) -> str:
    """Text without control characters, NUL and lone surrogates; on one line."""
    if value.isprintable() or (value := value.replace("\t", " ")).isprintable():
        return value.strip()
    return storable(_CONTROLS.sub(" ", value)).strip()


def decode_words(value: str) -> str:
    """RFC 2047 encoded words decoded; what can't be decoded stays as written."""
    last = value.rfind("?=")
    if last < 0 or "=?" not in value:
        return value
    pieces: list[tuple[str, str, bytes]] = []  # charset ("" = plain text), text, bytes
    at = 0
    # Up to the last "?=": so every start that looks like a word finds an end, and none is searched in vain.
    for word in _WORD.finditer(value, 0, last + 2):
        between = value[at : word.start()]
        if between and not (pieces and pieces[-1][0] and between.isspace()):  # RFC 2047 6.2
            pieces.append(("", between, b""))
        data = _word_bytes(word[2], word[3])
        if data is None:
            pieces.append(("", word[0], b""))
        else:
            pieces.append((word[1].partition("*")[0].lower(), "", data))  # RFC 2231 5: charset*language
        at = word.end()
    pieces.append(("", value[at:], b""))
    out = []
    # A character may be cut between two words of the same charset: join the bytes first.
    for charset, run in groupby(pieces, key=lambda piece: piece[0]):
        if charset:
            out.append(decode(b"".join(data for _, _, data in run), charset)[0])
        else:
            out.append("".join(plain for _, plain, _ in run))
    return "".join(out)


def _word_bytes(encoding: str, content: str) -> bytes | None:
    data = content.encode("utf-8", "surrogatepass")
    if encoding in "qQ":
        return a2b_qp(data.replace(b" ", b"_").replace(b"\t", b"_"), header=True)
    letters = data.translate(None, _NOT_BASE64)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    try:
        return a2b_base64(letters + b"=" * (-len(letters) % 4))
    except Base64Error:
        return None


def parameters(value: bytes, limits: Limits = DEFAULT, defects: set[str] | None = None) -> tuple[str, dict[str, str]]:
    """A Content-Type or Content-Disposition: its value in lower case, and its parameters (RFC 2045 5.1, RFC 2231).

    Names are in lower case; values decoded, encoded words in them too (RFC 2047 forbids them, mailers write them).
    """
    if len(value) <= 120:
        return _short_parameters(value)
    main, found, over = _parameters(value, limits)
    if over and defects is not None:
        defects.add("too-many-parameters")
    return main, found


@lru_cache(maxsize=512)
def _short_parameters(value: bytes) -> tuple[str, dict[str, str]]:
    main, found, _ = _parameters(value, DEFAULT)
    return main, found


def _parameters(value: bytes, limits: Limits) -> tuple[str, dict[str, str], bool]:
    whole = raw_text(value)
    main, _, rest = whole.partition(";")
    first, _, more = main.strip().partition(" ") if "\t" not in main else main.strip().partition("\t")
    if "=" in more:  # the semicolon after the type is missing
        main, rest = first, f"{more};{rest}"
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[bool, str]]] = {}
    over = False
    for count, found in enumerate(_PARAMETER.finditer(rest)):
        if count >= limits.parameters:
            over = True
            break
        quoted = found[2]
        content = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else found[3].strip()
        name = _SECTION.fullmatch(found[1].lower())
        if name is None:
            continue
        if name[2] is None and name[3] is None:
            plain.setdefault(name[1], content)
        else:
            sections.setdefault(name[1], {}).setdefault(int(name[2] or 0), (bool(name[3]), content))
    result = {
        name: storable(content) if name == "boundary" else printable(decode_words(content))
        for name, content in plain.items()
    }
    for key, parts in sections.items():
        result[key] = printable(_joined_sections(parts))
    return storable(main).strip().lower(), result, over


def _joined_sections(parts: dict[int, tuple[bool, str]]) -> str:
    """RFC 2231 3 and 4: numbered pieces, percent-encoded ones with the charset in the first."""
    charset = ""
    data = b""
    for number in sorted(parts):
        encoded, content = parts[number]
        if not encoded:
            data += content.encode(codec(charset) or "utf-8", "replace")
            continue
        if not charset and content.count("'") >= 2:
            charset, _, content = content.split("'", 2)
        data += _percent(content)
    read = decode(data, charset)[0]
    return decode_words(read)


def _percent(content: str) -> bytes:
    data = content.encode("utf-8", "surrogatepass")
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes((int(found[1], 16),)), data)
