"""SMTP in (RFC 5321): mail from the world and from persons who sign in. Started by pipeline/listeners."""

from __future__ import annotations

import asyncio

from addressee.core.registry import register, transports
from addressee.transports.session import Doors, Session


class SmtpSession(Session):
    """A session with anybody: counted and limited, unless the peer is one of site.trusted_peers."""

    name = "smtp"


@register(transports, "smtp")
class Smtp:
    """The listener: `listen` returns when it accepts connections."""

    async def listen(self, host: str, port: int, doors: Doors) -> asyncio.Server:
        """Raises OSError where the address can't be had."""
        return await asyncio.get_running_loop().create_server(lambda: SmtpSession(doors), host, port, backlog=1024)
