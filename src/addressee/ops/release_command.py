"""`addressee release`: let a held message through; whoever does so vouches for its author. Called by ops.main."""

from __future__ import annotations

import argparse

from addressee.core.values import OPERATOR
from addressee.ops.decided import add_id, each

HELP = "Let a held message through. You vouch for its author; his rights still count for commands."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_id(parser)
    parser.add_argument("--as-comment", action="store_true", help="its text and files only, no command in it")


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline import request

    return each("release", args, lambda row: request.release(row.pk, OPERATOR, args.as_comment), held=True)
