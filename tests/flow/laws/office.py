"""The post office of the law tests: makes mails as clients make them, walks them for real, and tells what became of them.

Every single mail is explained first; that its trace equals the one of the real run is asserted here, always.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from addressee.core.message import Envelope
from addressee.core.tokens import digest, in_subject
from addressee.mail import outbox, spool
from addressee.mail.models import Communication, Delivery, OutboxItem, Token
from addressee.pipeline import explain, outcome
from addressee.pipeline.worker import Worker
from addressee.records.models import Record

OUR_MTA = "mx.example.test"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class Line(dict):
    """The contract's line of one delivery, and the mails that it caused."""

    id: int
    outbox: list[OutboxItem]

    @property
    def end(self) -> tuple[str, str]:
        return self["disposition"], self["reason"]

    @property
    def kinds(self) -> list[str]:
        return [effect["kind"] for effect in self["effects"]]

    @property
    def record(self) -> str | None:
        """The record it is about: where its communication stands."""
        return self["communications"][0]["record"] if self["communications"] else None

    @property
    def number(self) -> int:
        """The number of the ticket it made or is about."""
        made = [e["record"] for e in self["effects"] if e["table"] == "ticket"]
        return int(re.sub(r"\D", "", made[0] if made else self.record or ""))

    @property
    def seen(self) -> list[str]:
        return [told["visibility"] for told in self["communications"]]

    def to(self, address: str, kind: str | None = None) -> list[OutboxItem]:
        return [o for o in self.outbox if o.to == address and kind in (None, o.kind)]

    def answer(self, address: str | None = None) -> str:
        """The text of the one answer to the author."""
        found = [o for o in self.outbox if o.kind in ("receipt", "auto_reply") and address in (None, o.to)]
        assert len(found) == 1, [(o.kind, o.to) for o in self.outbox]
        return found[0].content["text"]

    def why(self, step: str) -> list[str]:
        return [f"{each['result']}: {each['why']}" for each in self["trace"] if each["step"] == step]


def proof_of(kind: str | None, author: str, by: str = OUR_MTA) -> list[str]:
    """What our own server stamped on top."""
    domain = author.rpartition("@")[2]
    said = {
        "dmarc": f"dmarc=pass (p=none) header.from={domain}",
        "spf": f"spf=pass smtp.mailfrom={author}",
        "dkim": f"dkim=pass header.d={domain} header.s=s1",
        "auth": f"auth=pass smtp.auth={author}",
    }
    return [f"Authentication-Results: {by}; {said[kind]}"] if kind in said else []


