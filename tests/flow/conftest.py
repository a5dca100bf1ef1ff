"""A support desk in a home of its own for every test that runs the real command."""

from __future__ import annotations

from pathlib import Path

import pytest

import homes


@pytest.fixture(scope="session")
def desk_template(tmp_path_factory: pytest.TempPathFactory) -> homes.Home:
    return homes.make(tmp_path_factory.mktemp("desk") / "home", Path(__file__).with_name("desk.toml"))


@pytest.fixture
def desk(desk_template: homes.Home, tmp_path: Path) -> homes.Home:
    return desk_template.copy(tmp_path / "home")
