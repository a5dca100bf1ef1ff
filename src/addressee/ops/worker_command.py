"""`addressee worker`: the worker alone, for many machines; `serve` starts one too. Called by ops.main."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from addressee.pipeline.worker import Worker

HELP = "Work on accepted mail and send the outbox until told to stop (SIGTERM or Ctrl-C: after the batch in hand)."


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
    _work_and_send(worker)
    return 0


def _work_and_send(worker: Worker) -> None:
    """The outbox is sent beside the work, in a thread; when either ends, both do."""
    from addressee.pipeline import deliver

    stop = threading.Event()

    def send() -> None:
        try:
            deliver.run(stop)
        finally:
            worker.stop()

    sending = threading.Thread(target=send, name="deliver")
    sending.start()
    try:
        worker.run()
    finally:
        stop.set()
        sending.join()
