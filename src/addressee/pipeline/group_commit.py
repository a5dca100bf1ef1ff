"""Many sessions, one transaction: what arrives while a commit is under way shares the next one. Used by listeners.

A lone message is committed at once. With many sessions at a time the disk is synced once for all that came in
meanwhile, so the cost of a sync is shared and nobody waits for a clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 100  # items in one commit
MOST_BYTES = 32 * 1024 * 1024


class GroupCommit(Generic[T]):
    """`commit` takes a sequence and keeps all of it or nothing; it runs in `executor`, one call at a time."""

    def __init__(self, commit: Callable[[Sequence[T]], object], size: Callable[[T], int], executor: Executor) -> None:
        self._commit = commit
        self._size = size
        self._executor = executor
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    async def add(self, item: T) -> None:
        """Return when the item is committed. Raises what `commit` raised for it."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._running is None or self._running.done():
            self._running = asyncio.get_running_loop().create_task(self._run())
        await done

    async def idle(self) -> None:
        """Return when nothing is under way, and the sessions have had a turn to say so."""
        if self._running is not None:
            await asyncio.wait([self._running])
            await asyncio.sleep(0.05)

    async def _run(self) -> None:
        while self._waiting:
            group = self._take()
            error = await self._try(group)
            if error is None or len(group) == 1:
                _settle(group, error)
                continue
            for one in group:  # the guilty one alone is refused
                _settle([one], await self._try([one]))

    def _take(self) -> list[tuple[T, asyncio.Future[None]]]:
        count, room = 0, MOST_BYTES
        for item, _ in self._waiting[:MOST]:
            room -= self._size(item)
            if count and room < 0:
                break
            count += 1
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group

    async def _try(self, group: Sequence[tuple[T, asyncio.Future[None]]]) -> BaseException | None:
        items = [item for item, _ in group]
        call = asyncio.get_running_loop().run_in_executor(self._executor, self._commit, items)
        await asyncio.wait([call])
        return call.exception()


def _settle(group: Sequence[tuple[T, asyncio.Future[None]]], error: BaseException | None) -> None:
    for _, done in group:
        if done.done():  # its session is gone; the message is kept all the same, and will be known when it comes again
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
