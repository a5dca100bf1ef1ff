"""What every door asks of a plan before it is taken: fields kept from the actor, values missing or taken. Pure.

Called by core.asked for mail and by core.post for pages and programs (law 19).
"""

from __future__ import annotations

from collections.abc import Iterable

from addressee.core.action import Changeset
from addressee.core.authorise import ACCESS, field_access
from addressee.core.language import saying
from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.core.values import LineFault, Person, Snapshot


def barred(person: Person | None, table: str, names: Iterable[str], setup: Setup, access: str = "write") -> list[str]:
    """Which of the fields the person's roles keep from him, wholly or as far as the access asks."""
    least = ACCESS.index(access)
    return [name for name in sorted(names) if ACCESS.index(field_access(person, table, name, setup)) < least]


def faults_of(plan: Changeset, form: str, snapshot: Snapshot, setup: Setup) -> tuple[LineFault, ...]:
    """What stands in a plan's way: required fields that a new record of `form` lacks, else values that are taken."""
    return missing(plan, form, setup) or taken(plan, snapshot, setup)


def missing(plan: Changeset, form: str, setup: Setup) -> tuple[LineFault, ...]:
    """The required fields that a record the plan makes lacks."""
    made = next((c for c in plan.changes if c.kind == "create" and c.table == form), None)
    lacking = [
        name
        for name, definition in setup.tables[form].live_fields.items()
        if definition.required and made is not None and made.state.values.get(name) in (None, "", [])
    ]
    return tuple(LineFault(name, 0, "", saying("expected.not-empty"), "required") for name in lacking)


def taken(plan: Changeset, snapshot: Snapshot, setup: Setup) -> tuple[LineFault, ...]:
    """The values of a plan that another record holds, where the field is unique. What is restored brings all of its."""
    found: list[LineFault] = []
    for change in plan.changes:
        values, back = change.state.values, change.kind == "restore"
        for name, definition in setup.tables[change.table].live_fields.items():
            if not definition.unique or not (back or name in change.after):
                continue
            for key in fields[definition.type].keys(values.get(name)):
                holder = snapshot.unique.get((change.table, name, key))
                if holder is not None and holder != change.record:
                    label, text = definition.label or name, str(values.get(name))
                    found.append(LineFault(label, 0, text, saying("expected.unique"), "taken"))
    return tuple(dict.fromkeys(found))
