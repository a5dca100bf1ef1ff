"""`addressee apply FILE`: show and make the difference between the setup and a file."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from addressee.ops.main import DATA, NO_INPUT

HELP = (
    "Make the setup equal to a file. What the file names is made equal, what it does not name stays. "
    "A file with a fault is refused whole: every fault is listed with its line, and nothing is written (exit 65)."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a setup file (TOML); - for stdin")
    parser.add_argument("--dry-run", action="store_true", help="show the difference, write nothing")
    parser.add_argument(
        "--prune",
        action="store_true",
        help="remove what the file does not name; what holds data is retired, people with history are deactivated",
    )
    parser.add_argument("--json", action="store_true", help="one line a difference; no line, no difference")


def run(args: argparse.Namespace) -> int:
    from addressee.host.clock import now
    from addressee.pipeline.apply import apply

    name = "stdin" if args.file == "-" else Path(args.file).name
    try:
        source = sys.stdin.buffer.read() if args.file == "-" else Path(args.file).read_bytes()
    except OSError as error:
        sys.stderr.write(f"addressee apply: {args.file} can't be read: {error.strerror}.\n")
        return NO_INPUT
    outcome = apply(source, now=now(), dry_run=args.dry_run, prune=args.prune, progress=_progress)
    if outcome.faults:
        sys.stderr.writelines(fault.text(name) + "\n" for fault in outcome.faults)
        count = len(outcome.faults)
        sys.stderr.write(f"{name} is refused, nothing was changed: {count} fault{'s' if count > 1 else ''}.\n")
        return DATA
    lines = [change.line() for change in outcome.changes]
    if args.json:
        sys.stdout.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    else:
        sys.stdout.writelines(_row(line) + "\n" for line in lines)
        sys.stdout.write(_summary(lines, dry_run=args.dry_run) + "\n")
    for sentence in outcome.not_offered:
        sys.stderr.write(sentence + "\n")
    if outcome.not_in_effect:
        said = "kept, but not in effect yet: " + ", ".join(outcome.not_in_effect)
        (sys.stderr if args.json else sys.stdout).write(said + "\n")
    return 0


def _progress(what: str, done: int, total: int) -> None:
    """One line that is written over, on a terminal only."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{what}: {done:,} of {total:,} records{end}")
        sys.stderr.flush()


def _row(line: dict[str, Any]) -> str:
    """`alter   site.name   "Old" -> "New"`, with marks for what has no effect yet and who changed it on a page."""
    text = f"{line['change']:<7} {line['path']}"
    if line["change"] == "alter":
        text += f"   {_short(line['before'])} -> {_short(line['after'])}"
    elif line["after"] is not None:
        text += f"   {_short(line['after'])}"
    if not line["in_effect"]:
        text += "   (not in effect yet)"
    if line["changed_by"]:
        text += f"   (changed on a page by {line['changed_by']})"
    return text


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else text[:97] + "..."


def _summary(lines: list[dict[str, Any]], *, dry_run: bool) -> str:
    if not lines:
        return "no difference"
    counts = [(sum(line["change"] == change for line in lines), change) for change in ("add", "alter", "remove")]
    words = {"add": "added", "alter": "altered", "remove": "removed"}
    said = ", ".join(f"{count} {words[change]}" for count, change in counts if count)
    return f"{said}. Nothing was written (--dry-run)." if dry_run else f"{said}."
