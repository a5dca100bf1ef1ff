"""The parse pool: messages are read in children that may die, hang or run out of memory (law 5). Called by process.

A child has no database connection and hands back the Message alone: large raw bytes it takes from the file store,
attachments it puts there. Small messages of a batch are read several in a task, because handing one over costs as much
as reading it. A task that kills or hangs its child is tried again message by message, each with a time limit of its
own: so the guilty one is known by name, and the others are read by the next child.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType

from django.db import connections
from pebble import ProcessExpired, ProcessPool
from pebble.common.types import CONSTS

from addressee.core.limits import DEFAULT, Limits
from addressee.core.message import Message
from addressee.core.parse import parse
from addressee.core.reasons import Reason
from addressee.core.setup import Setup
from addressee.records import files

_OUT_OF_MEMORY = 71  # exit code of a child
_MOST_TASKS = 250  # after which a child is replaced: whatever leaks in a parser leaks no further
_TOGETHER, _TOGETHER_BYTES = 16, 1024 * 1024  # messages in one task
_NOTICE_SECONDS = 20.0  # how often `on_wait` is called
_TEST_HEADER = b"X-Addressee-Test: "

# A child must be gone at once when its time is up: while pebble waits for it nothing else is handed out.
CONSTS.term_timeout = 0.0


@dataclass(frozen=True, slots=True)
class RawRef:
    """Where the raw bytes of a message are: in `data`, or where that is empty in the file store under `sha256`."""

    sha256: str
    data: bytes = b""

    @classmethod
    def given(cls, data: bytes) -> RawRef:
        """Of bytes that are kept nowhere."""
        return cls(sha256(data).hexdigest(), data)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message as it was read, and how long that took; its attachments are in the file store, durable."""

    message: Message
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that was not read.

    reason  POISON: it killed, hung or exhausted its child, or the parser raised; counts as a try
            UNREADABLE: its raw bytes are not there any more; trying again will not help
            TRY_AGAIN: nothing is wrong with it; the disk is full, or the pool broke
    why     for the trace: what happened
    """

    reason: Reason
    why: str


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """How much of a message is read, how long one try may take, how much memory a child may take for it."""

    message: Limits = DEFAULT
    seconds: float = 10.0
    memory_bytes: int = 512 * 1024 * 1024

    @classmethod
    def of(cls, setup: Setup) -> ReadingLimits:
        """By the options of a setup. All tries together take hard_seconds at most: others wait no longer (law 5)."""
        option = setup.option
        return cls(
            message=Limits(
                header_bytes=option("header_size_bytes"),
                headers_bytes=option("headers_size_bytes"),
                parts=option("part_count"),
                depth=option("part_depth"),
                addresses=option("address_count"),
                text_chars=option("text_size_bytes"),
                html_chars=option("html_size_bytes"),
            ),
            seconds=option("hard_seconds") / max(1, option("attempts")),
            memory_bytes=option("memory_bytes"),
        )


class Reader:
    """The pool. Children are forked when the first message comes; close it, or use it in a `with`."""

    def __init__(self, workers: int = 2, limits: ReadingLimits | None = None) -> None:
        self.workers, self.limits = workers, limits or ReadingLimits()
        self._pool: ProcessPool | None = None
        self._making = threading.Lock()  # pages read messages too, in several threads

    def read_many(
        self, refs: Sequence[RawRef], on_wait: Callable[[], None] | None = None, *, keep: bool = True
    ) -> list[Parsed | Failed]:
        """Read messages, in the order given; the same bytes are read once. Never raises for a message.

        keep     put the attachments into the file store; not where a message is only explained
        on_wait  called every 20 seconds while a slow one is waited for (a worker renews its claims)
        """
        _keep_connections()
        wanted = {ref.sha256: ref for ref in refs}
        found = self._read(list(wanted.values()), on_wait, keep)
        broken = [sha for sha, outcome in found.items() if outcome is _BROKEN]
        if broken:  # the pool, not the messages: once more, in a new one
            self.close()
            found |= self._read([wanted[sha] for sha in broken], on_wait, keep)
        if keep:
            _flush(outcome.message for outcome in found.values() if isinstance(outcome, Parsed))
        return [found[ref.sha256] for ref in refs]

    def read(self, ref: RawRef, *, keep: bool = True) -> Parsed | Failed:
        return self.read_many([ref], keep=keep)[0]

    def _read(
        self, refs: Sequence[RawRef], on_wait: Callable[[], None] | None, keep: bool
    ) -> dict[str, Parsed | Failed]:
        """Small messages together; what was together with one that failed is read again, each alone."""
        tasks = list(_bundles(refs, self.workers))
        found = self._run(tasks, on_wait, keep)
        left = [ref for ref in refs if ref.sha256 not in found]
        if left:
            found |= self._run([[ref] for ref in left], on_wait, keep, self.limits.seconds - self._bundle_seconds)
        return found

    @property
    def _bundle_seconds(self) -> float:
        """How long messages that are read together may take; who is then read alone has the rest of his time."""
        return self.limits.seconds / 4

    def _run(
        self,
        bundles: Iterable[Sequence[RawRef]],
        on_wait: Callable[[], None] | None,
        keep: bool,
        seconds: float | None = None,
    ) -> dict[str, Parsed | Failed]:
        """Each bundle is a task. What became of the messages, but for those of a bundle of several that failed."""
        tasks: dict[Future[list[Parsed]], Sequence[RawRef]] = {}
        found: dict[str, Parsed | Failed] = {}
        for bundle in bundles:
            alone = self.limits.seconds if seconds is None else seconds
            try:
                tasks[self._schedule(bundle, keep, alone if len(bundle) == 1 else self._bundle_seconds)] = bundle
            except RuntimeError:  # a child died while it had nothing to do, and pebble gives up
                found |= {ref.sha256: _BROKEN for ref in bundle}
        pending, last, noticed = set(tasks), time.monotonic(), time.monotonic()
        while pending:
            done, pending = wait(pending, timeout=_NOTICE_SECONDS, return_when=FIRST_COMPLETED)
            now = time.monotonic()
            for task in done:
                found |= self._outcomes(task, tasks[task])
                last = now
            if not done and now - last > self.limits.seconds + _NOTICE_SECONDS:
                # No task ended and none ran out of time: a child was killed with the pool's lock in its hand.
                found |= {ref.sha256: _BROKEN for task in pending for ref in tasks[task]}
                break
            if on_wait and now - noticed >= _NOTICE_SECONDS:
                noticed = now
                on_wait()
        return found

    def _schedule(self, bundle: Sequence[RawRef], keep: bool, seconds: float) -> Future[list[Parsed]]:
        with self._making:
            if self._pool is None:
                self._pool = ProcessPool(
                    max_workers=self.workers,
                    max_tasks=_MOST_TASKS,
                    initializer=_settle_in,
                    initargs=(self.limits.memory_bytes, os.getpid()),
                    context=multiprocessing.get_context("fork"),
                )
            pool = self._pool
        given = [(ref.sha256, ref.data) for ref in bundle]
        future: Future[list[Parsed]] = pool.schedule(
            _read_some, args=(given, self.limits.message, keep), timeout=seconds
        )
        return future

    def _outcomes(self, task: Future[list[Parsed]], bundle: Sequence[RawRef]) -> dict[str, Parsed | Failed]:
        """By message; nothing for those of which one is to blame and nobody knows which."""
        error: BaseException | None
        try:
            error = task.exception()
        except CancelledError as cancelled:
            error = cancelled
        if error is None:
            return {ref.sha256: parsed for ref, parsed in zip(bundle, task.result(), strict=True)}
        if isinstance(error, (CancelledError, BrokenProcessPool)):
            return {ref.sha256: _BROKEN for ref in bundle}
        return {bundle[0].sha256: self._failed(error)} if len(bundle) == 1 else {}

    def _failed(self, error: BaseException) -> Failed:
        """What a message's own failure means."""
        if isinstance(error, TimeoutError):
            return Failed(Reason.POISON, f"reading it was stopped after {self.limits.seconds:g} seconds")
        if isinstance(error, ProcessExpired):
            if error.exitcode == _OUT_OF_MEMORY:
                most = self.limits.memory_bytes // 1_048_576
                return Failed(Reason.POISON, f"reading it took more than {most} MB of memory")
            return Failed(Reason.POISON, f"reading it ended the process ({_ending(error.exitcode)})")
        if isinstance(error, FileNotFoundError):
            return Failed(Reason.UNREADABLE, "its raw bytes are missing in the file store")
        if isinstance(error, OSError):
            return Failed(Reason.TRY_AGAIN, f"its files could not be written: {error.strerror or error}")
        return Failed(Reason.POISON, f"the parser failed: {type(error).__name__}: {str(error)[:200]}")

    def close(self) -> None:
        """End the children at once, whatever they are at."""
        with self._making:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def __enter__(self) -> Reader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_shared: Reader | None = None


