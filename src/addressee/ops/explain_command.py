"""`addressee explain`: what a message would do and why; the same code as for real, rolled back. Called by ops.main."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from functools import lru_cache

from addressee.core.addresses import normal
from addressee.core.headers import scan
from addressee.core.message import Envelope
from addressee.ops import outcome_text
from addressee.ops.main import DATA, NO_ADDRESS, NO_INPUT
from addressee.pipeline.mail_files import Found, look, messages, single

HELP = "Tell what a message would do, and why, step by step. Nothing is written, nobody is answered."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help="messages; none: one on standard input")
    parser.add_argument("--sender", metavar="A", default="", help="the envelope sender")
    parser.add_argument("--recipient", metavar="B", action="append", default=[], help="repeat it for more")
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery on standard output")


def run(args: argparse.Namespace) -> int:
    """0, 65 no bytes at all, 66 no such file, 67 no address of ours."""
    from addressee.mail import spool
    from addressee.mail.threads import address_exists
    from addressee.pipeline import explain
    from addressee.pipeline.intake import recipients
    from addressee.setup import store

    ours = lru_cache(maxsize=10_000)(address_exists)
    strangers = [address for address in args.recipient if not ours(address)]
    if strangers:
        return _say(NO_ADDRESS, f"no address of ours: {', '.join(strangers)}.")
    most_bytes = spool.most_bytes(store.current(), "receive")
    try:
        for found in _found(args.files, most_bytes):
            if not found.raw:
                return _say(DATA, f"{found.file or 'standard input'}: no bytes at all.")
            headers, _ = scan(found.raw, 0, len(found.raw))
            given = tuple(dict.fromkeys(normal(address) or address for address in args.recipient))
            envelope = Envelope("receive", sender=args.sender or found.sender, trusted=True)
            lines = explain.explain(envelope, given or recipients(headers, ours), found.raw, found.file)
            for line in lines:
                sys.stdout.write(
                    (json.dumps(line, ensure_ascii=False) if args.json else outcome_text.steps(line)) + "\n"
                )
    except OSError as error:
        return _say(NO_INPUT, f"{error.filename}: {error.strerror}.")
    return 0


def _found(names: list[str], most_bytes: int) -> Iterator[Found]:
    if names:
        yield from messages([look(name) for name in names], most_bytes)
    else:
        yield single(sys.stdin.buffer, "", most_bytes)


def _say(code: int, sentence: str) -> int:
    sys.stderr.write(f"addressee explain: {sentence}\n")
    return code
