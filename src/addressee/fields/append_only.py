"""append_only: a log. Every text set is added at its end with a stamp; what stands in it never changes.

An entry that was taken back is marked `withdrawn: {at, actor}` (core/undo); its text stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

LONGEST = 1_048_576  # characters of one entry


@register(fields, "append_only")
class AppendOnly(FieldType):
    """Stored as [{at, actor, text}], oldest first; an author whose rights were lent stands in `author` beside them."""

    name: ClassVar[str] = "append_only"
    appends: ClassVar[bool] = True
    long: ClassVar[bool] = True

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        """The text to append, None for none."""
        return self.clean(text, field, LONGEST).replace("\r\n", "\n").replace("\r", "\n") or None

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        if isinstance(value, str):
            return value
        return "\n\n".join(f"{e.get('at', '')} {writer(e)}{_mark(e)}\n{e.get('text', '')}" for e in _entries(value))

    def forms(self, value: Any) -> list[str]:
        return []

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.append-only", most=LONGEST)


def _mark(entry: Mapping[str, Any]) -> str:
    return " (withdrawn)" if "withdrawn" in entry else ""


def writer(entry: Mapping[str, Any]) -> str:
    """Who wrote an entry, as readers know him: a stranger's address, a person's key; "" for nobody known."""
    return str(entry.get("author") or entry.get("actor") or "")


def _entries(value: Any) -> list[dict[str, str]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
