"""Every way to say no, with its SMTP reply. Whose fault, and does trying again help? decide the class.

An error carries a slug and data, not a sentence: the sentence is made for the reader (core/reasons, core/replies).
"""

from __future__ import annotations

from typing import ClassVar


class AddresseeError(Exception):
    """The root; `reply` is the basic and enhanced status of RFC 5321 and RFC 3463."""

    reply: ClassVar[str] = "451 4.3.0"

    def __init__(self, slug: str, **data: object) -> None:
        super().__init__(slug)
        self.slug, self.data = slug, data


class TryAgainLater(AddresseeError):
    """Our fault, or we are busy: nothing is lost, the peer keeps it and tries again."""


class Refused(AddresseeError):
    """Sending the same again will not help."""

    reply = "550 5.7.1"


class NoSuchAddress(Refused):
    """No table, record, account or reply address of ours."""

    reply = "550 5.1.1"


class Stranger(Refused):
    """The author could have no right here, and the site refuses strangers (site.strangers)."""


class TooLarge(Refused):
    """Over message_size_bytes."""

    reply = "552 5.3.4"


class BadValue(Refused, ValueError):
    """A text that is no value of a field. `expected` in data says the form that is."""

    reply = "554 5.6.0"
