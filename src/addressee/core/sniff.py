"""What a file is by its bytes, set against what its name says; how large a picture is. Called by core.unpack.

Two questions, two means. Is it something that runs, or a page, behind another name? Our own table of signatures,
because a miss is a hole. Which harmless type is it else? puremagic, because a miss is only a poorer label.
Linear in the input, and nothing is unpacked: a zip is judged by the names in its directory, which are plain bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import puremagic

_HEAD = 4_096  # bytes that signatures are looked for in
_SAYS_NOTHING = frozenset(["", "bin", "dat"])  # no name, no lie; and nothing opens them
_TEXTS = frozenset(["txt", "log", "md", "text", "conf", "cfg", "ini", "diff", "patch"])
_SCRIPTS = frozenset(
    ["sh", "bash", "zsh", "ksh", "csh", "fish", "py", "pl", "rb", "php", "js", "mjs", "ts", "lua", "tcl", "awk", "sed",
     "r", "command", "cgi", "run", ""]
)  # fmt: skip
_PROGRAMS = frozenset(
    ["exe", "dll", "scr", "com", "cpl", "sys", "drv", "ocx", "efi", "mui", "pif", "xll", "ax", "acm", "bin", "dat"]
)
_ELF = frozenset(["so", "o", "elf", "bin", "run", "ko", "axf", "out", "appimage", ""])
_MACH = frozenset(["dylib", "o", "bundle", "class", "macho", "bin", ""])
_PAGES = frozenset(["html", "htm", "xhtml", "xht", "shtml", "mht", "mhtml", "xml", "eml", "hbs", "tpl", "jinja", "vue"])
_OLD_OFFICE = frozenset(["doc", "dot", "xls", "xlt", "xla", "ppt", "pot", "pps", "ppa", "msg", "oft", "vsd", "mpp"])
_MACRO_OFFICE = frozenset(
    ["docm", "dotm", "xlsm", "xlsb", "xltm", "xlam", "pptm", "potm", "ppsm", "ppam", "sldm", "vsdm", "zip"]
)

_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s+|<\?xml[^>]{0,200}\?>|<!--.{0,500}?-->)*+"
    rb"<(?:!doctype\s+html|html|head|body|script|iframe|meta\s)[\s>]?",
    re.IGNORECASE | re.DOTALL,
)
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s+|<\?[^>]{0,300}\?>|<!--.{0,500}?-->|<!doctype\s+svg[^>]{0,500}>)*+<(?:svg:)?svg[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_SHEBANG = re.compile(rb"(?:\xef\xbb\xbf)?#![ \t]*/")
_VBA_STORAGE = "_VBA_PROJECT".encode("utf-16-le")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Something that runs where it is opened: how it is known, its type, the endings that say so honestly."""

    what: str
    type: str
    is_it: Callable[[bytes], object]
    honest: frozenset[str]


