"""choice: one of the field's choices, by its name in any case."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

from addressee.core.fieldtype import FieldType, Reading, fold, whole
from addressee.core.language import Saying, saying
from addressee.core.registry import fields, register
from addressee.core.setup import FieldDef


def by_name(field: FieldDef) -> dict[str, str]:
    """Folded name -> the choice as the setup writes it."""
    return {whole(choice): choice for choice in field.choices}


def nearest(text: str, field: FieldDef) -> str:
    """The choice that a misspelt text may mean, "" where none is near."""
    names = by_name(field)
    near = difflib.get_close_matches(fold(text), names, 1)
    return names[near[0]] if near else ""


@register(fields, "choice")
class Choice(FieldType):
    """Stored as the setup writes it."""

    name: ClassVar[str] = "choice"
    options: ClassVar[frozenset[str]] = frozenset({"choices"})

    def parse(self, text: str, field: FieldDef, reading: Reading) -> Any:
        text = self.clean(text, field)
        if not text:
            return None
        choice = by_name(field).get(whole(text))
        if choice is None:
            raise self.bad("no-such-choice", text, field, near=nearest(text, field))
        return choice

    def definition(self, field: FieldDef) -> str:
        if not field.choices:
            return "choices names no choice."
        if len(by_name(field)) < len(field.choices) or "" in by_name(field):
            return "choices names one choice twice, or an empty one."
        return super().definition(field)

    def expected(self, field: FieldDef) -> Saying:
        return saying("expected.choice", choices=field.choices)
