"""`addressee serve` as a child of the demo: started, waited for, ended. Used by ops.demo."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from addressee.host.parent import end_with_parent
from addressee.ops import demo_home
from addressee.ops.main import TRY_AGAIN

PARTS = ("web", "smtp", "lmtp", "policy", "worker")
READY_SECONDS = 90.0
END_SECONDS = 15.0


class NotReady(Exception):
    """Not every part was ready in time; the sentence says so."""


class NotStarted(Exception):
    """`serve` ended before it was ready; `code` is its exit code, and it said why itself."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Serving:
    """`addressee serve` as a child, in a `with`: within, every part is ready. Raises NotStarted and NotReady.

    chosen  option -> HOST:PORT
    tell    gets {part, address, pid} of each part
    """

    def __init__(self, chosen: Mapping[str, str], tell: Callable[[Mapping[str, Any]], None]) -> None:
        self.places: dict[str, str] = {}  # part -> where it is
        self._chosen, self._tell = chosen, tell
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def __enter__(self) -> Serving:
        options = [word for part, place in self._chosen.items() for word in (f"--{part}", place)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "addressee.ops.main", "serve", "--json", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "ADDRESSEE_SMTP_URL": demo_home.outgoing_url()},
            start_new_session=True,  # a Ctrl-C in the terminal reaches the demo alone
            preexec_fn=end_with_parent,  # this process has one thread until now
        )
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        try:
            self._wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with _undisturbed():
            if self.process.poll() is None:
                self.process.terminate()
            try:
                self.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self._reading.join(1.0)
            if self.process.stdout is not None:
                self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101  it was asked for
        for line in self.process.stdout:
            with suppress(ValueError):
                self._said.put(json.loads(line))
        self._said.put(None)

    def _wait_ready(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while set(PARTS) - set(self.places):
            try:
                said = self._said.get(timeout=max(end - time.monotonic(), 0.01))
            except queue.Empty:
                raise NotReady(f"not everything was ready within {READY_SECONDS:.0f} s") from None
            if said is None:
                raise NotStarted(self.process.wait() or TRY_AGAIN)
            self.places[said["part"]] = said["address"] or ""
            self._tell(said)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """A second Ctrl-C must not leave half of it running."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
