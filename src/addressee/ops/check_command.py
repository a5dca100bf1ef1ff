"""`addressee check`: is everything well? Each fault with its cause and its cure."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING

from addressee.ops.main import FAULT
from addressee.ops.progress import Progress

if TYPE_CHECKING:
    from addressee.pipeline.checks import Check

HELP = "Look at the database, files, disk, clock, worker, listeners, accounts, outbox, ledger and audit trail."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="look for every stored content, not the newest only")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: {name, ok, cause, cure}")


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline import checks

    faults = 0
    with Progress("contents", None) as progress:
        for check in checks.run(args.all, progress.reach):
            faults += not check.ok
            if args.json:
                sys.stdout.write(json.dumps(dataclasses.asdict(check), ensure_ascii=False) + "\n")
            else:
                sys.stdout.write(_in_words(check))
            sys.stdout.flush()
    return FAULT if faults else 0


def _in_words(check: Check) -> str:
    mark = "ok     " if check.ok and not check.cause else "note   " if check.ok else "FAULT  "
    why = f"  {check.cause}\n{'':21}{check.cure}" if check.cause else ""
    return f"{mark} {check.name:<10}{why}\n"