class Office:
    def __init__(self, now: datetime, set_clock: Callable[[datetime], None], reapply: Callable[[dict], None]) -> None:
        self.now, self._set_clock, self._reapply = now, set_clock, reapply
        self._count = 0
        self.later("0s")

    # ------------------------------------------------------------ time and setup

    def later(self, span: str) -> None:
        """Let time go by: "2h", "30m"."""
        self.now += timedelta(**{_UNITS[span[-1]]: int(span[:-1])})
        self._set_clock(self.now)

    def change(self, changes: dict[str, object]) -> None:
        """Apply the firm's setup with some keys changed."""
        self._reapply(changes)

    # ------------------------------------------------------------ making mails

    def bytes_of(
        self,
        author: str | None,
        to: str,
        subject: str | None,
        body: str = "",
        *,
        proof: str | None = "dmarc",
        name: str = "",
        from_field: str | None = None,
        header_to: str | None = None,
        cc: str = "",
        headers: Iterable[str] = (),
        top: Iterable[str] = (),
        message_id: str | None = None,
        date: datetime | None = None,
        received: Iterable[str] | None = None,
        html: str | None = None,
        hidden: str = "",
        files: Iterable[tuple[str, str, bytes]] = (),
        pictures: Iterable[tuple[str, str, bytes]] = (),
        login: str | None = None,
    ) -> bytes:
        """One message. `top` stands above everything, `headers` among the author's own.

        files     (name, type, bytes), attached
        pictures  (Content-ID, type, bytes), related to the HTML, whether that shows them or not
        """
        self._count += 1
        mail_from = author or "nobody@nowhere.example"
        if received is None:
            stamp = format_datetime(self.now)
            received = [
                f"Received: from relay.example ([192.0.2.7])\n by {OUR_MTA} with ESMTPS id {self._count}; {stamp}"
            ]
        head = [*top, *([] if login else proof_of("dmarc" if proof == "direct" else proof, mail_from)), *received]
        if from_field is None and author is not None:
            from_field = f"From: {name} <{author}>" if name else f"From: {author}"
        head += [from_field] if from_field else []
        head += [f"To: {header_to if header_to is not None else to}"]
        head += [f"Cc: {cc}"] if cc else []
        head += [f"Subject: {subject}"] if subject is not None else []
        if message_id is None:
            message_id = f"<{self._count}.{self.now:%H%M%S}@{mail_from.rpartition('@')[2]}>"
        head += [f"Message-ID: {message_id}"] if message_id else []
        head += [f"Date: {format_datetime(date or self.now)}", *headers, "MIME-Version: 1.0"]
        return _whole(head, body, html, list(files), list(pictures))

    def mail(self, author: str | None, to: str, subject: str | None, body: str = "", **more: Any) -> Line:
        """Send one mail and wait for what becomes of it."""
        return self.send(self.bytes_of(author, to, subject, body, **more), to, author=author, **_envelope(more))

    def send(self, raw: bytes, *to: str, author: str | None = None, envelope: Envelope | None = None) -> Line:
        """Deliver bytes to one or more of our addresses; the line of the first delivery."""
        return self.send_all(raw, *to, author=author, envelope=envelope)[0]

    def send_all(self, raw: bytes, *to: str, author: str | None = None, envelope: Envelope | None = None) -> list[Line]:
        self.later("1s")
        envelope = envelope or Envelope("lmtp", sender=author or "nobody@nowhere.example", trusted=True)
        told = explain.explain(envelope, to, raw)
        ids = spool.accept(spool.Incoming(envelope, tuple(to), raw), self.now)
        Worker().work_until_idle()
        lines = [self.line(each) for each in ids]
        for said, line in zip(told, lines, strict=True):
            assert said["trace"] == line["trace"]
            assert said["disposition"] == line["disposition"]
            assert said["reason"] == line["reason"]
        return lines

    def batch(self, mails: Iterable[tuple[bytes, str]]) -> list[Line]:
        """Accept many messages first and let the worker take them as it does: in batches of up to a hundred."""
        self.later("1s")
        many = [
            spool.Incoming(Envelope("lmtp", sender="x@relay.example", trusted=True), (to,), raw) for raw, to in mails
        ]
        ids = [each for group in spool.accept_many(many, self.now) for each in group]
        Worker().work_until_idle()
        return [self.line(each) for each in ids]

    def line(self, delivery: int) -> Line:
        line = Line(outcome.line(Delivery.objects.get(pk=delivery)))
        line.id = delivery
        line.outbox = list(OutboxItem.objects.filter(delivery_id=delivery).order_by("pk"))
        return line

    def again(self, line: Line, told: dict[str, Any]) -> Line:
        """What a release, route, reject or replay of it came to, with the mails that this one caused."""
        before = {o.pk for o in line.outbox}
        after = self.line(line.id)
        assert after["disposition"] == told["disposition"]
        after.outbox = [o for o in after.outbox if o.pk not in before]
        return after

    def answer(self, item: OutboxItem, author: str, text: str, style: str = "gmail", **more: Any) -> Line:
        """Answer a mail of ours as a client does; style names the client, or what was lost on the way."""
        shown = item.content["text"]
        to = item.content["reply_to"] or item.sender
        head = [f"In-Reply-To: <{item.message_id}>", f"References: <{item.message_id}>"]
        subject = f"Re: {item.subject}"
        quote = "\n".join(f"> {line}" for line in shown.splitlines())
        if style == "outlook":
            subject = f"AW: {item.subject}"
            quote = f"Von: {item.sender}\nGesendet: Freitag, 20. November 2026 11:00\nAn: {author}\nBetreff: {item.subject}\n\n{shown}"
            body = f"{text}\n\n________________________________\n{quote}"
        elif style == "apple":
            body = f"{text}\n\nSent from my iPhone\n\n> On 20 Nov 2026, at 11:00, Quay Works <{item.sender}> wrote:\n> \n{quote}"
        else:
            body = f"{text}\n\nOn Fri, 20 Nov 2026 at 11:00, Quay Works <{item.sender}> wrote:\n\n{quote}\n"
        if style == "bare subject":
            subject = "something else"
        if style == "no references":
            head = []
        if style == "subject only":
            head, to = [], item.sender
        body = more.pop("body", body)
        more.setdefault("headers", [])
        more["headers"] = [*head, *more["headers"]]
        return self.mail(author, more.pop("to", to), more.pop("subject", subject), body, **more)

    # ------------------------------------------------------------ looking at what stands

    def ticket(self, number: int) -> Record:
        return Record.objects.get(table="ticket", number=number)

    def values(self, number: int) -> dict[str, Any]:
        return self.ticket(number).values

    def count(self, table: str = "ticket") -> int:
        return Record.objects.filter(table=table, deleted_at__isnull=True).count()

    def stream(self, number: int) -> list[Communication]:
        return list(Communication.objects.filter(record=self.ticket(number)).order_by("at", "uuid"))

    def address(self, number: int) -> str:
        return f"ticket.{self.ticket(number).uuid}@desk.example.test"

    def token(self, item: OutboxItem) -> str:
        """The reply token of a mail of ours, in clear, as it stands in the mail."""
        found = in_subject(item.subject) or (item.content["reply_to"].partition("@")[0].rpartition("+")[2],)
        assert digest(found[0]) == item.token_hash
        return found[0]

    def token_row(self, item: OutboxItem) -> Token:
        return Token.objects.get(hash=item.token_hash)

    def all_mail(self, to: str = "") -> list[OutboxItem]:
        rows = OutboxItem.objects.order_by("pk")
        return list(rows.filter(to=to) if to else rows)

    def as_sent(self, item: OutboxItem) -> bytes:
        return outbox.render(item)

    # ------------------------------------------------------------ what many tests begin with

    def customer_ticket(
        self,
        author: str = "carla@cust.example",
        to: str = "support@example.test",
        subject: str = "Pump leaks",
        **more: Any,
    ) -> Line:
        """A ticket that a proven customer made by mail."""
        line = self.mail(author, to, subject, more.pop("body", "It drips.\n"), **more)
        assert line.end == ("accept", "done"), line["trace"]
        return line


