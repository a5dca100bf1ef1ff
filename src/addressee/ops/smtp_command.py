"""`addressee smtp`: the SMTP, LMTP and policy listeners alone."""

from __future__ import annotations

import argparse
import asyncio
import sys

from addressee.ops import places
from addressee.ops.main import CONFIG, TRY_AGAIN

HELP = (
    "Take mail by SMTP and LMTP, and answer Postfix about addresses. "
    "ADDRESSEE_TLS_CERT and ADDRESSEE_TLS_KEY (PEM files) switch STARTTLS on."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for part, default in (("smtp", places.SMTP), ("lmtp", places.LMTP), ("policy", places.POLICY)):
        parser.add_argument(
            f"--{part}",
            type=places.place,
            default=default,
            metavar="HOST:PORT",
            help=f"default {default}; port 0 = any",
        )
    parser.add_argument("--json", action="store_true", help="print {part, address, pid} when a part is ready")


def run(args: argparse.Namespace) -> int:
    from addressee.host.home import HomeUnusable
    from addressee.pipeline import listeners

    def tell(ready: listeners.Ready) -> None:
        places.tell_ready(ready.part, ready.address, as_json=args.json)

    try:
        asyncio.run(listeners.serve(args.smtp, args.lmtp, args.policy, tell))
    except listeners.PortTaken as error:
        sys.stderr.write(f"addressee smtp: {error}\n")
        return TRY_AGAIN
    except HomeUnusable as error:
        sys.stderr.write(f"addressee smtp: {error}\n")
        return CONFIG
    return 0
