"""`addressee serve`: pages, listeners and worker by one command."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Any

from addressee.ops import places

HELP = "Start the pages, the SMTP, LMTP and policy listeners and the worker, and keep them running until Ctrl-C."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for part, default in (
        ("http", places.HTTP),
        ("smtp", places.SMTP),
        ("lmtp", places.LMTP),
        ("policy", places.POLICY),
    ):
        parser.add_argument(
            f"--{part}",
            type=places.place,
            default=default,
            metavar="HOST:PORT",
            help=f"default {default}; port 0 = any",
        )
    parser.add_argument("--json", action="store_true", help="print {part, address, pid} when a part is ready")


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline import serve

    def tell(ready: dict[str, Any]) -> None:
        places.tell_ready(ready["part"], ready.get("address"), as_json=args.json, pid=ready.get("pid"))

    def warn(sentence: str) -> None:
        sys.stderr.write(f"addressee serve: {sentence}\n")
        sys.stderr.flush()

    supervised = serve.parts(args.http, args.smtp, args.lmtp, args.policy)
    return asyncio.run(_supervise(supervised, tell, warn))


async def _supervise(supervised: Any, tell: Any, warn: Any) -> int:
    from addressee.pipeline import serve

    return await serve.Supervisor(supervised, tell, warn).run()
