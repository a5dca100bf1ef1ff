"""Making the setup equal to a file: check, difference, and everything it changes in one transaction. Called by ops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from addressee.audit import entries
from addressee.audit.models import Entry
from addressee.core import process
from addressee.core.language import english
from addressee.core.setup import Setup
from addressee.core.values import OPERATOR
from addressee.mail.models import Communication
from addressee.people import rows as people
from addressee.pipeline import reindex, restate
from addressee.records.index import UniqueTaken
from addressee.records.models import Follower, Record, Revision
from addressee.setup import store
from addressee.setup.check import check
from addressee.setup.difference import Change, Stored, Tree, difference, names_not_in_effect
from addressee.setup.document import Fault, Source, place, read
from addressee.setup.lines import Path


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did, or would do: the difference, or the faults for which all of it was refused."""

    changes: tuple[Change, ...] = ()
    faults: tuple[Fault, ...] = ()
    not_in_effect: tuple[str, ...] = ()  # keys of the file that are kept and do nothing yet
    not_offered: tuple[str, ...] = ()  # why processes of the file can't be run by mail, in words


@dataclass(frozen=True, slots=True)
class _Plan:
    outcome: Applied
    tree: Tree
    before: Setup
    after: Setup


def stored() -> Stored:
    """Setup and people as they stand, and as the last apply left them."""
    left, changed_by = store.applied()
    people_left, people_changed_by = people.applied()
    tree = _joined(store.tree(), people.tree())
    return Stored(tree, _joined(left, people_left), {**changed_by, **people_changed_by})


def _joined(tree: Tree, persons: Tree) -> Tree:
    return {**tree, "people": persons} if persons else tree


def _silent(what: str, done: int, total: int) -> None:
    pass


def apply(
    file: bytes,
    *,
    now: datetime,
    dry_run: bool = False,
    prune: bool = False,
    by: str = OPERATOR,
    progress: reindex.Progress = _silent,
) -> Applied:
    """Make the setup equal to the file, wholly or not at all.

    With `prune` what the file does not name goes; a table or field with data is retired and a person with history
    deactivated instead. With `dry_run` the same is worked out and nothing is written.
    """
    source = read(file)
    plan = _worked_out(source, prune)
    if dry_run or plan.outcome.faults:
        return plan.outcome
    try:
        plan = _made(source, plan, now=now, prune=prune, by=by, progress=progress) if plan.outcome.changes else plan
    except UniqueTaken as taken:
        path: Path = ("tables", taken.table, "fields", taken.field, "unique")
        fault = Fault(path, f"two records have the same value, one of them {taken.record}.")
        return Applied(faults=tuple(place(source, [fault])))
    restate.finish(progress)
    return plan.outcome


def _made(source: Source, plan: _Plan, *, now: datetime, prune: bool, by: str, progress: reindex.Progress) -> _Plan:
    """Write what the file comes to. Raises records.index.UniqueTaken; then nothing was written."""
    ahead = reindex.newly_indexed(plan.before, plan.after)
    since = reindex.ahead(ahead, plan.after, now, progress)
    with transaction.atomic():
        store.lock()
        plan = _worked_out(source, prune, sure=True)  # again: someone else may have written meanwhile
        if plan.outcome.changes:
            wanted = reindex.newly_indexed(plan.before, plan.after)
            _write(plan, wanted, since if wanted == ahead else None, now, by)
    return plan


def _worked_out(source: Source, prune: bool, *, sure: bool = False) -> _Plan:
    """What the file comes to. `sure`: that no two records have one value of a unique field was looked at before."""
    before, version = stored(), store.version()
    old = store.setup_of(before.tree, version)
    checked = check(source, before, prune=prune, keep=holds_data)
    if checked.setup is None:
        return _Plan(Applied(faults=checked.faults), {}, old, old)
    changes = difference(before, checked.tree)
    new = store.setup_of(checked.tree, version + 1)
    faults = place(source, list(reindex.faults(old, new, changes, look_for_twins=not sure))) if changes else []
    if faults:
        return _Plan(Applied(faults=tuple(faults)), {}, old, old)
    why = (process.not_offered(key, new) for key in checked.named.get("processes", {}) if key in new.processes)
    not_offered = tuple(english().say(each) for each in why if each is not None)
    outcome = Applied(tuple(changes), (), tuple(names_not_in_effect(checked.named)), not_offered)
    return _Plan(outcome, checked.tree, old, new)


def _write(plan: _Plan, wanted: list[reindex.Wanted], since: datetime | None, now: datetime, by: str) -> None:
    store.save(plan.tree, by=by)
    store.leave_unfinished(restate.tables(plan.before, plan.after))
    people.save(plan.tree.get("people", {}), by=by, applied=by == OPERATOR)
    reindex.no_longer_unique(plan.before, plan.after)
    reindex.finish(wanted, reindex.no_longer_indexed(plan.before, plan.after), plan.after, since)
    entries.write("apply", [change.line() for change in plan.outcome.changes], at=now, actor=by)


def holds_data(path: Path) -> bool:
    """Would something be lost with this table, field or person?"""
    kind, key = str(path[0]), str(path[1])
    if kind == "people":
        return bool(people.with_history([key])) or _is_named(key)
    return reindex.has_values(key, str(path[3])) if len(path) > 2 else reindex.has_records(key)


def _is_named(person: str) -> bool:
    """Does any record, revision, message or audit entry name this person?"""
    return (
        Entry.objects.filter(actor=person).exists()
        or Revision.objects.filter(actor=person).exists()
        or Communication.objects.filter(actor=person).exists()
        or Follower.objects.filter(person=person).exists()
        or Record.objects.filter(assignee=person).exists()
        or Record.objects.filter(created_by=person).exists()
    )
