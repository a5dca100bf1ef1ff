"""Sends the sample mail by the real SMTP listener and waits for what becomes of it. Called by demo_command."""

from __future__ import annotations

import email
import smtplib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any, TypeVar

from addressee.core.tokens import IN_SUBJECT
from addressee.host.clock import now
from addressee.mail import outbox, spool
from addressee.mail.models import Delivery, OutboxItem
from addressee.ops.demo_mails import Posted, Sample, bounced, stamped, written
from addressee.pipeline import outcome
from addressee.pipeline.places import split_place

RELAY_NAME = "mx.wheelhouse.example"  # site.authserv_ids of demo/firm.toml
RELAY_ADDRESS = "127.0.0.2"  # site.trusted_peers there
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.02
SMTP_SECONDS = 30.0
T = TypeVar("T")


class Stuck(Exception):
    """The walk of the samples can't go on; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Walked:
    """What became of a sample: the contract's line of its delivery, or the refusal in the session.

    subject       without tokens
    took_seconds  from the first byte of the session until the delivery was settled
    mails         (kind, to) of what is sent because of it
    """

    sample: Sample
    subject: str
    took_seconds: float
    line: Mapping[str, Any] | None = None
    refusal: str = ""
    mails: tuple[tuple[str, str], ...] = ()

    @property
    def became(self) -> str:
        """As in Sample.expect."""
        if self.line is None:
            return f"{self.refusal[:3]}: {self.refusal.partition(':')[0].rpartition(' ')[2]}"
        return f"{self.line['disposition']}: {self.line['reason']}"

    @property
    def as_expected(self) -> bool:
        return self.became == self.sample.expect


class PostOffice:
    """Three ways in: a person signs in, the firm's mail server relays, a stranger connects."""

    def __init__(self, samples: list[Sample], passwords: Mapping[str, str], smtp: str, lmtp: str) -> None:
        self.samples = {sample.key: sample for sample in samples}
        self.passwords = passwords
        self.smtp, self.lmtp = split_place(smtp), split_place(lmtp)
        self._signed_in: dict[str, smtplib.SMTP] = {}

    def __enter__(self) -> PostOffice:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._signed_in.values():
            client.close()

    def was_sent(self, sample: Sample) -> bool:
        """Did an earlier run send it? The spool knows; what was refused in the session left no trace there."""
        if sample.again:
            return len(spool.find(self.samples[sample.again].message_id)) > 1
        if sample.returns:
            item = self._mail_to(sample.address, sample.returns)
            return item is not None and bool(spool.find(item.message_id))
        return bool(spool.find(sample.message_id))

    def send(self, sample: Sample) -> Walked:
        """Send one sample and wait until it is settled. Raises Stuck."""
        began = time.monotonic()
        posted = self._posted(sample)
        head = email.message_from_bytes(posted.raw, policy=default)
        subject = " ".join(IN_SUBJECT.sub("", str(head["Subject"])).split())
        try:
            self._hand_in(sample, posted)
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = next(iter(refused.recipients.values()))
            refusal = f"{code} {text.decode('utf-8', 'replace')}"
            return Walked(sample, subject, time.monotonic() - began, refusal=refusal)
        except (smtplib.SMTPException, OSError) as error:
            raise Stuck(f"the sample {sample.key} could not be sent: {error}") from error
        row = self._settled(sample, str(head["Message-ID"]))
        took = time.monotonic() - began
        mails = tuple(OutboxItem.objects.filter(delivery_id=row.pk).order_by("pk").values_list("kind", "to"))
        return Walked(sample, subject, took, outcome.line(row), mails=mails)

    # ---- what is sent

    def _posted(self, sample: Sample) -> Posted:
        if sample.again:
            first = self._deliveries(sample.again)[0]
            return Posted(sample.address, first.recipient, spool.raw_bytes(first))
        if sample.returns:
            item = self._sent_mail(sample, sample.address, sample.returns)
            return Posted(sample.address, sample.to, outbox.render(item))
        if sample.bounces is not None:
            item = self._sent_mail(sample, sample.bounces.to, sample.bounces.mail)
            return bounced(sample, _read(item), item.envelope_sender, now())
        answered = None
        if sample.answers:
            answered = _read(self._sent_mail(sample, sample.sent_to or sample.address, sample.answers))
        return written(sample, _Words(self), now(), answered)

    def _deliveries(self, key: str) -> list[Delivery]:
        found = spool.find(self.samples[key].message_id)
        if not found:
            raise Stuck(f"the sample {key} is not in the spool")
        return found

    def number(self, key: str) -> str:
        """The record that a sample is about, as its number where it has one."""

        def first() -> Delivery | None:
            row = self._deliveries(key)[0]
            return row if row.disposition else None

        row = _wait(first)  # an earlier run may have sent it and ended before it was worked on
        told = outcome.line(row)["communications"] if row else ()
        if not told:
            raise Stuck(f"the sample {key} led to no record")
        return str(told[0]["record"])

    def _mail_to(self, address: str, key: str) -> OutboxItem | None:
        """The mail that an address was sent because of a sample."""
        rows = [row.pk for row in spool.find(self.samples[key].message_id)]
        return OutboxItem.objects.filter(delivery_id__in=rows, to=address).order_by("pk").first()

    def _sent_mail(self, sample: Sample, address: str, key: str) -> OutboxItem:
        """The same, once it was really sent."""

        def sent() -> OutboxItem | None:
            item = self._mail_to(address, key)
            return item if item is not None and item.state == "sent" else None

        item = _wait(sent)
        if item is None:
            raise Stuck(f"the sample {sample.key} waits for mail to {address} because of {key}, and none was sent")
        return item

    # ---- how it is sent

    def _hand_in(self, sample: Sample, posted: Posted) -> None:
        if sample.by == "sign-in":
            client = self._session_of(sample.address.partition("@")[0])
            client.sendmail(posted.sender, [posted.recipient], posted.raw)
        elif sample.by == "stranger":
            with smtplib.SMTP(*self.smtp, timeout=SMTP_SECONDS) as client:
                client.sendmail(posted.sender, [posted.recipient], posted.raw)
        else:
            with self._relay() as client:
                client.sendmail(posted.sender, [posted.recipient], stamped(posted, sample, RELAY_NAME, now()))

    def _session_of(self, person: str) -> smtplib.SMTP:
        """A person's mail program stays signed in: checking a password is slow by design."""
        client = self._signed_in.get(person)
        if client is None:
            client = self._signed_in[person] = smtplib.SMTP(*self.smtp, timeout=SMTP_SECONDS)
            client.login(person, self.passwords[person])
        return client

    def _relay(self) -> smtplib.SMTP:
        """The relay's session, from its own loopback address; by LMTP where the machine has only one such address."""
        try:
            return smtplib.SMTP(*self.smtp, RELAY_NAME, timeout=SMTP_SECONDS, source_address=(RELAY_ADDRESS, 0))
        except OSError:
            return smtplib.LMTP(*self.lmtp, RELAY_NAME)

    # ---- what becomes of it

    def _settled(self, sample: Sample, message_id: str) -> Delivery:
        def settled() -> Delivery | None:
            rows = spool.find(message_id)
            return rows[-1] if rows and rows[-1].disposition else None

        row = _wait(settled)
        if row is None:
            raise Stuck(f"the sample {sample.key} was taken and not worked on within {PATIENCE_SECONDS:.0f} s")
        return row


class _Words(dict[str, str]):
    """What {name} means in a sample: a date, or the number of the record that another sample is about."""

    def __init__(self, office: PostOffice) -> None:
        super().__init__(in_3_days=_date(3), in_7_days=_date(7))
        self._office = office

    def __missing__(self, key: str) -> str:
        return self._office.number(key)


def _date(days: int) -> str:
    return (now() + timedelta(days=days)).date().isoformat()


def _read(item: OutboxItem) -> EmailMessage:
    """A mail of ours as it arrived."""
    return email.message_from_bytes(outbox.render(item), policy=default)


def _wait(look: Callable[[], T | None]) -> T | None:
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) is None and time.monotonic() < end:
        time.sleep(PAUSE_SECONDS)
    return found
