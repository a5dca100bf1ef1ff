"""`addressee undo`: take back what a message changed. Called by ops.main."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from addressee.core.values import OPERATOR
from addressee.ops.decided import add_id, each

if TYPE_CHECKING:
    from addressee.mail.models import Delivery

HELP = (
    "Take back all that a message changed: values, files, links, records it made or deleted. Where somebody changed "
    "the same field since, nothing is taken back and the field is named."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_id(parser)


def run(args: argparse.Namespace) -> int:
    from addressee.core.errors import Refused
    from addressee.core.values import Disposition
    from addressee.pipeline import outcome, request

    done: dict[str, dict[str, Any]] = {}  # a message with several recipients is one cause

    def act(row: Delivery) -> dict[str, Any]:
        if row.identity not in done:
            try:
                told = request.undo(row.pk, OPERATOR)
            except request.NotFound:
                raise
            except Refused as refused:
                why = str(refused.data.get("why") or "")
                trace = [{"step": "settle", "result": f"reject: {refused.slug}", "why": why}]
                told = {"disposition": Disposition.REJECT.value, "reason": refused.slug, "effects": [], "trace": trace}
            done[row.identity] = told
        return {**outcome.line(row), "replies": [], "communications": [], "attachments": [], **done[row.identity]}

    return each("undo", args, act, held=False)
