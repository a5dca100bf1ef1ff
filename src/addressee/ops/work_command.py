"""`addressee work`: works off what waits, then stops. Called by ops.main."""

from __future__ import annotations

import argparse
import json
import sys

from addressee.ops.progress import Progress

HELP = "Work off what waits in the spool, then stop. `addressee serve` and `addressee worker` do so all the time."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--until-idle", action="store_true", help="stop when nothing is due any more (it always does)")
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery on standard output")


def run(args: argparse.Namespace) -> int:
    """0; what could not be done now waits, and is told on stderr."""
    from addressee.mail import spool
    from addressee.mail.models import Delivery
    from addressee.ops import outcome_text
    from addressee.pipeline import outcome
    from addressee.pipeline.worker import Worker

    with Progress("deliveries", spool.waiting_count()) as progress:
        done = 0

        def told(ids: list[int]) -> None:
            nonlocal done
            for row in Delivery.objects.filter(pk__in=ids).order_by("pk").defer("envelope", "seed"):
                line = outcome.line(row)
                text = json.dumps(line, ensure_ascii=False) if args.json else outcome_text.short(line)
                sys.stdout.write(text + "\n")
            sys.stdout.flush()
            done += len(ids)
            progress.reach(done)

        Worker(lambda job: progress.of_job(job.worked, job.total)).work_until_idle(told)
    waiting = spool.waiting_count()
    if waiting:
        sys.stderr.write(f"addressee work: {waiting} put off or in another worker's hand; they are tried again.\n")
    elif not done and not args.json:
        sys.stderr.write("addressee work: nothing waits.\n")
    return 0
