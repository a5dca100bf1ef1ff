"""kill -9 at every step of the walk, once each; `make prove NAME=crash` does it many times with the same code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from addressee.host.checkpoints import POINTS
from homes import Home
from prove.crash import copy, faults_of, points_passed, round_at, template


@pytest.fixture(scope="module")
def original() -> Iterator[Home]:
    with template() as home:
        yield home


def test_an_undisturbed_run_passes_every_checkpoint_and_no_other(original: Home) -> None:
    # given a message large enough for the file store, with an attachment, and an answer to send
    with copy(original) as home:
        # when it is received and the answer delivered
        passed = points_passed(home)
        # then every step of the walk is in the written list, so that a new step can't escape the crash test
        assert sorted(passed) == sorted(POINTS)
        assert faults_of(home) == []


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_checkpoint_and_started_again_everything_stands_once(original: Home, point: str) -> None:
    # given a program that is killed with -9 at the point
    with copy(original) as home:
        # when the mail server hands the message over again and what waits is worked off
        # then there is one record, one communication, one answer
        assert round_at(home, point) == []
