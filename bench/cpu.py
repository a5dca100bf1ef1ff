"""What a process and its children cost: processor seconds, memory, syncs. Standard library only: peers use it too."""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from pathlib import Path


def cpu_seconds() -> float:
    """User and system time of this process and of all its children, the living and the dead."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_clock_of, children()))


def cpu_of(pid: int) -> float:
    """The same of another process of ours and its living children."""
    return sum(map(_clock_of, [pid, *children(pid)]))


def _clock_of(pid: int) -> float:
    """The processor clock of another process: clock_getcpuclockid(3) without the call. 0 where it is gone."""
    with suppress(OSError):
        return time.clock_gettime(~pid << 3 | 2)
    return 0.0


def children(of: int = 0) -> list[int]:
    """The living processes below this one, or below another."""
    parents: dict[int, int] = {}
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        if entry.isdigit():
            with suppress(OSError, ValueError):
                stat = Path("/proc", entry, "stat").read_text(encoding="ascii", errors="replace")
                parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = [of or os.getpid()]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def resident_bytes(pid: int, *, peak: bool = False) -> int:
    """Memory that a process holds, or the most it held since `forget_peak`. 0 where it is gone."""
    with suppress(OSError):
        for line in Path("/proc", str(pid), "status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:" if peak else "VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def forget_peak(pid: int) -> None:
    """Let `resident_bytes(peak=True)` begin anew: proc(5), clear_refs."""
    with suppress(OSError):
        Path("/proc", str(pid), "clear_refs").write_text("5", encoding="ascii")
