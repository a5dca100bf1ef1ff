"""Postfix policy service (SMTPD_POLICY_README): is there such an address? Started by pipeline/listeners.

Postfix asks at RCPT by `check_policy_service inet:127.0.0.1:2626`, so that an unknown address of ours is refused
while the sender is still there. (`reject_unverified_recipient` would cost seconds for each new address.)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from addressee.core.errors import AddresseeError
from addressee.core.registry import register, transports

log = logging.getLogger(__name__)

MOST_ATTRIBUTES = 200
IDLE_SECONDS = 1200.0  # Postfix closes by itself after 1000 (smtpd_policy_service_max_ttl)
UNKNOWN = "550 5.1.1 no-such-address: there is no such address here"  # access(5); a bare REJECT would become 554
LATER = "DEFER_IF_PERMIT 4.3.0 The address can't be looked up now, try again later"


@dataclass(frozen=True, slots=True)
class Questions:
    """What the service may ask the program for: is there such an address, and is this domain all ours?"""

    exists: Callable[[str], Awaitable[bool]]
    is_ours: Callable[[str], bool]


class BadRequest(ValueError):
    """Not the protocol: the connection is closed, and Postfix defers the mail."""


async def read_request(reader: asyncio.StreamReader) -> dict[str, str] | None:
    """The attributes of one request (name=value lines, then an empty line); None at the end. Raises BadRequest."""
    attributes: dict[str, str] = {}
    while True:
        try:
            line = await reader.readline()
        except ValueError as error:  # longer than the reader's buffer
            raise BadRequest("a line is too long") from error
        if not line:
            return None
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            return attributes
        name, equals, value = text.partition("=")
        if not equals or len(attributes) >= MOST_ATTRIBUTES:
            raise BadRequest("not name=value, or too many of them")
        attributes[name] = value


async def decide(attributes: dict[str, str], questions: Questions) -> str:
    """The action for one request. What is no RCPT, and what is no domain of ours, is not our business: DUNNO."""
    recipient = attributes.get("recipient", "")
    domain = recipient.rpartition("@")[2]
    if attributes.get("protocol_state") != "RCPT" or "@" not in recipient or not questions.is_ours(domain):
        return "DUNNO"
    try:
        return "DUNNO" if await questions.exists(recipient) else UNKNOWN
    except AddresseeError:
        return LATER


@register(transports, "policy")
class Policy:
    """The listener: `listen` returns when it accepts connections."""

    async def listen(self, host: str, port: int, questions: Questions) -> asyncio.Server:
        """Raises OSError where the address can't be had."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await _converse(reader, writer, questions)
            except asyncio.CancelledError:
                log.debug("policy session closed: the service ends")  # raised on, asyncio 3.11 prints a traceback
            except (BadRequest, OSError, TimeoutError) as error:
                log.warning("policy session closed: %s", error)
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

        return await asyncio.start_server(serve, host, port, limit=8192, backlog=1024)


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, questions: Questions) -> None:
    while True:
        attributes = await asyncio.wait_for(read_request(reader), IDLE_SECONDS)
        if attributes is None:
            return
        try:
            action = await decide(attributes, questions)
        except Exception as error:  # the loop's own: Postfix asks again later
            log.error("the policy service could not answer", exc_info=error)
            action = LATER
        writer.write(f"action={action}\n\n".encode())
        await writer.drain()
