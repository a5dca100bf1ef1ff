"""Starts web, smtp and worker as children, starts again what dies, ends them together. Run by `addressee serve`.

The children are the same commands as on many machines. Each says on its stdout, in one JSON line, when it is ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from addressee.host.parent import end_with_parent

FIRST_PAUSE_SECONDS = 0.2
LAST_PAUSE_SECONDS = 10.0
STEADY_SECONDS = 30.0  # a part that ran so long begins again with the first pause
END_SECONDS = 6.0  # to end by itself after SIGTERM; then it is killed
OPTIONS = {"web": "--http", "smtp": "--smtp", "lmtp": "--lmtp", "policy": "--policy"}
GIVE_UP_CODES = {64, 75, 78}  # wrong usage, port taken, settings unusable: trying again at once is no help


@dataclass(slots=True)
class Part:
    """One child: its command, and the options whose address is kept when it starts again."""

    name: str
    places: dict[str, str] = field(default_factory=dict)  # what it announces -> HOST:PORT
    was_ready: bool = False

    def command(self) -> list[str]:
        options = [word for part, place in self.places.items() for word in (OPTIONS[part], place)]
        return [sys.executable, "-m", "addressee.ops.main", self.name, *options, "--json"]


class Supervisor:
    """`tell` gets {part, address, pid} whenever a part is ready; `warn` gets sentences for the operator."""

    def __init__(
        self, parts: Sequence[Part], tell: Callable[[dict[str, Any]], None], warn: Callable[[str], None]
    ) -> None:
        self.parts = parts
        self.tell = tell
        self.warn = warn
        self.code = 0
        self._stop = asyncio.Event()

    async def run(self) -> int:
        """Until SIGTERM or SIGINT, or until a part can't be started at all. The exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await asyncio.gather(*(self._keep_up(part) for part in self.parts))
        return self.code

    async def _keep_up(self, part: Part) -> None:
        pause = FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            started_at = asyncio.get_running_loop().time()
            code = await self._run_once(part)
            if self._stop.is_set():
                return
            if not part.was_ready and code in GIVE_UP_CODES:
                self.code = code
                self._stop.set()
                return
            if asyncio.get_running_loop().time() - started_at > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            ended = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            self.warn(f"{part.name} {ended}; it is started again in {pause:.1f} s.")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause)
            pause = min(pause * 2, LAST_PAUSE_SECONDS)

    async def _run_once(self, part: Part) -> int:
        """Start the child, relay what it says, and return its exit code; nothing of it is left behind."""
        child = await asyncio.create_subprocess_exec(
            *part.command(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C in the terminal reaches the supervisor alone
            preexec_fn=end_with_parent,  # the supervisor has one thread
        )
        listening = asyncio.create_task(self._listen(part, child))
        ended = asyncio.create_task(child.wait())
        stopped = asyncio.create_task(self._stop.wait())
        await asyncio.wait([ended, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await asyncio.wait([ended], timeout=END_SECONDS)
        _kill_group(child.pid)
        code = await ended
        stopped.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listening, 1.0)
        return code

    async def _listen(self, part: Part, child: asyncio.subprocess.Process) -> None:
        assert child.stdout is not None  # noqa: S101  # it was asked for
        while line := await child.stdout.readline():
            try:
                said = json.loads(line)
            except ValueError:
                self.warn(f"{part.name}: {line.decode('utf-8', 'replace').rstrip()}")
                continue
            if isinstance(said, dict) and "part" in said:
                part.was_ready = True
                if said["part"] in part.places:
                    part.places[said["part"]] = said["address"]  # port 0 is chosen once
                self.tell(said)


def _kill_group(leader: int) -> None:
    """End what a dead child left running, so that its ports are free."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def parts(http: str, smtp: str, lmtp: str, policy: str) -> list[Part]:
    """The embedded default: everything on one machine."""
    return [
        Part("web", {"web": http}),
        Part("smtp", {"smtp": smtp, "lmtp": lmtp, "policy": policy}),
        Part("worker"),
    ]
