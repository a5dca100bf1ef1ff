"""A child that does not outlive its parent, however the parent ends. Used by serve and web when they start a child."""

from __future__ import annotations

import ctypes
import signal
import sys

_SET_PARENT_DEATH_SIGNAL = 1  # prctl(2): PR_SET_PDEATHSIG


def end_with_parent() -> None:
    """Ask the kernel to end this process when its parent dies. Call it in the child, before exec; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
