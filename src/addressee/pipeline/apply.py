"""Making the setup equal to a file: check, difference, and everything it changes in one transaction. Called by ops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from addressee.audit import entries
from addressee.core.setup import Setup
from addressee.people import rows as people
from addressee.setup import store
from addressee.setup.check import check
from addressee.setup.difference import Change, Stored, Tree, difference, names_not_in_effect
from addressee.setup.document import Fault, Source, read
from addressee.setup.lines import Path

Progress = Callable[[str, int, int], None]  # what is done, how many, of how many


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did, or would do: the difference, or the faults for which all of it was refused."""

    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    not_in_effect: tuple[str, ...] = ()  # keys of the file that are kept and do nothing yet


def stored() -> Stored:
    """Setup and people as they stand, and as the last apply left them."""
    left, changed_by = store.applied()
    people_left, people_changed_by = people.applied()
    tree = _joined(store.tree(), people.tree())
    return Stored(tree, _joined(left, people_left), {**changed_by, **people_changed_by})


def _joined(tree: Tree, persons: Tree) -> Tree:
    return {**tree, "people": persons} if persons else tree


def apply(file: bytes, *, now: datetime, dry_run: bool = False, prune: bool = False) -> Applied:
    """Make the setup equal to the file, wholly or not at all.

    With `prune` what the file does not name goes; a table or field with data is retired and a person with history
    deactivated instead. With `dry_run` the same is worked out and nothing is written.
    """
    source = read(file)
    if dry_run:
        return _worked_out(source, prune)[0]
    with transaction.atomic():
        store.lock()
        outcome, tree, setup = _worked_out(source, prune)
        if outcome.changes and setup is not None:
            _write(tree, setup, outcome.changes, now)
    return outcome


def _worked_out(source: Source, prune: bool) -> tuple[Applied, Tree, Setup | None]:
    before = stored()
    checked = check(source, before, prune=prune, keep=holds_data)
    if checked.setup is None:
        return Applied(faults=checked.faults), {}, None
    changes = difference(before, checked.tree)
    outcome = Applied(tuple(changes), (), tuple(names_not_in_effect(source.document)))
    return outcome, checked.tree, checked.setup


def _write(tree: Tree, setup: Setup, changes: tuple[Change, ...], now: datetime) -> None:
    store.save(tree, by=store.OPERATOR)
    people.save(tree.get("people", {}), by=store.OPERATOR, applied=True)
    entries.write("apply", [change.line() for change in changes], at=now, actor=store.OPERATOR)


def holds_data(path: Path) -> bool:
    return True
