"""Waking workers: accept pokes, a waiting worker returns at once. Called by mail.spool and pipeline.worker.

Each worker listens on a datagram socket of its own in HOME/wake. A poke that gets lost costs a poll, nothing else:
workers also look by themselves, which is all there is between machines.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from addressee.host.home import home


def _folder() -> Path:
    return home() / "wake"


def poke() -> None:
    """Wake every worker of this home. Never raises and never waits."""
    try:
        names = os.listdir(_folder())
    except OSError:
        return
    if not names:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for name in names:
            target = _folder() / name
            try:
                sender.sendto(b"!", str(target))
            except ConnectionRefusedError:  # its worker died without clearing up
                target.unlink(missing_ok=True)
            except OSError:
                continue  # full (it is awake already), gone, or too long a path: it polls


class Listener:
    """One worker's ear. Where the socket can't be made (a path over 107 bytes), `wait` is a plain pause."""

    def __init__(self) -> None:
        self._path = _folder() / f"{os.getpid()}.{id(self):x}"
        self._socket: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            self._socket.bind(str(self._path))
            self._socket.setblocking(False)
        except OSError:
            self._socket.close()
            self._socket = None

    def wait(self, seconds: float) -> bool:
        """Wait for a poke, at most so long. True when one came."""
        if self._socket is None:
            select.select([], [], [], seconds)
            return False
        ready, _, _ = select.select([self._socket], [], [], seconds)
        if not ready:
            return False
        with suppress(OSError):
            while True:  # many pokes are one
                self._socket.recv(16)
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
