"""A progress bar on the terminal (stderr) for commands over many things; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType

_WIDTH = 30
_EVERY_SECONDS = 0.2


class Progress:
    """Use it in a `with`; `reach(done)` draws, at most five times a second."""

    def __init__(self, what: str, total: int | None) -> None:
        self.what, self.total = what, total
        self._shown = sys.stderr.isatty()
        self._began = time.monotonic()
        self._drawn = 0.0
        self._done = 0

    def reach(self, done: int) -> None:
        self._done = done
        if self._shown and time.monotonic() - self._drawn >= _EVERY_SECONDS:
            self._draw()

    def of_job(self, done: int, total: int | None) -> None:
        """The same bar, for the records of a job."""
        if self.what != "records":
            self.what, self._began, self._drawn = "records", time.monotonic(), 0.0
        self.total = total
        self.reach(done)

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        seconds = max(self._drawn - self._began, 0.001)
        speed = f"{self._done / seconds:,.0f}/s"
        if self.total:
            filled = _WIDTH * min(self._done, self.total) // self.total
            left = (self.total - self._done) * seconds / max(self._done, 1)
            bar = "█" * filled + "░" * (_WIDTH - filled)
            text = f"{bar} {self._done:,} of {self.total:,} {self.what}, {speed}, {_clock(left)} left"
        else:
            text = f"{self._done:,} {self.what}, {speed}"
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and self._drawn:
            self._draw()
            sys.stderr.write("\n")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
