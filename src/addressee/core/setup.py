"""The setup: tables, fields, roles, accounts and so on, as one frozen value with a version.

Every part of the program reads it; the file, the pages and the item rows are editors and stores of it.
The models are also the schema of the setup file: a key that is not here is refused (`addressee apply`).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from addressee.core.options import OPTIONS

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Extent = Literal["none", "own", "team", "all"]
Policy = Literal["strict", "standard", "open"]
Tls = Literal["none", "starttls", "tls"]

RESERVED_LOCAL_PARTS = frozenset(
    [
        "postmaster",
        "abuse",
        "hostmaster",
        "webmaster",
        "mailer-daemon",
        "mail-daemon",
        "noreply",
        "no-reply",
        "root",
        "admin",
        "security",
        "daemon",
        "bounce",
        "bounces",
    ]
)  # RFC 2142 and what robots use


class Value(BaseModel):
    """Frozen, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=False)


class Site(Value):
    name: str = "Addressee"
    namespace: str = ""
    domain: str = "localhost"
    url: str = "http://127.0.0.1:8000"
    time_zone: str = "UTC"
    language: str = "en"
    policy: Policy = "standard"
    authserv_ids: tuple[str, ...] = ()
    trusted_peers: tuple[str, ...] = ()
    spam_header: str = ""
    strangers: Literal["hold", "refuse"] = "hold"
    catch_all: str = ""
    inbound: bool = True
    scanner: str = ""
    block: tuple[str, ...] = ()
    block_as: Literal["discard", "mark"] = "discard"
    process_tag: str = "Email Process"
    limits: dict[str, int] = Field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class FieldDef(Value):
    """One field of a table; which options a type takes is told by the type (fields/…)."""

    type: str
    label: str = ""
    required: bool = False
    unique: bool = False
    index: bool = False
    sensitive: bool = False
    many: bool = False
    default: Any = None
    min: int | float | str | None = None
    max: int | float | str | None = None
    max_length: int | None = Field(default=None, gt=0)
    places: int | None = Field(default=None, ge=0, le=12)
    choices: tuple[str, ...] = ()
    table: str = ""
    retired: bool = False


class PersonMapping(Value):
    """Which fields of a table hold a correspondent's address, name, organisation and language (RFC 5646)."""

    address: str
    name: str = ""
    organisation: str = ""
    language: str = ""


class Workflow(Value):
    field: str
    open: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    reopen: str = ""


class MailMapping(Value):
    """Where a reply's text and files go, and which links lead to correspondents."""

    text: str = ""
    files: str = ""
    links: tuple[str, ...] = ()


class Schedule(Value):
    start: str = ""
    end: str = ""
    due: str = ""
    about: str = ""
    place: str = ""


class Table(Value):
    label: str = ""
    title: str = ""
    inbound: bool = True
    validate_posts: bool = Field(default=False, alias="validate")
    local_parts: tuple[str, ...] = ()
    local_parts_was: tuple[str, ...] = ()
    number: str = ""
    number_was: tuple[str, ...] = ()
    person: PersonMapping | None = None
    workflow: Workflow | None = None
    assignee: str = ""
    mail: MailMapping = MailMapping()
    schedule: Schedule | None = None
    fields: dict[Key, FieldDef] = Field(default_factory=dict)
    retired: bool = False

    @cached_property
    def live_fields(self) -> dict[str, FieldDef]:
        return {key: field for key, field in self.fields.items() if not field.retired}

    @cached_property
    def indexed_fields(self) -> frozenset[str]:
        """Fields that always have index rows; what views filter or sort by is added by Setup.indexed."""
        special = {self.title, self.assignee, self.workflow.field if self.workflow else ""}
        if self.schedule is not None:
            special |= {self.schedule.start, self.schedule.due}
        always = {"email", "link", "person"}
        return frozenset(
            key
            for key, field in self.live_fields.items()
            if field.unique or field.index or field.type in always or key in special
        )


class View(Value):
    table: str
    label: str = ""
    where: dict[str, Any] = Field(default_factory=dict)
    sort: tuple[str, ...] = ()


class Grant(Value):
    create: bool = False
    read: Extent = "none"
    comment: Extent = "none"
    update: Extent = "none"
    delete: Extent = "none"
    actions: tuple[str, ...] = ()
    fields: dict[str, Literal["none", "read", "write"]] = Field(default_factory=dict)


class Role(Value):
    label: str = ""
    everything: bool = False
    grants: dict[str, Grant] = Field(default_factory=dict)


class Team(Value):
    label: str = ""
    members: tuple[str, ...] = ()


class PersonItem(Value):
    """A person as the file writes one. The truth is the person's row (people)."""

    name: str = ""
    addresses: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    guest: bool = False
    time_zone: str = ""
    language: str = ""
    away: tuple[str, ...] = ()
    active: bool = True


