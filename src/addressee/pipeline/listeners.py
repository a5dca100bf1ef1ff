"""The listeners wired to the rooms: what a transport asks, answered from the database, off the event loop.

Run by `addressee smtp`. One process holds SMTP, LMTP and the policy service: Postfix asks the one before it
delivers to the other, and they share what they know.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from addressee.core.addresses import normal
from addressee.core.errors import Stranger, TryAgainLater
from addressee.core.message import Envelope
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import transports
from addressee.core.route import Kind, route
from addressee.core.setup import Setup
from addressee.host import listening
from addressee.host.clock import now
from addressee.host.home import HomeUnusable
from addressee.mail import spool, threads
from addressee.people import sign_in
from addressee.pipeline import strangers
from addressee.pipeline.group_commit import GroupCommit
from addressee.pipeline.places import join_place, split_place
from addressee.setup import store
from addressee.transports.peers import is_one_of
from addressee.transports.policy import Questions
from addressee.transports.session import Doors, Limits

log = logging.getLogger(__name__)
T = TypeVar("T")

SETUP_SECONDS = 1.0  # how soon a changed setup is seen
READERS = 2  # threads that ask the database
END_SECONDS = 5.0  # sessions under way may end by themselves that long


@dataclass(frozen=True, slots=True)
class Ready:
    """A part that accepts connections now."""

    part: str
    address: str


class PortTaken(Exception):
    """A listener's address can't be had; the sentence says which and what to do."""


def tls_context() -> ssl.SSLContext | None:
    """For STARTTLS: the PEM files ADDRESSEE_TLS_CERT and ADDRESSEE_TLS_KEY; None without. Raises HomeUnusable."""
    certificate, key = os.environ.get("ADDRESSEE_TLS_CERT", ""), os.environ.get("ADDRESSEE_TLS_KEY", "")
    if not certificate and not key:
        return None
    if not certificate:
        raise HomeUnusable("ADDRESSEE_TLS_KEY is set and ADDRESSEE_TLS_CERT is not. Name the certificate's PEM file.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key or None)
    except (OSError, ssl.SSLError) as error:
        raise HomeUnusable(
            f"The certificate {certificate} can't be read: {error}. See ADDRESSEE_TLS_CERT and ADDRESSEE_TLS_KEY."
        ) from error
    return context


class Listeners:
    """The callables of the doors, and the servers. Made inside a running event loop."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._write = ThreadPoolExecutor(1, "accept")
        self._read = ThreadPoolExecutor(READERS, "look-up")
        self._check = ThreadPoolExecutor(READERS, "sign-in")  # slow by design: must not hold up look-ups
        self._group: GroupCommit[spool.Incoming] = GroupCommit(self._keep, lambda item: len(item.raw), self._write)
        self._servers: list[asyncio.Server] = []
        self._refresher: asyncio.Task[None] | None = None

    async def start(self, smtp: str, lmtp: str, policy: str) -> list[Ready]:
        """Listen. Raises PortTaken, and HomeUnusable for a certificate that can't be read."""
        doors = Doors(
            exists=self.exists,
            accept=self.accept,
            limits=self.limits,
            trusted=lambda peer: is_one_of(peer, self.setup.site.trusted_peers),
            authenticate=self.authenticate,
            hostname=self.setup.site.domain,
            tls=tls_context(),
        )
        questions = Questions(exists=self.exists, is_ours=self.is_ours)
        wanted: list[tuple[str, str, Doors | Questions]] = [
            ("smtp", smtp, doors),
            ("lmtp", lmtp, doors),
            ("policy", policy, questions),
        ]
        ready = [Ready(part, await self._listen(part, place, given)) for part, place, given in wanted]
        self._refresher = asyncio.create_task(self._refresh())
        return ready

    async def _listen(self, part: str, place: str, given: Doors | Questions) -> str:
        host, port = split_place(place)
        try:
            server = await transports[part].listen(host, port, given)
        except OSError as error:
            raise PortTaken(
                f"{part} can't listen on {place}: {error.strerror or error}. Choose another by --{part} HOST:PORT."
            ) from error
        self._servers.append(server)
        return join_place(*server.sockets[0].getsockname()[:2])

    async def close(self) -> None:
        """Stop listening; what is being kept is kept and acknowledged."""
        if self._refresher:
            self._refresher.cancel()
        for server in self._servers:
            server.close()
        await self._group.idle()
        loop = asyncio.get_running_loop()
        for pool, size in ((self._write, 1), (self._read, READERS), (self._check, READERS)):
            await loop.run_in_executor(None, _end, pool, size)

    # ---- what a transport may ask

    async def exists(self, address: str) -> bool:
        """A table's or an account's address is known by its text; for all else, and for a no, the rows are asked."""
        if route(address, self.setup).kind in (Kind.TABLE, Kind.ACCOUNT, Kind.RESERVED):
            return True
        return await self._ask(self._read, threads.address_exists, address)

    async def authenticate(self, login: str, password: str) -> str | None:
        person = await self._ask(self._check, sign_in.verify_password, login, password)
        return person.key if person else None

    async def accept(self, envelope: Envelope, recipients: tuple[str, ...], raw: bytes) -> None:
        setup = self.setup
        if strangers.are_refused(envelope, setup) and await self._ask(
            self._read, strangers.is_strangers, envelope, recipients, raw, setup
        ):
            raise Stranger("stranger", why=SENTENCES[Reason.STRANGER])
        await self._group.add(spool.Incoming(envelope, recipients, raw))

    def limits(self) -> Limits:
        option = self.setup.option
        return Limits(
            message_size_bytes=option("message_size_bytes"),
            recipients=option("recipients"),
            connections=option("connections"),
            connections_per_minute=option("connections_per_minute"),
        )

    def is_ours(self, domain: str) -> bool:
        """The site's own domain: every address in it is ours or nobody's."""
        ours, asked = normal(f"x@{self.setup.site.domain}"), normal(f"x@{domain}")
        return ours is not None and ours == asked

    # ---- in the threads

    async def _ask(self, pool: ThreadPoolExecutor, question: Callable[..., T], *arguments: Any) -> T:
        def asked() -> T:
            close_old_connections()
            try:
                return question(*arguments)
            except (DatabaseError, InterfaceError, OSError) as error:
                connections.close_all()
                raise TryAgainLater("try-again", cause=str(error)) from error

        return await asyncio.get_running_loop().run_in_executor(pool, asked)

    def _keep(self, many: Sequence[spool.Incoming]) -> None:
        close_old_connections()
        spool.accept_many(many, now(), self.setup)

    async def _refresh(self) -> None:
        """See a changed setup without asking for it in every session."""
        while True:
            await asyncio.sleep(SETUP_SECONDS)
            try:
                self.setup = await self._ask(self._read, store.current)
            except TryAgainLater as error:
                log.warning("the setup can't be read now: %s", error.data.get("cause"))


def _end(pool: ThreadPoolExecutor, size: int) -> None:
    """Have each thread of a pool close its database connection, then end them."""
    all_there = threading.Barrier(size)

    def close() -> None:
        all_there.wait(END_SECONDS)
        connections.close_all()

    wait([pool.submit(close) for _ in range(size)], END_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)


async def serve(smtp: str, lmtp: str, policy: str, tell: Callable[[Ready], None]) -> None:
    """Listen until SIGTERM or SIGINT. Raises PortTaken and HomeUnusable before anything is told."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listeners = Listeners(await loop.run_in_executor(None, store.current))
    try:
        parts = await listeners.start(smtp, lmtp, policy)
        listening.note({ready.part: ready.address for ready in parts})
        for ready in parts:
            tell(ready)
        await stop.wait()
    finally:
        listening.forget()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listeners.close(), END_SECONDS)
