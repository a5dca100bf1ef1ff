"""A batch of many slices in a worker of its own, killed half-way: `make prove NAME=batch` with fewer records."""

from __future__ import annotations

from prove.batch import prove


def test_given_a_worker_killed_half_way_when_another_goes_on_then_each_record_is_changed_once():
    assert prove(1500) == []
