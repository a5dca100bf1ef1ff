"""Automatic numbers: what is written is read again, in any case, and old masks stay known (U-81)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core.numbers import format_number, read_number
from addressee.core.setup import Table

CASE = Table(number="CASE-{0}", number_was=("C{0}", "{0}/case"))
masks = st.builds(lambda a, b, pad: f"{a}{{0{pad}}}{b}", st.text("A-/.(é[*", max_size=5), st.text("a-)]+", max_size=3), st.sampled_from(["", ":05", ":3d"]))  # fmt: skip


@given(mask=masks, number=st.integers(0, 10**15 - 1))
def test_a_number_that_is_written_is_read_in_any_case(mask, number):
    table = Table(number=mask)
    text = format_number(table, number)
    assert read_number(table, text) == read_number(table, f" {text.upper()} ") == number
    assert read_number(table, str(number)) == number


@given(st.text())
def test_any_text_is_a_number_or_none(text):
    number = read_number(CASE, text)
    assert number is None or number >= 0


@pytest.mark.parametrize("text", ["CASE-17", "case-17", "C17", "c17", "17/CASE", "17", "CASE-0017"])
def test_masks_old_masks_and_digits_are_known(text):
    assert read_number(CASE, text) == 17


@pytest.mark.parametrize(
    "text", ["", "CASE-", "CASE-17a", "xCASE-17", "CASE 17", "-17", "1.7", "٣", "9" * 16, "INV-17"]
)
def test_other_texts_are_no_number(text):
    assert read_number(CASE, text) is None


def test_bare_digits_count_only_where_the_table_is_known():
    assert read_number(CASE, "17", bare=False) is None
    assert read_number(CASE, "CASE-17", bare=False) == 17


def test_a_table_without_numbers_has_none():
    assert format_number(Table(), 17) is None
    assert format_number(CASE, None) is None
    assert read_number(Table(), "17") is None
