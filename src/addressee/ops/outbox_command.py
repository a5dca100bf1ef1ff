"""`addressee outbox`: what is to be sent and was sent; the bytes of one message."""

from __future__ import annotations

import argparse
import json
import sys

from addressee.ops.main import NO_INPUT

HELP = "List the outbox, oldest first, or write the bytes of one message exactly as they are sent."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--raw", metavar="ID", help="write the bytes of this message to stdout")
    parser.add_argument("--state", choices=["queued", "deferred", "sent", "failed", "held_back"], help="only these")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    if args.raw is not None:
        return _raw(args.raw)
    from addressee.mail import outbox
    from addressee.setup import store

    setup, empty = store.current(), True
    for item in outbox.listed(args.state or ""):
        empty = False
        line = outbox.line(item, setup)
        if args.json:
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
            continue
        why = f"  {line['last_error']}" if line["last_error"] else ""
        sys.stdout.write(
            f"{item.pk:>6}  {item.state:<8}  {item.kind:<12}  {item.to:<32}  {line['record'] or '-':<12}  "
            f"{item.subject}{why}\n"
        )
    if empty and not args.json:
        sys.stderr.write("Nothing was written to anybody yet.\n")
    return 0


def _raw(text: str) -> int:
    from addressee.mail import outbox

    item = outbox.find(int(text)) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    if item is None:
        sys.stderr.write(
            f"addressee outbox: there is no message {text!r} in the outbox; `addressee outbox` lists ids.\n"
        )
        return NO_INPUT
    try:
        raw = outbox.render(item)
    except FileNotFoundError as error:
        sys.stderr.write(f"addressee outbox: a part of message {text} is no longer kept: {error}\n")
        return NO_INPUT
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.flush()
    return 0
