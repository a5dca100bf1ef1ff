"""Bytes to Message: step 4 of the walk (DESIGN section 1). Called by pipeline workers, `addressee parse` and `explain`.

Pure, never raises, linear in the input. Everything slow about one message happens here, outside the transaction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from addressee.core import body as bodies
from addressee.core import bounces, files, html, mailboxes, mime, trace_headers
from addressee.core.charsets import decode, storable
from addressee.core.headers import Headers, parameters, printable, raw_text, text, unfold
from addressee.core.limits import DEFAULT, Limits
from addressee.core.message import Attachment, Mailbox, Message, Nature
from addressee.core.nature import nature as nature_of

__all__ = ["DEFAULT", "Limits", "Parsed", "parse"]

_BRACKETED = re.compile(r"<([^<>\s]{1,990})>")
# Headers that hops add or change on the way: not part of what makes a message the same (law 3).
_HOP_FIELDS = frozenset(
    ["received", "return-path", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-envelope-from", "authentication-results", "received-spf", "dkim-signature", "domainkey-signature", "x-received", "x-google-dkim-signature", "x-gm-message-state", "x-google-smtp-source", "status", "x-status", "x-uid", "x-keywords", "x-mozilla-status", "x-mozilla-status2", "x-imapbase", "content-length", "lines", "x-antivirus", "x-antivirus-status", "x-virus-scanned", "x-virus-status", "errors-to"]
)
_HOP_PREFIXES = ("arc-", "x-spam", "x-ms-exchange-", "x-rspamd-", "resent-", "x-microsoft-antispam", "x-forefront-")
_IMPORTANCE = {
    "high": "high",
    "urgent": "high",
    "1": "high",
    "2": "high",
    "low": "low",
    "non-urgent": "low",
    "4": "low",
    "5": "low",
}


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
    charset = _declared_charset(root)
    shown = _walk(source, root, limits, defects)
    read = _read_bodies(source, shown, limits, defects)
    attachments, contents = _attachments(source, shown, read.cids, limits, defects)
    senders, author, author_name, doubt = _from(top, charset, limits, defects)
    subject = text(top.first("subject"), charset)
    cut = bodies.split(read.text) if read.written else bodies.Split("", read.text, "", None)
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
        new_text=cut.new_text,
        quoted_text=cut.quoted_text,
        signature=cut.signature,
        forward=cut.forward,
        attachments=attachments,
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
    )
    return Parsed(message, contents)


# ---- Parts: which are shown as text, which are files ------------------------------------------------------


@dataclass(slots=True)
class _Segment:
    """A stretch of the shown text: the plain part, the HTML part, or both as alternatives of each other."""

    plain: mime.Part | None = None
    html: mime.Part | None = None
    file: bool = False  # shown because there is nothing else; not the author's own words (law 14)


# Parts of a delivery report that are read here, and no files to a person; they stay in the raw bytes.
_EVIDENCE = {"message/delivery-status", "message/global-delivery-status", "text/rfc822-headers"}


@dataclass(slots=True)
class _Shown:
    segments: list[_Segment] = field(default_factory=list)
    files: list[tuple[int, mime.Part]] = field(default_factory=list)  # number among the leaves, part
    status: list[mime.Part] = field(default_factory=list)  # parts that only a delivery report has
    feedback: bool = False


def _walk(raw: bytes, root: mime.Part, limits: Limits, defects: set[str]) -> _Shown:
    shown = _Shown()
    leaves = 0
    waiting: list[tuple[mime.Part, _Segment | None]] = [(root, None)]
    while waiting:
        part, alternative = waiting.pop()
        if part.children:
            inside = alternative
            if part.type == "multipart/alternative" and inside is None:
                inside = _Segment()
                shown.segments.append(inside)
            waiting.extend((child, inside) for child in reversed(part.children))
            continue
        leaves += 1
        if part.type in _EVIDENCE:
            shown.status.append(part)
            continue
        if part.type == "message/feedback-report":
            shown.feedback = True
        if part.type in {"text/plain", "text/html"} and not _is_file(part, root):
            _place(shown, part, alternative)
        else:
            shown.files.append((leaves, part))
    if not shown.segments:  # nothing for people: better the fields of a report, or a file shown inline, than nothing
        shown.segments.extend(_Segment(plain=part, file=True) for part in shown.status)
        shown.segments.extend(
            _Segment(plain=part, file=True)
            for _, part in shown.files
            if part.type == "text/plain" and _disposition(part)[0].startswith("inline")
        )
    return shown


def _place(shown: _Shown, part: mime.Part, alternative: _Segment | None) -> None:
    plain = part.type == "text/plain"
    if alternative is not None:
        if plain and alternative.plain is None:
            alternative.plain = part
            return
        if not plain and alternative.html is None:
            alternative.html = part
            return
    shown.segments.append(_Segment(plain=part) if plain else _Segment(html=part))


def _disposition(part: mime.Part) -> tuple[str, dict[str, str]]:
    value = part.headers.first("content-disposition")
    return parameters(value) if value else ("", {})


def _is_file(part: mime.Part, root: mime.Part) -> bool:
    """A text part that is to be kept as a file: it says so, or it has a name and is not the whole message."""
    disposition, params = _disposition(part)
    if disposition.startswith("attachment"):
        return True
    named = params.get("filename") or part.params.get("name")
    return bool(named) and part is not root


def _declared_charset(root: mime.Part) -> str:
    """The charset of the first part that names one: a hint for raw 8-bit header fields."""
    waiting = [root]
    for _ in range(50):
        if not waiting:
            break
        part = waiting.pop()
        if part.params.get("charset"):
            return part.params["charset"]
        waiting.extend(reversed(part.children[:10]))
    return ""


@dataclass(slots=True)
class _Read:
    text: str
    plain_text: str
    html: str
    html_text: str
    cids: frozenset[str]
    written: bool  # the text is the author's, not a file's


def _read_bodies(raw: bytes, shown: _Shown, limits: Limits, defects: set[str]) -> _Read:
    texts, plains, pages, page_texts = [], [], [], []
    cids: set[str] = set()
    left = limits.html_chars
    any_html = any(segment.html for segment in shown.segments)
    for segment in shown.segments:
        plain = _leaf_text(raw, segment.plain, limits, defects) if segment.plain else ""
        if segment.plain:
            plains.append(plain)
        if segment.html is not None:
            source = _leaf_source(raw, segment.html, defects)
            if len(source) > left:
                defects.add("html-too-long")
                source = source[:left]
            left -= len(source)
            page = html.read(source, limits, defects)
            pages.append(page.shown)
            page_texts.append(page.text)
            cids |= page.cids
            texts.append(plain if plain.strip() else page.text)
        else:
            texts.append(plain)
            if any_html and plain.strip():
                pages.append(html.from_plain(plain))
    return _Read(
        _joined(texts, limits, defects),
        _joined(plains, limits, defects),
        "\n".join(page for page in pages if page) if any_html else "",
        _joined(page_texts, limits, defects),
        frozenset(cids),
        not any(segment.file for segment in shown.segments),
    )


def _joined(texts: list[str], limits: Limits, defects: set[str]) -> str:
    whole = texts[0] if len(texts) == 1 else "\n".join(text.strip("\n") for text in texts if text.strip())
    if len(whole) > limits.text_chars:
        defects.add("text-too-long")
        return whole[: limits.text_chars]
    return whole


def _leaf_source(raw: bytes, part: mime.Part, defects: set[str]) -> str:
    data = mime.content(raw, part, defects)
    charset = part.params.get("charset", "")
    if not charset and part.type == "text/html":
        charset = html.declared_charset(data)
    decoded, exact = decode(data, charset)
    if not exact and not decoded.isascii():
        defects.add("charset-guessed")
    return decoded


def _leaf_text(raw: bytes, part: mime.Part, limits: Limits, defects: set[str]) -> str:
    decoded = _leaf_source(raw, part, defects)
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    decoded = decoded.removeprefix("\ufeff")
    if part.params.get("format", "").lower() == "flowed":
        decoded = bodies.unflow(decoded, part.params.get("delsp", "").lower() == "yes")
    return decoded


def _attachments(
    raw: bytes, shown: _Shown, cids: frozenset[str], limits: Limits, defects: set[str]
) -> tuple[tuple[Attachment, ...], dict[str, bytes]]:
    found = []
    contents: dict[str, bytes] = {}
    for number, part in shown.files:
        data = mime.content(raw, part, defects)
        digest = sha256(data).hexdigest()
        contents[digest] = data
        disposition, params = _disposition(part)
        content_id = printable(raw_text(part.headers.first("content-id")[:1_000])).strip("<> ")[:250]
        name = files.safe_name(params.get("filename") or part.params.get("name") or "", limits)
        found.append(
            Attachment(
                name=name or files.made_up_name(part.type, number),
                type=part.type,
                size_bytes=len(data),
                sha256=digest,
                inline=disposition.startswith("inline") or bool(content_id and content_id.lower() in cids),
                content_id=content_id,
            )
        )
    return tuple(found), contents


# ---- Fields -----------------------------------------------------------------------------------------------


def _from(top: Headers, charset: str, limits: Limits, defects: set[str]) -> tuple[list[Mailbox], str | None, str, str]:
    values = top.all("from")
    texts = [raw_text(value, charset) for value in values[:20]]
    author, author_name, doubt = mailboxes.author(texts)
    if author is not None and not unfold(values[0]).isascii() and not _is_utf8(values[0]):
        # The guess at the charset must not decide who somebody is; in the name it may.
        if author not in raw_text(values[0]).encode("ascii", "ignore").decode().lower():
            author, doubt = None, "undecodable-from"
    senders: list[Mailbox] = []
    for value in dict.fromkeys(texts):
        senders.extend(mailboxes.mailboxes(value, limits))
    if len(senders) > limits.addresses:
        defects.add("too-many-addresses")
        del senders[limits.addresses :]
    return senders, author, author_name, doubt


def _is_utf8(value: bytes) -> bool:
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
    found = _BRACKETED.findall(shown)
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
        kept[name[:200]] = text(top.first(name)[: limits.header_value_chars * 4], charset)[: limits.header_value_chars]
    return kept


def _identity(raw: bytes, root: mime.Part) -> str:
    """Law 3: which message this is, whatever way it came."""
    top = root.headers
    content = raw[root.start :]
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
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


def leaves(root: mime.Part) -> Iterator[mime.Part]:
    """Every part without children, in order."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part.children:
            waiting.extend(reversed(part.children))
        else:
            yield part
