"""The worker: claims what is due, has it processed, waits for more. Called by ops worker, work, receive and serve."""

from __future__ import annotations

import gc
import logging
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from django.db import InterfaceError, OperationalError, connection

from addressee.core.reasons import Reason
from addressee.core.setup import Setup
from addressee.core.values import Disposition
from addressee.host.clock import now
from addressee.host.home import home
from addressee.host.wake import Listener
from addressee.jobs import rows as job_rows
from addressee.jobs.models import Job
from addressee.mail import spool
from addressee.pipeline import contents, digest, jobs, process, upkeep
from addressee.records import files
from addressee.setup import store

BATCH = 100  # deliveries in one transaction
_SHORT, _LONG = 0.2, 1.0  # seconds between looks of an idle worker, where no poke comes
_RETRY = timedelta(seconds=30)  # after a fault of ours: the database is away, the disk is full
_JOB_AFTER = 10  # batches of mail: then a step of a job, though there is more mail
_SWEEP = 300.0  # seconds between folders of the file store looked through for what no row names: a day for all
_LOOK_ROUND = 15.0  # seconds: claims of dead workers are ended, the setup is read again
ALIVE_SECONDS = 120  # a worker whose sign of life is older is dead or stuck

_OURS = (OperationalError, InterfaceError, OSError, spool.ClaimLost)

log = logging.getLogger("addressee.worker")


class Worker:
    """One worker of this process. `work_until_idle` returns when nothing is due; `run` when it is told to stop."""

    def __init__(self, on_job: Callable[[Job], None] = lambda job: None) -> None:
        """`on_job` is told of a job after each step of it."""
        self._on_job = on_job
        self.name = spool.worker_name()
        self.stopping = False
        self._setup: Setup | None = None
        self._looked_round = float("-inf")
        self._mails_since = 0  # batches since the last look at jobs
        self._swept = time.monotonic()
        self._folder = secrets.randbelow(256)  # a worker that is often started anew begins elsewhere each time
        gc.set_threshold(20_000, 20, 20)  # a batch makes many objects and no circles: to look for some costs 3 %

    def run(self) -> None:
        """Work for ever. SIGTERM and SIGINT end it after the batch in hand."""
        with Listener() as listener, _signals(self.stop):
            pause = _SHORT
            while not self.stopping:
                _show_life(self.name)
                self._sweep()
                if self._mail_or_job():
                    pause = _SHORT
                elif not self.stopping:
                    pause = _SHORT if listener.wait(pause) else min(pause * 1.5, _LONG)
        _sign_of_life().unlink(missing_ok=True)

    def step_of_job(self) -> bool:
        """One step of a job that is due; False where there is none. Mail waits for no more than this."""
        try:
            self._look_round()
            job = jobs.step(self.name, self._setup or store.current())
            if job is not None:
                self._on_job(job)
            return job is not None
        except _OURS as error:  # the claim runs out, and the step is taken again
            log.error("a job is put off: %s", f"{type(error).__name__}: {error}"[:500])
            with suppress(*_OURS):
                connection.close_if_unusable_or_obsolete()
            time.sleep(_LONG)
            return False

    def stop(self) -> None:
        self.stopping = True

    def work_until_idle(self, told: Callable[[list[int]], None] | None = None) -> int:
        """Work off what is due, jobs too; how many deliveries that were. `told` gets the ids of each batch."""
        done = 0
        while not self.stopping:
            ids = self.step()
            done += len(ids)
            if ids and told:
                told(ids)
            if not ids and not self.step_of_job():
                break
        return done

    def _mail_or_job(self) -> bool:
        """A batch of mail; a step of a job where there is none, and after every tenth, so that jobs get on too."""
        mail = bool(self.step())
        self._mails_since = self._mails_since + 1 if mail else 0
        if mail and self._mails_since % _JOB_AFTER:
            return True
        return self.step_of_job() or mail

    def step(self, only: Sequence[int] | None = None) -> list[int]:
        """One batch: what is due, or of it what `only` names. Returns its ids; none means there is nothing to do."""
        ids: list[int] = []
        try:
            self._look_round()
            claim = spool.claim(self.name, BATCH, now(), only, setup=self._setup)
            ids = [*claim.poison, *claim.ids]
            if claim.poison:
                hold_poison(claim.poison, self.name)
            if claim.taken:
                process.process(claim.taken, claim.setup, worker=self.name)
        except Exception as error:  # noqa: BLE001  the one outer loop: whatever it was, the mail stays and is tried again
            self._put_off(ids, error)
        return ids

    def _look_round(self) -> None:
        if time.monotonic() - self._looked_round >= _LOOK_ROUND:
            self._looked_round = time.monotonic()
            self._setup = store.current()
            spool.free_the_dead(now())
            job_rows.free_the_dead(now())
            digest.send_what_is_due(self._setup)
            upkeep.start_what_is_due(self._setup)
            files.sweep()

    def _sweep(self) -> None:
        """What a crash left in the file store is cleared away, folder by folder. A fault of it holds up no mail."""
        if time.monotonic() - self._swept < _SWEEP:
            return
        self._swept = time.monotonic()
        try:
            gone = contents.sweep(self._folder)
        except _OURS as error:
            log.warning("the file store can't be swept now: %s", error)
            return
        self._folder += 1
        if gone:
            log.warning("%d raw messages that were never acknowledged removed: %s", len(gone), ", ".join(gone))

    def _put_off(self, ids: list[int], error: Exception) -> None:
        """Tell the log, and let the deliveries wait; where even that fails their claims run out by themselves.

        A fault of the database or the disk is nobody's try. What else goes wrong may be a delivery's own doing: it is
        tried alone from now on, and held after the last try.
        """
        what = f"{type(error).__name__}: {error}"[:500]
        log.error("%s deliveries put off: %s", len(ids), what, exc_info=log.isEnabledFor(logging.DEBUG))
        ours = isinstance(error, _OURS)
        with suppress(*_OURS):
            connection.close_if_unusable_or_obsolete()
            spool.defer(ids, now() + _RETRY, Reason.TRY_AGAIN, what, failed=not ours, worker=self.name)
        if not ids:
            time.sleep(_LONG)  # claiming itself failed: not at full speed


def hold_poison(ids: Sequence[int], worker: str) -> None:
    """Hold deliveries that were tried too often, each with what is known of the tries (law 5)."""
    rows = []
    for delivery in spool.claimed(ids):
        tries = f"tried {delivery.attempts} times; each time the process that worked on it ended"
        trace = [*delivery.result.get("trace", ()), {"step": "work", "result": "held", "why": tries}]
        rows.append(spool.Settled(delivery.pk, Disposition.HOLD, Reason.POISON, result={"trace": trace}))
    spool.settle(rows, now(), worker)


def seconds_since_life() -> float | None:
    """How long ago a worker of this home showed a sign of life; None where none is at work. Asked by `check`."""
    try:
        return max(0.0, time.time() - _sign_of_life().stat().st_mtime)
    except FileNotFoundError:
        return None


def _sign_of_life() -> Path:
    return home() / "worker.alive"


def _show_life(name: str) -> None:
    with suppress(OSError):
        _sign_of_life().write_text(name + "\n", encoding="utf-8")


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT call `stop` within, and what they called before afterwards."""
    before = {number: signal.signal(number, lambda *_: stop()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
