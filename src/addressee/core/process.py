"""What a process is: what mail calls it, its parameters, what its templates may say, what must be looked up. Pure.

A process acts by its own authority: who set it up decided what it does, and a person needs the right to run it and to
read the record, nothing more. What it mails is another matter: there each recipient's own rights count (law 13).
Its steps are taken by core/steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from addressee.core.action import (
    CannotBeDone,
)
from addressee.core.authorise import has_role
from addressee.core.fieldtype import Reading, fold
from addressee.core.language import Saying, saying
from addressee.core.message import Message
from addressee.core.reasons import Reason
from addressee.core.registry import fields
from addressee.core.setup import (
    FieldDef,
    Process,
    ProcessStep,
    Setup,
    Table,
)
from addressee.core.templates import is_template
from addressee.core.values import (
    Actor,
    Decision,
    Run,
    Snapshot,
)

OF_RECORD = ("number", "title", "url")  # what a template may say of a record beside its fields
OF_MAIL = ("subject", "text", "author", "author_name")
RESERVED_PARAMETERS = frozenset(
    ["record", "mail", "reply", "waited", "actor", "site", "today", "now", "recipient", "sender", "view", "process"]
)


def run_of(process: str, setup: Setup, parameters: Mapping[str, Any], message: Message | None) -> Run:
    """A process at its beginning."""
    return Run(process, setup.processes[process], dict(parameters), said_in(message))


def form_of(process: Process | None) -> Table:
    """What the lines of a message, or a form, fill in: the parameters, and beside them which process and which view."""
    extra = {"process": FieldDef(type="text"), "view": FieldDef(type="text")}
    return Table(fields={**extra, **(process.parameters if process else {})})


def not_offered(key: str, setup: Setup) -> Saying | None:
    """Why a process can't be run by mail; None where it can (FEATURES U-56)."""
    definition, tag = setup.processes[key], setup.site.process_tag
    if tag and tag not in definition.tags:
        return saying("why.not-offered-tag", name=key, tag=tag)
    return None if definition.table else saying("why.not-offered-table", name=key)


def named_in(word: str, text: str, setup: Setup) -> tuple[str, str]:
    """(the process that a message asks for, or "", what it calls it): by the subject's word, or for the word `run`
    by the first line of the text, alone or as `process: name`."""
    if word != "run":
        return setup.process_by_word.get(word, ""), word
    first = next((row.strip() for row in text.split("\n") if row.strip()), "")
    label, colon, rest = first.partition(":")
    said = rest if colon and label.strip().casefold() == "process" else first
    called = " ".join(said.casefold().split())
    return setup.process_by_word.get(called, ""), called


def view_in(text: str) -> str:
    """What a line `view: name` of a text says, "" without one."""
    for row in text.split("\n"):
        label, colon, rest = row.partition(":")
        if colon and label.strip().casefold() == "view":
            return rest.strip()
    return ""


def filled(run: Run, values: Mapping[str, Any]) -> Run:
    """The run with its parameters as they were given, defaults for the rest. Raises CannotBeDone for one missing."""
    given = {**run.parameters, **{name: each for name, each in values.items() if name in run.definition.parameters}}
    for name, definition in run.definition.parameters.items():
        if given.get(name) is None and definition.default is not None:
            given[name] = fields[definition.type].check(definition.default, definition, Reading())
        if given.get(name) in (None, "", []) and definition.required:
            wanted = fields[definition.type].expected(definition)
            raise CannotBeDone(Reason.BAD_VALUE, f"{definition.label or name} is missing; expected is {wanted}.")
    return replace(run, parameters=given)


def said_in(message: Message | None) -> dict[str, str]:
    """What templates may say of a mail."""
    if message is None:
        return {}
    return {
        "subject": " ".join(message.subject.split()),
        "text": message.new_text.strip(),
        "author": message.author or "",
        "author_name": " ".join(message.author_name.split()),
        "message_id": message.message_id,
    }


def kept(run: Run) -> dict[str, Any]:
    """A run as JSON, for its job's row; `run_again` reads it."""
    return {
        "process": run.process,
        "definition": run.definition.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "parameters": dict(run.parameters),
        "mail": dict(run.mail),
        "at": run.at,
    }


