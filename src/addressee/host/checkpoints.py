"""Named points of the walk at which a test may kill, stop or fill up the program (THREATS section 3).

`reached(point)` costs a look into a set; only with ADDRESSEE_TEST=1 does ADDRESSEE_FAULT=point:k:action make the
k-th passing of a point (by its name here, or as K1 to K10) fail: kill9, raise, sleep or enospc.
ADDRESSEE_CHECKPOINTS=FILE records the points passed.
"""

from __future__ import annotations

import errno
import os
import signal
import time

# Every point there is, in the order of the walk. A test holds this list against the points a run really passes.
POINTS = (
    "raw-written",  # K1: raw above 256 kB written to a temporary file, not synced
    "raw-synced",  # K2: synced, not renamed
    "raw-stored",  # K3: renamed, spool rows not committed
    "spooled",  # K4: spool rows committed, not acknowledged
    "claimed",  # K5: acknowledged, claimed by a worker, not parsed
    "parsed",  # parsed in the child, its files written, nothing else
    "transaction-open",  # K6: the write transaction is open, nothing written
    "decided",  # decisions made, nothing written
    "written",  # all rows written, not committed
    "committed",  # K7, K8: effects committed, outbox rows not taken
    "job-claimed",  # a worker has a job in hand, nothing done
    "slice-written",  # a slice of a batch is written, how far the job is not yet
    "job-written",  # a step of it written, not committed
    "job-committed",  # committed: the step stands, and so does how far the job is
    "outbox-taken",  # outbox row taken, nothing sent
    "data-sent",  # K9: SMTP DATA sent, 250 unread
    "sent",  # K10: 250 read, not marked sent
    "marked-sent",
)

# The same points by their numbers in THREATS section 3.
NUMBERED = {
    "K1": "raw-written",
    "K2": "raw-synced",
    "K3": "raw-stored",
    "K4": "spooled",
    "K5": "claimed",
    "K6": "transaction-open",
    "K7": "committed",
    "K8": "committed",
    "K9": "data-sent",
    "K10": "sent",
}

_passed: dict[str, int] = {}


class Fault(Exception):
    """Raised by the action `raise` of ADDRESSEE_FAULT."""


def reached(point: str) -> None:
    """Tell that the walk stands at this point. Raises Fault, OSError(ENOSPC) or never returns, when a test says so."""
    if os.environ.get("ADDRESSEE_TEST") != "1":
        return
    if point not in POINTS:
        raise ValueError(f"unknown checkpoint {point!r}")
    record = os.environ.get("ADDRESSEE_CHECKPOINTS")
    if record:
        with open(record, "a", encoding="ascii") as file:
            file.write(point + "\n")
    wanted, _, rest = os.environ.get("ADDRESSEE_FAULT", "").partition(":")
    if wanted != point and NUMBERED.get(wanted.upper()) != point:
        return
    _passed[point] = _passed.get(point, 0) + 1
    turn, _, action = rest.partition(":")
    if _passed[point] == int(turn or 1):
        _act(action)


def _act(action: str) -> None:
    if action == "kill9":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "enospc":
        raise OSError(errno.ENOSPC, "No space left on device (asked for by ADDRESSEE_FAULT)")
    elif action == "sleep":
        time.sleep(float(os.environ.get("ADDRESSEE_FAULT_SECONDS", "30")))
    else:
        raise Fault("asked for by ADDRESSEE_FAULT")
