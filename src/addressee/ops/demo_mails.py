"""The sample mail of `addressee demo`: demo/mails.toml, made into mail as programs make it. Called by demo_post."""

from __future__ import annotations

import mimetypes
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from importlib.resources import files
from importlib.resources.abc import Traversable

FOLDER: Traversable = files("addressee").joinpath("demo")


@dataclass(frozen=True, slots=True)
class Bounce:
    """A mail server gives back the mail that `to` was sent because of the sample `mail`."""

    mail: str
    to: str
    status: str  # RFC 3463
    text: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One table of mails.toml. Names of other samples are their keys.

    by       the way in: relay (the firm's mail server, which proves authors), sign-in (SMTP AUTH), stranger
    verdict  what the relay finds out about the author: pass | fail
    answers  the sample because of which the author, or `sent_to`, got the mail that this one answers
    again    the sample that comes a second time, byte for byte
    returns  the sample because of which the author got the mail that now comes back to us
    inline   content id -> the picture of the HTML text
    expect   "disposition: reason", or the code of the refusal in the session and its slug
    """

    key: str
    says: str
    by: str
    author: str
    expect: str
    to: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    files: tuple[str, ...] = ()
    inline: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    verdict: str = "pass"
    spam: bool = False
    quote: bool = True
    answers: str = ""
    sent_to: str = ""
    again: str = ""
    returns: str = ""
    bounces: Bounce | None = None

    @property
    def address(self) -> str:
        """The author's address; the first where there are two."""
        return parseaddr(self.author.partition(">")[0] + ">")[1]

    @property
    def name(self) -> str:
        return parseaddr(self.author.partition(">")[0] + ">")[0]

    @property
    def message_id(self) -> str:
        """Without brackets; the same on every machine, so that a second run knows what the first one sent."""
        return f"{self.key}.demo@{self.address.rpartition('@')[2]}"


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail as it leaves a mail program: the envelope and the bytes."""

    sender: str
    recipient: str
    raw: bytes


def samples() -> list[Sample]:
    """Every sample, in the order in which it is sent."""
    found = tomllib.loads(FOLDER.joinpath("mails.toml").read_text(encoding="utf-8"))["mails"]
    return [_sample(entry) for entry in found]


def _sample(entry: dict[str, object]) -> Sample:
    given = {("author" if name == "from" else name): value for name, value in entry.items()}
    bounces = given.pop("bounces", None)
    given["bounces"] = Bounce(**bounces) if isinstance(bounces, dict) else None
    given["files"] = tuple(given.get("files", ()))  # type: ignore[arg-type]
    return Sample(**given)  # type: ignore[arg-type]


def firm() -> bytes:
    """The setup file of the firm."""
    return FOLDER.joinpath("firm.toml").read_bytes()


def written(sample: Sample, words: Mapping[str, str], at: datetime, answered: EmailMessage | None = None) -> Posted:
    """A sample as its author's mail program sends it.

    words     what stands for {name} in subject and text
    answered  the mail of ours that is answered: it gives recipient, thread, subject and quotation
    """
    subject, text = sample.subject.format_map(words), sample.text.strip("\n").format_map(words)
    to = sample.to
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sample.author
    if answered is not None:
        to = parseaddr(str(answered["Reply-To"] or answered["From"]))[1]
        subject = subject or _re(" ".join(str(answered["Subject"]).split()))
        mail["In-Reply-To"] = str(answered["Message-ID"])
        mail["References"] = f"{answered['References'] or ''} {answered['Message-ID']}".strip()
        text = f"{text}\n\n{_quotation(answered)}" if sample.quote else text
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{sample.message_id}>"
    for name, value in sample.headers.items():
        mail[name] = value
    mail.set_content(text + "\n")
    _add_parts(mail, sample)
    return Posted(sample.address, to, mail.as_bytes())


def _re(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _quotation(answered: EmailMessage) -> str:
    """As Gmail and Thunderbird quote."""
    body = answered.get_body(("plain",))
    shown = body.get_content() if body is not None else ""
    quoted = "\n".join(f"> {line}".rstrip() for line in shown.strip().splitlines())
    return f"On {answered['Date']}, {answered['From']} wrote:\n\n{quoted}"


def _add_parts(mail: EmailMessage, sample: Sample) -> None:
    if sample.html:
        mail.add_alternative(sample.html, subtype="html")
        shown = mail.get_payload()[1]  # type: ignore[index]
        for content_id, name in sample.inline.items():
            shown.add_related(*_file(name), cid=f"<{content_id}>", filename=name, disposition="inline")  # type: ignore[union-attr]
    for name in sample.files:
        content, kind, subtype = _file(name)
        mail.add_attachment(content, kind, subtype, filename=name)


def _file(name: str) -> tuple[bytes, str, str]:
    kind, _, subtype = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
    return FOLDER.joinpath("files", name).read_bytes(), kind, subtype


def bounced(sample: Sample, given_back: EmailMessage, envelope_sender: str, at: datetime) -> Posted:
    """The report of a mail server that could not deliver a mail of ours (RFC 3464), from the null reverse-path."""
    bounce = sample.bounces
    assert bounce is not None  # noqa: S101  only these are asked for
    server = sample.address.rpartition("@")[2]
    headers = "\r\n".join(f"{name}: {value}" for name, value in given_back.items())
    parts = [
        f"Content-Type: text/plain\r\n\r\nI could not deliver your mail to {bounce.to}: {bounce.text}.\r\n",
        f"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {server}\r\n\r\n"
        f"Final-Recipient: rfc822; {bounce.to}\r\nAction: failed\r\nStatus: {bounce.status}\r\n"
        f"Diagnostic-Code: smtp; {bounce.status[0]}52 {bounce.status} {bounce.text}\r\n",
        f"Content-Type: text/rfc822-headers\r\n\r\n{headers}\r\n",
    ]
    head = [
        f"From: {sample.author}",
        f"To: {envelope_sender}",
        f"Subject: {sample.subject}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{sample.message_id}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=_report"',
    ]
    body = "".join(f"--=_report\r\n{part}\r\n" for part in parts)
    raw = "\r\n".join(head) + f"\r\n\r\n{body}--=_report--\r\n"
    return Posted("", envelope_sender, raw.encode("utf-8"))


def stamped(posted: Posted, sample: Sample, server: str, at: datetime) -> bytes:
    """What the relay sends on: the bytes it got, on top its verdict about the author (RFC 8601) and its Received."""
    domain = sample.address.rpartition("@")[2]
    verdict = (
        f"dmarc={sample.verdict} header.from={domain}; spf={sample.verdict} smtp.mailfrom={posted.sender or domain}"
    )
    lines = [
        *(["X-Spam-Flag: YES"] if sample.spam else []),
        f"Authentication-Results: {server}; {verdict}",
        f"Received: from mail.{domain} (mail.{domain} [192.0.2.25])\r\n\tby {server} with ESMTPS id {sample.key};"
        f"\r\n\t{format_datetime(at)}",
    ]
    return ("\r\n".join(lines) + "\r\n").encode("ascii") + posted.raw
