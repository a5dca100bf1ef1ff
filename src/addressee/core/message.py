"""What one message says, as plain values: made by core/parse, read by everything after it.

They come from the children that read to the worker: without slots pickle copies them as they are, in C.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


@dataclass(frozen=True)
class Mailbox:
    """A display name and an address (RFC 5322 3.4); the name is cleaned text, the address as written."""

    name: str
    address: str


class Nature(StrEnum):
    """Who or what wrote the message: decides whether it may command and be answered (law 14)."""

    PERSON = "person"
    AUTO_GENERATED = "auto-generated"  # RFC 3834 5: a program began it
    AUTO_REPLIED = "auto-replied"  # vacation and its like
    BOUNCE = "bounce"  # a delivery status report (RFC 3464) or what stands for one
    FEEDBACK = "feedback"  # an abuse report (RFC 5965)
    BULK = "bulk"  # a list or a mass mail


MESSAGES = frozenset(["message/rfc822", "message/global"])  # types of attached messages (RFC 2046, RFC 6532)


@dataclass(frozen=True)
class Attachment:
    """One leaf part that is not shown as text. Its bytes are in the file store under sha256.

    inline   it says so itself, or the HTML shows it; what becomes of it is decided by `place` (core.attachments)
    place    where: text | signature | quote; "" where it is not shown
    picture  "" for no picture in the text or meant for it, else small | large (core.sniff)
    kept_as  the type by its bytes, where the declared one is wrong or says nothing; else as declared
    endings  of that type, where the name says another
    danger   what it is though its name says otherwise: "a program"; "" for harmless
    opened   its files are in Message.unpacked
    within   the name of the container it was unpacked from; "" for a part of the message itself
    inside   that is an attached message, or in one: it goes with that; what winmail.dat holds stands for it
    said_inline  its Content-Disposition says so (RFC 2183 2.1)
    """

    name: str  # safe: no path, no control characters, at most 255 bytes
    type: str  # as declared, lower case: "application/pdf"
    size_bytes: int
    sha256: str  # of the decoded bytes, hex
    inline: bool = False
    content_id: str = ""
    place: str = ""
    picture: str = ""
    kept_as: str = ""
    endings: tuple[str, ...] = ()
    danger: str = ""
    opened: bool = False
    within: str = ""
    inside: bool = False
    said_inline: bool = False


@dataclass(frozen=True)
class Bounce:
    """One failed recipient of a delivery status report."""

    recipient: str | None
    status: str | None  # RFC 3463, "5.1.1"
    hard: bool | None
    reason: str


@dataclass(frozen=True)
class Attendee:
    """One ATTENDEE of an event, and what he answered (PARTSTAT, RFC 5545 3.2.12), lower case."""

    address: str
    answer: str


@dataclass(frozen=True)
class Invitation:
    """One event of a text/calendar part, as its sender's calendar tells it (RFC 5546).

    method     request | publish | cancel | reply
    start, end  in UTC; without a zone where the calendar names none; a date where it lasts whole days
    organizer  normalised address, "" for none
    """

    uid: str
    method: str
    sequence: int
    summary: str
    place: str
    text: str
    start: datetime | date | None
    end: datetime | date | None
    organizer: str
    attendees: tuple[Attendee, ...]
    repeats: bool
    cancelled: bool


@dataclass(frozen=True)
class Forward:
    """A forwarded mail split in two: what the author wrote before it, and the mail itself."""

    before: str
    embedded: str


@dataclass(frozen=True)
class AuthenticationResults:
    """One Authentication-Results header (RFC 8601), and how deep it stands among the headers.

    position  index of the header in the order of the raw message, 0 = topmost
    results   (method, result, ((ptype.property, value), ...)): ("spf", "pass", (("smtp.mailfrom", "a@x"),))
    """

    position: int
    authserv_id: str
    results: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...]


@dataclass(frozen=True)
class Received:
    """One Received header: its place, the `by` host (lower case, "" if none) and its time."""

    position: int
    by: str
    at: datetime | None


@dataclass(frozen=True)
class Message:
    """A message as we read it. Never raises, never loses what is readable; what was odd is in `defects`.

    identity       law 3: hash of Message-ID, From, Date and body bytes (line ends made equal); without a
                   Message-ID, of the bytes without the headers that hops add; hex, 40 characters
    senders        every mailbox of every From header
    author         the one address of From, normalised (core.addresses.normal), or None: ambiguous or unusable
    author_doubt   why there is no author ("", "no-from", "several-from", "unquoted-trick", ...)
    text           the plain text shown to a person (from text/plain, else from HTML), at most 1 MB
    plain_text     text of the text/plain parts alone ("" where there is none)
    html           sanitised HTML, "" where there is none; cid: images kept as cid:, nothing remote
    html_text      text of the HTML part, "" where there is none
    html_new_text  the new text of `html_text`, "" where there is no text/plain beside it to compare it with
    new_text       the author's own new text: `text` without quotes, signature, disclaimers, forwarded mail
    headers        the first value of each header we look at later, lower-case name -> decoded text
    """

    identity: str
    message_id: str  # without angle brackets; "" where there is none
    subject: str
    senders: tuple[Mailbox, ...]
    author: str | None
    author_name: str
    author_doubt: str
    reply_to: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    date: datetime | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str
    plain_text: str
    html: str
    html_text: str
    new_text: str
    quoted_text: str
    signature: str
    forward: Forward | None
    attachments: tuple[Attachment, ...]
    nature: Nature
    is_bounce: bool
    is_auto_reply: bool
    is_feedback_report: bool
    bounces: tuple[Bounce, ...]
    authentication: tuple[AuthenticationResults, ...]
    received: tuple[Received, ...]
    delivered_to: tuple[str, ...]  # first kind of Delivered-To, X-Original-To, Envelope-To, in order; all its values
    delivered_to_kinds: tuple[tuple[str, tuple[str, ...]], ...]  # every kind with all its values, in that order
    headers: dict[str, str] = field(default_factory=dict)
    size_bytes: int = 0
    html_new_text: str = ""
    importance: str = "normal"  # low | normal | high
    defects: tuple[str, ...] = ()
    invitation: Invitation | None = None
    unpacked: tuple[Attachment, ...] = ()  # the files in winmail.dat and in attached messages

    @property
    def files(self) -> tuple[Attachment, ...]:
        """All there are: those of the message itself first; a file's place here is its name in the rows."""
        return (*self.attachments, *self.unpacked)


@dataclass(frozen=True)
class Envelope:
    """How a message reached us (RFC 5321): what the transport knows and the message can't prove.

    transport  the shelf name: smtp, lmtp, receive, ...
    sender     MAIL FROM, "" for the null reverse-path
    trusted    our own MTA stands between: its Authentication-Results may be believed (DESIGN section 4, E3)
    login      the key of the person who signed in by SMTP AUTH, else ""
    tls        the session was encrypted, or came over loopback
    history    taken as old mail by the operator (`receive --history`)
    arrived_at when the mailbox took it (IMAP INTERNALDATE), where the transport knows it
    """

    transport: str
    sender: str = ""
    peer: str = ""
    helo: str = ""
    login: str = ""
    trusted: bool = False
    tls: bool = False
    history: bool = False
    arrived_at: datetime | None = None
