"""`addressee demo`: a small firm with sample mail, everything running. Called by ops.main and `make run`."""

from __future__ import annotations

import argparse

from addressee.ops import places

HELP = (
    "Move a small firm into the home, start everything as `serve` does, send the firm some forty mails by SMTP and "
    "show the walk of each. Then it stays, with pages to look at, until Ctrl-C. A second run sends what is new only. "
    "Nothing leaves the machine: outgoing mail is laid down in HOME/out."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    for part, default in (
        ("http", places.HTTP),
        ("smtp", places.SMTP),
        ("lmtp", places.LMTP),
        ("policy", places.POLICY),
    ):
        told = f"default {default}, or a free port where that is taken; port 0 = any"
        parser.add_argument(f"--{part}", type=places.place, metavar="HOST:PORT", help=told)
    parser.add_argument("--no-mail", action="store_true", help="start everything, send nothing")
    parser.add_argument(
        "--exit",
        action="store_true",
        help="end after the mails: 0 when each became what it should, 69 when one did not",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line: parts, mails, and where to look")


def run(args: argparse.Namespace) -> int:
    from addressee.ops.demo import run

    return run(args)