def _envelope(more: dict[str, Any]) -> dict[str, Envelope | None]:
    login, proof = more.get("login"), more.get("proof", "dmarc")
    if login:
        return {"envelope": Envelope("smtp", sender="x@relay.example", login=login, tls=True)}
    if proof == "direct":
        return {"envelope": Envelope("smtp", sender="x@relay.example", peer="198.51.100.9", helo="relay.example")}
    return {"envelope": None}


def _whole(
    head: list[str],
    body: str,
    html: str | None,
    files: list[tuple[str, str, bytes]],
    pictures: list[tuple[str, str, bytes]],
) -> bytes:
    plain = f'Content-Type: text/plain; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n\n{body}\n'
    part = plain
    if html is not None:
        shown = f'Content-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: 8bit\n\n{html}\n'
        both = f"--alt\n{plain}\n--alt\n{shown}\n--alt--\n"
        part = shown if not body else f'Content-Type: multipart/alternative; boundary="alt"\n\n{both}'
    if pictures:
        related = "".join(
            f"--rel\nContent-Type: {kind}; name=image00{number}.png\nContent-ID: <{cid}>\n"
            f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(content).decode()}\n"
            for number, (cid, kind, content) in enumerate(pictures, start=1)
        )
        part = f'Content-Type: multipart/related; boundary="rel"\n\n--rel\n{part}\n{related}--rel--\n'
    if files:
        parts = "".join(
            f'--mix\nContent-Type: {kind}; name="{name}"\nContent-Disposition: attachment; filename="{name}"\n'
            f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(content).decode()}\n"
            for name, kind, content in files
        )
        part = f'Content-Type: multipart/mixed; boundary="mix"\n\n--mix\n{part}\n{parts}--mix--\n'
    return ("\n".join(head) + "\n" + part).replace("\n", "\r\n").encode("utf-8", "surrogateescape")
