"""LMTP in (RFC 2033): mail from our own MTA, one answer for each recipient. Started by pipeline/listeners."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from addressee.core.registry import register, transports
from addressee.transports.session import Doors, Session


class LmtpSession(Session):
    """A session with our own MTA: what it says is believed, and nobody signs in."""

    name = "lmtp"

    def is_trusted(self) -> bool:
        return True

    async def smtp_LHLO(self, hostname: str | None) -> None:
        await super().smtp_EHLO(hostname)

    async def smtp_EHLO(self, hostname: str | None) -> None:
        await self.refuse("500 5.5.1 This is LMTP, say LHLO")

    async def smtp_HELO(self, hostname: str | None) -> None:
        await self.refuse("500 5.5.1 This is LMTP, say LHLO")

    def after_data(self, answer: str, recipients: int) -> str:
        """RFC 2033 4.2: one reply for each recipient that was accepted, in order."""
        return "\r\n".join([answer] * recipients)


@register(transports, "lmtp")
class Lmtp:
    """The listener: `listen` returns when it accepts connections."""

    async def listen(self, host: str, port: int, doors: Doors) -> asyncio.Server:
        """Raises OSError where the address can't be had."""
        own = replace(doors, authenticate=None)
        return await asyncio.get_running_loop().create_server(lambda: LmtpSession(own), host, port, backlog=1024)
