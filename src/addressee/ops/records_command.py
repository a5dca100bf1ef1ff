"""`addressee records TABLE`: the records of a table, all or those of a view or filter."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any

from addressee.ops.main import NO_INPUT, USAGE

if TYPE_CHECKING:
    from addressee.core.setup import Setup
    from addressee.records.lists import Ordered

HELP = (
    "List the records of a table, the newest first or as the view sorts them. A filter without an index works too, "
    "by looking at every record, and says so."
)
SLICE = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", metavar="TABLE", help="a table's key, alias or label")
    parser.add_argument("--view", metavar="V", help="a view of the setup")
    parser.add_argument(
        "--where",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="only records whose field has the value, in any case; an empty value means none; given again for the "
        "same field: one or the other; for another field: both",
    )
    parser.add_argument("--deleted", action="store_true", help="the deleted records instead")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    from addressee.core.errors import BadValue
    from addressee.ops.table_argument import find_table
    from addressee.records import lists
    from addressee.setup import store

    setup = store.current()
    table = find_table("records", args.table, setup)
    if table is None:
        return NO_INPUT
    try:
        filters, order = _asked(args, table, setup)
        records, scans = _list(table, filters, order, args.deleted, setup)
    except (lists.NoSuchField, BadValue, Misused) as error:
        sys.stderr.write(f"addressee records: {_sentence(error, table, setup)}\n")
        return USAGE
    if scans:
        names, has = ", ".join(scans), "has no index" if len(scans) == 1 else "have no index"
        sys.stderr.write(f"Looking at every record: {names} {has} (index = true in the setup makes one).\n")
    shown = (
        _print_json(records, setup)
        if args.json
        else _print_table(records, table, [name for each in filters for name in each], setup)
    )
    if not shown and not args.json:
        kind = "deleted record" if args.deleted else "record"
        sys.stderr.write(f"There is no {kind} of {table}{' like that' if any(filters) else ''}.\n")
    return 0


class Misused(Exception):
    """The arguments don't go together; the sentence says why."""


def _asked(args: argparse.Namespace, table: str, setup: Setup) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The filters, that of the view and the arguments' own, and the order. Raises Misused."""
    where: dict[str, Any] = {}
    order: tuple[str, ...] = ()
    if args.view is not None:
        view = setup.views.get(args.view)
        if view is None or view.table != table:
            views = [key for key, one in setup.views.items() if one.table == table]
            near = get_close_matches(args.view, views, 1) or views[:1]
            raise Misused(f"{table} has no view {args.view!r}." + (f" Did you mean {near[0]}?" if near else ""))
        where, order = dict(view.where), view.sort
    given: dict[str, list[str]] = {}
    for text in args.where:
        name, equals, value = text.partition("=")
        if not equals:
            raise Misused(f"--where takes FIELD=VALUE, not {text!r}.")
        given.setdefault(_field(name.strip(), setup), []).append(value)
    return [where, dict(given)], order


def _field(name: str, setup: Setup) -> str:
    """Identifiers are accepted with the namespace and without it."""
    return name.lower().removeprefix(f"{setup.site.namespace}_" if setup.site.namespace else "")


def _list(
    table: str, filters: list[dict[str, Any]], order: tuple[str, ...], deleted: bool, setup: Setup
) -> tuple[Ordered, list[str]]:
    from zoneinfo import ZoneInfo

    from addressee.records import lists
    from addressee.records.values import reading

    zone = ZoneInfo(setup.site.time_zone)
    found = lists.of_table(table, deleted=deleted)
    told = reading(setup, zone)
    for where in filters:
        found = lists.filtered(found, table, where, setup, deleted=deleted, reading=told)
    scans = lists.scans(table, list(dict.fromkeys(name for where in filters for name in where)), order, setup)
    return lists.ordered(found, table, order, setup, deleted=deleted), scans


def _sentence(error: Exception, table: str, setup: Setup) -> str:
    from addressee.core.errors import AddresseeError, BadValue
    from addressee.core.fieldtype import complaint
    from addressee.records import lists

    if isinstance(error, BadValue):
        return f"{error.data.get('text')!r}: {complaint(error)}"
    if not isinstance(error, AddresseeError):
        return str(error)
    name = str(error.data["field"])
    if error.slug != "no-such-field":
        return f"{name} can't be filtered or sorted by."
    near = get_close_matches(name, [*setup.tables[table].live_fields, *lists.COLUMNS], 1)
    return f"{table} has no field {name!r}." + (f" Did you mean {near[0]}?" if near else "")


def _slices(records: Ordered, setup: Setup) -> Iterator[list[dict[str, Any]]]:
    """The contract's lines, in slices: memory stays flat, links cost one query a slice."""
    from addressee.records.values import lines

    rows = iter(records)
    while part := list(islice(rows, SLICE)):
        yield lines(part, setup)


def _print_json(records: Ordered, setup: Setup) -> int:
    count = 0
    for part in _slices(records, setup):
        sys.stdout.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in part))
        count += len(part)
    return count


def _print_table(records: Ordered, table: str, asked: list[str], setup: Setup) -> int:
    from addressee.mail.stream import shown
    from addressee.ops.aligned import aligned

    definition = setup.tables[table]
    telling = [*asked, *((definition.workflow.field,) if definition.workflow else ()), definition.assignee]
    names = [name for name in dict.fromkeys(telling) if name in definition.live_fields and name != definition.title]
    count = 0
    for part in _slices(records, setup):
        rows = [] if count else [["record", "title", *names, "updated"]]
        rows += [
            [
                line["number"] or line["uuid"],
                line["title"] or "-",
                *("-" if line["values"][name] is None else shown(line["values"][name]) for name in names),
                line["updated_at"].replace("T", " ").removesuffix(":00Z").removesuffix("Z"),
            ]
            for line in part
        ]
        sys.stdout.write(aligned(rows))
        count += len(part)
    return count
