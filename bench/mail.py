"""The mail that every contender of the benchmark gets: seeded, the same bytes on every run. Standard library only.

Of a hundred: 40 plain replies with quotes, 30 new, 15 with one to three files of 20 to 300 kB (half of them replies),
10 HTML with inline pictures (half), 5 commands with field lines (half). Records are numbered 1, 2, 3... by the mails
that make them; a mail for record n goes to `record_address(n)` and has `tag` with that number in its subject.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

DOMAIN = "in.example.test"
DESK = f"support@{DOMAIN}"
BORDER = f"mx.{DOMAIN}"  # the host whose Authentication-Results are believed
KEY = b"bench"
MIX = {"reply": 40, "new": 30, "files": 15, "html": 10, "command": 5}
_WORDS = (  # noqa: SIM905
    "invoice order delivery server printer contract customer meeting report payment account error screen password "
    "update version shipment warehouse refund engineer network schedule budget project the a of to and for with from "
    "about before after please could should we you it is was has been not yet again today tomorrow next week number"
).split()
_GIVEN = "Ana Ben Chloé Dmitri Eva Farid Gül Håkon Ines João Kaito Lena Małgorzata Nia Omar Paula Rosa Sven".split()  # noqa: SIM905
_FAMILY = "Abe Brandt Costa Dupont Eriksen Fischer García Haddad Ivanova Jansen Kowalski Li Moreau Novák Petit".split()  # noqa: SIM905
_HOUSES = "acme.test globex.test initech.test umbrella.test hooli.test".split()  # noqa: SIM905
_ODD = ["Störung am Drucker", "Facture impayée n°", "納品書の確認", "Zażółć zgłoszenie", "Вопрос по заказу"]
_SPICE = ["Grüße aus Köln.", "C'est déjà réglé ?", "The price is 45 €.", "Naïve café."]
_BEGAN = datetime(2025, 3, 3, 8, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, and what it should do: comment on or update `record`, or make it."""

    kind: str
    raw: bytes
    author: str
    record: int
    makes_record: bool


@dataclass
class _Thread:
    subject: str
    people: list[tuple[str, str]]
    ids: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)


def record_address(record: int) -> str:
    """An address that nobody can guess: case.NUMBER.MAC@..."""
    mac = hmac.new(KEY, str(record).encode(), hashlib.sha256).digest()[:10]
    return f"case.{record}.{base64.b32encode(mac).decode().lower()}@{DOMAIN}"


def messages(
    count: int, seed: int = 7, tag: str = "", *, mix: Mapping[str, float] = MIX, people: int = 50
) -> Iterator[Mail]:
    """`tag` such as "[issue{n}]" changes the subjects alone, so that every contender gets the same mail."""
    maker = _Maker(random.Random(seed), tag, mix, people)
    return (maker.make(number) for number in range(count))


