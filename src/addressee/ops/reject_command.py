"""`addressee reject`: refuse a held message; a proven author is told. Called by ops.main."""

from __future__ import annotations

import argparse

from addressee.core.values import OPERATOR
from addressee.ops.decided import add_id, each

HELP = "Refuse a held message. It is kept; an author who is proven is told."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_id(parser)


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline import request

    return each("reject", args, lambda row: request.reject(row.pk, OPERATOR), held=True)