def run_again(told: Mapping[str, Any], waited: str = "", reply: Mapping[str, str] | None = None) -> Run:
    """A run as it was kept, with how its wait ended."""
    definition = Process.model_validate_json(json.dumps(told["definition"]))
    return Run(told["process"], definition, told["parameters"], told["mail"], told["at"], waited, reply or {})


def spoken(
    record: Mapping[str, Any], actor: Actor, mail: Mapping[str, str], setup: Setup, now: datetime
) -> dict[str, Any]:
    """What every template may say: of the record, who acts, the mail that he wrote, the site and the day."""
    local = now.astimezone(ZoneInfo(setup.site.time_zone))
    own = actor.person.name if actor.person is not None and not actor.lent else ""
    return {
        "record": record,
        "mail": mail,
        "actor": {
            "key": actor.key or "",
            "name": own or mail.get("author_name") or actor.address,
            "address": actor.address,
        },
        "site": {"name": setup.site.name, "url": setup.site.url},
        "today": f"{local:%Y-%m-%d}",
        "now": f"{local:%Y-%m-%d %H:%M}",
    }


def names_for(process: Process | None, table: Table | None, tables: Sequence[Table]) -> dict[str, Any]:
    """Every variable that a template of this process, or of this table, may use (core/templates.faults_in)."""
    some = (table,) if table is not None else tables
    names: dict[str, Any] = {
        "record": {*OF_RECORD, *(name for each in some for name in each.live_fields)},
        "actor": ("key", "name", "address"),
        "mail": OF_MAIL,
        "reply": OF_MAIL,
        "site": ("name", "url"),
        "waited": None,
        "today": None,
        "now": None,
    }
    return names | dict.fromkeys(process.parameters if process else ())


# ---------------------------------------------------------------- what wakes it, whose turn it is


def woken(decision: Decision, snapshot: Snapshot, said: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """The jobs that waited for this post, each with what it said."""
    by = "staff" if has_role(decision.actor.person) and not decision.actor.lent else "correspondent"
    return {
        job: said
        for draft in decision.communications
        if not draft.unverified and draft.kind in ("mail", "comment")
        for job, whose in snapshot.waiting.get(draft.record, ())
        if whose in ("anyone", by)
    }


def turn_of(process: str, team: str) -> str:
    return f"process:{process}:{team}"[:80]


# ---------------------------------------------------------------- what must be looked up before


@dataclass(frozen=True, slots=True)
class Needs:
    """Keys that the steps of a process name: persons, tables that get records, titles, turns."""

    persons: frozenset[str]
    person_texts: frozenset[str]
    tables: frozenset[str]
    titles: frozenset[tuple[str, str]]
    turns: frozenset[str]


def needs(key: str, process: Process, setup: Setup) -> Needs:
    """All that a snapshot has to hold for these steps, as far as the setup alone tells."""
    persons: set[str] = set()
    texts: set[str] = set()
    tables: set[str] = set()
    titles: set[tuple[str, str]] = set()
    turns: set[str] = set()
    for step in process.every_step():
        for table, name, told in _named_values(step, process):
            definition = setup.tables[table].live_fields.get(name) if table in setup.tables else None
            if definition is None or not isinstance(told, str) or is_template(told):
                continue
            looks_up = fields[definition.type].looks_up
            if looks_up == "person":
                texts.add(fold(told))
            elif looks_up == "record":
                titles.add((definition.table, fold(told)))
        if step.create is not None:
            tables.add(step.create.table)
        for whom in (step.notify, step.assign):
            if whom is not None:
                persons |= {whom.person} if whom.person else set()
                persons |= set(setup.teams[whom.team].members) if whom.team in setup.teams else set()
        if step.assign is not None and step.assign.how:
            turns.add(turn_of(key, step.assign.team))
    return Needs(frozenset(persons), frozenset(texts), frozenset(tables), frozenset(titles), frozenset(turns))


def _named_values(step: ProcessStep, process: Process) -> Iterator[tuple[str, str, Any]]:
    for wanted in (step.set, step.link):
        for name, told in (wanted or {}).items():
            yield process.table, name, told
    if step.create is not None:
        for name, told in step.create.set.items():
            yield step.create.table, name, told
