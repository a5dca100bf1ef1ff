"""spam: the mark of the mail server in front of us; held apart as junk, never answered (law 6)."""

from __future__ import annotations

from addressee.core.message import Envelope, Message
from addressee.core.reasons import Reason
from addressee.core.registry import register, rules
from addressee.core.setup import Setup
from addressee.core.values import Disposition


@register(rules, "spam")
class Spam:
    order = 20

    def check(self, message: Message, envelope: Envelope, setup: Setup) -> tuple[Disposition, Reason, str] | None:
        name, _, value = setup.site.spam_header.partition(":")
        said = message.headers.get(name.strip().lower(), "").strip().lower()
        if name.strip() and said and said.startswith(value.strip().lower()):
            return Disposition.HOLD, Reason.SPAM, f"{name.strip()}: {said[:40]}"
        return None
