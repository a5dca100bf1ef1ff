"""Aligned rows on a terminal: wide letters, long cells, and nothing that a terminal would obey."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from addressee.ops.aligned import aligned, printable, width


def test_columns_stand_below_each_other_whatever_the_letters():
    rows = [["a", "x"], ["日本", "y"], ["e\u0301e", "z"]]
    assert aligned(rows) == "a     x\n日本  y\ne\u0301e    z\n"


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=4))
def test_any_cells_make_one_line_a_row_that_the_terminal_only_shows(rows):
    lines = aligned(rows, 20).split("\n")[:-1]
    assert len(lines) == len(rows)
    for line in lines:
        assert width(line) <= 20 + 2 + 20
        assert printable(line) == line
