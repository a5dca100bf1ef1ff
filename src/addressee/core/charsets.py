"""Bytes to text that every store can keep: charset names as mail writes them, and a guess where there is none.

Called by core.headers, core.mime and core.parse.
"""

from __future__ import annotations

import re
from codecs import lookup
from encodings.aliases import aliases
from functools import lru_cache

# Names that mail uses and Python does not, or for which a wider table reads what senders really wrote.
_WIDER = {
    "ascii": "",  # 8-bit bytes under us-ascii mean that nobody chose a charset: guess
    "us_ascii": "",
    "ansi_x3.4_1968": "",
    "iso_8859_1": "cp1252",  # WHATWG Encoding: senders who say Latin-1 mean windows-1252
    "iso8859_1": "cp1252",
    "latin_1": "cp1252",
    "latin1": "cp1252",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "x_gbk": "gb18030",
    "chinese": "gb18030",
    "ks_c_5601": "cp949",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "sjis": "cp932",
    "big5": "big5hkscs",
    "unicode_1_1_utf_7": "utf_7",
    "unicode": "utf_16",
    "utf8": "utf_8",
    "utf8mb4": "utf_8",
    "x_unknown": "",
    "unknown_8bit": "",
    "unknown": "",
    "default": "",
    "8bit": "",
    "7bit": "",
    "binary": "",
    "windows_874": "cp874",
    "tis_620": "cp874",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
}
# Python codecs that are no charset of mail: they raise for ordinary bytes, run code paths of their own, or take
# time that grows with the square of the input (punycode).
_NOT_TEXT = {
    "undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "mbcs", "oem", "rot_13",
    "base64_codec", "bz2_codec", "hex_codec", "quopri_codec", "uu_codec", "zlib_codec",
}  # fmt: skip
_KNOWN = set(aliases) | set(aliases.values()) | {"utf_8_sig", "koi8_u", "koi8_t", "cp874", "cp1006", "cp720"}
_NAME = re.compile(r"[a-z0-9_.:+-]{1,40}")
_SURROGATE = re.compile("[\ud800-\udfff]")


@lru_cache(maxsize=256)
def codec(charset: str) -> str:
    """The Python codec for a charset name of a message, "" where there is none that we trust."""
    name = charset.strip(" \t\r\n\"'").lower()
    if not _NAME.fullmatch(name):
        return ""
    name = re.sub(r"[^a-z0-9.]+", "_", name.removeprefix("charset=")).strip("_")
    name = name.removeprefix("x_cp_") if name.startswith("x_cp_") else name
    if name in _WIDER:
        return _WIDER[name]
    found = re.fullmatch(r"(?:x_)?(?:windows|win|cp|ibm|dos)_?(\d{3,5})", name)
    if found:
        name = "cp" + found[1]
    name = name.replace(".", "_")
    if name not in _KNOWN or name in _NOT_TEXT or aliases.get(name) in _NOT_TEXT:
        return ""
    try:
        found_codec = lookup(name).name.replace("-", "_")
    except LookupError:
        return ""
    return _WIDER.get(found_codec, found_codec)


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which PostgreSQL and UTF-8 refuse."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def decode(data: bytes, charset: str = "") -> tuple[str, bool]:
    """The text of the bytes, and whether they were what the charset says (False: guessed or mended).

    Tries the charset named, then UTF-8, then windows-1252, which reads any byte. Never raises.
    """
    name = codec(charset) if charset else ""
    if name:
        try:
            return storable(data.decode(name)), True
        except (UnicodeError, ValueError):
            pass
    if name.startswith("iso2022_jp"):
        return storable(_japanese(data)), False
    try:
        return storable(data.decode("utf-8")), not name
    except UnicodeDecodeError:
        pass
    if name in {"", "cp1252"}:
        return storable(_western(data)), False
    try:
        return storable(data.decode(name, "replace")), False
    except (UnicodeError, ValueError):
        return storable(_western(data)), False


def _western(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:  # one of the five bytes that windows-1252 leaves open
        return data.decode("latin-1")


def _japanese(data: bytes) -> str:
    """ISO-2022-JP with the vendor rows that Windows writes into it: read as Shift_JIS of code page 932."""
    out = []
    for piece in re.split(rb"(?=\x1b[$(])", data):
        if piece.startswith((b"\x1b$B", b"\x1b$@")):
            pairs = bytes(letter & 0x7F for letter in piece[3:] if letter not in b"\r\n")
            shifted = bytearray()
            for row, cell in zip(pairs[::2], pairs[1::2], strict=False):
                shifted.append((row + 1) // 2 + (0x70 if row < 0x5F else 0xB0))
                shifted.append(cell + (0x7E if row % 2 == 0 else 0x1F + (cell > 0x5F)))
            out.append(shifted.decode("cp932", "replace"))
        else:
            out.append((piece[3:] if piece.startswith(b"\x1b(") else piece).decode("cp932", "replace"))
    return "".join(out)
