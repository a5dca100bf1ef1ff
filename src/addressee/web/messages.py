"""Messages: the latest deliveries, and the page of one with its text, HTML, files and the trace of what it did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.html import escape
from django.views.decorators.http import require_safe

from addressee.core.attachments import NO_FILES, OF_SIGNATURES, SENTENCES, UNSAFE
from addressee.core.values import Disposition
from addressee.mail import spool
from addressee.mail.models import Communication, Delivery, File, Message, OutboxItem
from addressee.mail.peek import message_id_hash
from addressee.people.models import Person
from addressee.web.answers import page
from addressee.web.changes import addable
from addressee.web.downloads import download, inline_image, is_thumbnail, message_bytes
from addressee.web.presented import Link, Presenter, name_of, record_url, table_label
from addressee.web.reader import Reader, reader_from, reader_of
from addressee.web.said import DISPOSITIONS, sentence_of

PAGE_SIZE = 50
HEAD_BYTES = 65_536  # of the raw header block that is shown; the download holds all of it
IMAGE_SECONDS = 3600
UNREAD = "(not read)"
_IMAGE_SALT = "addressee.web.image"
# Nothing but our own sheet, the styles that the sanitiser let through, and images that the message itself holds.
# `sandbox` without allow-scripts, allow-forms and allow-same-origin; links open apart, on a click only.
BODY_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_CID = re.compile(r"""(\bsrc\s*=\s*)(["'])cid:([^"']*)\2""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery in the list."""

    id: int
    subject: str
    author: str
    recipient: str
    disposition: str
    word: str
    why: str
    at: Any


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery on the page of its message: how it ended and the way there."""

    entry: Entry
    reason: str
    assurance: str
    actor: str
    account: str
    envelope_sender: str
    transport: str
    trace: list[dict[str, str]]
    effects: list[dict[str, Any]]
    replies: list[dict[str, str]]
    sent: list[OutboxItem]  # of those replies: what the reader got himself, whole
    duplicate_of: int | None
    open: bool


@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """The latest deliveries. ?disposition= ?q= (a Message-ID, an address, words of the subject) ?page="""
    reader = reader_of(request)
    disposition = request.GET.get("disposition", "")
    sought = request.GET.get("q", "").strip()[:998]
    found = _sought(reader.deliveries, sought)
    if disposition in DISPOSITIONS:
        found = found.filter(disposition="" if disposition == "defer" else disposition) if disposition else found
    shown = Paginator(found.order_by("-id"), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "here": "messages",
        "dispositions": [(key, word) for key, word in DISPOSITIONS.items() if key],
        "disposition": disposition,
        "q": sought,
        "page": shown,
        "entries": [entry_of(delivery) for delivery in shown],
    }
    return page(request, "messages", "_messages", context)


def _sought(found: QuerySet[Delivery], text: str) -> QuerySet[Delivery]:
    if not text:
        return found
    by_id = message_id_hash(text.strip("<> "))
    words = Q(subject__icontains=text) | Q(author__icontains=text) | Q(recipient__icontains=text)
    return found.filter(words | Q(message_id_hash=by_id))


def entry_of(delivery: Delivery) -> Entry:
    return Entry(
        id=delivery.pk,
        subject=delivery.subject or ("(no subject)" if delivery.identity else UNREAD),
        author=delivery.author or ("(no author)" if delivery.identity else UNREAD),
        recipient=delivery.recipient,
        disposition=delivery.disposition or Disposition.DEFER,
        word=DISPOSITIONS[delivery.disposition],
        why=sentence_of(delivery.reason) if delivery.reason else "It waits to be worked on.",
        at=delivery.received_at,
    )


@require_safe
def message(request: HttpRequest, number: int) -> HttpResponse:
    """The message of one delivery, and every delivery of it that the reader may see."""
    reader = reader_of(request)
    delivery = reader.delivery(number)
    read = Message.objects.filter(identity=delivery.identity).first() if delivery.identity else None
    same = Q(pk=delivery.pk) | (Q(identity=delivery.identity) if delivery.identity else Q(raw=delivery.raw_id))
    deliveries = list(reader.deliveries.filter(same).order_by("id")[:50])
    context = {
        "here": "messages",
        "delivery": delivery,
        "message": read,
        "subject": entry_of(delivery).subject,
        "boxes": _boxes(read),
        "head": _head(delivery),
        "files": _files(read) if read else [],
        "records": _records(reader, read),
        "addable": addable(reader),
        "deliveries": _told(reader, deliveries, delivery.pk),
        "frame_size": _frame_size(read),
        "may_settle": reader.held.filter(pk=delivery.pk).exists(),
    }
    return render(request, "web/message.html", context)


def _files(read: Message) -> list[File]:
    """Every file, in its place, with why it is none of the record's in words, and whether it can be had here."""
    rows = list(File.objects.filter(message=read).order_by("position"))
    for row in rows:
        row.why = SENTENCES.get(row.reason) or NO_FILES.get(row.reason, "")  # type: ignore[attr-defined]
        row.to_be_had = row.stored or row.reason in OF_SIGNATURES  # type: ignore[attr-defined]
        row.pictured = row.to_be_had and is_thumbnail(row.type, row.size_bytes)  # type: ignore[attr-defined]
    return rows


def _frame_size(message: Message | None) -> str:
    """A frame without scripts cannot say how tall it is: the length of the text is a fair guess."""
    rows = message.text.count("\n") + len(message.text) // 80 if message else 0
    return "short" if rows < 8 else "middle" if rows < 20 else ""


def _boxes(message: Message | None) -> list[tuple[str, str]]:
    """To and Cc, as the reading of the message left them."""
    out = []
    for key, label in (("to", "To"), ("cc", "Cc"), ("reply_to", "Reply to")):
        shown = ", ".join(_box(box) for box in (message.data.get(key) if message else None) or [])
        if shown:
            out.append((label, shown))
    return out


def _box(box: Sequence[str]) -> str:
    name, address = box
    return f"{name} <{address}>" if name else address


def _head(delivery: Delivery) -> str:
    """The raw header block as text: what the message says of itself, unread."""
    raw = spool.raw_bytes(delivery)
    head = re.split(rb"\r?\n\r?\n", raw[:HEAD_BYTES], maxsplit=1)[0]
    return head.decode("utf-8", "replace")


def _records(reader: Reader, message: Message | None) -> list[Link]:
    """The records that the message belongs to, of those the reader may see."""
    if message is None:
        return []
    keys = Communication.objects.filter(message=message).order_by("at").values_list("record", flat=True)
    seen = reader.seen_among(keys)
    return [Link(name_of(record, reader), record_url(record, reader)) for record in seen.values()]


def _told(reader: Reader, deliveries: list[Delivery], chosen: int) -> list[Told]:
    named: dict[str, set[str]] = {}
    for delivery in deliveries:
        for effect in delivery.result.get("effects") or []:
            named.setdefault(str(effect["table"]), set()).add(str(effect["record"]))
    seen = {table: reader.named_among(table, names) for table, names in named.items()}
    presenter = Presenter(reader)
    presenter.learn(persons=[str(d.result.get("actor") or "") for d in deliveries])
    sent = _sent(reader, deliveries)
    return [_told_one(reader, presenter, each, seen, sent.get(each.pk, []), each.pk == chosen) for each in deliveries]


def _told_one(
    reader: Reader,
    presenter: Presenter,
    delivery: Delivery,
    seen: dict[str, dict[str, Any]],
    sent: list[OutboxItem],
    chosen: bool,
) -> Told:
    result = delivery.result
    effects = []
    for effect in result.get("effects") or []:
        table = str(effect["table"])
        record = seen[table].get(str(effect["record"]))
        if record is None:
            continue  # a record that the reader may not see: neither its name nor its values
        changes = presenter.changes(table, effect.get("fields") or {}, new=effect["kind"] == "create")
        link = Link(name_of(record, reader), record_url(record, reader))
        label = table_label(table, reader.setup.tables[table])
        effects.append({"kind": effect["kind"], "table": label, "record": link, "changes": changes})
    return Told(
        entry=entry_of(delivery),
        reason=delivery.reason,
        assurance=str(result.get("assurance") or ""),
        actor=presenter.person(str(result.get("actor") or "")),
        account=str(result.get("account") or ""),
        envelope_sender=str(delivery.envelope.get("sender") or ""),
        transport=str(delivery.envelope.get("transport") or ""),
        trace=[step for step in result.get("trace") or [] if isinstance(step, dict)],
        effects=effects,
        replies=[reply for reply in result.get("replies") or [] if isinstance(reply, dict)],
        sent=sent,
        duplicate_of=result.get("duplicate_of"),
        open=chosen,
    )


def _sent(reader: Reader, deliveries: Sequence[Delivery]) -> dict[int, list[OutboxItem]]:
    """The answers as they were sent, by delivery, of those whose words the reader may see: his own, or all.

    Each holds what its recipient may read, which may be more than the reader may.
    """
    told = {str(reply.get("to")) for delivery in deliveries for reply in delivery.result.get("replies") or []}
    if not reader.everything:
        told &= set(reader.person.addresses)
    identities = {delivery.identity for delivery in deliveries if delivery.identity}
    kinds = ("receipt", "auto_reply", "confirmation")
    found: dict[int, list[OutboxItem]] = {}
    if told and identities:
        for item in OutboxItem.objects.filter(to__in=told, message__in=identities, kind__in=kinds).order_by("pk"):
            found.setdefault(item.delivery_id or 0, []).append(item)
    return found


@require_safe
def raw(request: HttpRequest, number: int) -> HttpResponse:
    """The bytes as they came; with a warning before where a file in them is unsafe. ?anyway=1 is the answer to it."""
    delivery = reader_of(request).delivery(number)
    unsafe = File.objects.filter(message=delivery.identity or None, reason__in=UNSAFE).order_by("position")
    if request.GET.get("anyway") != "1" and (files := list(unsafe)):
        return render(request, "web/unsafe.html", {"here": "messages", "delivery": delivery, "files": files})
    return message_bytes(spool.raw_bytes(delivery), f"message-{delivery.pk}")


@require_safe
def file(request: HttpRequest, number: int, key: int) -> FileResponse:
    """One attachment of the message, to be saved."""
    delivery = reader_of(request).delivery(number)
    may = Q(stored=True) | Q(reason__in=OF_SIGNATURES)
    found = get_object_or_404(File, may, pk=key, message=delivery.identity or None)
    if request.GET.get("picture") == "1":
        if not is_thumbnail(found.type, found.size_bytes):
            raise Http404("picture")
        return inline_image(found.sha256, found.type)
    return download(found.sha256, found.name)


# ---- The HTML of a message, in a frame of its own ------------------------------------------------------------


@require_safe
def body(request: HttpRequest, number: int) -> HttpResponse:
    """The sanitised HTML as a document of its own, closed by its policy. Its images are served by signed addresses."""
    reader = reader_of(request)
    delivery = reader.delivery(number)
    found = get_object_or_404(Message, identity=delivery.identity)
    images = File.objects.filter(shown_in_text(), message=found)
    shown = with_images(found.html, images, delivery.pk, reader.person.key)
    response = render(request, "web/mail_body.html", {"html": shown})
    response["Content-Security-Policy"] = BODY_POLICY
    response["Referrer-Policy"] = "no-referrer"
    return response


def shown_in_text() -> Q:
    """Files that the text may show: kept ones, and the pictures of signatures that are no files of a record."""
    return (Q(stored=True) | Q(reason__in=OF_SIGNATURES)) & ~Q(content_id="")


def with_images(html: str, images: Iterable[File], delivery: int, person: str) -> str:
    """The sanitised HTML with cid: images of this message under addresses of ours; an unknown one shows nothing."""
    known = {file.content_id.strip("<>").lower(): file.pk for file in images}

    def rewrite(found: re.Match[str]) -> str:
        key = known.get(unquote(found[3]).strip().lower())
        if key is None:
            return f'{found[1]}""'
        return f'{found[1]}"{escape(image_url(delivery, key, person))}"'

    return _CID.sub(rewrite, html)


def image_url(delivery: int, key: int, person: str) -> str:
    """A sandboxed frame sends no cookie, so the address itself says who looks, signed, for an hour."""
    return reverse("message-image", args=[signing.dumps([delivery, key, person], salt=_IMAGE_SALT)])


@login_not_required
@require_safe
def image(request: HttpRequest, ticket: str) -> FileResponse:
    """An image of a message, for the person whom the ticket names, with the rights he has now."""
    try:
        number, key, person = signing.loads(ticket, salt=_IMAGE_SALT, max_age=IMAGE_SECONDS)
    except signing.BadSignature as error:
        raise Http404("image") from error
    row = get_object_or_404(Person, key=person, is_active=True, guest=False)
    delivery = reader_from(row).delivery(number)
    found = get_object_or_404(File, shown_in_text(), pk=key, message=delivery.identity or None)
    return inline_image(found.sha256, found.type)


def previews(deliveries: Iterable[Delivery]) -> dict[str, str]:
    """The first words of each message, by identity: for lists."""
    wanted = {delivery.identity for delivery in deliveries if delivery.identity}
    rows = Message.objects.filter(identity__in=wanted).values_list("identity", "new_text", "text")
    return {identity: (new or text)[:600] for identity, new, text in rows}
