"""`addressee reject`: refuse a held message; a proven author is told. Called by ops.main."""

from __future__ import annotations

import argparse

from addressee.ops.decided import OPERATOR, add_id, each
from addressee.pipeline import request

HELP = "Refuse a held message. It is kept; an author who is proven is told."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_id(parser)


def run(args: argparse.Namespace) -> int:
    return each("reject", args, lambda row: request.reject(row.pk, OPERATOR), held=True)
