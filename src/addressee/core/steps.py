"""The steps of a process, taken over one record: each lays what it does over what the one before it did. Pure.

Called by actions/run for the first steps, by core/job for those after a wait.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from addressee.core.action import (
    CannotBeDone,
    Changeset,
    Request,
    appended,
    changed,
    effect,
    made,
    set_by_lines,
    title_of,
)
from addressee.core.authorise import field_access, has_role, is_staff, linked_addresses, reaches
from addressee.core.distribution import next_person
from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading, complaint, stored_moment
from addressee.core.language import language
from addressee.core.lookup import Titles, find_persons, find_records
from addressee.core.present import heading, name_of, url_of
from addressee.core.process import spoken, turn_of
from addressee.core.reasons import Reason
from addressee.core.registry import fields
from addressee.core.setup import (
    Assign,
    Create,
    FieldDef,
    Notify,
    ProcessStep,
    Send,
    Wait,
    Webhook,
)
from addressee.core.templates import holds, is_template, lone_variable, render
from addressee.core.values import (
    Actor,
    Assurance,
    CommunicationDraft,
    NoticeDraft,
    OutboxDraft,
    Person,
    RecordChange,
    RecordState,
    Right,
    Run,
    Step,
    Visibility,
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """Do a step; or, where there is none, go to `to`, if there is a condition only when it does not hold."""

    step: ProcessStep | None = None
    unless: str = ""
    to: int = 0


def instructions(steps: Sequence[ProcessStep], start: int = 0) -> list[Instruction]:
    """The steps as one list without nesting: where a run stands is one number. There are no ways back, so it ends."""
    out: list[Instruction] = []
    for step in steps:
        if step.choose is None:
            out.append(Instruction(step))
            continue
        here = start + len(out)
        then = instructions(step.choose.then, here + 1)
        otherwise = instructions(step.choose.otherwise, here + len(then) + 2)
        out.append(Instruction(unless=step.choose.when, to=here + len(then) + 2))
        out += [*then, Instruction(to=here + len(then) + 2 + len(otherwise)), *otherwise]
    return out


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a run waits for: an answer of `reply`, or the moment `until`, whichever comes first."""

    reply: str
    until: datetime | None

    @property
    def why(self) -> str:
        time = f"{self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        answer = {"": "", "anyone": "an answer"}.get(self.reply, f"an answer of {self.reply}")
        return " or ".join(filter(None, (answer, time)))


@dataclass(frozen=True, slots=True)
class Advanced:
    """What the steps came to, and where the run stands now; `waiting` is None at its end."""

    changeset: Changeset
    run: Run
    waiting: Waiting | None


def advance(run: Run, request: Request) -> Advanced:
    """Take steps until the end or the next wait. Raises CannotBeDone: then none of them is taken."""
    return _Steps(run, request).advance()


