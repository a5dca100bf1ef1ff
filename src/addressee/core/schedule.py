"""What the tables named `task` and `event` are for: things with a time, about another record. Pure; by actions.

A table of that name with a `schedule` takes what the mail command of that name makes (FEATURES U-58, U-59).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from addressee.core.action import (
    Action,
    CannotBeDone,
    Changeset,
    Request,
    communication,
    effect,
    made,
    reach_of,
)
from addressee.core.authorise import extent
from addressee.core.language import Saying, saying
from addressee.core.mapping import NO_SUBJECT, mapped
from addressee.core.present import name_of, url_of
from addressee.core.reasons import Reason
from addressee.core.registry import fields
from addressee.core.setup import Setup, Table
from addressee.core.values import Correspondent, RecordChange, RecordState, Right

ANY = "*"


def schedule_table(name: str, setup: Setup) -> str:
    """The table of that name where it is live and has a schedule, else ""."""
    table = setup.live_tables.get(name)
    return name if table is not None and table.schedule is not None else ""


def scheduled_tables(setup: Setup) -> list[tuple[str, Table]]:
    """Every live table with a schedule: what a calendar shows."""
    return [(key, table) for key, table in setup.live_tables.items() if table.schedule is not None]


class Scheduled(Action):
    """The base of `task` and `event`: a record in the table of that name, about the record that was written to."""

    def form(self, table: str, setup: Setup) -> str:
        return schedule_table(self.name, setup)

    def reach(self, request: Request) -> str:
        """Create on the table of tasks or events, and to see or write to the record that it is about."""
        far = extent(request.actor.person, Right.CREATE, self.form(request.table, request.setup), request.setup)
        if far == "none" or request.record is None:
            return "" if far == "none" else far
        return reach_of(Right.READ, request) or reach_of(Right.COMMENT, request)

    def plan(self, request: Request) -> Changeset:
        change, notes = planned(request, self.form(request.table, request.setup))
        linked = [communication(request, change.record, text=request.prose)]
        if request.record is not None:
            linked.append(communication(request, request.record.uuid, kind=self.name, text=summary(change, request)))
        return Changeset(
            changes=(change,),
            communications=tuple(linked),
            # the receipt brings him the invitation, and he may answer it
            correspondents={(change.record, request.actor.address): Correspondent(sent=True)},
            effects=(replace(effect(change), kind=self.name),),
            answer=f"{summary(change, request)}\n{url_of(change.state, request.setup)}",
            notes=tuple(notes),
        )


def planned(request: Request, table_key: str) -> tuple[RecordChange, list[Saying]]:
    """The new task or event of a command: its lines, its unnamed lines, and what it is about.

    Raises CannotBeDone where it ends before it begins.
    """
    own = replace(request, table=table_key, record=None, account=None, account_key="", explicit=True)
    table = request.setup.tables[table_key]
    values, notes = mapped(own)
    record = request.record
    if record is not None and table.title and values.get(table.title) in (None, "", NO_SUBJECT):
        values[table.title] = record.title or name_of(record, request.setup)
    values |= about(record, table, values)
    refuse_backwards(values, table)
    return made(own, table_key, values, team=record.team if record is not None else ""), notes


def about(record: RecordState | None, table: Table, values: dict[str, Any]) -> dict[str, Any]:
    """The link to the record it is about, as the `about` field of the table keeps it; {} where it can't."""
    name = table.schedule.about if table.schedule else ""
    definition = table.live_fields.get(name)
    if record is None or definition is None or values.get(name) or definition.table not in (ANY, record.table):
        return {}
    return {name: {"table": record.table, "uuid": record.uuid} if definition.table == ANY else record.uuid}


def refuse_backwards(values: dict[str, Any], table: Table) -> None:
    """Raises CannotBeDone where the end stands before the start."""
    start, end = moment(values, table, "start"), moment(values, table, "end")
    if start is not None and end is not None and str(end) < str(start):
        raise CannotBeDone(Reason.BAD_VALUE, saying("why.backwards", end=end, start=start))


def moment(values: dict[str, Any], table: Table, which: str) -> Any:
    """The stored value of the field that the schedule names for start, end or due; None where there is none."""
    name = getattr(table.schedule, which) if table.schedule else ""
    return values.get(name) if name else None


def summary(change: RecordChange, request: Request) -> str:
    """One line for the stream and the answer: what it is and when, in the reader's zone."""
    table = request.setup.tables[change.table]
    times = []
    for which in ("start", "end", "due"):
        name = getattr(table.schedule, which) if table.schedule else ""
        if name and change.state.values.get(name) is not None:
            definition = table.live_fields[name]
            text = fields[definition.type].format(change.state.values[name], definition, request.reading)
            times.append(f"{definition.label or name}: {text}")
    return f"{table.label or change.table}: {change.state.title} ({', '.join(times)})" if times else change.state.title
