"""Email addresses: when two are the same (here), and the grammar of our own (below). Asked by every room."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import idna

# ---- When two addresses are the same (THREATS section 4) --------------------------------------------------

_ASCII_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LOCAL = re.compile(r"[^\s\x00-\x1f\x7f-\x9f\"(),.:;<>@\[\\\]]+(?:\.[^\s\x00-\x1f\x7f-\x9f\"(),.:;<>@\[\\\]]+)*")
_DOMAIN = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_MOST_CHARS = 64 + 1 + 253
_UPPER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def normal(address: str) -> str | None:
    """The form in which addresses are compared, or None where this is no plain address.

    NFC; the domain as A-labels (IDNA 2008) in lower case; the local part with its ASCII letters in lower case.
    Tags and dots are kept: they are different mailboxes. A letter that only becomes ASCII by folding (a Kelvin
    sign, full-width letters) makes no address of ASCII: None (CVE-2019-19844).
    Quoted local parts and domain literals are no plain addresses. Never raises.
    """
    bare = address.strip(" \t")
    return _normal(bare) if len(bare) <= _MOST_CHARS else None


@lru_cache(maxsize=10_000)  # one message asks for the same few addresses twenty times
def _normal(address: str) -> str | None:
    local, at, domain = address.rpartition("@")
    if not at or len(local) > 64 or len(domain) > 253:  # RFC 5321 4.5.3.1
        return None
    if address.isascii():
        if not _ASCII_LOCAL.fullmatch(local):
            return None
        domain = domain.lower()
        return f"{local.lower()}@{domain}" if _DOMAIN.fullmatch(domain) else None
    local_part, host = _composed(local), _domain(domain)
    if local_part is None or host is None or not _LOCAL.fullmatch(local_part):
        return None
    if len(local_part.encode("utf-8", "replace")) > 64:
        return None
    return f"{local_part.translate(_UPPER)}@{host}"


def _composed(text: str) -> str | None:
    """NFC, or None where a character beyond ASCII would turn into ASCII, or is none that text may hold."""
    for letter in text:
        if letter > "\x7f" and (
            unicodedata.normalize("NFC", letter).isascii() or unicodedata.category(letter)[0] == "C"
        ):
            return None
    return unicodedata.normalize("NFC", text)


def _domain(domain: str) -> str | None:
    if domain.isascii():
        host = domain.lower()
        return host if _DOMAIN.fullmatch(host) else None
    composed = _composed(domain)
    if composed is None:
        return None
    lowered = "".join(low if (low := letter.lower()).isascii() == letter.isascii() else letter for letter in composed)
    try:
        host = idna.encode(lowered, strict=True).decode("ascii").lower()
    except (UnicodeError, ValueError, IndexError):  # IDNAError is a UnicodeError
        return None
    return host if _DOMAIN.fullmatch(host) else None
