"""`addressee held`: what waits for a person's decision; junk apart. Called by ops.main."""

from __future__ import annotations

import argparse
import json
import sys

from addressee.core.reasons import SENTENCES, Reason

HELP = "List what waits for a person's decision, oldest first: release it, route it, reject it or replay it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--junk", action="store_true", help="what our mail server marked as spam, instead")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    from addressee.mail import spool

    empty = True
    for row in spool.held(junk=args.junk):
        empty = False
        line = {
            "spool_id": row.pk,
            "message_id": row.message_id or None,
            "author": row.author or None,
            "subject": row.subject,
            "reason": row.reason,
            "received_at": row.received_at.isoformat().replace("+00:00", "Z"),
        }
        if args.json:
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
            continue
        why = SENTENCES[Reason(row.reason)] if row.reason in set(Reason) else row.reason
        sys.stdout.write(
            f"{row.pk:>6}  {row.received_at:%Y-%m-%d %H:%M}  {row.author or '(no author)':<32}  {row.subject[:60]}\n"
            f"        {row.reason}: {why}\n"
        )
    if empty and not args.json:
        sys.stderr.write("No junk.\n" if args.junk else "Nothing is held.\n")
    return 0
