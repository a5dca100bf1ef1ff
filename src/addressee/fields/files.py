"""files: what was attached. Set by attaching, never by text."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

MOST = 10_000
_SHA256 = re.compile(r"[0-9a-f]{64}")


@register(fields, "files")
class Files(FieldType):
    """Stored as [{name, type, size_bytes, sha256}]; the bytes are in the file store."""

    name: ClassVar[str] = "files"
    by_text: ClassVar[bool] = False

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        if not self.clean(text, field):
            return None
        raise self.bad("not-by-text", text, field)

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        if not isinstance(value, list):
            return super().check(value, field, reading)
        if len(value) > MOST:
            raise self.bad("too-many", "the list", field)
        return [self._file(entry, field) for entry in value] or None

    def _file(self, entry: Any, field: FieldDef) -> dict[str, Any]:
        file = (
            {key: entry.get(key) for key in ("name", "type", "size_bytes", "sha256")} if isinstance(entry, dict) else {}
        )
        size, digest = file.get("size_bytes"), file.get("sha256")
        if not (isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**53):
            raise self.bad("wrong-type", "the file", field)
        if not (isinstance(digest, str) and _SHA256.fullmatch(digest)):
            raise self.bad("wrong-type", "the file", field)
        for key in ("name", "type"):
            if not isinstance(file[key], str):
                raise self.bad("wrong-type", "the file", field)
            self.clean(str(file[key]), field, 255)
        return file

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        entries = value if isinstance(value, list) else []
        return ", ".join(str(entry.get("name", "")) for entry in entries if isinstance(entry, dict))

    def forms(self, value: Any) -> list[str]:
        return []

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.files")
