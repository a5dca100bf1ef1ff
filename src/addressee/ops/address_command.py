"""`addressee address TABLE RECORD`: the addresses of a record and its reply addresses; rotate them, take them back."""

from __future__ import annotations

import argparse
import json
import sys

from addressee.ops.main import NO_INPUT, USAGE

HELP = (
    "List the addresses of a record and the reply addresses that were given out for it. --rotate gives it new ones; "
    "mail to what was taken back is answered where its author is proven, and changes nothing."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", help="a table's key, alias or label")
    parser.add_argument("record", metavar="RECORD", help="its number in any case, the number's digits, or its uuid")
    parser.add_argument("--rotate", action="store_true", help="a new address; the former ones end")
    parser.add_argument("--keep-days", type=int, default=0, metavar="N", help="with --rotate: they end in N days")
    parser.add_argument(
        "--revoke",
        metavar="WHICH",
        help="take back: `record` (its own addresses), the id of a reply address, whom they were given to, or `all`",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object an address, as they are afterwards")


def run(args: argparse.Namespace) -> int:
    from addressee.ops.table_argument import find_table
    from addressee.pipeline import addresses
    from addressee.pipeline.request import NotFound
    from addressee.records import lists
    from addressee.setup import store

    if args.keep_days < 0 or (args.keep_days and not args.rotate):
        sys.stderr.write("addressee address: --keep-days goes with --rotate and is no negative number.\n")
        return USAGE
    setup = store.current()
    table = find_table("address", args.table, setup)
    if table is None:
        return NO_INPUT
    record = lists.find(table, args.record, setup)
    if record is None:
        sys.stderr.write(f"addressee address: {table} has no record {args.record!r}.\n")
        return NO_INPUT
    uuid = str(record.pk)
    try:
        if args.revoke is not None:
            addresses.revoke(uuid, args.revoke)
        if args.rotate:
            addresses.rotate(uuid, keep_days=args.keep_days)
    except NotFound:
        sys.stderr.write(f"addressee address: no address of this record is meant by {args.revoke!r}.\n")
        return NO_INPUT
    for line in addresses.listed(uuid):
        if args.json:
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
            continue
        until = f" until {line['ends_at']}" if line["ends_at"] and line["state"] == "honoured" else ""
        whose = "" if line["kind"] == "record" else f"{line['id']}  reply address of "
        sys.stdout.write(f"{line['state']:<9} {whose}{line['address']}{until}\n")
    return 0
