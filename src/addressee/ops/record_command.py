"""`addressee record TABLE RECORD`: one record with its values, its stream and its revisions."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from addressee.ops.main import NO_INPUT

if TYPE_CHECKING:
    from addressee.core.setup import Setup

HELP = "Show one record: its values, its addresses, its mail and posts, and what changed when and by whom."

WHOLE = 400  # columns: nothing of a usual value is cut


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", help="a table's key, alias or label")
    parser.add_argument("record", metavar="RECORD", help="its number in any case, the number's digits, or its uuid")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    from addressee.ops.table_argument import find_table
    from addressee.records import lists
    from addressee.setup import store

    setup = store.current()
    table = find_table("record", args.table, setup)
    if table is None:
        return NO_INPUT
    record = lists.find(table, args.record, setup)
    if record is None:
        sys.stderr.write(f"addressee record: {_missing(table, args.record, setup)}\n")
        return NO_INPUT
    line = whole_line(record, setup)
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n" if args.json else _page(line))
    return 0


def whole_line(record: Any, setup: Setup) -> dict[str, Any]:
    """The contract's line of one record, with stream, revisions and followers."""
    from addressee.mail.stream import revisions_of, stream_of
    from addressee.records.models import Follower
    from addressee.records.values import lines

    revisions = revisions_of(record, setup)
    followers = Follower.objects.filter(record=record).order_by("person").values_list("person", flat=True)
    return {
        **lines([record], setup)[0],
        "stream": stream_of(record, revisions, setup),
        "revisions": revisions,
        "followers": list(followers),
    }


def _missing(table: str, text: str, setup: Setup) -> str:
    from addressee.core.numbers import format_number
    from addressee.records import lists
    from addressee.records.models import Record

    titled = lists.searched(lists.of_table(table), text).exclude(title="")[:1] if text.strip() else []
    for near in titled:
        name = format_number(setup.tables[table], near.number) or str(near.uuid)
        return f"there is no record {text!r} of {table}. Did you mean {name}, {near.title!r}?"
    newest = Record.objects.filter(table=table, number__isnull=False).order_by("-number").first()
    example = format_number(setup.tables[table], newest.number) if newest else None
    hint = f" The newest is {example}." if example else f" `addressee records {table}` lists them."
    return f"there is no record {text!r} of {table}.{hint}"


def _page(line: dict[str, Any]) -> str:
    from addressee.mail.stream import shown
    from addressee.ops.aligned import aligned, printable

    state = "  (deleted)" if line["deleted"] else ""
    head = f"{line['number'] or line['table']}  {line['title']}{state}\n"
    facts = [(name, shown(value)) for name, value in line["values"].items() if value is not None]
    about = ("team", "account", "assignee", "created_by", "created_at", "updated_at", "marked")
    facts += [(name, line[name]) for name in about if line[name]]
    facts += [("address", address) for address in line["addresses"]]
    facts += [("follower", person) for person in line["followers"]]
    parts = [printable(head.rstrip()) + "\n\n", aligned([[name, value] for name, value in facts], WHOLE)]
    for entry in line["stream"]:
        who = entry["author"] or entry["actor"] or "-"
        told = [f"{entry['at']}  {entry['kind']}, {entry['visibility']}, by {who}"]
        told += [f"    {text}" for text in entry["text"].splitlines() if text.strip()]
        told += [f"    file: {file['name']} ({file['size_bytes']:,} bytes)" for file in entry["files"]]
        parts += ["\n", *(printable(text) + "\n" for text in told)]
    return "".join(parts)
