"""What an action is: it gets a Request, plans a Changeset and touches nothing. One file each in actions/; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from addressee.core.authorise import extent, reaches
from addressee.core.errors import Refused
from addressee.core.fieldtype import Reading, stored_moment
from addressee.core.language import Saying
from addressee.core.message import Attachment, Message
from addressee.core.reasons import Reason
from addressee.core.registry import actions, fields
from addressee.core.setup import Account, Setup, Table
from addressee.core.values import (
    Actor,
    Appointment,
    Assurance,
    CommunicationDraft,
    Correspondent,
    Effect,
    FileDecision,
    Fresh,
    JobDraft,
    NoticeDraft,
    OutboxDraft,
    RecordChange,
    RecordState,
    Right,
    Run,
    Snapshot,
    Step,
    Visibility,
)


class Target(StrEnum):
    TABLE = "table"
    RECORD = "record"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Request:
    """Something to be done, whichever door it came by: all that an action may look at.

    values      field -> value in stored form, read and permitted
    prose       the text that is no field line
    files       every attachment with what becomes of it
    taken       the values of the field lines stand; None where the message sets none
    outsider    the author has no role: what he writes is public, and staff are told
    cause       what is to be undone, where the asker names it
    marked      why a rule marked the message, "" for none: what it makes bears the mark
    run         the process that is asked for, or that goes on
    view        the view of the table that is meant, "" for all its records
    """

    verb: str
    actor: Actor
    setup: Setup
    snapshot: Snapshot
    fresh: Fresh
    now: datetime
    table: str
    record: RecordState | None
    account_key: str = ""
    account: Account | None = None
    message: Message | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    prose: str = ""
    files: tuple[FileDecision, ...] = ()
    visibility: Visibility = Visibility.INTERNAL
    explicit: bool = False
    unverified: bool = False
    outsider: bool = False
    marked: str = ""
    cause: str = ""
    reading: Reading = field(default_factory=Reading)
    run: Run | None = None
    view: str = ""

    @property
    def definition(self) -> Table:
        return self.setup.tables[self.table]

    @property
    def record_only(self) -> bool:
        return self.account is not None and self.account.replies == "record_only"

    @property
    def stored_files(self) -> tuple[Attachment, ...]:
        return tuple(f.attachment for f in self.files if f.stored)


@dataclass(frozen=True, slots=True)
class Changeset:
    """What shall be: rows to write, and what to tell. `answer` is text for the receipt; `notes` what was shortened."""

    changes: tuple[RecordChange, ...] = ()
    communications: tuple[CommunicationDraft, ...] = ()
    correspondents: Mapping[tuple[str, str], Correspondent] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    turns: Mapping[str, str] = field(default_factory=dict)
    following: Mapping[tuple[str, str], bool] = field(default_factory=dict)  # (record, person's key) -> from now on
    appointments: tuple[Appointment, ...] = ()
    outbox: tuple[OutboxDraft, ...] = ()
    held_back: tuple[str, ...] = ()
    gathered: tuple[NoticeDraft, ...] = ()
    jobs: tuple[JobDraft, ...] = ()
    steps: tuple[Step, ...] = ()  # what it did beside that, for the trace
    answer: str = ""
    notes: tuple[Saying, ...] = ()
    form: tuple[tuple[str, str], ...] = ()  # values to be shown for editing; where empty, the receipt's own
    undoes: str = ""  # the cause that is taken back


class CannotBeDone(Refused):
    """What an action's plan finds impossible; `reason` is told as the delivery's, `why` to a person."""

    def __init__(self, reason: Reason, why: Saying | str = "") -> None:
        super().__init__(reason.value, why=why)
        self.reason, self.why = reason, why


class Action:
    """The base of every action. The decorator states its facts; an action whose right or level depends on what is
    asked overrides `reach` or `level`, and nothing else decides them."""

    name: ClassVar[str]
    needs: ClassVar[Right | None]
    target: ClassVar[Target]
    least: ClassVar[Assurance]
    lines: ClassVar[bool]  # takes field lines
    of_deleted: ClassVar[bool]  # may be asked of a deleted record
    access: ClassVar[str] = "write"  # what its lines need on each field they name

    def form(self, table: str, setup: Setup) -> str:
        """The table whose fields the lines of a message to `table` name; "" where the site has no such table."""
        return table

    def takes_lines(self, on_record: bool) -> bool:
        """Does it take field lines, on a record or on a table?"""
        return self.lines

    def form_lines(self, table: Table, on_record: bool) -> Table:
        """The fields that the lines name: the form's own, and what else may be said."""
        return table

    def reach(self, request: Request) -> str:
        """How far the right that it needs reaches here ("own", "team", "all"); "" for not at all."""
        rights = (self.needs,) if self.needs else (Right.READ, Right.COMMENT, Right.UPDATE)
        if request.record is None and self.needs is None:
            rights = (*rights, Right.CREATE)
        return next(filter(None, (reach_of(right, request) for right in rights)), "")

    def level(self, request: Request) -> Assurance:
        """The least assurance for what this request asks."""
        return self.least

    def shown(self, request: Request) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What somebody in Cc is answered, who may read the record, by his own rights: a text, and values to edit."""
        return "", ()

    def plan(self, request: Request) -> Changeset:
        """What shall be. Raises CannotBeDone."""
        raise NotImplementedError


def reach_of(right: Right, request: Request) -> str:
    """How far a right of the actor reaches on the request's record, or its table where there is none; "" = not."""
    record, setup = request.record, request.setup
    if record is None:
        far = extent(request.actor.person, right, request.table, setup)
        return "" if far == "none" else far
    bound = request.snapshot.correspondents.get(record.uuid, {})
    return reaches(request.actor, right, record, setup, bound, request.snapshot.records)


