"""From the outbox into the world: claim what is due, send it, mark what became of it. Run by the worker and `deliver`.

Each way out (an account's own server, the site's) has a lane of its own, a thread: a server that is slow or away
holds back its own mail only. A crash between the server's 250 and our mark sends a message twice, under the same
Message-ID; nothing is ever sent zero times.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from django.db import DatabaseError, InterfaceError, connections

from addressee.core.registry import transports
from addressee.core.retry import next_attempt
from addressee.core.sending import Attempt, Fate, Sender
from addressee.core.setup import Setup
from addressee.host.checkpoints import reached
from addressee.host.clock import now
from addressee.mail import outbox
from addressee.mail.claims import worker_name
from addressee.mail.models import OutboxItem
from addressee.pipeline import digest
from addressee.setup import store

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
UPKEEP_SECONDS = 15.0  # renew our claims, free those of the dead
PAUSE_SECONDS = 15.0  # of a lane whose server can't be reached
BATCH = 20
WEBHOOK = "@"  # what stands before the host of a webhook, where the account of a mail stands: a lane for each host
MOST_LANES = 16

Told = Callable[[OutboxItem, Attempt], None]


class NoWay(Exception):
    """There is no way out for this mail; the sentence names the setting that is missing or wrong."""


def takes_everything(url: str) -> bool:
    """Does this ADDRESSEE_SMTP_URL stand before the accounts' own servers? (docs/decisions/0009)"""
    parts = urlsplit(url)
    return parts.scheme == "file" or parse_qs(parts.query).get("all", ["0"])[-1] == "1"


def way_out(account: str, setup: Setup, url: str, environment: Mapping[str, str]) -> str:
    """The URL by which an account's mail ("" = without account) leaves. Raises NoWay."""
    if account.startswith(WEBHOOK):
        return f"https://{account[1:]}?private={setup.option('webhook_private')}"
    known = setup.accounts.get(account)
    if url and takes_everything(url):
        return url
    if known is None or known.smtp is None:
        if not url:
            raise NoWay("There is no server to send by. Set ADDRESSEE_SMTP_URL, for example smtp://127.0.0.1:25.")
        return url
    smtp = known.smtp
    sign_in = ""
    if smtp.user:
        password = environment.get(smtp.password_env, "")
        if smtp.password_env and not password:
            raise NoWay(f"The password of account {account} is missing. Set the variable {smtp.password_env}.")
        sign_in = f"{quote(smtp.user, safe='')}:{quote(password, safe='')}@"
    host = f"[{smtp.host}]" if ":" in smtp.host else smtp.host
    return f"smtp://{sign_in}{host}:{smtp.port}?tls={smtp.tls}"


def open_sender(url: str, hostname: str) -> Sender:
    """The sender for a URL, from the transports shelf. Raises NoWay."""
    scheme = urlsplit(url).scheme
    for _, plugin in transports.items():
        if scheme in getattr(plugin, "schemes", ()):
            try:
                sender: Sender = plugin.open(url, hostname)
            except ValueError as error:
                raise NoWay(f"{error} See ADDRESSEE_SMTP_URL.") from error
            return sender
    raise NoWay(f"ADDRESSEE_SMTP_URL begins with {scheme!r}; it takes smtp://, smtps:// and file:.")


def _nobody(item: OutboxItem, attempt: Attempt) -> None:
    """Nobody wants to be told."""


@dataclass(slots=True)
class Lane:
    """One way out and the accounts whose mail takes it."""

    url: str
    accounts: list[str]


