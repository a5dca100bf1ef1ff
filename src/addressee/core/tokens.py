"""Reply tokens: 104 random bits as 21 characters of base32 that survive any case (DESIGN section 4, E2)."""

from __future__ import annotations

import base64
import hashlib
import re

LENGTH = 21
PATTERN = re.compile(r"[a-z2-7]{21}")
# Where a text holds nothing like this there is no token in it, and no one need look word by word.
LIKE_TOKEN = re.compile(r"(?<![A-Za-z2-7])[A-Za-z2-7]{21}(?![A-Za-z2-7])")
# In a subject the token stands in brackets after a number sign; clients fold and break lines inside it.
IN_SUBJECT = re.compile(r"\[#\s*((?:[A-Za-z2-7]\s*){21})\]")


def encode(random: bytes) -> str:
    """13 bytes as 21 lower-case characters. Raises ValueError for any other number of bytes."""
    if len(random) != 13:
        raise ValueError("a token is made of 13 bytes")
    return base64.b32encode(random).decode("ascii").rstrip("=").lower()


def digest(token: str) -> str:
    """What is stored of a token: 40 hex characters of its SHA-256, the same for any case."""
    return hashlib.sha256(token.lower().encode("ascii", "replace")).hexdigest()[:40]


def in_subject(subject: str) -> tuple[str, ...]:
    """Every token that stands in a subject, in order, lower case."""
    return tuple("".join(found.split()).lower() for found in IN_SUBJECT.findall(subject))


def for_subject(token: str) -> str:
    return f"[#{token}]"


def is_token(text: str) -> bool:
    return len(text) == LENGTH and PATTERN.fullmatch(text.lower()) is not None
