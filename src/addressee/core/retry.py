"""When is a message that could not be sent tried again? Asked by pipeline/deliver."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_RETRY = timedelta(minutes=5)
LAST_RETRY = timedelta(hours=6)
LIFETIME = timedelta(days=5)


def next_attempt(written_at: datetime, attempts: int, now: datetime) -> datetime | None:
    """The time of the next attempt, or None: give up and say so.

    Each pause is twice the one before, from 5 minutes up to 6 hours. RFC 5321 4.5.4.1 wants a sender to go on for
    at least 4 or 5 days; the last attempt is made when 5 days are over, however the pauses fall.

    written_at  when the message came into the outbox; aware
    attempts    attempts made so far, 1 or more
    now         aware

    Raises ValueError for less than one attempt. A naive datetime is a TypeError.
    """
    if attempts < 1:
        raise ValueError(f"attempts must be 1 or more, not {attempts}")
    doubled: timedelta = FIRST_RETRY * 2 ** min(attempts - 1, 16)
    end = written_at + LIFETIME
    if now >= end:
        return None
    return min(now + min(doubled, LAST_RETRY), end)
