"""The one table that `make bench` prints, and what one line of it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One measurement.

    first   the first goal; None where it is only told
    least   the goal is a floor (a ratio of speed), not a ceiling (a cost, a count)
    slack   what a ceiling leaves room for
    """

    what: str
    figure: float
    first: float | None = None
    goal: float | None = None
    least: bool = False
    note: str = ""
    slack: float = 0.0

    @property
    def met(self) -> str:
        if self.first is None:
            return ""
        return "yes" if (self.figure >= self.first if self.least else self.figure <= self.first + self.slack) else "NO"


def shown(figure: float | None) -> str:
    return "" if figure is None else f"{figure:.3g}" if abs(figure) < 100 else f"{figure:.0f}"


def text(rows: Sequence[Row]) -> str:
    """Aligned columns: what, the figure, the first goal, whether it is met, the goal, and a note."""
    head = ("", "now", "first", "met", "goal", "")
    lines = [head, *((r.what, shown(r.figure), shown(r.first), r.met, shown(r.goal), r.note) for r in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    out = []
    for what, *figures, note in lines:
        cells = [each.rjust(width) for each, width in zip(figures, widths[1:], strict=False)]
        out.append(f"{what.ljust(widths[0])}  {'  '.join(cells)}  {note}".rstrip())
    return "\n".join(out)
