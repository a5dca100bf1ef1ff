"""The outbox: what is to be sent, written in the transaction of its cause (law 9). The only writer of OutboxItem.

pipeline/commit writes; pipeline/deliver claims, renders and marks; the outbox command and the pages ask.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from hashlib import sha256
from typing import Any

from django.db import connection
from django.db.models import Count, F, Min, Q, QuerySet

from addressee.core import assemble
from addressee.core.addresses import normal
from addressee.core.charsets import storable
from addressee.core.numbers import format_number
from addressee.core.outgoing import Outgoing, compose
from addressee.core.setup import Setup
from addressee.core.tokens import digest
from addressee.core.values import OutboxDraft, TokenState
from addressee.mail import codes, links, notices, spool
from addressee.mail.claims import LEASE, is_dead
from addressee.mail.models import Communication, Delivery, Message, OutboxItem, Token
from addressee.mail.peek import message_id_hash
from addressee.records import bulk, files

OPEN_STATES = ("queued", "deferred")

# ---- Writing ----------------------------------------------------------------------------------------------


def write(
    drafts: Sequence[tuple[OutboxDraft, int | None]], setup: Setup, now: datetime, used: Sequence[TokenState] = ()
) -> None:
    """Put drafts into the outbox, each with the delivery that caused it: two statements, in the caller's transaction.

    The record of a draft must be written before. A draft to what is no address is kept as failed, with the reason.
    used  tokens that came back, as often as they did: counted in the statement that keeps the new ones
    """
    items, tokens = [], []
    for place, (draft, delivery) in enumerate(drafts):
        outgoing = compose(draft, setup, f"{delivery} {place} {now.isoformat()} {draft.to} {draft.kind}")
        items.append(_row(draft, outgoing, delivery, now))
        if draft.token and draft.record and not draft.confirms:
            tokens.append(_token_row(draft, outgoing, setup, now))
    for known, uses in Counter(used).items():
        row = {"hash": known.hash, "record_id": known.record, "address": known.address}
        tokens.append(bulk.new(Token, **row, account=known.account, notice=known.notice, created_at=now, uses=uses))
    bulk.insert(items)
    links.write([draft for draft, _ in drafts if draft.links], setup, now)
    codes.keep([draft for draft, _ in drafts], setup, now)
    bulk.insert(tokens, f"ON CONFLICT (hash) DO UPDATE SET uses = {bulk.table(Token)}.uses + excluded.uses")


def _row(draft: OutboxDraft, outgoing: Outgoing, delivery: int | None, now: datetime) -> OutboxItem:
    row = bulk.new(
        OutboxItem,
        kind=draft.kind,
        to=outgoing.to[:320],
        account=draft.account,
        envelope_sender=outgoing.envelope_sender,
        sender=outgoing.sender,
        subject=outgoing.subject,
        message_id=outgoing.message_id,
        message_id_hash=message_id_hash(outgoing.message_id),
        in_reply_to=outgoing.in_reply_to,
        content=_content(draft, outgoing),
        record_id=draft.record or None,
        message=draft.message or "",
        delivery_id=delivery,
        token_hash=digest(draft.token) if draft.token and draft.record and not draft.confirms else "",
        created_at=now,
        due_at=now,
    )
    if draft.kind != "webhook" and normal(outgoing.to) is None:
        row.state, row.due_at = "failed", None
        row.last_error = f"{outgoing.to!r} is no address that mail can be sent to."
    return row


def _content(draft: OutboxDraft, outgoing: Outgoing) -> dict[str, Any]:
    """All that the bytes are made of and that has no column."""
    return {
        "sender_name": outgoing.sender_name,
        "reply_to": outgoing.reply_to,
        "references": list(outgoing.references),
        "headers": [list(pair) for pair in outgoing.headers],
        "language": outgoing.language,
        "text": storable(outgoing.text),
        "calendar": draft.calendar,
        "html": storable(outgoing.html),
        "attach_raw": draft.attach_raw,
        **({"secret_env": draft.secret_env} if draft.secret_env else {}),
        "files": [
            {"name": f.name, "type": f.type, "sha256": f.sha256, "inline": f.inline, "content_id": f.content_id}
            for f in draft.files
        ],
    }


def _token_row(draft: OutboxDraft, outgoing: Outgoing, setup: Setup, now: datetime) -> Token:
    days = setup.option("token_days")
    return bulk.new(
        Token,
        hash=digest(draft.token or ""),
        record_id=draft.record,
        address=outgoing.to[:320],
        account=draft.account,
        notice=draft.notice,
        form=json.dumps(dict(draft.form), ensure_ascii=False) if draft.form else "",
        created_at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )


# ---- The bytes --------------------------------------------------------------------------------------------


def render(item: OutboxItem) -> bytes:
    """The message as it is sent, byte for byte the same whenever it is asked for.

    Raises FileNotFoundError where a file or the message that goes along is no longer kept.
    """
    content = item.content
    if item.kind == "webhook":
        return _posted(item)
    ours = dict(content["headers"])
    head = [
        assemble.mailbox_field("From", item.sender, content["sender_name"]),
        assemble.mailbox_field("To", item.to),
        assemble.text_field("Subject", item.subject),
        assemble.text_field("Date", format_datetime(item.created_at)),
        assemble.words_field("Message-ID", [f"<{item.message_id}>"]),
    ]
    if content["reply_to"]:
        head.append(assemble.mailbox_field("Reply-To", content["reply_to"]))
    if item.in_reply_to:
        head.append(assemble.words_field("In-Reply-To", [f"<{item.in_reply_to}>"]))
    if content["references"]:
        head.append(assemble.words_field("References", [f"<{each}>" for each in content["references"]]))
    head += [assemble.text_field(name, value) for name, value in ours.items()]
    body = assemble.body(
        content["text"],
        content["html"],
        [_part(file) for file in content["files"]],
        _raw(item) if content["attach_raw"] else None,
        calendar=content.get("calendar", ""),
        boundary=f"{item.pk}_{sha256(item.message_id.encode()).hexdigest()[:20]}",
    )
    return b"".join(head) + b"MIME-Version: 1.0\r\n" + body


def _posted(item: OutboxItem) -> bytes:
    """What is posted: the head that transports/webhook reads, an empty line, the JSON."""
    head = {
        "Secret-Env": item.content.get("secret_env", ""),
        "Content-Type": "application/json; charset=utf-8",
        "Addressee-Id": item.message_id,
    }
    lines = "".join(f"{name}: {assemble.clean(value)}\r\n" for name, value in head.items())
    return f"{lines}\r\n{item.content['text']}".encode()


def _part(file: dict[str, Any]) -> assemble.Part:
    with files.open(file["sha256"]) as opened:
        content = opened.read()
    return assemble.Part(file["name"], file["type"], content, file["inline"], file["content_id"])


def _raw(item: OutboxItem) -> bytes:
    """The message that caused this one, as it came."""
    delivery = Delivery.objects.select_related("raw").filter(pk=item.delivery_id or 0).first()
    if delivery is None and item.message:
        message = Message.objects.filter(pk=item.message).first()
        delivery = Delivery(raw=message.raw) if message else None
    if delivery is None:
        raise FileNotFoundError("the message that should go along is no longer kept")
    return spool.raw_bytes(delivery)


# ---- Sending ----------------------------------------------------------------------------------------------


def _due(now: datetime) -> QuerySet[OutboxItem]:
    return OutboxItem.objects.filter(Q(claimed_until__isnull=True) | Q(claimed_until__lte=now), due_at__lte=now)


def due_accounts(now: datetime) -> list[str]:
    """The accounts ("" for none) that have something to send which nobody has in hand. One statement."""
    return sorted(_due(now).order_by().values_list("account", flat=True).distinct())


def claim(worker: str, accounts: Sequence[str], most: int, now: datetime) -> list[OutboxItem]:
    """Take rows of these accounts that are due; they are the worker's for LEASE. Two statements."""
    table = connection.ops.quote_name(OutboxItem._meta.db_table)
    skip = "" if connection.vendor == "sqlite" else "FOR UPDATE SKIP LOCKED"
    marks = ", ".join(["%s"] * len(accounts))
    at, until = (connection.ops.adapt_datetimefield_value(moment) for moment in (now, now + LEASE))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {table} SET claimed_by = %s, claimed_until = %s, attempts = attempts + 1 WHERE id IN (
            SELECT id FROM {table} WHERE due_at <= %s AND (claimed_until IS NULL OR claimed_until <= %s)
            AND account IN ({marks}) ORDER BY due_at, id LIMIT %s {skip}) RETURNING id""",
            [worker, until, at, at, *accounts, most],
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(OutboxItem.objects.filter(pk__in=ids).order_by("due_at", "pk")) if ids else []


def renew(worker: str, now: datetime) -> None:
    """More time for all that the worker has in hand."""
    OutboxItem.objects.filter(claimed_by=worker, claimed_until__isnull=False).update(claimed_until=now + LEASE)


def free_the_dead(now: datetime) -> int:
    """End the claims of processes of this machine that are gone. Returns how many rows are due again."""
    claimed = OutboxItem.objects.filter(claimed_until__gt=now)
    dead = [n for n in claimed.values_list("claimed_by", flat=True).distinct() if is_dead(n)]
    return claimed.filter(claimed_by__in=dead).update(claimed_by="", claimed_until=None) if dead else 0


def give_back(worker: str, ids: Sequence[int], error: str = "") -> None:
    """Rows that the worker claimed and did not try: due as before, and `error` says why they were not tried."""
    if ids:
        why = {"last_error": error} if error else {}
        claimed = OutboxItem.objects.filter(pk__in=list(ids), claimed_by=worker)
        claimed.update(claimed_by="", claimed_until=None, attempts=F("attempts") - 1, **why)


def mark_sent(item: OutboxItem, now: datetime) -> None:
    _settle(item, state="sent", due_at=None, sent_at=now, last_error="")


def mark_deferred(item: OutboxItem, until: datetime, error: str) -> None:
    _settle(item, state="deferred", due_at=until, last_error=storable(error))


def mark_failed(item: OutboxItem, error: str, now: datetime) -> None:
    """Give up. The failure is shown in the stream of the record (law 9)."""
    error = storable(error)
    told = f"addressee:outbox:{item.pk}:{item.message_id}"
    records = [(item.record_id, told)] if item.record_id else []
    records += [(record, f"{told}:{record}") for record in notices.records_of(item.pk)]
    Communication.objects.bulk_create(
        [
            Communication(
                uuid=uuid.uuid5(uuid.NAMESPACE_URL, name),
                record_id=record,
                kind="bounce",
                visibility="internal",
                at=now,
                author=item.to,
                text=f"The mail “{item.subject}” to {item.to} could not be delivered: {error}",
            )
            for record, name in records
        ],
        ignore_conflicts=True,
    )
    _settle(item, state="failed", due_at=None, last_error=error)


def cancel(causes: Iterable[str], records: Iterable[str]) -> int:
    """What these causes led to about these records and nobody has in hand is not sent any more; how many that were."""
    about = [uuid.UUID(record) for record in sorted(set(records))]
    waiting = OutboxItem.objects.filter(record__in=about, message__in=sorted(set(causes)), due_at__isnull=False)
    why = "What it tells was taken back before it was sent."
    return waiting.filter(claimed_until__isnull=True).update(state="cancelled", due_at=None, last_error=why)


def mark_unroutable(accounts: Sequence[str], error: str, now: datetime) -> int:
    """Rows for which there is no way out: they stay due, and say which setting is missing."""
    waiting = _due(now).filter(account__in=accounts).exclude(last_error=error)
    return waiting.update(last_error=error) if waiting.exists() else 0


def _settle(item: OutboxItem, **columns: Any) -> None:
    """Only while the claim is still ours: who lost it to another must not overwrite what that one did."""
    mine = OutboxItem.objects.filter(pk=item.pk, claimed_by=item.claimed_by, due_at__isnull=False)
    mine.update(claimed_by="", claimed_until=None, **columns)


# ---- Asking -----------------------------------------------------------------------------------------------


def find(item: int) -> OutboxItem | None:
    """One message by its outbox id, with its record."""
    return OutboxItem.objects.select_related("record").filter(pk=item).first()


def listed(state: str = "") -> Iterator[OutboxItem]:
    """All messages, or those in one state, in the order they were written, with their records."""
    rows = OutboxItem.objects.select_related("record").order_by("pk")
    return (rows.filter(state=state) if state else rows).iterator(chunk_size=500)


def left_over(now: datetime) -> list[tuple[str, int]]:
    """(why, how many) of what is due and was not sent."""
    due = OutboxItem.objects.filter(due_at__lte=now).order_by("last_error").values_list("last_error")
    return [(why, count) for why, count in due.annotate(count=Count("pk"))]


def put_off(now: datetime) -> tuple[int, datetime | None]:
    """How much will be tried again later, and when the next of it."""
    later = OutboxItem.objects.filter(due_at__gt=now).aggregate(count=Count("pk"), next=Min("due_at"))
    return later["count"], later["next"]


def line(item: OutboxItem, setup: Setup) -> dict[str, Any]:
    """The contract's line of one message (DESIGN section 5). `item` with its record selected."""
    return {
        "id": item.pk,
        "state": item.state,
        "to": item.to,
        "sender": item.sender,
        "subject": item.subject,
        "message_id": item.message_id,
        "in_reply_to": item.in_reply_to or None,
        "kind": item.kind,
        "record": _record_name(item, setup),
        "attempts": item.attempts,
        "last_error": item.last_error or None,
        "envelope_sender": item.envelope_sender,
        "account": item.account or None,
        "created_at": _utc(item.created_at),
        "due_at": _utc(item.due_at),
        "sent_at": _utc(item.sent_at),
    }


def _record_name(item: OutboxItem, setup: Setup) -> str | None:
    record = item.record
    if record is None:
        return None
    table = setup.tables.get(record.table)
    return (format_number(table, record.number) if table else None) or str(record.pk)


def _utc(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