class _Maker:
    def __init__(self, rng: random.Random, tag: str, mix: Mapping[str, float], people: int) -> None:
        self.rng, self.tag, self.threads = rng, tag, list[_Thread]()
        self.kinds, self.weights = list(mix), list(mix.values())
        self.people = [self._person(number) for number in range(people)]

    def _person(self, number: int) -> tuple[str, str]:
        given, family = self.rng.choice(_GIVEN), self.rng.choice(_FAMILY)
        local = "".join(c for c in f"{given}.{family}".lower() if c.isascii())
        return f"{given} {family}", f"{local}{number}@{self.rng.choice(_HOUSES)}"

    def make(self, number: int) -> Mail:
        rng = self.rng
        kind = rng.choices(self.kinds, self.weights)[0] if self.threads else "new"
        aims = kind == "reply" or (kind in ("files", "html", "command") and rng.random() < 0.5)
        record = self._aim() if aims else self._open()
        thread = self.threads[record - 1]
        name, address = rng.choice(thread.people) if aims else thread.people[0]
        at = _BEGAN + timedelta(seconds=37 * number + rng.randint(0, 30))
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"] = formataddr((name, address))
        mail["To"] = record_address(record) if aims else DESK
        if rng.random() < 0.25:
            mail["Cc"] = ", ".join(each for _, each in rng.sample(self.people, rng.randint(1, 2)))
        mail["Subject"] = self._subject(kind, record if aims else 0, thread)
        mail["Date"] = at
        mail["Message-ID"] = f"<{number}.{self._hex(12)}@{address.rpartition('@')[2]}>"
        if aims and thread.ids and kind != "command":
            mail["In-Reply-To"] = thread.ids[-1]
            mail["References"] = " ".join(thread.ids[-10:])
        mail["User-Agent"] = rng.choice(["Thunderbird/128.0", "Apple Mail (2.3774)", "Microsoft Outlook 16.0"])
        self._content(mail, kind, thread, aims=aims, name=name, at=at)
        thread.ids.append(str(mail["Message-ID"]))
        for place, part in enumerate(each for each in mail.walk() if each.is_multipart()):
            part.set_boundary(f"=_{number}_{place}_{self._hex(16)}")
        return Mail(kind, self._hops(address, at) + mail.as_bytes(), address, record, not aims)

    def _aim(self) -> int:
        """A record to write to: mostly one of the last 400."""
        newest = len(self.threads)
        return self.rng.randint(max(1, newest - 400) if self.rng.random() < 0.7 else 1, newest)

    def _open(self) -> int:
        rng, number = self.rng, len(self.threads) + 1
        subject = f"{rng.choice(_ODD)} {number}" if rng.random() < 0.2 else self._words(3, 9).capitalize()
        self.threads.append(_Thread(subject, [rng.choice(self.people), *rng.sample(self.people, rng.randint(0, 2))]))
        return number

    def _subject(self, kind: str, record: int, thread: _Thread) -> str:
        tag = f"{self.tag.format(n=record)} " if self.tag and record else ""
        if kind == "command":
            return f"{tag}update" if record else "create"
        return f"Re: {tag}{thread.subject}" if record else thread.subject

    # ---- the body

    def _content(self, mail: EmailMessage, kind: str, thread: _Thread, *, aims: bool, name: str, at: datetime) -> None:
        rng = self.rng
        fresh = [self._paragraph() for _ in range(rng.randint(1, 5))]
        quoted = thread.last if aims else []
        text = self._command() if kind == "command" else "Hello,\n\n" + "\n\n".join(map(_wrap, fresh))
        if quoted and kind != "command":
            text += f"\n\nOn {at:%a, %d %b %Y} at {at:%H:%M}, {thread.people[0][1]} wrote:\n"
            text += "\n".join("> " + line for each in quoted for line in [*_wrap(each).split("\n"), ""])
        if rng.random() < 0.6:
            text += f"\n\n-- \n{name}\n{self._words(2, 4).title()}\n+49 221 {rng.randint(10000, 99999)}"
        latin = rng.random() < 0.15 and text.isascii()
        encoding = rng.choices([None, "quoted-printable", "base64"], [40, 45, 15])[0]  # None: 7bit or 8bit
        mail.set_content(text + "\n", charset="iso-8859-1" if latin else "utf-8", cte=encoding)
        if kind == "html":
            self._html(mail, fresh, quoted, encoding)
        if kind == "files":
            for _ in range(rng.randint(1, 3)):
                self._file(mail)
        if kind != "command":
            thread.last = fresh

    def _command(self) -> str:
        rng = self.rng
        values = {
            "priority": rng.choice(["low", "normal", "high"]),
            "status": rng.choice(["open", "pending", "closed"]),
            "due": f"2025-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            "amount": f"{rng.randint(1, 99999) / 100:.2f}",
        }
        names = rng.sample(list(values), rng.randint(1, 4))
        return "\n".join([f"name: {self._words(2, 6).capitalize()}", *(f"{each}: {values[each]}" for each in names)])

    def _html(self, mail: EmailMessage, fresh: list[str], quoted: list[str], encoding: str | None) -> None:
        rng = self.rng
        pictures = [(f"{self._hex(12)}@{DOMAIN}", rng.randbytes(rng.randint(3_000, 40_000))) for _ in range(2)]
        shown = "".join(f'<p style="margin:0 0 1em;font-family:Calibri,sans-serif">{each}</p>' for each in fresh)
        shown += "".join(f'<img src="cid:{cid}" width="120">' for cid, _ in pictures)
        if quoted:
            shown += f'<div class="gmail_quote"><blockquote>{"<br>".join(quoted)}</blockquote></div>'
        page = f'<html><head><meta charset="utf-8"></head><body><div dir="ltr">{shown}</div></body></html>'
        mail.add_alternative(page, subtype="html", cte=encoding)
        part = mail.get_payload()[1]
        for place, (cid, data) in enumerate(pictures):
            part.add_related(
                data, "image", "png", cid=f"<{cid}>", filename=f"image{place:03}.png", disposition="inline"
            )

    def _file(self, mail: EmailMessage) -> None:
        rng, size, draw = self.rng, self.rng.randint(20_000, 300_000), self.rng.random()
        name = self._words(1, 3).replace(" ", "_")
        if draw < 0.9:
            kind, subtype = ("image", "png") if draw < 0.4 else ("application", "pdf")
            mail.add_attachment(rng.randbytes(size), maintype=kind, subtype=subtype, filename=f"{name}.{subtype}")
            return
        row = f"{self._words(2, 2)};{rng.randint(1, 9999)}\n".encode()
        mail.add_attachment(
            (row * (size // len(row))), maintype="text", subtype="csv", filename=f"Übersicht {name}.csv"
        )

    def _paragraph(self) -> str:
        rng = self.rng
        said = [self._words(6, 18).capitalize() + rng.choice(".?!") for _ in range(rng.randint(1, 5))]
        return " ".join([*said, rng.choice(_SPICE)] if rng.random() < 0.3 else said)

    def _words(self, least: int, most: int) -> str:
        return " ".join(self.rng.choices(_WORDS, k=self.rng.randint(least, most)))

    def _hex(self, digits: int) -> str:
        return f"{self.rng.getrandbits(4 * digits):0{digits}x}"

    def _hops(self, author: str, at: datetime) -> bytes:
        """What mail servers put on top. The border says that the author is who he says he is."""
        rng, house = self.rng, author.rpartition("@")[2]
        signature = base64.b64encode(rng.randbytes(256)).decode()
        lines = [
            f"Return-Path: <{author}>",
            f"Authentication-Results: {BORDER}; dkim=pass header.d={house};\r\n"
            f"\tspf=pass smtp.mailfrom={author}; dmarc=pass header.from={house}",
            f"Received: from mx.{house} (mx.{house} [192.0.2.{rng.randint(1, 254)}])\r\n"
            f"\tby {BORDER} (Postfix) with ESMTPS id {self._hex(10).upper()};\r\n\t{format_datetime(at)}",
        ]
        for hop in range(rng.randint(1, 4)):
            lines.append(f"Received: from h{hop}.{house} by mx{hop}.{house} id {self._hex(10)}; {format_datetime(at)}")
        lines.append(
            f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d={house}; s=s1;\r\n\th=from:to:subject;\r\n\tb="
            + "\r\n\t ".join(signature[place : place + 70] for place in range(0, len(signature), 70))
        )
        if rng.random() < 0.4:
            lines.append(f"X-MS-Exchange-CrossTenant-Id: {self._hex(32)}")
        return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _wrap(text: str, width: int = 76) -> str:
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) >= width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])