class Distribution(Value):
    how: Literal["direct", "round_robin", "least_busy"]
    person: str = ""
    team: str = ""


class SendAs(Value):
    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


class AttachmentRules(Value):
    count: int = 5
    size_bytes: int = 10_485_760
    types: tuple[str, ...] = ()


class ParseBlock(Value):
    begin: str
    end: str


class Imap(Value):
    host: str
    port: int = 993
    tls: Tls = "tls"
    user: str = ""
    password_env: str = ""
    folders: tuple[str, ...] = ("INBOX",)
    sent: str = ""
    since: str = ""


class Smtp(Value):
    host: str
    port: int = 587
    tls: Tls = "starttls"
    user: str = ""
    password_env: str = ""


class Account(Value):
    kind: Literal["group", "personal"] = "group"
    address: str
    table: str = ""
    create: bool = True
    guest: str = ""
    replies: Literal["update", "record_only"] = "update"
    staff_replies: Literal["public", "internal"] = "public"
    unverified: Literal["hold", "show"] = "hold"
    policy: Policy | None = None
    history: Literal["store", "work"] = "store"
    retention_days: int = 0
    subject_token: bool = True
    reply_address: Literal["domain", "plus", "plain"] = "domain"
    every_minutes: int = 0
    field_updates: bool = False
    one_per_thread: bool = True
    contact: Literal["find", "find_or_create"] = "find"
    map: dict[str, str] = Field(default_factory=dict)
    preset: dict[str, Any] = Field(default_factory=dict)
    parse: ParseBlock | None = None
    auto_reply: str = ""
    language: str = ""
    team: str = ""
    distribution: Distribution | None = None
    send_as: SendAs | None = None
    attachments: AttachmentRules | None = None
    imap: Imap | None = None
    smtp: Smtp | None = None
    private: bool = False
    owner: str = ""


class Filter(Value):
    name: str
    scope: str = "global"
    sender: str = Field(default="", alias="from")
    to: str = ""
    subject: str = ""
    body_any: tuple[str, ...] = ()
    body_all: tuple[str, ...] = ()
    then: str


class Rule(Value):
    name: str
    source: str = "subject"
    pattern: str
    table: str
    field: str = "number"


class Template(Value):
    subject: str = ""
    text: str = ""
    table: str = ""


class Notify(Value):
    """Mail to staff: a team, a person, or whom the record is assigned to, by a template."""

    team: str = ""
    person: str = ""
    assignee: bool = False
    template: str = ""


class Create(Value):
    """A new record; `link` is the field of it that leads back to the record of the process."""

    table: str
    set: dict[str, Any] = Field(default_factory=dict)
    link: str = ""


class Assign(Value):
    """To a person, or to a team; with `how` to the next or least busy person of the team."""

    person: str = ""
    team: str = ""
    how: Literal["", "round_robin", "least_busy"] = ""


class Send(Value):
    """Mail to those outside, by a template: all correspondents, the author of the mail, or the linked contacts."""

    template: str
    to: Literal["correspondents", "author", "contacts"] = "correspondents"


class Webhook(Value):
    """A signed POST of JSON; the secret stands in an environment variable."""

    url: str
    secret_env: str
    body: dict[str, str] = Field(default_factory=dict)


class Wait(Value):
    """Until somebody answers on the record, or until a time: whichever comes first."""

    reply: Literal["", "correspondent", "staff", "anyone"] = ""
    minutes: int = 0
    hours: int = 0
    days: int = 0
    until: str = ""


class Choose(Value):
    """One of two lists of steps, by a condition."""

    when: str
    then: tuple[ProcessStep, ...] = ()
    otherwise: tuple[ProcessStep, ...] = Field(default=(), alias="else")


