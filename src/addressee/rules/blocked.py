"""blocked: the author is on the site's block list of addresses, parts and domains: discarded, or marked (U-20)."""

from __future__ import annotations

from fnmatch import fnmatchcase

from addressee.core.message import Envelope, Message
from addressee.core.reasons import Reason
from addressee.core.registry import register, rules
from addressee.core.setup import Setup
from addressee.core.values import Disposition


@register(rules, "blocked")
class Blocked:
    order = 30

    def check(self, message: Message, envelope: Envelope, setup: Setup) -> tuple[Disposition, Reason, str] | None:
        becomes = Disposition.ACCEPT if setup.site.block_as == "mark" else Disposition.DISCARD
        authors = [message.author] if message.author else [m.address.lower() for m in message.senders]
        for author in authors:
            for pattern in setup.site.block:
                if matches(author, pattern.lower()):
                    return becomes, Reason.BLOCKED, f"{author} matches {pattern}"
        return None


def matches(address: str, pattern: str) -> bool:
    """A pattern with @ is compared with the address, one without with its domain, and with its local part."""
    if "@" in pattern:
        return fnmatchcase(address, pattern)
    local, _, domain = address.rpartition("@")
    return fnmatchcase(domain, pattern) or fnmatchcase(local, pattern)
