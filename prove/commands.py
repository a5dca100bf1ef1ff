"""Runs several commands in one process, JSON in and out, where starting each would take most of the time."""

from __future__ import annotations

import contextlib
import io
import json
import sys

from addressee.ops.main import main


def run(commands: list[list[str]]) -> list[list[object]]:
    """The JSON lines that each command prints."""
    told: list[list[object]] = []
    for command in commands:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            main([*command, "--json"])
        told.append([json.loads(line) for line in out.getvalue().splitlines()])
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(json.loads(sys.argv[1]))))
