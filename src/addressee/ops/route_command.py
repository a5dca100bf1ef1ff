"""`addressee route`: send a held message to a table, or to a record of it. Called by ops.main."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from addressee.core.values import OPERATOR
from addressee.ops.decided import add_id, each

if TYPE_CHECKING:
    from addressee.mail.models import Delivery

HELP = "Send a held message to a table, where it makes a record, or to a record; it is posted as its author."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_id(parser)
    parser.add_argument("table", metavar="TABLE", help="a table's key")
    parser.add_argument("record", metavar="RECORD", nargs="?", help="number in any case, its digits, or uuid")


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline import request

    def act(row: Delivery) -> dict[str, Any]:
        return request.route(row.pk, args.table, _uuid(args.table, args.record), OPERATOR)

    return each("route", args, act, held=True)


def _uuid(table: str, record: str | None) -> str | None:
    if record is None:
        return None
    from addressee.pipeline import request
    from addressee.records import lists
    from addressee.setup import store

    setup = store.current()
    if table not in setup.live_tables:
        raise request.NotFound("no-such-table", table=table)
    found = lists.find(table, record, setup)
    if found is None:
        raise request.NotFound("no-such-record", record=record)
    return str(found.uuid)
