"""Outsiders' text made visible: what hides, turns a line around or is no character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.web import text, tones


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("invoice\u202egpj.exe", "invoice⟨RLO⟩gpj.exe"),
        ("a\u2066b\u2069", "a⟨LRI⟩b⟨PDI⟩"),
        ("bell\x07 escape\x1b[31m", "bell␇ escape␛[31m"),
        ("two\r\nlines\u2028three", "two lines three"),
        ("pay\u200bpal\ufeff", "paypal"),
        ("half \ud83d", "half \ufffd"),
        ("שלום", "שלום"),
        ("👩\u200d🔧", "👩\u200d🔧"),
    ],
)
def test_given_a_disguised_name_when_shown_then_the_disguise_is_seen(given_text, shown):
    assert text.one_line(given_text) == shown


def test_given_a_body_when_shown_then_lines_and_tabs_stay_and_overrides_are_seen():
    assert text.lines("a\r\nb\rc\td\u202e\x00") == "a\nb\nc\td⟨RLO⟩␀"


@given(st.text())
def test_given_any_text_when_shown_then_it_can_be_sent_and_turns_nothing_around(any_text):
    for shown in (text.one_line(any_text), text.lines(any_text)):
        assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b")
        shown.encode("utf-8")
    assert "\n" not in text.one_line(any_text)


@pytest.mark.parametrize(
    ("result", "tone"),
    [
        ("accept: done", "good"), ("hold: not-proven", "wait"), ("reject", "bad"), ("not proven", "bad"),
        ("E3", "good"), ("E1", "wait"), ("none", ""), ("", ""), ("passed", "good"), ("table", ""),
    ],
)  # fmt: skip
def test_given_a_result_when_drawn_then_its_colour_tells_how_it_went(result, tone):
    assert tones.of(result) == tone
