"""boolean: yes or no, in five languages."""

from __future__ import annotations

from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading, fold
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef

YES = frozenset(
    ["yes", "y", "true", "1", "on", "ja", "wahr", "oui", "vrai", "sí", "si", "verdadero", "sim", "verdadeiro"]
)
NO = frozenset(["no", "n", "false", "0", "off", "nein", "falsch", "non", "faux", "falso", "não", "nao"])


@register(fields, "boolean")
class Boolean(FieldType):
    """Empty text is no value, which is not the same as no."""

    name: ClassVar[str] = "boolean"
    column: ClassVar[str] = "num"

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        word = fold(self.clean(text, field))
        if not word:
            return None
        if word in YES:
            return True
        if word in NO:
            return False
        raise self.bad("not-yes-or-no", text, field)

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        return value if isinstance(value, bool) else super().check(value, field, reading)

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        return "" if value is None else "yes" if value else "no"

    def in_words(self, value: Any, field: FieldDef, reading: Reading) -> str:
        return reading.words("value.yes") if value else reading.words("value.no")

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.boolean")
