"""`addressee receive`: messages from files, a Maildir, an mbox or standard input. Called by ops.main, and by MTAs."""

from __future__ import annotations

import argparse

HELP = (
    "Take messages from files, Maildirs, mboxes and folders of .eml files, or one from standard input: first they "
    "are kept, then processed. Usable as a pipe from an MTA; what it says of the author (Authentication-Results) "
    "is believed. Files are left as they are."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="*", metavar="FILE|MAILDIR|MBOX", help="where messages lie; none: one message on standard input"
    )
    parser.add_argument("--sender", metavar="A", help="the envelope sender (default: Return-Path)")
    parser.add_argument(
        "--recipient",
        metavar="B",
        action="append",
        default=[],
        help="an address of ours; repeat it for more (default: as Delivered-To and its like say, else To and Cc)",
    )
    parser.add_argument("--queue-only", action="store_true", help="keep them for the worker, do not process them now")
    parser.add_argument(
        "--history",
        action="store_true",
        help="old mail: stored and linked, nothing else happens (no records, no answers)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery on standard output")


def run(args: argparse.Namespace) -> int:
    from addressee.ops.receiving import receive

    return receive(args)
