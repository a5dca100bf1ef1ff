"""url: an address on the web, http or https."""

from __future__ import annotations

import re
from typing import Any, ClassVar
from urllib.parse import urlsplit

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

LONGEST = 2_048
_ODD = re.compile(r"[\s\x00-\x1f\x7f-\x9f<>\"\\^`{|}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


@register(fields, "url")
class Url(FieldType):
    """No credentials in it, and no scheme that could run something."""

    name: ClassVar[str] = "url"
    options: ClassVar[frozenset[str]] = frozenset({"max_length", "unique"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        if len(text) > (field.max_length or LONGEST):
            raise self.bad("too-long", text, field)
        if not _plain(text):
            raise self.bad("not-a-url", text, field)
        return text

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.url")


def _plain(text: str) -> bool:
    if _ODD.search(text):
        return False
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    named = parts.username is None and parts.password is None and port != 0
    return parts.scheme.lower() in ("http", "https") and bool(host) and named and "://" in text[:8]
