"""`addressee ledger`: do the counts add up? Called by ops.main."""

from __future__ import annotations

import argparse
import json
import sys

FAULT = 69

HELP = "Count deliveries: accepted = applied + held + rejected + discarded + redirected + waiting, always."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")


def run(args: argparse.Namespace) -> int:
    """0 when they add up, 69 when they do not."""
    from addressee.mail import spool

    counts = spool.ledger()
    if args.json:
        sys.stdout.write(json.dumps(counts) + "\n")
    else:
        names = [name for name in counts if name != "adds_up"]
        sys.stdout.writelines(f"{name:<11}{counts[name]:>12,}\n" for name in names)
        sys.stdout.write(
            "The counts add up.\n" if counts["adds_up"] else "The counts do not add up: mail may be missing.\n"
        )
    return 0 if counts["adds_up"] else FAULT
