"""Templates and processes: do their variables, steps, names and values fit together? Called by setup/check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from addressee.core.process import RESERVED_PARAMETERS, names_for
from addressee.core.registry import actions, fields
from addressee.core.setup import Choose, Create, Process, ProcessStep, SetupFile, Table, Wait, Webhook
from addressee.core.templates import TemplateFault, condition_faults, faults_in, is_template
from addressee.core.values import Assurance
from addressee.setup.check_tables import living
from addressee.setup.check_values import dangling, field_faults, named_value_faults, twice
from addressee.setup.document import Fault
from addressee.setup.lines import Path
from addressee.setup.shape import shown

MOST_STEPS = 100  # of one process, those within choices too
IN_MAIL = {"recipient": ("name", "address"), "sender": ("name",)}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
LONGEST_WAIT_DAYS = 3660

Names = Mapping[str, Iterable[str] | None]


def process_faults(setup: SetupFile) -> Iterator[Fault]:
    for key, template in setup.templates.items():
        yield from living(("templates", key, "table"), template.table, setup)
        names = {**_template_names(key, template.table, setup), **IN_MAIL}
        for part in ("subject", "text"):
            yield from _told(("templates", key, part), faults_in(getattr(template, part), names))
    words: dict[str, str] = {}
    for key, process in setup.processes.items():
        yield from _process(("processes", key), key, process, setup, words)


def _template_names(key: str, table: str, setup: SetupFile) -> dict[str, Any]:
    """What fills a template: of the record, and the parameters of the processes that send it."""
    names = names_for(None, setup.tables.get(table), list(setup.tables.values()))
    for process in setup.processes.values():
        sends = (each for step in process.every_step() for each in (step.notify, step.send) if each is not None)
        if any(each.template == key for each in sends):
            names |= dict.fromkeys(process.parameters)
    return names


def _told(path: Path, found: Iterable[TemplateFault]) -> Iterator[Fault]:
    for fault in found:
        yield Fault(path, fault.what, fault.near)


# ---- processes ---------------------------------------------------------------------------------------------------


def _process(path: Path, key: str, process: Process, setup: SetupFile, words: dict[str, str]) -> Iterator[Fault]:
    yield from living((*path, "table"), process.table, setup)
    known = [level.name for level in Assurance]
    yield from dangling((*path, "assurance"), process.assurance, known, "level of assurance")
    yield from twice((*path, "tags"), process.tags)
    yield from _words(path, key, process, words)
    for name, field in process.parameters.items():
        place: Path = (*path, "parameters", name)
        yield from field_faults(place, field, setup)
        if name in RESERVED_PARAMETERS:
            yield Fault(place, f"{name} has a meaning of its own and can't be a parameter.")
        kind = fields.get(field.type)
        if kind is not None and (kind.appends or not kind.by_text):
            yield Fault((*place, "type"), f"a parameter can't be of type {field.type}: no line can set it.")
    count = sum(1 for _ in process.every_step())
    if count > MOST_STEPS:
        yield Fault((*path, "steps"), f"{count} steps: at most {MOST_STEPS}.")
    yield from _Steps(key, process, setup).faults((*path, "steps"), process.steps)


def _words(path: Path, key: str, process: Process, words: dict[str, str]) -> Iterator[Fault]:
    """By what a process is called in mail: no command's word, and nobody else's."""
    if key in actions:
        yield Fault(path, f"{key} is a command of mail itself, so no process can be called so.")
    for position, alias in enumerate(process.aliases):
        name = " ".join(alias.casefold().split())
        what = ""
        if not name:
            what = "an alias is empty."
        elif name in words:
            what = f"{shown(alias)} means the process {words[name]} already."
        elif name in actions:
            what = f"{shown(alias)} is a command of mail itself."
        if what:
            yield Fault((*path, "aliases", position), what)
        words.setdefault(name, key)


class _Steps:
    """The faults of the steps of one process."""

    def __init__(self, key: str, process: Process, setup: SetupFile) -> None:
        self.process, self.setup = process, setup
        self.table: Table | None = setup.tables.get(process.table)
        self.names: Names = names_for(process, self.table, list(setup.tables.values()))

    def faults(self, path: Path, steps: Iterable[ProcessStep]) -> Iterator[Fault]:
        for position, step in enumerate(steps):
            place: Path = (*path, position)
            if len(step.does) != 1:
                known = ", ".join(type(step).model_fields)
                yield Fault(place, f"a step does one thing: {known}.")
            yield from self._step(place, step)

    def _step(self, path: Path, step: ProcessStep) -> Iterator[Fault]:
        if step.set is not None:
            yield from self._set((*path, "set"), step.set)
        if step.link is not None:
            yield from self._link((*path, "link"), step.link)
        if step.comment is not None:
            yield from self._text((*path, "comment"), step.comment)
        if step.notify is not None:
            yield from self._whom((*path, "notify"), step.notify, "assignee")
            yield from dangling((*path, "notify", "template"), step.notify.template, self.setup.templates, "template")
        if step.create is not None:
            yield from self._create((*path, "create"), step.create)
        if step.assign is not None:
            yield from self._whom((*path, "assign"), step.assign, "")
            if step.assign.how and not step.assign.team:
                yield Fault((*path, "assign", "team"), f"{step.assign.how} needs a team.")
            if (step.assign.person or step.assign.how) and self.table is not None and not self.table.assignee:
                yield Fault((*path, "assign"), f"the table {self.process.table} names no assignee.")
        if step.send is not None:
            template = step.send.template or " "
            yield from dangling((*path, "send", "template"), template, self.setup.templates, "template")
            if step.send.to == "contacts" and self.table is not None and not self.table.mail.links:
                yield Fault((*path, "send", "to"), f"the table {self.process.table} links to no contacts (mail.links).")
        if step.webhook is not None:
            yield from self._webhook((*path, "webhook"), step.webhook)
        if step.wait is not None:
            yield from self._wait((*path, "wait"), step.wait)
        if step.choose is not None:
            yield from self._choose((*path, "choose"), step.choose)

    def _text(self, path: Path, text: str) -> Iterator[Fault]:
        yield from _told(path, faults_in(text, self.names))

    def _set(self, path: Path, wanted: Mapping[str, Any]) -> Iterator[Fault]:
        if self.table is not None:
            yield from self._values(path, wanted, self.process.table)
        elif not self.process.table:
            yield Fault(path, "a process without a table can't set a field.")

    def _values(self, path: Path, wanted: Mapping[str, Any], table: str) -> Iterator[Fault]:
        plain = {name: value for name, value in wanted.items() if not (isinstance(value, str) and is_template(value))}
        yield from named_value_faults(path, plain, table, self.setup)
        live = self.setup.tables[table].live_fields
        for name in wanted.keys() - plain.keys():
            yield from dangling((*path, name), name, live, f"field of {table}")
            yield from self._text((*path, name), wanted[name])

    def _link(self, path: Path, wanted: Mapping[str, str]) -> Iterator[Fault]:
        yield from self._set(path, wanted)
        for name in wanted:
            definition = self.table.live_fields.get(name) if self.table is not None else None
            if definition is not None and definition.type != "link":
                yield Fault((*path, name), f"{name} is a field of type {definition.type}; one of type link is needed.")

    def _create(self, path: Path, step: Create) -> Iterator[Fault]:
        yield from living((*path, "table"), step.table or " ", self.setup)
        table = self.setup.tables.get(step.table)
        if table is None:
            return
        yield from self._values((*path, "set"), step.set, step.table)
        yield from dangling((*path, "link"), step.link, table.live_fields, f"field of {step.table}")
        back = table.live_fields.get(step.link)
        if back is not None and (back.type != "link" or back.table not in ("*", self.process.table)):
            yield Fault((*path, "link"), f"{step.link} is no link to {self.process.table or 'the record'}.")
        for name, definition in table.live_fields.items():
            if definition.required and name not in step.set and name != step.link and definition.default is None:
                yield Fault(path, f"a record of {step.table} needs {name}: set.{name} is missing.")

    def _whom(self, path: Path, step: Any, other: str) -> Iterator[Fault]:
        yield from dangling((*path, "team"), step.team, self.setup.teams, "team")
        yield from dangling((*path, "person"), step.person, self.setup.people, "person")
        if not (step.team or step.person or (other and getattr(step, other))):
            yield Fault(path, f"whom? team or person{f' or {other}' if other else ''} is missing.")

    def _webhook(self, path: Path, step: Webhook) -> Iterator[Fault]:
        try:
            parts = urlsplit(step.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            good = False
        if not good or not step.url.isprintable() or " " in step.url or len(step.url) > 320:
            yield Fault((*path, "url"), f"{shown(step.url)} is no web address: https://… is expected.")
        elif parts.username or parts.password:
            yield Fault(
                (*path, "url"), "a web address with a password in it is not kept: the request is signed instead."
            )
        if not _VARIABLE.fullmatch(step.secret_env):
            what = "the name of an environment variable is expected, never the secret itself."
            yield Fault((*path, "secret_env"), what)
        for name, text in step.body.items():
            yield from self._text((*path, "body", name), text)

    def _wait(self, path: Path, step: Wait) -> Iterator[Fault]:
        for name in ("minutes", "hours", "days"):
            if not 0 <= getattr(step, name) <= LONGEST_WAIT_DAYS * {"minutes": 1440, "hours": 24, "days": 1}[name]:
                yield Fault((*path, name), f"{getattr(step, name)}: from 0 to {LONGEST_WAIT_DAYS} days is expected.")
        if step.until:
            yield from self._text((*path, "until"), step.until)
        if not (step.reply or step.minutes or step.hours or step.days or step.until):
            yield Fault(path, "for what? reply, minutes, hours, days or until is missing.")

    def _choose(self, path: Path, step: Choose) -> Iterator[Fault]:
        yield from _told((*path, "when"), condition_faults(step.when, self.names))
        if not step.then and not step.otherwise:
            yield Fault(path, "then or else is missing.")
        yield from self.faults((*path, "then"), step.then)
        yield from self.faults((*path, "else"), step.otherwise)
