"""multi_choice: several of the field's choices, with commas between them."""

from __future__ import annotations

from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading, whole
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef
from addressee.fields.choice import Choice, by_name, nearest

MOST = 200


@register(fields, "multi_choice")
class MultiChoice(FieldType):
    """Stored as a list in the order of the setup, so that equal sets are equal values."""

    name: ClassVar[str] = "multi_choice"
    options: ClassVar[frozenset[str]] = frozenset({"choices"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        parts = [part.strip() for part in text.replace("\n", ",").split(",", MOST)]
        if len(parts) > MOST:
            raise self.bad("too-many", text, field)
        return self._ordered(self._names(parts, text, field), field)

    def _names(self, parts: list[str], text: str, field: FieldDef) -> set[str]:
        """The choices named; one whose own name holds a comma is found too."""
        names, chosen, at = by_name(field), set(), 0
        widest = max((name.count(",") + 1 for name in names), default=1)
        while at < len(parts):
            for end in range(min(len(parts), at + widest), at, -1):
                choice = names.get(whole(",".join(parts[at:end]))) or names.get(whole(", ".join(parts[at:end])))
                if choice is not None:
                    chosen.add(choice)
                    at = end
                    break
            else:
                if parts[at]:
                    raise self.bad("no-such-choice", parts[at], field, near=nearest(parts[at], field))
                at += 1
        return chosen

    def _ordered(self, chosen: set[str], field: FieldDef) -> list[str] | None:
        return [choice for choice in field.choices if choice in chosen] or None

    def check(self, value: Any, field: FieldDef, reading: Reading) -> Any:
        if not isinstance(value, list | tuple):
            return super().check(value, field, reading)
        one = Choice()
        if len(value) > MOST:
            raise self.bad("too-many", "the list", field)
        return self._ordered({choice for part in value if (choice := one.check(part, field, reading))}, field)

    def format(self, value: Any, field: FieldDef, reading: Reading) -> str:
        return ", ".join(map(str, value)) if isinstance(value, list) else super().format(value, field, reading)

    def forms(self, value: Any) -> list[str]:
        parts = value if isinstance(value, list) else [] if value is None else [value]
        return list(dict.fromkeys(form for part in parts if (form := whole(str(part)))))

    def contract(self, value: Any, field: FieldDef, linked: Any) -> Any:
        return value if value is None or isinstance(value, list) else [value]

    def definition(self, field: FieldDef) -> str:
        return Choice().definition(field)

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.multi-choice", choices=field.choices)
