"""The stored setup: the frozen value every part works with, and the item rows behind it. Used by every room above.

People are not here: they are rows of their own (people/rows).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

from addressee.core.setup import Setup
from addressee.core.values import OPERATOR
from addressee.setup.difference import Tree, document_of, same
from addressee.setup.lines import Path
from addressee.setup.models import Item, State

# Version and digest as one value, for a statement that asks for something else as well.
STAMP = "(SELECT CAST(version AS text) || ' ' || digest FROM setup_state ORDER BY id LIMIT 1)"

_cached: dict[str, Setup] = {}  # stamp -> the setup; one entry


def current() -> Setup:
    """The setup as it stands: one small query, and the value itself from the cache while its version stands."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {STAMP}")
        return of_stamp(cursor.fetchone()[0])


def of_stamp(stamp: str | None) -> Setup:
    """The setup that STAMP told of, from the cache where it is the one that is known."""
    stamp = stamp or "0 "
    found = _cached.get(stamp)
    if found is None:
        found = setup_of(tree(), int(stamp.partition(" ")[0]))
        _cached.clear()
        _cached[stamp] = found
    return found


def setup_of(tree: Tree, version: int) -> Setup:
    """The frozen value a tree means. Raises pydantic.ValidationError for a tree that was never checked."""
    document = {kind: value for kind, value in document_of(tree).items() if kind != "people"}
    return Setup.model_validate_json(json.dumps({**document, "version": version}))


def version() -> int:
    return State.objects.values_list("version", flat=True).order_by("pk").first() or 0


def tree() -> Tree:
    """What the rows say, without the people."""
    return _tree_of((kind, key, json.loads(data)) for kind, key, data, _, _ in _rows())


def applied() -> tuple[Tree, dict[Path, str]]:
    """The setup as the last apply left it, and who changed which thing since."""
    rows = list(_rows())
    left = _tree_of((kind, key, json.loads(text)) for kind, key, _, text, _ in rows)
    return left, {("site",) if kind == "site" else (kind, key): by for kind, key, _, _, by in rows}


def lock() -> None:
    """Let one writer of the setup at a time go on; the others wait. Inside a transaction only."""
    State.objects.get_or_create(pk=1)
    State.objects.select_for_update().get(pk=1)


def save(wanted: Tree, *, by: str) -> int:
    """Make the rows equal to a checked tree and return its version. Only what changed is written.

    `by` is a person's key for a page, or OPERATOR for `apply`, whose state is kept beside the data: what differs
    from it later was changed on a page. Call it inside the transaction that holds the rest of the change.
    """
    state, _ = State.objects.select_for_update().get_or_create(pk=1)
    rows = {(row.kind, row.key): row for row in Item.objects.all()}
    things = list(_things(wanted))
    fresh, changed = [], []
    for position, (kind, key, data) in enumerate(things):
        text = json.dumps(data, ensure_ascii=False)
        row = rows.pop((kind, key), None)
        if row is None:
            fresh.append(Item(kind=kind, key=key, position=position, data=text, changed_by=by))
            if by == OPERATOR:
                fresh[-1].applied = text
            continue
        if _brought_up_to(row, position, text, by):
            changed.append(row)
    Item.objects.filter(pk__in=[row.pk for row in rows.values()]).delete()
    Item.objects.bulk_create(fresh)
    Item.objects.bulk_update(changed, ["position", "data", "applied", "changed_by"])
    state.version += 1
    state.digest = hashlib.sha256(json.dumps(things, ensure_ascii=False).encode()).hexdigest()
    state.save(update_fields=["version", "digest"])
    return int(state.version)


def unfinished() -> list[str]:
    """Tables whose old records are still to get what this setup says of them (pipeline/restate)."""
    return list(State.objects.values_list("unfinished", flat=True).order_by("pk").first() or [])


def leave_unfinished(tables: list[str]) -> None:
    """Note tables, in the transaction that saves the setup."""
    State.objects.update(unfinished=sorted({*unfinished(), *tables}))


def finished(table: str) -> None:
    State.objects.update(unfinished=[one for one in unfinished() if one != table])


def _brought_up_to(row: Item, position: int, text: str, by: str) -> bool:
    """Set the row's columns; was any of them different?"""
    before = (row.position, row.data, row.applied)
    row.position = position
    if row.data != text:
        if not same(json.loads(row.data), json.loads(text)):
            row.changed_by = by
        row.data = text
    if by == OPERATOR:
        row.applied = text
    return before != (row.position, row.data, row.applied)


def _rows() -> Iterable[tuple[str, str, str, str, str]]:
    return Item.objects.order_by("position", "pk").values_list("kind", "key", "data", "applied", "changed_by")


def _things(tree: Tree) -> Iterable[tuple[str, str, Any]]:
    for kind, value in tree.items():
        if kind == "site":
            yield "site", "site", value
        elif kind != "people":
            yield from ((kind, key, data) for key, data in value.items())


def _tree_of(things: Iterable[tuple[str, str, Any]]) -> Tree:
    out: Tree = {}
    for kind, key, data in things:
        if kind == "site":
            out["site"] = data
        else:
            out.setdefault(kind, {})[key] = data
    return out