class ProcessStep(Value):
    """One step of a process. It does exactly one of these things."""

    set: dict[str, Any] | None = None
    comment: str | None = None
    notify: Notify | None = None
    create: Create | None = None
    link: dict[str, str] | None = None
    assign: Assign | None = None
    send: Send | None = None
    webhook: Webhook | None = None
    wait: Wait | None = None
    choose: Choose | None = None

    @cached_property
    def does(self) -> tuple[str, ...]:
        """The things that are written in it; one where it is right."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


Choose.model_rebuild()  # it holds steps, which are made after it


class Process(Value):
    label: str = ""
    table: str = ""
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    assurance: str = ""
    parameters: dict[str, FieldDef] = Field(default_factory=dict)
    steps: tuple[ProcessStep, ...] = ()

    @cached_property
    def form(self) -> Table:
        """Its parameters as the fields that lines of a message, or of a form, fill in."""
        return Table(label=self.label, fields=self.parameters)

    def every_step(self) -> Iterator[ProcessStep]:
        """Its steps, and those within a choice."""
        waiting = list(reversed(self.steps))
        while waiting:
            step = waiting.pop()
            yield step
            if step.choose is not None:
                waiting += reversed((*step.choose.then, *step.choose.otherwise))


class Setup(Value):
    """Everything but the people, who are rows. `version` is 0 for a setup that was never stored."""

    version: int = 0
    site: Site = Site()
    tables: dict[Key, Table] = Field(default_factory=dict)
    views: dict[Key, View] = Field(default_factory=dict)
    roles: dict[Key, Role] = Field(default_factory=dict)
    teams: dict[Key, Team] = Field(default_factory=dict)
    accounts: dict[Key, Account] = Field(default_factory=dict)
    filters: tuple[Filter, ...] = ()
    rules: tuple[Rule, ...] = ()
    templates: dict[Key, Template] = Field(default_factory=dict)
    processes: dict[Key, Process] = Field(default_factory=dict)

    def option(self, name: str) -> int:
        """A limit by its name (core/options): the site's own figure, else the default."""
        return self.site.limits.get(name, OPTIONS[name].default)

    @cached_property
    def live_tables(self) -> dict[str, Table]:
        return {key: table for key, table in self.tables.items() if not table.retired}

    @cached_property
    def number_masks(self) -> tuple[str, ...]:
        """Every mask by which a record of a live table is or was named."""
        tables = self.live_tables.values()
        return tuple(mask for table in tables for mask in (table.number, *table.number_was) if mask)

    @cached_property
    def indexed(self) -> dict[str, frozenset[str]]:
        """table -> fields that have index rows: the table's own and whatever a view filters or sorts by."""
        out = {key: set(table.indexed_fields) for key, table in self.tables.items()}
        for view in self.views.values():
            if view.table in out:
                live = self.tables[view.table].live_fields
                used = {*view.where, *(name.lstrip("-") for name in view.sort)}
                out[view.table] |= {name for name in used if name in live}
        return {key: frozenset(names) for key, names in out.items()}

    @cached_property
    def table_by_local_part(self) -> dict[str, str]:
        """Every local part that means a table: its key, with the namespace, and its aliases (lower case)."""
        out: dict[str, str] = {}
        for key, table in self.live_tables.items():
            for part in table.local_parts:
                out[part.lower()] = key
            out[key] = key
            if self.site.namespace:
                out[f"{self.site.namespace}_{key}".lower()] = key
        return out

    @cached_property
    def withdrawn_local_parts(self) -> dict[str, str]:
        """Local parts that meant a table once: mail to them is answered and changes nothing (FEATURES U-06)."""
        return {part.lower(): key for key, table in self.live_tables.items() for part in table.local_parts_was}

    @cached_property
    def account_by_address(self) -> dict[str, str]:
        from addressee.core.addresses import normal

        return {normal(a.address) or a.address.lower(): key for key, a in self.accounts.items()}

    @cached_property
    def default_account(self) -> dict[str, str]:
        """table -> the first group account that names it (DESIGN section 2)."""
        out: dict[str, str] = {}
        for key, account in self.accounts.items():
            if account.kind == "group" and account.table:
                out.setdefault(account.table, key)
        return out

    def view_named(self, table: str, text: str) -> str:
        """The view of a table that a text names by key, with the namespace or by label; "" for none."""
        wanted = " ".join(text.casefold().split())
        for key, view in self.views.items():
            if view.table == table and wanted in (key, f"{self.site.namespace}_{key}".lower(), view.label.casefold()):
                return key
        return ""

    @cached_property
    def mail_words(self) -> dict[str, str]:
        """Every word that is a command for somebody (core.words): folded -> action, or the word of a process."""
        from addressee.core.words import every

        return every(self)

    @cached_property
    def mail_words_of_strangers(self) -> dict[str, str]:
        """The same of an author without a role."""
        from addressee.core.words import of_strangers

        return of_strangers(self)

    @cached_property
    def process_by_word(self) -> dict[str, str]:
        """Every word by which a process is called in mail: its key, with the namespace, and its aliases, folded."""
        out: dict[str, str] = {}
        for key, process in self.processes.items():
            for alias in process.aliases:
                out.setdefault(" ".join(alias.casefold().split()), key)
        for key in self.processes:
            out[key] = key
            if self.site.namespace:
                out[f"{self.site.namespace}_{key}".lower()] = key
        return out

    @cached_property
    def waits_for_replies(self) -> bool:
        """Does any process wait for an answer? Then each batch looks for jobs that its mail wakes."""
        steps = (step for process in self.processes.values() for step in process.every_step())
        return any(step.wait is not None and step.wait.reply for step in steps)

    def teams_of(self, person: str) -> frozenset[str]:
        return frozenset(key for key, team in self.teams.items() if person in team.members)


class SetupFile(Setup):
    """A setup file: the setup and the people it names."""

    people: dict[Key, PersonItem] = Field(default_factory=dict)
