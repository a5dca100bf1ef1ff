"""Which keys of a setup are kept but do nothing yet: the one table. Asked by difference, told by `apply`.

Whoever builds the behaviour of a key takes its line out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from addressee.setup.lines import Path

# Path, with * for any name -> the values whose meaning is built all the same (mostly the default).
STORED_ONLY: dict[Path, tuple[Any, ...]] = {
    ("site", "limits", "soft_seconds"): (),
    ("tables", "*", "validate"): (False,),
    ("accounts", "*", "retention_days"): (0,),
    ("accounts", "*", "every_minutes"): (0,),
    ("accounts", "*", "private"): (False,),
    ("accounts", "*", "send_as"): (),
    ("accounts", "*", "imap"): (),
    ("templates", "*", "table"): ("",),
    ("filters",): (),
    ("rules",): (),
}


def in_effect(path: Path, value: Any) -> bool:
    """Does this value at this path do what it says? Also False for anything inside a thing that does not."""
    for pattern, built in STORED_ONLY.items():
        if len(path) >= len(pattern) and all(want in ("*", got) for want, got in zip(pattern, path, strict=False)):
            return len(path) == len(pattern) and any(value == one and type(value) is type(one) for one in built)
    return True


def stored_only(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """The outermost things at or below a path that are not in effect, each with its value."""
    if value is not None and value != {} and not in_effect(path, value):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from stored_only((*path, key), inner)
