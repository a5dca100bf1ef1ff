"""`addressee parse`: what we read in a message; nothing decided, nothing written. Called by ops.main.

Imports no Django, so that it starts in a moment and can be used in a pipe.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from addressee.core import body, html
from addressee.core.charsets import decode
from addressee.core.message import Mailbox, Message
from addressee.core.parse import parse

NO_BYTES, NO_FILE = 65, 66

HELP = (
    "Show what Addressee reads in a message: subject, people, text, what of it is new, attachments, bounces. "
    "Nothing is decided and nothing is written."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `addressee parse`."""
    parser.add_argument("files", nargs="*", metavar="FILE", help="a message (.eml); standard input when there is none")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--body-text", action="store_true", help="the input is a bare plain-text body, not a message")
    kind.add_argument("--body-html", action="store_true", help="the input is a bare HTML body, not a message")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, keys as in the contract")


def run(args: argparse.Namespace) -> int:
    """Read each file, or standard input, and write what it holds. Returns the exit code (DESIGN section 5)."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # JSON is UTF-8 (RFC 8259 8.1), whatever the terminal's locale says
    code = 0
    for position, name in enumerate(args.files or ["-"]):
        try:
            raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        except OSError as problem:
            reason = problem.strerror or "cannot be read"
            sys.stderr.write(f"addressee parse: {name}: {reason}. Name a file that holds one message.\n")
            code = code or NO_FILE
            continue
        if not raw:
            where = "standard input" if name == "-" else name
            sys.stderr.write(f"addressee parse: {where}: no bytes at all, so there is no message in it.\n")
            code = code or NO_BYTES
            continue
        line = read_one(raw, "" if name == "-" else name, text=args.body_text, markup=args.body_html)
        if args.json:
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        else:
            sys.stdout.write(("\n" if position else "") + _for_people(line))
        sys.stdout.flush()
    return code


def read_one(raw: bytes, file: str, *, text: bool = False, markup: bool = False) -> dict[str, Any]:
    """One line of the contract's `parse`: plain values, ready for JSON.

    text, markup  the bytes are a bare body, plain or HTML, and no message
    """
    if text or markup:
        return _body_line(raw, file, markup=markup)
    return message_line(parse(raw).message, file)


def message_line(message: Message, file: str = "") -> dict[str, Any]:
    """The contract's `parse` line of a message."""
    return {
        "file": file or None,
        "message_id": message.message_id or None,
        "subject": message.subject,
        "from": _boxes(message.senders),
        "author": message.author,
        "author_doubt": message.author_doubt,
        "to": _boxes(message.to),
        "cc": _boxes(message.cc),
        "date": _moment(message.date),
        "in_reply_to": message.in_reply_to[0] if message.in_reply_to else None,
        "references": list(message.references),
        "text": message.text,
        "html": message.html,
        "html_text": message.html_text,
        "new_text": message.new_text,
        "quoted_text": message.quoted_text,
        "signature": message.signature,
        "attachments": [
            {
                "name": item.name,
                "type": item.type,
                "size_bytes": item.size_bytes,
                "inline": item.said_inline,  # what the message says; what is made of it is decided later
                "sha256": item.sha256,
            }
            for item in message.attachments
        ],
        "is_bounce": message.is_bounce,
        "bounces": [
            {"recipient": item.recipient, "status": item.status, "hard": item.hard, "reason": item.reason}
            for item in message.bounces
        ],
        "is_auto_reply": message.is_auto_reply,
        "is_feedback_report": message.is_feedback_report,
        "nature": message.nature.value,
        "forward": _forward(message.forward),
        "defects": list(message.defects),
    }


def _body_line(raw: bytes, file: str, *, markup: bool) -> dict[str, Any]:
    """The same keys for a bare body: what only a message has is empty."""
    source, exact = decode(raw, html.declared_charset(raw) if markup else "")
    line = message_line(parse(b"\n").message, file)
    defects = set() if exact else {"charset-guessed"}
    known = body.NOTHING_KNOWN
    if markup:
        page = html.read(source, defects=defects)
        shown, line["html"], line["html_text"], known = page.text, page.shown, page.text, page.known
    else:
        shown = source.replace("\r\n", "\n").replace("\r", "\n")
    cut = body.split(shown, known)
    line.update(
        text=shown,
        new_text=cut.new_text,
        quoted_text=cut.quoted_text,
        signature=cut.signature,
        forward=_forward(cut.forward),
        author_doubt="",
        defects=sorted(defects),
    )
    return line


def _boxes(boxes: tuple[Mailbox, ...]) -> list[dict[str, str]]:
    return [{"name": box.name, "address": box.address} for box in boxes]


def _forward(forward: Any) -> dict[str, str] | None:
    return None if forward is None else {"before": forward.before, "embedded": forward.embedded}


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _for_people(line: dict[str, Any]) -> str:
    """The line as a page of text."""
    out = []

    def say(label: str, value: str) -> None:
        if value:
            out.append(f"{label + ':':<12} {value}")

    say("File", line["file"] or "")
    say("Subject", line["subject"])
    say("From", _people(line["from"]))
    say("Author", line["author"] or (f"nobody ({line['author_doubt']})" if line["author_doubt"] else ""))
    say("To", _people(line["to"]))
    say("Cc", _people(line["cc"]))
    say("Date", line["date"] or "")
    say("Message-ID", line["message_id"] or "")
    say("Answers", line["in_reply_to"] or "")
    say("Kind", "" if line["nature"] == "person" else line["nature"])
    for bounce in line["bounces"]:
        hard = {True: "for good", False: "for now", None: ""}[bounce["hard"]]
        say("Failed", " ".join(filter(None, [bounce["recipient"], bounce["status"], hard, bounce["reason"]])))
    for item in line["attachments"]:
        inline = ", inline" if item["inline"] else ""
        say("Attached", f"{item['name']} ({item['type']}, {item['size_bytes']} bytes{inline})")
    say("Odd", ", ".join(line["defects"]))
    parts = [("New text", line["new_text"]), ("Quoted", line["quoted_text"]), ("Signature", line["signature"])]
    for label, value in parts:
        if value:
            out.append(f"\n--- {label} ---\n{value}")
    return "\n".join(out) + "\n"


def _people(boxes: list[dict[str, str]]) -> str:
    return ", ".join(f"{box['name']} <{box['address']}>" if box["name"] else box["address"] for box in boxes)
