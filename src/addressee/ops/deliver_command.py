"""`addressee deliver`: send what is due, then stop."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from addressee.core.sending import Attempt
    from addressee.mail.models import OutboxItem

HELP = (
    "Send what is due in the outbox, one line an attempt. Mail of an account with its own server leaves by it, "
    "everything else by ADDRESSEE_SMTP_URL (smtp://host:25, smtps://user:password@host, file:./out)."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line, as `outbox --json`")


def run(args: argparse.Namespace) -> int:
    from addressee.host.clock import now
    from addressee.mail import notices, outbox
    from addressee.pipeline.deliver import Deliverer
    from addressee.setup import store

    setup, lock = store.current(), threading.Lock()

    def tell(item: OutboxItem, attempt: Attempt) -> None:
        fresh = outbox.find(item.pk)
        if fresh is None:
            return
        line = outbox.line(fresh, setup)
        with lock:
            if args.json:
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
            else:
                sys.stdout.write(f"{item.pk}  {line['state']}  {item.to}  {attempt.reply}\n")
            sys.stdout.flush()

    deliverer = Deliverer(tell)
    try:
        deliverer.until_idle()
    finally:
        deliverer.close()
    for reason, count in outbox.left_over(now()):
        sys.stderr.write(f"addressee deliver: {count} not sent: {reason or 'another process has them in hand'}\n")
    put_off, until = outbox.put_off(now())
    if until is not None:
        sys.stderr.write(f"addressee deliver: {put_off} put off, the next until {until:%Y-%m-%d %H:%M} UTC.\n")
    gathered = notices.waiting_count()
    if gathered:
        sys.stderr.write(f"addressee deliver: {gathered} notices wait for a digest (option notices_per_hour).\n")
    return 0
