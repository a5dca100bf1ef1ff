"""The benchmark's desk in the tests' own database, so that its counts can be asserted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from addressee.host import clock
from addressee.pipeline import reading, worker
from addressee.pipeline.apply import apply
from bench.ours import Desk


class DeskOfTests(Desk):
    def __init__(self) -> None:
        setup = Path("bench/firm.toml").read_bytes()
        assert not apply(setup, now=clock.now()).faults
        self.worker = worker.Worker()


@pytest.fixture
def bench_desk(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("ADDRESSEE_FILES_URL", f"file:{tmp_path}/files")
    _close_children()  # those of other tests know another file store
    yield DeskOfTests()
    _close_children()


def _close_children() -> None:
    if reading._shared is not None:
        reading._shared.close()