def shared(setup: Setup) -> Reader:
    """The pool of this process, by the setup's options; made anew when they change. It ends with the process."""
    global _shared
    limits = ReadingLimits.of(setup)
    if _shared is None or _shared.limits != limits:
        if _shared is not None:
            _shared.close()
        _shared = Reader(limits=limits)
    return _shared


def _bundles(refs: Sequence[RawRef], workers: int) -> Iterator[list[RawRef]]:
    """What is read in one task: large ones alone, so many small ones that every child has work twice over."""
    most = min(_TOGETHER, max(1, len(refs) // (2 * workers)))
    bundle: list[RawRef] = []
    room = _TOGETHER_BYTES
    for ref in refs:
        if not ref.data:  # large ones come by name
            yield [ref]
            continue
        if bundle and (len(bundle) == most or len(ref.data) > room):
            yield bundle
            bundle, room = [], _TOGETHER_BYTES
        bundle.append(ref)
        room -= len(ref.data)
    if bundle:
        yield bundle


_BROKEN = Failed(Reason.TRY_AGAIN, "the pool of reading processes broke")


def _ending(exitcode: int) -> str:
    if exitcode >= 0:
        return f"exit code {exitcode}"
    with suppress(ValueError):
        return signal.Signals(-exitcode).name
    return f"signal {-exitcode}"


def _flush(messages: Iterable[Message]) -> None:
    """The attachments that the children wrote get durable names: one sync a folder."""
    with files.Batch() as batch:
        for message in messages:
            batch.used(attachment.sha256 for attachment in message.files)


_kept: dict[int, list[object]] = {}


def _keep_connections() -> None:
    """Hold on to the database connections that this thread has open now.

    A child forked by one of the pool's threads drops what belonged to the others; a connection that nobody holds
    would be closed there, on a socket or file that is ours.
    """
    _kept[threading.get_ident()] = [wrapper.connection for wrapper in connections.all(initialized_only=True)]


# ---- In the child -----------------------------------------------------------------------------------------


def _settle_in(memory_bytes: int, parent: int) -> None:
    """First thing in a child: limits; die with the parent; what SIGTERM means is the parent's business."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:
        os._exit(0)
    limit = _address_space_bytes() + memory_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.freeze()  # what came from the parent is never collected here: its pages stay shared


def _address_space_bytes() -> int:
    """What this process has mapped already: the limit is for what reading adds."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _read_some(given: Sequence[tuple[str, bytes]], limits: Limits, keep: bool) -> list[Parsed]:
    """Read messages, one after the other."""
    return [_read_one(sha, data, limits, keep) for sha, data in given]


def _read_one(sha: str, data: bytes, limits: Limits, keep: bool) -> Parsed:
    """Read one message and put its attachments into the file store. Raises OSError, or whatever the parser does."""
    started = time.perf_counter()
    try:
        if not data:
            with files.open(sha) as file:
                data = file.read()
        if os.environ.get("ADDRESSEE_TEST") == "1":
            _misbehave(data)
        parsed = parse(data, limits)
        batch = files.Batch()  # flushed by the parent, for all children together
        for name, content in parsed.contents.items() if keep else ():
            batch.put_known(name, content)
    except MemoryError:
        os._exit(_OUT_OF_MEMORY)  # a heap that was full once is not worth keeping
    return Parsed(parsed.message, time.perf_counter() - started)


def _misbehave(data: bytes) -> None:
    """With ADDRESSEE_TEST=1 only: a message may ask for the fate that a hostile one would bring about."""
    at = data.find(_TEST_HEADER, 0, 4096)
    if at < 0:
        return
    wish = data[at + len(_TEST_HEADER) :].split(maxsplit=1)[0]
    if wish == b"kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif wish == b"hang":
        while True:
            pass
    elif wish == b"eat":
        eaten = []
        while True:
            eaten.append(bytearray(16 * 1024 * 1024))
    elif wish == b"raise":
        raise RecursionError("asked for by the message")
