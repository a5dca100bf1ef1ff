"""Bytes to Message: step 4 of the walk (DESIGN section 1). Called by pipeline workers, `addressee parse` and `explain`.

Pure, never raises, linear in the input. Everything slow about one message happens here, outside the transaction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256

from addressee.core import body as bodies
from addressee.core import bounces, calendar, mailboxes, mime, parts, trace_headers, unpack
from addressee.core.charsets import storable
from addressee.core.headers import Headers, printable, raw_text, text
from addressee.core.limits import DEFAULT, Limits
from addressee.core.message import Invitation, Mailbox, Message, Nature
from addressee.core.nature import nature as nature_of

__all__ = ["DEFAULT", "Limits", "Parsed", "parse"]

_BRACKETED = re.compile(r"<([^<>]{1,990})>")
# Headers that hops add or change on the way: not part of what makes a message the same (law 3).
_HOP_FIELDS = {
    "received", "return-path", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to",
    "x-envelope-from", "authentication-results", "received-spf", "dkim-signature", "domainkey-signature",
    "x-received", "x-google-dkim-signature", "x-gm-message-state", "x-google-smtp-source", "status",
    "x-status", "x-uid", "x-keywords", "x-mozilla-status", "x-mozilla-status2", "x-imapbase", "content-length",
    "lines", "x-antivirus", "x-antivirus-status", "x-virus-scanned", "x-virus-status", "errors-to",
}  # fmt: skip
_HOP_PREFIXES = ("arc-", "x-spam", "x-ms-exchange-", "x-rspamd-", "resent-", "x-microsoft-antispam", "x-forefront-")
_IMPORTANCE = {
    "high": "high", "urgent": "high", "1": "high", "2": "high", "low": "low",
    "non-urgent": "low", "4": "low", "5": "low",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """A message, and the decoded bytes of every attachment by their sha256 in hex."""

    message: Message
    contents: dict[str, bytes] = field(default_factory=dict)


def parse(raw: bytes, limits: Limits = DEFAULT) -> Parsed:
    """Read a whole message.

    What is over a limit is shortened or left in the raw bytes, and named in `message.defects` as a slug.
    """
    source = raw
    defects: set[str] = set()
    if b"\n" not in raw and b"\r" in raw:
        source = raw.replace(b"\r", b"\n")
        defects.add("bare-cr")
    root, odd = mime.split(source, limits)
    defects |= odd
    top = root.headers
    charset = parts.declared_charset(root)
    shown = parts.sort_parts(source, root, limits, defects)
    read = parts.read_bodies(source, shown, limits, defects)
    found = unpack.attachments(source, shown, read.places, limits, defects)
    invitation = _invitation(source, shown, defects)
    senders, author, author_name, doubt = _from(top, charset, limits, defects)
    subject = text(top.first("subject"), charset)
    cut, html_new_text = _new_text(read)
    kind = nature_of(top, subject)
    report = bounces.report(
        top,
        [(box.name, box.address) for box in senders],
        subject,
        [mime.content(source, leaf) for leaf in shown.status if leaf.type.endswith("delivery-status")],
        read.text,
    )
    feedback = shown.feedback
    if feedback:
        kind, report = Nature.FEEDBACK, bounces.NONE
    elif report.standing:
        kind = Nature.BOUNCE
    kinds = trace_headers.delivered_to(top)
    message = Message(
        identity=_identity(source, root),
        message_id=_first_id(top.first("message-id")),
        subject=subject,
        senders=tuple(senders),
        author=author,
        author_name=author_name,
        author_doubt=doubt,
        reply_to=_boxes(top, "reply-to", charset, limits, defects),
        to=_boxes(top, "to", charset, limits, defects),
        cc=_boxes(top, "cc", charset, limits, defects),
        date=trace_headers.date(printable(raw_text(top.first("date")[:400]))),
        in_reply_to=_ids(top.first("in-reply-to"))[: limits.references],
        references=_references(top, limits, defects),
        text=read.text,
        plain_text=read.plain_text,
        html=read.html,
        html_text=read.html_text,
        html_new_text=html_new_text,
        new_text=cut.new_text,
        quoted_text=cut.quoted_text,
        signature=cut.signature,
        forward=cut.forward,
        attachments=found.attachments,
        unpacked=found.unpacked,
        nature=kind,
        is_bounce=report.failed,
        is_auto_reply=kind is Nature.AUTO_REPLIED,
        is_feedback_report=feedback,
        bounces=report.bounces,
        authentication=trace_headers.authentication(top),
        received=trace_headers.received(top, limits),
        delivered_to=kinds[0][1] if kinds else (),
        delivered_to_kinds=kinds,
        headers=_kept_headers(top, charset, limits, defects),
        size_bytes=len(raw),
        importance=_importance(top),
        defects=tuple(sorted(defects)),
        invitation=invitation,
    )
    return Parsed(message, found.contents)


def _invitation(raw: bytes, shown: parts.Shown, defects: set[str]) -> Invitation | None:
    """The event that the message is about. A scheduling message has one (RFC 5546 3.2); of others the first counts."""
    found: dict[str, Invitation] = {}
    for _, part in shown.files:
        if part.type == "text/calendar":
            for each in calendar.read(mime.content(raw, part), defects):
                found.setdefault(each.uid, each)
    if len(found) > 1:
        defects.add("several-events")
    return next(iter(found.values()), None)


def _new_text(read: parts.Bodies) -> tuple[bodies.Split, str]:
    """The text taken apart, and the new text of the HTML where that is another text."""
    if not read.written:
        return bodies.Split("", read.text, "", None), ""
    if not (read.plain_text.strip() and read.html_text.strip()):
        return bodies.split(read.text, read.known), ""
    page = bodies.split(read.html_text, read.html_known)
    return bodies.split(read.text, read.known), page.new_text


# ---- Fields -----------------------------------------------------------------------------------------------


def _from(top: Headers, charset: str, limits: Limits, defects: set[str]) -> tuple[list[Mailbox], str | None, str, str]:
    values = top.all("from")
    texts = [raw_text(value, charset) for value in values[:20]]
    author, author_name, doubt = mailboxes.author(texts)
    if author is not None and not _is_utf8(values[0]) and f"{author}>".encode() not in values[0].lower():
        author, doubt = None, "undecodable-from"  # a guess at the charset may decide a name, never who somebody is
    if "headers-too-large" in defects:
        author, doubt = None, "headers-too-large"  # another From may stand below what we read
    senders: list[Mailbox] = []
    for value in dict.fromkeys(texts):
        senders.extend(mailboxes.mailboxes(value, limits))
    if len(senders) > limits.addresses:
        defects.add("too-many-addresses")
        del senders[limits.addresses :]
    return senders, author, author_name, doubt


def _is_utf8(value: bytes) -> bool:
    if value.isascii():
        return True
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _boxes(top: Headers, name: str, charset: str, limits: Limits, defects: set[str]) -> tuple[Mailbox, ...]:
    found: list[Mailbox] = []
    for value in top.all(name)[: limits.addresses]:
        found.extend(mailboxes.mailboxes(raw_text(value, charset), limits))
        if len(found) > limits.addresses:
            defects.add("too-many-addresses")
            return tuple(found[: limits.addresses])
    return tuple(found)


def _ids(value: bytes) -> tuple[str, ...]:
    """The message ids of a field, without angle brackets; bare ones are taken where there are no others."""
    if not value:
        return ()
    shown = printable(raw_text(value))
    # white space within is folding of an obsolete program (RFC 5322 4.5.4)
    found = ["".join(item.split()) for item in _BRACKETED.findall(shown) if "@" in item or " " not in item]
    if not found:
        found = [word.strip("<>,;") for word in shown.split() if "@" in word]
    return tuple(dict.fromkeys(storable(item)[:990] for item in found if item))


def _first_id(value: bytes) -> str:
    found = _ids(value)
    if found:
        return found[0]
    return printable(raw_text(value[:2_000])).strip("<> ").split(" ")[0][:990] if value else ""


def _references(top: Headers, limits: Limits, defects: set[str]) -> tuple[str, ...]:
    found = _ids(top.first("references"))
    if len(found) > limits.references:
        defects.add("too-many-references")
    return found[-limits.references :]


def _importance(top: Headers) -> str:
    for name in ("importance", "x-priority", "priority", "x-msmail-priority"):
        value = top.first(name)
        if value:
            word = printable(raw_text(value[:100])).lower().split(" ")[0].strip("()")
            if word in _IMPORTANCE:
                return _IMPORTANCE[word]
    return "normal"


def _kept_headers(top: Headers, charset: str, limits: Limits, defects: set[str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for name in top.names():
        if len(kept) >= limits.header_names:
            defects.add("too-many-header-names")
            break
        value = top.first(name)[: limits.header_value_chars * 4]
        if value.isascii() and b"=?" not in value:
            shown = " ".join(value.decode("ascii").split())
            shown = shown if shown.isprintable() else printable(shown)
        else:
            shown = text(value, charset)
        kept[name[:200]] = shown[: limits.header_value_chars]
    return kept


def _identity(raw: bytes, root: mime.Part) -> str:
    """Law 3: which message this is, whatever way it came."""
    top = root.headers
    content = raw[root.start :]
    content = content.replace(b"\r", b"")  # line ends made equal; ten times faster than replacing the pair
    digest = sha256()
    if top.first("message-id").strip():
        for name in ("message-id", "from", "date"):
            digest.update(b" ".join(top.first(name).split()) + b"\n")
    else:
        for name, value in top.fields:
            if name not in _HOP_FIELDS and not name.startswith(_HOP_PREFIXES):
                digest.update(name.encode() + b":" + b" ".join(value.split()) + b"\n")
    digest.update(b"\n" + content.rstrip(b"\n"))
    return digest.hexdigest()[:40]
