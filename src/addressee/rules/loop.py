"""loop: our own mail came back, or it passed too many servers."""

from __future__ import annotations

from addressee.core.addresses import normal
from addressee.core.message import Envelope, Message
from addressee.core.reasons import Reason
from addressee.core.registry import register, rules
from addressee.core.setup import Setup
from addressee.core.values import Disposition


@register(rules, "loop")
class Loop:
    """RFC 5321 6.3: a message with very many Received headers goes in circles."""

    order = 10

    def check(self, message: Message, envelope: Envelope, setup: Setup) -> tuple[Disposition, Reason, str] | None:
        if message.headers.get("x-addressee-loop", "").strip().lower() in _names(setup.site.domain):
            return Disposition.DISCARD, Reason.LOOP, "it carries our own loop header"
        most = setup.option("received_count")
        if len(message.received) > most:
            return (
                Disposition.DISCARD,
                Reason.LOOP,
                f"it has {len(message.received)} Received headers, more than {most}",
            )
        return None


def _names(domain: str) -> set[str]:
    """The domain as it was set and as mail carries it (IDNA)."""
    return {domain.lower(), (normal("x@" + domain) or "x@" + domain)[2:]}
