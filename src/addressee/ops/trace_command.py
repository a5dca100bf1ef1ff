"""`addressee trace`: why a stored message did what it did, a delivery at a time. Called by ops.main."""

from __future__ import annotations

import argparse
import json
import sys

from addressee.ops import outcome_text

NO_ID = 66

HELP = "Tell what became of a stored message and why: every step of its walk, for each of its deliveries."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a spool id or a Message-ID, with or without brackets")
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery")


def run(args: argparse.Namespace) -> int:
    from addressee.mail import spool
    from addressee.pipeline import outcome

    found = spool.find(args.id)
    if not found:
        sys.stderr.write(f"addressee trace: no message {args.id!r}. An ID is a spool id or a Message-ID.\n")
        return NO_ID
    for delivery in found:
        line = outcome.line(delivery)
        sys.stdout.write((json.dumps(line, ensure_ascii=False) if args.json else outcome_text.steps(line)) + "\n")
    return 0
