"""`addressee replay`: decide a message again, after the setup changed. Called by ops.main."""

from __future__ import annotations

import argparse

from addressee.ops.decided import add_id, each

HELP = "Decide again what was held, rejected or discarded. What took effect stays as it is: nothing happens twice."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_id(parser)


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline import request

    return each("replay", args, lambda row: request.replay(row.pk), held=False)
