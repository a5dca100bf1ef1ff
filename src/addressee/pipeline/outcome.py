"""The contract's line about one delivery (DESIGN section 5), made of its row. Called by receive, work and trace."""

from __future__ import annotations

from typing import Any

from addressee.mail.models import Delivery

# What pipeline.commit keeps in Delivery.result under the line's own names, and what stands there where it said nothing.
_FROM_RESULT: dict[str, Any] = {
    "actor": None,
    "assurance": None,
    "account": None,
    "duplicate_of": None,
    "verified": False,
    "effects": (),
    "communications": (),
    "replies": (),
    "attachments": (),
    "trace": (),
}


def line(delivery: Delivery) -> dict[str, Any]:
    """One delivery as receive, work and trace tell it. `disposition` is null while it waits for its first try."""
    result = delivery.result
    said = {name: result.get(name, list(blank) if blank == () else blank) for name, blank in _FROM_RESULT.items()}
    return {
        "file": delivery.file or None,
        "message_id": delivery.message_id or None,
        "spool_id": delivery.pk,
        "recipient": delivery.recipient or None,
        "disposition": delivery.disposition or ("defer" if delivery.reason else None),
        "reason": delivery.reason or None,
        "author": delivery.author or None,
        **said,
        "effects": _addressed_first(said["effects"], said["communications"]),
    }


def _addressed_first(effects: list[Any], communications: list[Any]) -> list[Any]:
    """What became of the records that the message is shown on, before what was made beside them (a contact)."""
    shown = {(each["table"], each["record"]) for each in communications}
    return sorted(effects, key=lambda each: (each["table"], each["record"]) not in shown)