_DANGEROUS = (
    _Kind("a program", "application/vnd.microsoft.portable-executable", lambda b: is_program(b), _PROGRAMS),
    _Kind("a program", "application/x-elf", lambda b: b.startswith(b"\x7fELF"), _ELF),
    _Kind(
        "a program",
        "application/x-mach-binary",
        lambda b: (
            b[:4] in {b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe"}
            or (b[:4] == b"\xca\xfe\xba\xbe" and len(b) > 8)
        ),
        _MACH,
    ),
    # Nobody sees the ending .lnk: Windows never shows it. So no name is honest.
    _Kind(
        "a shortcut",
        "application/x-ms-shortcut",
        lambda b: b.startswith(b"L\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0F"),
        frozenset(),
    ),
    _Kind("a script", "text/x-shellscript", lambda b: _SHEBANG.match(b), _SCRIPTS | _TEXTS),
    _Kind(
        "a help file that runs", "application/vnd.ms-htmlhelp", lambda b: b.startswith(b"ITSF\x03"), frozenset(["chm"])
    ),
    _Kind("a picture that runs scripts", "image/svg+xml", lambda b: _SVG.match(b), _PAGES | _TEXTS | {"svg"}),
    # Many programs write a table as HTML and call it .xls; spreadsheets open it, and warn.
    _Kind("a web page", "text/html", lambda b: _PAGE.match(b), _PAGES | _TEXTS | {"xls", "doc"}),
    _Kind(
        "a document with macros",
        "application/vnd.ms-office.vbaproject",
        lambda b: b.startswith(b"PK\x03\x04") and b"vbaProject.bin" in b,
        _MACRO_OFFICE,
    ),
    _Kind(
        "a document with macros",
        "application/x-ole-storage",
        lambda b: b.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") and _VBA_STORAGE in b,
        _OLD_OFFICE,
    ),
)

# One container, many endings: what stands inside one is told by its name alone.
_FAMILIES = (
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
)
_OLE_ENDINGS = _OLD_OFFICE | {"msi", "msp", "wps", "wdb", "pub", "one", "db", "fla", "max", "rvt", "hwp", "jnt", "suo"}
# Endings by which a zip is not called, so that one behind them is a mismatch; any other may well be a zip.
_NO_ZIP = frozenset(
    ["pdf", "png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "txt", "csv", "rtf", "html", "htm", "mp3", "mp4",
     "wav", "doc", "xls", "ppt", "eml", "ics", "vcf", "xml", "json", "svg", "heic"]
)  # fmt: skip
_SAME = {"jpeg": "jpg", "jpe": "jpg", "jfif": "jpg", "tif": "tiff", "htm": "html", "mpeg": "mpg", "heif": "heic",
         "midi": "mid", "aif": "aiff", "m4v": "mp4", "m4a": "mp4", "mov": "mp4", "qt": "mp4", "3gp": "mp4",
         "dib": "bmp", "tgz": "gz", "oga": "ogg", "ogv": "ogg", "opus": "ogg", "mka": "mkv", "webm": "mkv",
         "fdf": "pdf", "ai": "pdf", "wma": "asf", "wmv": "asf"}  # fmt: skip
_GENERIC = frozenset(
    ["", "application/octet-stream", "application/binary", "application/x-download", "application/force-download"]
)
_BY_ENDING = {
    "pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "bmp": "image/bmp", "tiff": "image/tiff", "heic": "image/heic", "svg": "image/svg+xml", "txt": "text/plain",
    "csv": "text/csv", "html": "text/html", "ics": "text/calendar", "vcf": "text/vcard", "xml": "application/xml",
    "json": "application/json", "rtf": "application/rtf", "zip": "application/zip", "gz": "application/gzip",
    "7z": "application/x-7z-compressed", "doc": "application/msword", "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint", "eml": "message/rfc822", "mp3": "audio/mpeg", "wav": "audio/wav",
    "mp4": "video/mp4", "ogg": "audio/ogg",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
}  # fmt: skip
_LEAST_BYTES = 3  # of a signature: fewer fit by chance


@dataclass(frozen=True, slots=True)
class Sniffed:
    """type    what it is kept as: the declared type, or the true one where the bytes say another
    endings  of the true type where it is not what the name says; () where they agree or nobody knows
    danger   "a program", "a web page" ...: what it is though its name says otherwise; "" for harmless
    """

    type: str
    endings: tuple[str, ...] = ()
    danger: str = ""


def ending_of(name: str) -> str:
    """The last ending of a name in small letters, one spelling for each type: "jpg" for "A.JPEG"; "" for none."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return _SAME.get(ending, ending)


def sniff(name: str, declared: str, content: bytes) -> Sniffed:
    """Set the bytes of a file against its name. Never raises."""
    ending = ending_of(name)
    said = _BY_ENDING.get(ending, declared or "application/octet-stream") if declared in _GENERIC else declared
    for kind in _DANGEROUS:
        if kind.is_it(content):
            if ending in kind.honest or (kind.honest and ending in _SAYS_NOTHING):
                return Sniffed(said if declared not in _GENERIC or ending in _BY_ENDING else kind.type)
            return Sniffed(kind.type, (), kind.what)
    for signature, container in _FAMILIES:
        if content.startswith(signature):
            wrong = ending in _NO_ZIP if container == "application/zip" else ending not in _OLE_ENDINGS and ending
            if not wrong:
                return Sniffed(said)
            return Sniffed(container, ("zip",) if container == "application/zip" else tuple(sorted(_OLD_OFFICE)))
    return _harmless(ending, said, content)


def _harmless(ending: str, said: str, content: bytes) -> Sniffed:
    head = content[:_HEAD]
    if not head or not _is_binary(head):
        return Sniffed(said)  # text: its kind is what people call it
    found = _rows_that_fit(head)
    endings = {_SAME.get(row.extension.lstrip(".").lower(), row.extension.lstrip(".").lower()) for row in found}
    best = next((row.mime_type for row in found if row.mime_type), "")
    if not best or ending in endings or said in {row.mime_type for row in found}:
        return Sniffed(said)
    if not ending or (ending not in _BY_ENDING and not best.startswith("image/")):
        return Sniffed(best if said in _GENERIC else said)  # a name that says nothing we know is no lie
    return Sniffed(best, tuple(sorted(endings - {""})))


def _rows_that_fit(head: bytes) -> list[puremagic.PureMagic]:
    """What `puremagic.magic_string` finds with _LEAST_BYTES that fit, longest first; that tries every row."""
    found = [
        row
        for offset, by_byte in _ROWS
        if offset < len(head)
        for row in by_byte.get(head[offset], ())
        if head.startswith(row.byte_match, offset)
    ]
    found += [row for row in puremagic.magic_footer_array if _fits(row, head)]
    found += [
        further._replace(byte_match=further.byte_match + row.byte_match)
        for row in found
        for further in puremagic.multi_part_dict.get(row.byte_match, ())
        if _fits(further, head)
    ]
    return sorted((row for row in found if len(row.byte_match) >= _LEAST_BYTES), key=_length, reverse=True)


def _fits(row: puremagic.PureMagic, head: bytes) -> bool:
    """Its bytes stand where it says; a negative offset counts from the end."""
    at = row.offset if row.offset >= 0 else len(head) + row.offset
    return at >= 0 and head.startswith(row.byte_match, at)


def _length(row: puremagic.PureMagic) -> int:
    return len(row.byte_match)


def _by_place() -> list[tuple[int, dict[int, list[puremagic.PureMagic]]]]:
    """puremagic's rows, by the place of their first byte and by that byte."""
    places: dict[int, dict[int, list[puremagic.PureMagic]]] = {}
    for row in puremagic.magic_header_array:
        if row.offset + len(row.byte_match) <= _HEAD:
            places.setdefault(row.offset, {}).setdefault(row.byte_match[0], []).append(row)
    return sorted(places.items())


_ROWS = _by_place()


def is_program(content: bytes) -> bool:
    """The old header of every Windows program; text that begins with these two letters is none."""
    return content.startswith(b"MZ") and _is_binary(content[:128])


def _is_binary(head: bytes) -> bool:
    if b"\0" in head or head.startswith(b"%PDF-"):
        return True
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start < len(head) - 4  # else a letter cut in two at the end
    return False


# ---- Pictures ------------------------------------------------------------------------------------------------

MOST_LOGO_BYTES = 10_000  # of a picture whose measures are unknown
MOST_LOGO_PIXELS = 40_000  # 200 by 200
MOST_BANNER_HEIGHT = 100


def is_small_picture(content: bytes) -> bool:
    """As small as a logo, a portrait or an icon in a signature; a screenshot is larger."""
    measures = _measures(content)
    if measures is None:
        return len(content) <= MOST_LOGO_BYTES
    width, height = measures
    return width * height <= MOST_LOGO_PIXELS or height <= MOST_BANNER_HEIGHT


def _measures(content: bytes) -> tuple[int, int] | None:
    """(width, height) of a PNG, GIF or JPEG, in pixels; None where it is another, or cut off."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    if content.startswith(b"\xff\xd8"):
        return _jpeg_measures(content)
    return None


def _jpeg_measures(content: bytes) -> tuple[int, int] | None:
    """From the frame header (ITU T.81 B.2.2), which stands behind any number of other segments."""
    at = 2
    for _ in range(200):
        if at + 9 > len(content) or content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = (
                int.from_bytes(content[at + 5 : at + 7], "big"),
                int.from_bytes(content[at + 7 : at + 9], "big"),
            )
            return width, height
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None
