"""Messages that arrive together share a transaction; a lone one waits for nothing; a bad one harms no other."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from addressee.pipeline.group_commit import MOST_BYTES, GroupCommit


class Disk:
    """Commits slowly, and remembers in which groups."""

    def __init__(self, seconds: float = 0.05) -> None:
        self.seconds = seconds
        self.groups: list[list[str]] = []
        self.threads: set[int] = set()

    def commit(self, items) -> None:
        self.threads.add(threading.get_ident())
        time.sleep(self.seconds)
        if "poison" in items:
            raise ValueError("poison")
        self.groups.append(list(items))


def together(disk: Disk, coroutine, size=len):
    with ThreadPoolExecutor(1) as executor:

        async def run():
            return await coroutine(GroupCommit(disk.commit, size, executor))

        return asyncio.run(run())


def test_a_lone_one_is_committed_at_once():
    disk = Disk(0)
    began = time.monotonic()
    together(disk, lambda group: group.add("one"))
    assert disk.groups == [["one"]]
    assert time.monotonic() - began < 0.5


def test_what_comes_while_a_commit_is_under_way_shares_the_next():
    disk = Disk()

    async def many(group):
        first = asyncio.create_task(group.add("first"))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, *(group.add(f"{n}") for n in range(50)))

    together(disk, many)
    assert [len(group) for group in disk.groups] == [1, 50]
    assert len(disk.threads) == 1


def test_nobody_is_told_before_the_commit_is_done():
    disk = Disk()

    async def one(group):
        task = asyncio.create_task(group.add("one"))
        await asyncio.sleep(0.01)
        assert not task.done()
        await task
        assert disk.groups == [["one"]]

    together(disk, one)


def test_the_guilty_one_of_a_group_is_refused_and_the_others_are_kept():
    disk = Disk()

    async def many(group):
        first = asyncio.create_task(group.add("first"))
        await asyncio.sleep(0.01)
        return await asyncio.gather(first, *map(group.add, ["a", "poison", "b"]), return_exceptions=True)

    ended = together(disk, many)
    assert [type(end).__name__ for end in ended] == ["NoneType", "NoneType", "ValueError", "NoneType"]
    assert disk.groups == [["first"], ["a"], ["b"]]


def test_a_session_that_went_away_does_not_hold_up_the_others():
    disk = Disk()

    async def many(group):
        gone = asyncio.create_task(group.add("gone"))
        await asyncio.sleep(0.01)
        gone.cancel()
        await group.add("stays")
        with pytest.raises(asyncio.CancelledError):
            await gone

    together(disk, many)
    assert disk.groups == [["gone"], ["stays"]]


def test_a_group_is_bounded_in_bytes():
    disk = Disk()

    async def many(group):
        first = asyncio.create_task(group.add("first"))
        await asyncio.sleep(0.01)
        await asyncio.gather(first, *(group.add(name) for name in "abc"))

    together(disk, many, size=lambda item: MOST_BYTES // 2 + 1)
    assert disk.groups == [["first"], ["a"], ["b"], ["c"]]
