"""When a message that could not be sent is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core.retry import FIRST_RETRY, LAST_RETRY, LIFETIME, next_attempt

WRITTEN = datetime(2026, 1, 1, tzinfo=UTC)


def test_pauses_double_from_minutes_to_hours():
    pauses = [next_attempt(WRITTEN, n, WRITTEN) - WRITTEN for n in (1, 2, 3, 7, 50)]
    minutes = [5, 10, 20, 320, 360]
    assert pauses == [timedelta(minutes=m) for m in minutes]


def test_it_is_tried_for_five_days_and_once_more_at_their_end():
    now, attempts = WRITTEN, 0
    while True:
        attempts += 1
        later = next_attempt(WRITTEN, attempts, now)
        if later is None:
            break
        assert FIRST_RETRY <= later - now <= LAST_RETRY or later == WRITTEN + LIFETIME
        now = later
    assert now == WRITTEN + LIFETIME
    assert 20 < attempts < 40


@given(st.integers(1, 10**9), st.timedeltas(timedelta(0), LIFETIME - timedelta(seconds=1)))
def test_the_next_attempt_is_always_later_and_within_the_lifetime(attempts, age):
    later = next_attempt(WRITTEN, attempts, WRITTEN + age)
    assert WRITTEN + age < later <= WRITTEN + LIFETIME


def test_no_attempt_is_no_reason_to_wait():
    with pytest.raises(ValueError, match="1 or more"):
        next_attempt(WRITTEN, 0, WRITTEN)
