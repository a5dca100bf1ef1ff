"""The short form of `make prove NAME=memory`: how much a message of 25 MB takes is no matter of time."""

from __future__ import annotations

from prove.memory import prove


def test_a_large_message_takes_no_more_memory_than_it_may():
    rows = prove()
    assert len(rows) == 3
    assert [row.what for row in rows if row.met != "yes"] == []
