"""`addressee jobs [ID]`: how far jobs and batches are, what became of each record; stop, go on. By ops.main."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from addressee.ops.main import NO_INPUT
from addressee.ops.progress import Progress

if TYPE_CHECKING:
    from addressee.jobs.models import Job

HELP = (
    "List jobs and batches, the newest first; or tell one, with every record that was refused or failed and why. "
    "A stopped job goes on where it was with --resume, and so does one that was given up."
)
_LOOK_SECONDS = 0.5
_TOLD = ("refused", "failed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", nargs="?", help="a job's id, or how it begins")
    act = parser.add_mutually_exclusive_group()
    act.add_argument("--stop", action="store_true", help="no further slice or step; what is under way is finished")
    act.add_argument("--resume", action="store_true", help="go on with what was stopped or given up")
    act.add_argument("--wait", action="store_true", help="wait until it is over, with its progress on a terminal")
    parser.add_argument(
        "--state", metavar="S", default="", help="only ready, running, waiting, stopped, done or failed"
    )
    parser.add_argument("--results", action="store_true", help="tell every record, the done ones too")
    parser.add_argument("--json", action="store_true", help="one JSON object a line: a job, or after it its records")


def run(args: argparse.Namespace) -> int:
    from addressee.jobs import rows

    if args.id is None:
        return _list(args)
    found = rows.find(args.id)
    if len(found) != 1:
        what = f"{args.id!r} is the beginning of several jobs" if found else f"there is no job {args.id!r}"
        return _say(f"{what}. `addressee jobs` lists them.")
    return _one(found[0], args)


def _list(args: argparse.Namespace) -> int:
    from addressee.jobs import rows

    if args.stop or args.resume or args.wait:
        return _say("which? Name its ID.")
    empty = True
    for job in rows.listed(args.state).iterator(chunk_size=200):
        empty = False
        _tell(rows.line(job), args)
    if empty and not args.json:
        sys.stderr.write("There are no jobs.\n")
    return 0


def _one(job: Job, args: argparse.Namespace) -> int:
    from addressee.host.clock import now
    from addressee.host.wake import poke
    from addressee.jobs import rows, slices

    if args.stop and not rows.stop(job.pk, now()):
        return _say(f"it is over: {job.state}.")
    if args.resume:
        if not rows.resume(job.pk, now()):
            return _say(f"there is nothing to go on with: it is {job.state}.")
        poke()
    if args.wait:
        _wait(job)
    job.refresh_from_db()
    _tell(rows.line(job), args)
    for record, outcome, why in slices.results(job, () if args.results else _TOLD):
        told = {"record": record, "outcome": outcome, "why": why or None}
        text = json.dumps(told, ensure_ascii=False) if args.json else f"    {record}  {outcome}  {why}".rstrip()
        sys.stdout.write(text + "\n")
    return 0


def _wait(job: Job) -> None:
    from addressee.jobs.rows import OVER

    with Progress("records", job.total) as progress:
        while True:
            job.refresh_from_db()
            progress.total = job.total
            progress.reach(job.worked)
            if job.state in OVER:
                return
            time.sleep(_LOOK_SECONDS)


def _tell(line: dict[str, Any], args: argparse.Namespace) -> None:
    if args.json:
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        return
    where = line["table"] or ""
    where += f" ({line['view']})" if line["view"] else ""
    counts = f"{line['done']} done of {line['total'] if line['total'] is not None else '?'}"
    counts += "".join(f", {line[name]} {name}" for name in ("unchanged", "refused", "failed") if line[name])
    text = (
        f"{line['id']}  {line['created_at']}  {line['kind']:<7}  {line['state']:<7}  {line['name']} {where}: {counts}"
    )
    sys.stdout.write(text + (f"\n    {line['why']}" if line["why"] else "") + "\n")


def _say(sentence: str) -> int:
    sys.stderr.write(f"addressee jobs: {sentence}\n")
    return NO_INPUT
