"""What becomes of one attempt to send a message: the answer of every outgoing transport to pipeline/deliver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Fate(StrEnum):
    SENT = "sent"  # the peer has it (250 to the final dot)
    TEMPORARY = "temporary"  # not now: 4xx, no connection, no answer
    PERMANENT = "permanent"  # never: 5xx


@dataclass(frozen=True, slots=True)
class Attempt:
    """`reply` is what the peer said, or our sentence about why it could not be asked.

    reached  the peer spoke with us: what it refused is this message, not us
    """

    fate: Fate
    reply: str = ""
    reached: bool = True


class Sender(Protocol):
    """An open way out. Used for many messages, by one thread; `close` never raises."""

    def send(
        self, envelope_sender: str, recipient: str, raw: bytes, checkpoint: Callable[[str], None], *, name: str
    ) -> Attempt:
        """Send one message to one recipient.

        envelope_sender  "" for the null reverse-path
        raw              the message with CRLF line ends
        checkpoint       called with "data-sent" when all bytes are out and no answer is read, and with "sent" when
                         the answer was yes
        name             of the message, the same on every attempt: the outbox id
        """

    def close(self) -> None: ...


class WayOut(Protocol):
    """A plug-in of the transports shelf that sends: which URLs it takes, and how one is opened."""

    schemes: tuple[str, ...]

    def open(self, url: str, hostname: str) -> Sender:
        """Connects to nothing yet. Raises ValueError, with a sentence, where the URL can't be understood.

        hostname  how we name ourselves (EHLO)
        """
