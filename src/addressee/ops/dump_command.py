"""`addressee dump`: write the setup as a file, which `addressee apply` takes back without a difference."""

from __future__ import annotations

import argparse
import json
import sys

HELP = "Write the setup, people included, as a file (TOML). Passwords and keys are never written."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="the same as one JSON object on one line")


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline.apply import stored
    from addressee.setup.difference import document_of
    from addressee.setup.dump import dumped

    tree = stored().tree
    if args.json:
        sys.stdout.write(json.dumps(document_of(tree), ensure_ascii=False) + "\n")
        return 0
    sys.stdout.write(dumped(tree))
    if not tree:
        sys.stderr.write("There is no setup yet: addressee apply FILE makes one.\n")
    return 0
