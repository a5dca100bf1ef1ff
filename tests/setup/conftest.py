"""The firm of the setup tests, and its file checked without rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from addressee.setup.check import Checked, check
from addressee.setup.difference import Stored
from addressee.setup.document import read

FIRM = Path(__file__).with_name("firm.toml")
NOTHING = Stored({}, {}, {})


def checked(text: str | bytes, stored: Stored = NOTHING, **how: object) -> Checked:
    return check(read(text.encode() if isinstance(text, str) else text), stored, **how)


@pytest.fixture(scope="session")
def firm() -> str:
    return FIRM.read_text(encoding="utf-8")
