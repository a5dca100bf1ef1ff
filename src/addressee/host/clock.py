"""What time is it? The one place that asks, so that tests may set the clock of every part (ADDRESSEE_NOW)."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta

from addressee.host.home import HomeUnusable

_SHIFT = re.compile(r"([+-])(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def now() -> datetime:
    """The time, aware, in UTC. With ADDRESSEE_TEST=1, ADDRESSEE_NOW is an ISO time or a shift such as +2h.

    Raises HomeUnusable when ADDRESSEE_NOW is neither.
    """
    real = datetime.now(UTC)
    said = os.environ.get("ADDRESSEE_NOW", "")
    if not said or os.environ.get("ADDRESSEE_TEST") != "1":
        return real
    shift = _SHIFT.fullmatch(said)
    if shift:
        amount = timedelta(**{_UNITS[shift[3]]: int(shift[2])})
        return real + amount if shift[1] == "+" else real - amount
    try:
        at = datetime.fromisoformat(said)
    except ValueError as error:
        raise HomeUnusable(f"ADDRESSEE_NOW is {said!r}; it takes an ISO time, or a shift such as +2h.") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