@dataclass(slots=True)
class _Steps:
    """The record as it becomes, step by step, and all that is to be written and sent beside it."""

    run: Run
    request: Request
    record: RecordState = field(init=False)
    after: dict[str, Any] = field(default_factory=dict)
    team: str = ""
    made: list[RecordChange] = field(default_factory=list)
    communications: list[CommunicationDraft] = field(default_factory=list)
    outbox: list[OutboxDraft] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)
    gathered: list[NoticeDraft] = field(default_factory=list)
    turns: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    reading: Reading = field(init=False)

    def __post_init__(self) -> None:
        record = self.request.record
        assert record is not None  # noqa: S101  who calls it has one
        self.record, self.team = record, record.team
        self.reading = self._reading()

    def advance(self) -> Advanced:
        run, way, waiting = self.run, instructions(self.run.definition.steps), None
        at = run.at
        while at < len(way) and waiting is None:
            here = way[at]
            at += 1
            if here.step is not None:
                waiting = self._do(here.step)
            elif not here.unless or not self._holds(here.unless):
                at = here.to
        return Advanced(self._changeset(), replace(run, at=at, waited="", reply={}), waiting)

    def _do(self, step: ProcessStep) -> Waiting | None:
        if step.set is not None:
            self._set(step.set)
        elif step.link is not None:
            self._set(step.link)
        elif step.comment is not None:
            self._comment(self._text(step.comment))
        elif step.create is not None:
            self._create(step.create)
        elif step.assign is not None:
            self._assign(step.assign)
        elif step.notify is not None:
            self._notify(step.notify)
        elif step.send is not None:
            self._send(step.send)
        elif step.webhook is not None:
            self._webhook(step.webhook)
        elif step.wait is not None:
            return self._wait(step.wait)
        return None

    def _changeset(self) -> Changeset:
        request = self.request
        assert request.record is not None  # noqa: S101
        change = changed(request, request.record, self.after)
        if change is None and self.team != request.record.team:
            state = replace(request.record, version=request.record.version + 1)
            change = RecordChange("update", state.table, state.uuid, {}, {}, state)
        if change is not None:
            change = replace(change, state=replace(change.state, team=self.team))
        told = effect(change).fields if change is not None else {}
        ran = replace(effect(_nothing(request.record)), kind="run", fields=told)
        return Changeset(
            changes=(*self.made, *((change,) if change is not None else ())),
            communications=tuple(self.communications),
            effects=(ran, *(effect(each) for each in self.made)),
            turns=self.turns,
            outbox=tuple(self.outbox),
            held_back=tuple(self.held_back),
            gathered=tuple(self.gathered),
            steps=tuple(self.steps),
        )

    def _note(self, what: str, why: str = "") -> None:
        self.steps.append(Step("process", what, why))

    def _cannot(self, what: str) -> CannotBeDone:
        return CannotBeDone(Reason.PROCESS_FAILED, f"{self.run.process}: {what}")

    # ------------------------------------------------------------ what templates see

    def _reading(self) -> Reading:
        """Names as the firm knows them: a process looks up by its own authority."""
        snapshot, setup = self.request.snapshot, self.request.setup
        return Reading(
            zone=ZoneInfo(setup.site.time_zone),
            find_records=lambda table, text: find_records(table, text, snapshot, setup),
            find_persons=lambda text: find_persons(text, snapshot),
            titles=Titles(snapshot, setup, lambda record: True),
            persons={key: person.name or key for key, person in snapshot.persons.items()},
        )

    def _values(self, told: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
        request, run = self.request, self.run
        values = spoken(told, request.actor, run.mail, request.setup, request.now)
        return {**parameters, **values, "reply": run.reply, "waited": run.waited}

    def _of_record(self) -> dict[str, str]:
        record, setup = self.record, self.request.setup
        number = name_of(record, setup) if record.number is not None else ""
        return {"number": number, "title": record.title, "url": url_of(record, setup)}

    def _texts(self, reader: Actor | None = None) -> dict[str, Any]:
        """Values as texts: all of them for what stays here, for a mail those that its reader may see."""
        record, setup, snapshot = self.record, self.request.setup, self.request.snapshot
        table = setup.tables[record.table]
        told: dict[str, str] = {}
        bound = snapshot.correspondents.get(record.uuid, {})
        if reader is None or reaches(reader, Right.READ, record, setup, bound, snapshot.records):
            told = {
                name: fields[definition.type].format(record.values.get(name), definition, self.reading)
                for name, definition in table.live_fields.items()
                if reader is None or field_access(reader.person, record.table, name, setup) != "none"
            }
            told = self._of_record() | ({} if table.title in told else {"title": ""}) | told
        elif record.number is not None:
            told = {"number": name_of(record, setup)}
        parameters = {
            name: fields[definition.type].format(self.run.parameters.get(name), definition, self.reading)
            for name, definition in self.run.definition.parameters.items()
        }
        return self._values(told, parameters)

    def _holds(self, condition: str) -> bool:
        """A condition sees numbers as numbers, and texts of dates, which sort as they are."""
        table = self.request.setup.tables[self.record.table]
        told = {name: self._plain(self.record.values.get(name), each) for name, each in table.live_fields.items()}
        parameters = {
            name: self._plain(self.run.parameters.get(name), each)
            for name, each in self.run.definition.parameters.items()
        }
        try:
            holding = holds(condition, self._values(self._of_record() | told, parameters))
        except BadValue as fault:
            raise self._cannot(f"the condition {condition!r} can't be decided: {fault.data['expected']}") from fault
        self._note("choose", f"{condition}: {'yes' if holding else 'no'}")
        return holding

    def _plain(self, value: Any, definition: FieldDef) -> Any:
        if value is None or definition.type in ("boolean", "integer", "multi_choice"):
            return value
        if definition.type == "decimal":
            return Decimal(str(value))
        return fields[definition.type].format(value, definition, self.reading)

    def _text(self, source: str, reader: Actor | None = None, more: Mapping[str, Any] | None = None) -> str:
        try:
            return render(source, {**self._texts(reader), **(more or {})})
        except BadValue as fault:
            raise self._cannot(f"a template can't be filled: {fault.data['expected']}") from fault

    # ------------------------------------------------------------ the record

    def _set(self, wanted: Mapping[str, Any]) -> None:
        live = self.request.definition.live_fields
        for name, told in wanted.items():
            definition = live.get(name)
            if definition is None:
                raise self._cannot(f"{self.record.table} has no field {name} any more")
            value = self._value(name, definition, told)
            if fields[definition.type].appends:
                if not value:
                    continue
                value = appended(self.request, self.record.values, name, str(value))
            elif definition.required and value in (None, "", []):
                raise self._cannot(f"{name} may not be empty")
            self._put(name, value)
        self._note("set", ", ".join(wanted))

    def _put(self, name: str, value: Any) -> None:
        self.after[name] = value
        table, values = self.request.definition, {**self.record.values, name: value}
        title = title_of(table, values, self.reading) if name == table.title else self.record.title
        assignee = str(value or "") if name == table.assignee else self.record.assignee
        self.record = replace(self.record, values=values, title=title, assignee=assignee)

    def _value(self, name: str, definition: FieldDef, told: Any) -> Any:
        """The value that a step names: a plain one, a template's text as a person would write it, or a value as it
        stands where the template is one variable of the same type."""
        kind = fields[definition.type]
        try:
            if not isinstance(told, str) or not is_template(told):
                return kind.check(told, definition, self.reading)
            stands = self._stands(lone_variable(told), definition)
            return stands if stands is not None else kind.parse(self._text(told), definition, self.reading)
        except BadValue as fault:
            raise self._cannot(f"{name}: {complaint(fault)}") from fault

    def _stands(self, variable: tuple[str, ...], definition: FieldDef) -> Any:
        source: FieldDef | None = None
        value: Any = None
        if len(variable) == 1:
            source, value = self.run.definition.parameters.get(variable[0]), self.run.parameters.get(variable[0])
        elif len(variable) == 2 and variable[0] == "record":
            source = self.request.definition.live_fields.get(variable[1])
            value = self.record.values.get(variable[1])
        alike = source is not None and (source.type, source.table) == (definition.type, definition.table)
        if not alike or value is None or fields[definition.type].appends:
            return None
        return fields[definition.type].check(value, definition, self.reading)

    def _comment(self, text: str) -> None:
        text = text.strip()
        if not text:
            return
        request, mapped = self.request, self.request.definition.mail.text
        if mapped:
            self._put(mapped, appended(request, self.record.values, mapped, text))
        self._post(text, "comment")
        self._note("comment", " ".join(text.split())[:80])

    def _post(self, text: str, kind: str) -> None:
        actor = self.request.actor
        uuid, record = self.request.fresh.uuid(), self.record.uuid
        draft = CommunicationDraft(uuid, record, kind, Visibility.INTERNAL, text, None, actor.key, actor.address)
        self.communications.append(draft)

    def _create(self, step: Create) -> None:
        request = self.request
        table = request.setup.live_tables.get(step.table)
        if table is None:
            raise self._cannot(f"there is no table {step.table} any more")
        live = table.live_fields
        values: dict[str, Any] = {}
        for name, told in step.set.items():
            if name not in live:
                raise self._cannot(f"{step.table} has no field {name} any more")
            values[name] = self._value(name, live[name], told)
        values = set_by_lines(replace(request, table=step.table), {}, values)
        if step.link and step.link in live:
            here = {"table": self.record.table, "uuid": self.record.uuid}
            values[step.link] = here if live[step.link].table == "*" else self.record.uuid
        change = made(replace(request, reading=self.reading), step.table, values, team=self.team)
        before = sum(each.table == step.table for each in self.made)
        if change.state.number is not None:
            change = replace(change, state=replace(change.state, number=change.state.number + before))
        lacking = [n for n, each in live.items() if each.required and change.state.values.get(n) in (None, "", [])]
        if lacking:
            raise self._cannot(f"a record of {step.table} needs {', '.join(lacking)}")
        self.made.append(change)
        self._note("create", f"{step.table} {change.state.title}".strip())

    def _assign(self, step: Assign) -> None:
        request, name = self.request, self.request.definition.assignee
        person = step.person
        if step.team:
            self.team = step.team
            self.record = replace(self.record, team=step.team)
        if step.team and step.how:
            person, turns = next_person(
                step.how, step.team, turn_of(self.run.process, step.team), self.record.table, request, self.turns
            )
            self.turns |= turns
        if person and name:
            self._put(name, person)
        self._note("assign", " ".join(filter(None, (person, step.team and f"team {step.team}"))) or "nobody is there")

    # ------------------------------------------------------------ what goes out

    def _notify(self, step: Notify) -> None:
        snapshot, setup = self.request.snapshot, self.request.setup
        team = setup.teams.get(step.team)
        keys = [*(team.members if team else ()), step.person, self.record.assignee if step.assignee else ""]
        persons = [person for key in dict.fromkeys(filter(None, keys)) if (person := snapshot.persons.get(key))]
        told = 0
        for person in persons:
            if not person.active or person.guest or not person.addresses:
                continue
            to, bound = person.addresses[0], snapshot.correspondents.get(self.record.uuid, {})
            actor = Actor(person, to, Assurance.E6)
            if not reaches(actor, Right.READ, self.record, setup, bound, snapshot.records):
                self._note("no notice", f"{person.key} may not read the record")
            elif to in snapshot.suppressed:
                self._note("no notice", f"{to} gets no mail: {snapshot.suppressed[to]}")
            elif snapshot.count(to).notices_hour + self._sent_to(to) >= setup.option("notices_per_hour"):
                self._gather(person, to)
            else:
                self._mail(step.template, to, person.name, actor)
                told += 1
        if not persons:
            self._note("no notice", "there is nobody to tell")
        elif told:
            self._note("notify", ", ".join(person.key for person in persons))

    def _gather(self, person: Person, to: str) -> None:
        """Over the limit: it comes in the digest, which tells posts; so there is one to tell (law 10)."""
        if not self.communications:
            self._post(f"{self._label()} was run.", "notice")
        self.held_back.append(to)
        account = self._account()
        self.gathered.append(NoticeDraft(person.key, to, self.record.uuid, self.communications[-1].uuid, account))
        self._note("held back", f"a notice to {to}: it comes in a digest")

    def _sent_to(self, to: str) -> int:
        return sum(draft.to == to for draft in self.outbox)

    def _label(self) -> str:
        return self.run.definition.label or self.run.process

    def _account(self) -> str:
        return self.record.account or self.request.setup.default_account.get(self.record.table, "")

    def _send(self, step: Send) -> None:
        snapshot, setup = self.request.snapshot, self.request.setup
        for to in self._outsiders(step.to):
            counts = snapshot.count(to)
            hour, day = setup.option("automatic_per_hour"), setup.option("automatic_per_day")
            already = self._sent_to(to)
            if to in snapshot.suppressed:
                self._note("not sent", f"{to} gets no mail: {snapshot.suppressed[to]}")
            elif counts.automatic_hour + already >= hour or counts.automatic_day + already >= day:
                self.held_back.append(to)
                self._note("held back", f"to {to}: {hour} automatic messages an hour, {day} a day to one address")
            else:
                guest, account = None, setup.accounts.get(self._account())
                if account is not None and account.guest:
                    guest = snapshot.persons.get(account.guest)
                own = snapshot.persons.get(snapshot.person_by_address.get(to, ""))
                actor = Actor(own or guest, to, Assurance.E6, lent=own is None)
                self._mail(step.template, to, own.name if own else "", actor)
                self._note("send", f"{step.template} to {to}")

    def _outsiders(self, whom: str) -> list[str]:
        snapshot = self.request.snapshot
        if whom == "author":
            return [self.run.mail["author"]] if self.run.mail.get("author") else []
        if whom == "contacts":
            return sorted(linked_addresses(self.record, self.request.setup, snapshot.records))
        bound = snapshot.correspondents.get(self.record.uuid, {})
        return sorted(to for to, bond in bound.items() if bond.corresponds and not is_staff(to, snapshot))

    def _mail(self, template_key: str, to: str, name: str, reader: Actor) -> None:
        """A mail by a template, filled with what its reader may see (law 13)."""
        setup, staff = self.request.setup, has_role(reader.person) and not reader.lent
        template = setup.templates.get(template_key)
        more = {"recipient": {"name": name or to, "address": to}, "sender": {"name": setup.site.name}}
        subject = self._text(template.subject, reader, more) if template else ""
        text = self._text(template.text, reader, more).strip() if template else f"{self._label()} was run."
        if staff:
            speaks = language(reader.person.language if reader.person else "", setup.site.language)
            text = f"{speaks('notice.internal')}\n\n{text}\n\n{url_of(self.record, setup)}"
        self.outbox.append(
            OutboxDraft(
                kind="notification" if staff else "auto_reply",
                to=to,
                subject=" ".join(subject.split()) or heading(self.record, setup, reader.person),
                text=text,
                account=self._account(),
                record=self.record.uuid,
                table=self.record.table,
                token=self.request.fresh.token(),
                seed=self.request.fresh.uuid(),
            )
        )

    def _webhook(self, step: Webhook) -> None:
        """One row of the outbox: sent after this is written, tried again, shown when it fails (pipeline/deliver)."""
        host = urlsplit(step.url).hostname or ""
        uuid = self.request.fresh.uuid()
        body = {
            "id": uuid,
            "process": self.run.process,
            "table": self.record.table,
            "record": name_of(self.record, self.request.setup),
            "at": stored_moment(self.request.now),
            "values": {name: self._text(source) for name, source in step.body.items()},
        }
        self.outbox.append(
            OutboxDraft(
                kind="webhook",
                to=step.url,
                subject=self._label(),
                text=json.dumps(body, ensure_ascii=False),
                account=f"@{host}"[:40],
                record=self.record.uuid,
                table=self.record.table,
                seed=uuid,
                secret_env=step.secret_env,
            )
        )
        self._note("webhook", f"to {host}")

    # ------------------------------------------------------------ waiting

    def _wait(self, step: Wait) -> Waiting | None:
        until: datetime | None = None
        if step.minutes or step.hours or step.days:
            until = self.request.now + timedelta(minutes=step.minutes, hours=step.hours, days=step.days)
        if step.until:
            until = self._moment(self._text(step.until).strip(), step.until) or until
        if not step.reply and until is None:
            self._note("wait", "the time it should wait for is empty, so it goes on")
            return None
        waiting = Waiting(step.reply, until)
        self._note("wait", waiting.why)
        return waiting

    def _moment(self, text: str, source: str) -> datetime | None:
        if not text:
            return None
        for kind, tail in (("datetime", ""), ("datetime", " 00:00")):
            try:
                found = fields[kind].parse(text + tail, FieldDef(type=kind), self.reading)
            except BadValue:
                continue
            return datetime.fromisoformat(str(found).replace("Z", "+00:00"))
        raise self._cannot(f"{source} is no date or time: {text[:40]}")


def _nothing(record: RecordState) -> RecordChange:
    return RecordChange("run", record.table, record.uuid, {}, {}, record)
