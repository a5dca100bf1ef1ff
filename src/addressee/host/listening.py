"""Which listeners of this home run now, and where: written by the smtp part, read by `check`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from addressee.host.home import home


def _file() -> Path:
    return home() / "listeners.json"


def note(addresses: Mapping[str, str]) -> None:
    """These parts accept connections at these addresses, in this process."""
    fresh = _file().with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"pid": os.getpid(), "addresses": dict(addresses)}), encoding="utf-8")
    fresh.replace(_file())


def forget() -> None:
    """They ended as they should; what a newer process noted stays."""
    try:
        if json.loads(_file().read_text(encoding="utf-8"))["pid"] == os.getpid():
            _file().unlink()
    except (OSError, ValueError, KeyError):
        return


def noted() -> dict[str, str]:
    """Part -> address of the listeners that run, or died without a word; empty where none was started."""
    try:
        addresses: dict[str, str] = json.loads(_file().read_text(encoding="utf-8"))["addresses"]
    except (OSError, ValueError, KeyError):
        return {}
    return addresses
