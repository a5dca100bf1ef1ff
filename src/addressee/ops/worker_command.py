"""`addressee worker`: the worker alone, for many machines; `serve` starts one too. Called by ops.main."""

from __future__ import annotations

import argparse
import json
import os
import sys

HELP = "Work on accepted mail until told to stop (SIGTERM or Ctrl-C: after the batch in hand)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print {part, address, pid} when it is ready")


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline.worker import Worker

    worker = Worker()
    if args.json:
        sys.stdout.write(json.dumps({"part": "worker", "address": None, "pid": os.getpid()}) + "\n")
        sys.stdout.flush()
    else:
        sys.stderr.write(f"The worker is ready (process {os.getpid()}).\n")
    worker.run()
    return 0
