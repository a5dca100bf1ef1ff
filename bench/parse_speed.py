"""CPU of reading a message: core.parse beside the standard library's compat32 parser with every part decoded.

Usage: python bench/parse_speed.py [--count 300] [--rounds 5]

The mails are made here by the standard library, in the mix of the other benchmarks (40 % answers with quotes,
30 % new text, 15 % with files, 10 % HTML with pictures, 5 % commands); the same seed gives the same bytes.
The standard library's side only decodes: it finds no quotes, cleans no HTML, hashes nothing.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime

from addressee.core.parse import parse

WORDS = [
    "invoice", "printer", "delivery", "contract", "customer", "meeting", "report", "payment", "account",
    "error", "screen", "password", "update", "version", "shipment", "warehouse", "refund", "appointment",
    "manager", "engineer", "network", "schedule", "budget", "project", "the", "a", "of", "to", "and", "for",
    "with", "from", "about", "before", "after", "please", "could", "should", "we", "you", "it", "is", "was",
    "has", "been", "not", "yet", "again", "today",
]  # fmt: skip
KINDS = {"reply": 40, "new": 30, "attach": 15, "html": 10, "command": 5}
FIELDS = ("subject", "from", "to", "cc", "date", "message-id", "in-reply-to", "references", "reply-to")


def sentences(rng: random.Random, lines: int) -> str:
    return "\n".join(" ".join(rng.choice(WORDS) for _ in range(11)).capitalize() + "." for _ in range(lines))


def make(rng: random.Random, number: int) -> tuple[str, bytes]:
    """One mail and its kind."""
    kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = rng.choice(["Ben Brandt <ben@acme.test>", '"Moreau, Zoé" <zoe@globex.test>', "gus@initech.test"])
    mail["To"] = f"case.{number}@in.example.test"
    mail["Subject"] = rng.choice(["Störung am Drucker", "Invoice is missing", "Re: Contract and delivery"])
    mail["Date"] = f"Mon, 03 Mar 2025 08:{number % 60:02}:00 +0100"
    mail["Message-ID"] = f"<{number}.{rng.getrandbits(64):x}@acme.test>"
    text = "Hello,\n\n" + sentences(rng, rng.randint(2, 14)) + "\n"
    if kind == "reply":
        mail["In-Reply-To"] = "<1@in.example.test>"
        mail["References"] = " ".join(f"<{n}@in.example.test>" for n in range(8))
        quoted = "\n".join("> " + line for line in sentences(rng, 12).split("\n"))
        text += f"\nOn Mon, 3 Mar 2025 at 07:00, Ada <ada@in.example.test> wrote:\n{quoted}\n"
    if rng.random() < 0.6:
        text += "\n-- \nBen Brandt\nAcme Works\n+49 221 12345\n"
    if kind == "command":
        text = "status: closed\npriority: high\ndue: 2025-04-01\n"
    mail.set_content(text, cte=rng.choice(["8bit", "quoted-printable", "base64"]))
    if kind == "html":
        body = "".join(f"<p style='margin:0 0 1em'>{line}</p>" for line in text.split("\n"))
        mail.add_alternative(
            f"<html><body><div>{body}<img src='cid:a@b' width='120'></div></body></html>", subtype="html"
        )
        part = mail.get_payload()[1]
        part.add_related(rng.randbytes(rng.randint(3_000, 40_000)), "image", "png", cid="<a@b>")
    if kind == "attach":
        for index in range(rng.randint(1, 3)):
            data = rng.randbytes(rng.randint(20_000, 300_000))
            mail.add_attachment(data, maintype="application", subtype="pdf", filename=f"Übersicht {index}.pdf")
    hop = (
        "Received: from mx.acme.test (mx.acme.test [192.0.2.7])\r\n\tby relay.in.example.test with ESMTPS id 7F3A;\r\n"
        "\tMon, 3 Mar 2025 08:00:00 +0000\r\n"
    )
    results = (
        "Authentication-Results: relay.in.example.test; dkim=pass header.d=acme.test;\r\n"
        "\tspf=pass smtp.mailfrom=ben@acme.test; dmarc=pass header.from=acme.test\r\n"
    )
    return kind, (hop * 3 + results).encode() + mail.as_bytes()


def standard(raw: bytes) -> int:
    """What a program on the standard library does to know the same fields, texts and files."""
    message: Message = BytesParser(policy=policy.compat32).parsebytes(raw)
    size = 0
    for name in FIELDS:
        for value in message.get_all(name, []):
            size += len(str(make_header(decode_header(value))))
    size += len(getaddresses(message.get_all("from", []) + message.get_all("to", []) + message.get_all("cc", [])))
    parsedate_to_datetime(message["date"])
    for part in message.walk():
        if not part.is_multipart():
            data = part.get_payload(decode=True)
            if part.get_content_maintype() == "text":
                data.decode(part.get_content_charset() or "ascii", "replace")
            part.get_filename()
            size += len(data)
    return size


def cpu(read: Callable[[bytes], object], mails: list[bytes]) -> float:
    """Microseconds a message."""
    started = time.process_time()
    for raw in mails:
        read(raw)
    return (time.process_time() - started) / len(mails) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="messages (default 300)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds, of which the median counts (default 5)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    made = [make(rng, number) for number in range(options.count)]
    groups = {"all": [raw for _, raw in made]}
    for kind in KINDS:
        groups[kind] = [raw for found, raw in made if found == kind]
    lines = [f"{'kind':<8} {'mails':>5} {'kB mean':>8} {'ours us':>9} {'stdlib us':>10} {'stdlib/ours':>12}"]
    for kind, mails in groups.items():
        if not mails:
            continue
        cpu(parse, mails[:20])
        pairs = [(cpu(parse, mails), cpu(standard, mails)) for _ in range(options.rounds)]
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(b / a for a, b in pairs)
        size = sum(map(len, mails)) / len(mails) / 1000
        lines.append(f"{kind:<8} {len(mails):>5} {size:>8.1f} {ours:>9.0f} {theirs:>10.0f} {ratio:>12.2f}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