def action(
    name: str, *, needs: Right | None, target: Target, least: Assurance, lines: bool = False, of_deleted: bool = False
) -> Callable[[type[Action]], type[Action]]:
    """Put an action on the shelf: its mail word, the right it needs, what it acts on, the least assurance,
    whether it takes field lines, and whether it reaches deleted records."""

    def put(cls: type[Action]) -> type[Action]:
        cls.name, cls.needs, cls.target, cls.least, cls.lines = name, needs, target, least, lines
        cls.of_deleted = of_deleted
        actions.put(name, cls())
        return cls

    return put


# ---------------------------------------------------------------- making changes


def title_of(table: Table, values: Mapping[str, Any], reading: Reading) -> str:
    """The text of the title field; "" where the table has none or it is empty."""
    definition = table.live_fields.get(table.title)
    if definition is None:
        return ""
    return str(fields[definition.type].format(values.get(table.title), definition, reading))


def changed(
    request: Request, record: RecordState, after: Mapping[str, Any], kind: str = "update"
) -> RecordChange | None:
    """The change that sets these fields; None where every value stands already."""
    after = {name: value for name, value in after.items() if record.values.get(name) != value}
    if not after and kind == "update":
        return None
    table = request.setup.tables[record.table]
    values = {**record.values, **after}
    state = replace(
        record,
        values=values,
        title=title_of(table, values, request.reading) if table.title in after else record.title,
        assignee=str(values.get(table.assignee) or "") if table.assignee else record.assignee,
        version=record.version + 1,
        deleted=kind == "delete" if kind in ("delete", "restore") else record.deleted,
    )
    before = {name: record.values.get(name) for name in after}
    return RecordChange(kind, record.table, record.uuid, before, after, state)


def made(
    request: Request, table_key: str, values: Mapping[str, Any], *, team: str = "", account: str = ""
) -> RecordChange:
    """The change that makes a record with these values; defaults fill the rest; its number is the table's next."""
    table = request.setup.tables[table_key]
    full: dict[str, Any] = {
        name: fields[definition.type].check(definition.default, definition, request.reading)
        for name, definition in table.live_fields.items()
    }
    full |= values
    number = request.snapshot.next_number.get(table_key, 1) if table.number else None
    state = RecordState(
        uuid=request.fresh.uuid(),
        table=table_key,
        title=title_of(table, full, request.reading),
        values=full,
        number=number,
        team=team,
        account=account,
        assignee=str(full.get(table.assignee) or "") if table.assignee else "",
        created_by=request.actor.key or "",
        created_at=request.now,
        unverified=request.unverified,
        marked=request.marked,
    )
    after = {name: value for name, value in full.items() if value is not None}
    return RecordChange("create", table_key, state.uuid, {}, after, state)


def effect(change: RecordChange) -> Effect:
    told = {name: {"before": change.before.get(name), "after": value} for name, value in change.after.items()}
    return Effect(change.kind, change.table, change.record, told)


def communication(request: Request, record: str, *, kind: str = "mail", text: str | None = None) -> CommunicationDraft:
    """The message (or post) as it is linked to a record."""
    message = request.message
    return CommunicationDraft(
        uuid=request.fresh.uuid(),
        record=record,
        kind="comment" if message is None and kind == "mail" else kind,
        visibility=request.visibility,
        text=(message.new_text if message is not None and text is None else text) or "",
        message=message.identity if message is not None else None,
        actor=request.actor.key,
        author=request.actor.address,
        files=request.stored_files,
        unverified=request.unverified,
        withheld=request.outsider and request.setup.tables[request.table].validate_posts,
    )


def appended(request: Request, record_values: Mapping[str, Any], name: str, text: str) -> Any:
    """The value of an append-only or text field with a text added under a stamp."""
    definition = request.definition.live_fields[name]
    old = record_values.get(name)
    if definition.type == "append_only":
        stamp = stored_moment(request.now)
        entry = {"at": stamp, "actor": request.actor.key, "text": text}
        if request.actor.lent or request.actor.person is None:
            entry["author"] = request.actor.address or None  # whose words they are; the rights were lent
        return [*(old or ()), entry]
    return f"{old}\n\n{text}" if old else text


def set_by_lines(request: Request, record_values: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of field lines as the record shall have them: what a log is given is added to it."""
    live = request.definition.live_fields
    after: dict[str, Any] = {}
    for name, value in values.items():
        if not fields[live[name].type].appends:
            after[name] = value
        elif value:
            after[name] = appended(request, record_values, name, str(value))
    return after


def with_files(record_values: Mapping[str, Any], name: str, files: tuple[Attachment, ...]) -> list[dict[str, Any]]:
    """The value of a file field with these files added; the same bytes under the same name stand once."""
    old = list(record_values.get(name) or ())
    have = {(f["name"], f["sha256"]) for f in old}
    new = [
        {"name": f.name, "type": f.type, "size_bytes": f.size_bytes, "sha256": f.sha256}
        for f in files
        if not f.inline and (f.name, f.sha256) not in have
    ]
    return [*old, *new]