class Deliverer:
    """Sends what is due, in lanes. `tell` is called from the lanes' threads after each attempt."""

    def __init__(self, tell: Told = _nobody) -> None:
        self.tell = tell
        self.worker = f"{worker_name()}"
        self._lanes: dict[str, Future[None]] = {}
        self._in_hand: dict[str, list[int]] = {}  # what a lane has claimed and not settled
        self._paused_until: dict[str, float] = {}
        self._upkeep_at = 0.0
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(MOST_LANES, "deliver")

    def tick(self) -> int:
        """Start a lane wherever something is due and none runs. How many lanes run now."""
        self._keep_up()
        for url, lane in self._due_lanes().items():
            running = self._lanes.get(url)
            if running is None and time.monotonic() >= self._paused_until.get(url, 0.0):
                self._lanes[url] = self._pool.submit(self._work, lane)
        return len(self._lanes)

    def until_idle(self) -> None:
        """Send all that is due now, as far as it goes, and return."""
        pause = 0.01
        while self.tick():
            time.sleep(pause)
            pause = min(pause * 1.5, 0.25)

    def close(self) -> None:
        """End after the messages that are under way."""
        self._stop.set()
        self._pool.shutdown(wait=True)

    def _keep_up(self) -> None:
        for url, lane in list(self._lanes.items()):
            if lane.done():
                del self._lanes[url]
                error = lane.exception()
                if error is not None:
                    log.error("a delivery lane stopped", exc_info=error)
                    self._paused_until[url] = time.monotonic() + PAUSE_SECONDS
                    outbox.give_back(self.worker, self._in_hand.pop(url, []))
        if time.monotonic() >= self._upkeep_at:
            self._upkeep_at = time.monotonic() + UPKEEP_SECONDS
            outbox.free_the_dead(now())
            outbox.renew(self.worker, now())
            digest.send_what_is_due(store.current())

    def _due_lanes(self) -> dict[str, Lane]:
        accounts = outbox.due_accounts(now())
        if not accounts:
            return {}
        setup, site_url = store.current(), os.environ.get("ADDRESSEE_SMTP_URL", "")
        lanes: dict[str, Lane] = {}
        for account in accounts:
            try:
                url = way_out(account, setup, site_url, os.environ)
            except NoWay as error:
                outbox.mark_unroutable([account], str(error), now())
                continue
            lanes.setdefault(url, Lane(url, [])).accounts.append(account)
        return lanes

    def _work(self, lane: Lane) -> None:
        """One lane, in a thread: batch after batch until nothing is due or the server is away."""
        try:
            try:
                sender = open_sender(lane.url, store.current().site.domain)
            except NoWay as error:
                outbox.mark_unroutable(lane.accounts, str(error), now())
                self._paused_until[lane.url] = time.monotonic() + PAUSE_SECONDS
                return
            try:
                while not self._stop.is_set() and self._batch(lane, sender):
                    pass
            finally:
                sender.close()
        finally:
            connections.close_all()

    def _batch(self, lane: Lane, sender: Sender) -> bool:
        """Send one batch. False: nothing was due, or the server can't be reached and the lane pauses."""
        items = outbox.claim(self.worker, lane.accounts, BATCH, now())
        in_hand = self._in_hand[lane.url] = [item.pk for item in items]
        for item in items:
            reached("outbox-taken")
            attempt = self._send(item, sender)
            in_hand.remove(item.pk)
            if not attempt.reached:
                self._paused_until[lane.url] = time.monotonic() + PAUSE_SECONDS
            if not attempt.reached or self._stop.is_set():
                outbox.give_back(self.worker, in_hand, "" if attempt.reached else attempt.reply)
                return False
        return bool(items)

    def _send(self, item: OutboxItem, sender: Sender) -> Attempt:
        try:
            raw = outbox.render(item)
            attempt = sender.send(item.envelope_sender, item.to, raw, reached, name=str(item.pk))
        except FileNotFoundError as error:
            attempt = Attempt(Fate.PERMANENT, f"A part of this message is missing: {error}")
        except Exception as error:  # the loop's own: one message that can't be sent holds back no other
            log.error("outbox message %s could not be sent", item.pk, exc_info=error)
            attempt = Attempt(Fate.TEMPORARY, f"{type(error).__name__}: {error}")
        self._mark(item, attempt)
        self.tell(item, attempt)
        return attempt

    def _mark(self, item: OutboxItem, attempt: Attempt) -> None:
        at = now()
        if attempt.fate is Fate.SENT:
            outbox.mark_sent(item, at)
            reached("marked-sent")
            return
        later = next_attempt(item.created_at, item.attempts, at) if attempt.fate is Fate.TEMPORARY else None
        if later is not None:
            outbox.mark_deferred(item, later, attempt.reply)
        elif attempt.fate is Fate.TEMPORARY:
            outbox.mark_failed(item, f"Given up after {item.attempts} attempts in 5 days. {attempt.reply}", at)
        else:
            outbox.mark_failed(item, attempt.reply, at)


def run(stop: threading.Event, tell: Told = _nobody) -> None:
    """Send what is due as it becomes due, until `stop` is set; then end after what is under way. For the worker."""
    deliverer = Deliverer(tell)
    try:
        while not stop.wait(POLL_SECONDS):
            try:
                deliverer.tick()
            except (DatabaseError, InterfaceError, OSError) as error:
                log.warning("the outbox can't be read now: %s", error)
                connections.close_all()
                stop.wait(POLL_SECONDS * 4)
    finally:
        deliverer.close()
        connections.close_all()
