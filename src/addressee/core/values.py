"""The words the core thinks in: who speaks, what stands, what shall change, what was decided and why."""

from __future__ import annotations

import hashlib
import uuid as uuids
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from addressee.core import tokens
from addressee.core.language import Saying
from addressee.core.message import Attachment, Envelope, Message
from addressee.core.reasons import Reason
from addressee.core.setup import Process

OPERATOR = "operator"  # who acts by the command line; no person may have this key


class Assurance(IntEnum):
    """How sure we are who is speaking (DESIGN section 4)."""

    E0 = 0
    E1 = 1
    E2 = 2
    E3 = 3
    E4 = 4
    E5 = 5
    E6 = 6


class Right(StrEnum):
    CREATE = "create"
    READ = "read"
    COMMENT = "comment"
    UPDATE = "update"
    DELETE = "delete"
    ACTIONS = "actions"


class Disposition(StrEnum):
    """What became of a delivery (DESIGN section 2)."""

    ACCEPT = "accept"
    HOLD = "hold"
    REJECT = "reject"
    DISCARD = "discard"
    REDIRECT = "redirect"
    DEFER = "defer"


class Visibility(StrEnum):
    INTERNAL = "internal"  # persons with a role
    PUBLIC = "public"  # the record's correspondents too


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a trace: which step, what came of it, and why."""

    step: str
    result: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the firm, or a guest person whose rights strangers borrow."""

    key: str
    name: str
    addresses: tuple[str, ...]  # normalised; the first is primary
    roles: tuple[str, ...] = ()
    guest: bool = False
    active: bool = True
    time_zone: str = ""
    language: str = ""
    away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who speaks: the author's address, the person he is taken for, whose rights count, and how sure we are.

    person   the person whose rights count (the account's guest for strangers), or None: no rights at all
    address  the author's normalised address, "" where there is none
    lent     the rights are a guest person's: they lend rights, never ownership
    level    after the policy of site and account: what the table of DESIGN section 4 is asked with
    proven   E3 or better by evidence (never by policy `open` alone): such an author may be answered
    """

    person: Person | None
    address: str
    level: Assurance
    lent: bool = False
    proven: bool = False
    on_file: bool = False  # the address is a person's or a contact's, or we wrote to it
    token: str | None = None  # hash of the reply token he used, where it was issued to his address

    @property
    def key(self) -> str | None:
        return self.person.key if self.person else None


@dataclass(frozen=True, slots=True)
class RecordState:
    """A record as it stands. Values are in stored form (see fields/)."""

    uuid: str
    table: str
    title: str
    values: Mapping[str, Any]
    number: int | None = None
    team: str = ""
    account: str = ""
    assignee: str = ""
    created_by: str = ""
    created_at: datetime | None = None
    version: int = 1
    deleted: bool = False
    unverified: bool = False
    marked: str = ""  # the slug of the reason for which a rule marked the mail that made it


@dataclass(frozen=True, slots=True)
class Correspondent:
    """What binds an address to a record (rows of records.Correspondent)."""

    wrote_first: bool = False
    wrote: bool = False
    written_to: bool = False  # by a person: gives `own`
    sent: bool = False  # anything of ours went to it: it may answer

    @property
    def corresponds(self) -> bool:
        """It wrote to the record, or was written to from it by a person (DESIGN section 2)."""
        return self.wrote or self.wrote_first or self.written_to

    def joined(self, other: Correspondent) -> Correspondent:
        """Both together: what binds an address is never taken back."""
        return Correspondent(
            self.wrote_first or other.wrote_first,
            self.wrote or other.wrote,
            self.written_to or other.written_to,
            self.sent or other.sent,
        )


@dataclass(frozen=True, slots=True)
class AddressState:
    """What a uuid in a record's address stands for, where it is not simply the record's own."""

    record: str
    ended: bool


@dataclass(frozen=True, slots=True)
class TokenState:
    """A reply token: issued for one outgoing message to one address about one record. Only its hash is kept."""

    hash: str
    record: str
    address: str
    account: str = ""
    expired: bool = False
    revoked: bool = False
    notice: bool = False  # of a correspondent's public message: a staff answer to it is public (law 16)
    # the values that the message showed to be edited (U-28)
    form: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code, sent to one address to confirm what one held delivery asks. Only its hash is kept.

    shown    what would change, as it was shown (core/confirmation.essence)
    waiting  the delivery still waits for it
    """

    hash: str
    delivery: int
    address: str
    record: str = ""
    shown: str = ""
    expired: bool = False
    used: bool = False
    waiting: bool = True

    @property
    def live(self) -> bool:
        return self.waiting and not self.used and not self.expired


@dataclass(frozen=True, slots=True)
class Appointment:
    """An event that came by an invitation: which record it is, and how new what we know of it is (RFC 5546 2.1.5).

    key        core.calendar.uid_key of its UID
    organizer  the normalised address of who may move or cancel it
    """

    key: str
    record: str
    sequence: int
    organizer: str
    uid: str = ""


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message we sent or took, found by its Message-ID, and the records it belongs to."""

    message_id: str
    ours: bool
    records: tuple[str, ...]
    token: str | None = None  # of a message of ours
    account: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message for one recipient: what is to be decided."""

    id: int
    message: Message
    envelope: Envelope
    recipient: str
    received_at: datetime
    seed: bytes  # 16 random bytes kept with the delivery: all ids it makes are derived from them
    override: Override | None = None
    infected: Mapping[str, str] = field(default_factory=dict)  # sha256 -> what the scanner found


@dataclass(frozen=True, slots=True)
class Override:
    """What a person said of a held delivery: release it, as a comment, or route it (law 6); or his confirmation.

    Of a confirmation: at which level it counts (5 by code, 6 by a signed-in page), whether evidence proved its author,
    how it was given, in words, and what had been shown to him.
    """

    kind: str  # release | comment | route | reject | confirm
    by: str  # the person's key, or "operator"; of a confirmation by mail the address
    table: str = ""
    record: str = ""
    level: int = 0
    proven: bool = False
    how: str = ""
    shown: str = ""


@dataclass(slots=True)
class Fresh:
    """Ids for one decision, derived from its seed, so that a decision can be replayed."""

    seed: bytes
    count: int = 0

    def _next(self) -> bytes:
        self.count += 1
        return hashlib.sha256(self.seed + self.count.to_bytes(4, "big")).digest()

    def uuid(self) -> str:
        return str(uuids.UUID(bytes=self._next()[:16], version=4))

    def token(self) -> str:
        """104 random bits as 21 characters of base32, lower case."""
        return tokens.encode(self._next()[:13])


@dataclass(frozen=True, slots=True)
class RecordChange:
    """One record made or changed. `after` holds the changed fields only; `before` the same fields as they were."""

    kind: str  # create | update | delete | restore
    table: str
    record: str  # uuid
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    state: RecordState  # as it stands afterwards


@dataclass(frozen=True, slots=True)
class CommunicationDraft:
    """A message linked to a record, or a post in its stream."""

    uuid: str
    record: str
    kind: str  # mail | comment | notice | bounce | event | task
    visibility: Visibility
    text: str
    message: str | None  # identity of the mail
    actor: str | None
    author: str
    files: tuple[Attachment, ...] = ()
    unverified: bool = False
    withheld: bool = False  # waits for approval before other outsiders see it (validate)


@dataclass(frozen=True, slots=True)
class OutboxDraft:
    """One message to one address, to be written to the outbox in the same transaction."""

    kind: str  # receipt | auto_reply | notification | redirect | composed | confirmation | webhook
    to: str
    subject: str
    text: str
    account: str = ""
    record: str | None = None
    token: str | None = None  # clear; its hash goes to the token row
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    notice: bool = False
    automatic: bool = True
    message: str | None = None  # identity of the message that caused it
    attach_raw: bool = False  # redirect: the whole message goes along
    files: tuple[Attachment, ...] = ()
    links: tuple[tuple[Attachment, str], ...] = ()  # files that go as links, each with its token in clear
    subject_token: bool = True
    html: str = ""  # sanitised; the same words as `text`
    language: str = ""  # in which it is written (RFC 5646); "" is the site's
    calendar: str = ""  # an invitation in iCalendar (core.calendar.write)
    table: str = ""  # of the record: the sender's address where there is no account
    sender_name: str = ""  # who writes, in front of the site's name
    secret_env: str = ""  # of a webhook: the variable that holds its secret
    seed: str = ""  # the Message-ID of a message without token is made of it; unique (Fresh.uuid)
    confirms: int = 0  # the held delivery that `token`, then a one-time code, confirms
    shown: str = ""  # what would change (core/confirmation.essence)
    form: tuple[tuple[str, str], ...] = ()  # values to be edited in the quote of an answer (U-28); needs a token
    form_name: str = ""  # of the record they are of
    form_how: str = ""  # slug of the sentence that says how an edit counts; "" where it does not
    no_reply: bool = False  # an answer to it leads nowhere: it goes to an address that only people look at


@dataclass(frozen=True, slots=True)
class NoticeDraft:
    """A notice that the limit kept back: it comes in one digest with the others of its person (law 10)."""

    person: str
    to: str
    record: str  # uuid
    communication: str  # uuid of the post that it would tell
    account: str


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing that happened, as told to programs (DESIGN section 5) and in the receipt."""

    kind: str
    table: str
    record: str  # uuid; "" for a batch
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """A process on its way over one record, and where it stands.

    definition  the process as it was when it started: a setup that is changed meanwhile does not change it
    at          the next instruction
    waited      how the last wait ended: "reply", "time", "" before any
    mail        of the mail that started it: subject, text, author, author_name, message_id
    reply       the same of the answer that ended the wait
    """

    process: str
    definition: Process
    parameters: Mapping[str, Any] = field(default_factory=dict)
    mail: Mapping[str, str] = field(default_factory=dict)
    at: int = 0
    waited: str = ""
    reply: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobDraft:
    """A job to be written, in the transaction of what starts it; its row is jobs.models.Job.

    kind     process: over one record; batch: over many, slice by slice
    state    ready: to be worked on at `run_at`; waiting: for an answer, or for `run_at`; done
    waits_for  whose answer wakes it: correspondent, staff, anyone
    """

    uuid: str
    kind: str
    name: str  # of the process, or the action's word
    table: str
    state: str
    record: str | None = None
    view: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)
    run_at: datetime | None = None
    waits_for: str = ""
    why: str = ""  # what it waits for, in words


@dataclass(frozen=True, slots=True)
class LineFault:
    """One field line that could not be taken: which, where (0 = no line of the text), and the form expected."""

    field: str
    line: int
    text: str
    expected: Saying | None
    slug: str
    hint: Saying | None = None


@dataclass(frozen=True, slots=True)
class FileDecision:
    """What became of one file, and why it was left out or is no file of its own (core.attachments.SENTENCES).

    attachment  under the name and type that it is kept with; `inline` = shown in the text and no file of its own
    """

    attachment: Attachment
    stored: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Asks:
    """What a held delivery would do once it is confirmed. `effects` are a preview: nothing of them stands."""

    verb: str
    effects: tuple[Effect, ...]
    shown: str
    about: Saying | None = None  # how many records, where it is more than the one that was written to
    again: bool = False  # it was confirmed, but what would change is no longer what was shown


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A delivery confirms another: the code is used up, and the held one is decided again with what was said."""

    code: str  # hash
    delivery: int
    override: Override


@dataclass(frozen=True, slots=True)
class Decision:
    """All that follows from one delivery; writing it down is pipeline/commit's."""

    delivery: int
    disposition: Disposition
    reason: Reason
    trace: tuple[Step, ...]
    actor: Actor
    author: str | None
    account: str = ""
    target: str = ""  # "table:case" or "record:<uuid>": law 3 counts effects by it
    duplicate_of: int | None = None
    verified: bool = False
    changes: tuple[RecordChange, ...] = ()
    communications: tuple[CommunicationDraft, ...] = ()
    outbox: tuple[OutboxDraft, ...] = ()
    correspondents: Mapping[tuple[str, str], Correspondent] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    files: tuple[FileDecision, ...] = ()
    used_token: str | None = None
    bad_token: bool = False
    turns: Mapping[str, str] = field(default_factory=dict)  # distribution turn -> the person who had it last
    following: Mapping[tuple[str, str], bool] = field(default_factory=dict)  # (record, person's key) -> from now on
    appointments: tuple[Appointment, ...] = ()
    right: str = ""  # the right or token that allowed it, for the audit entry
    guest_create: bool = False
    why: Saying | None = None  # what the author is told beside the reason's sentence
    undoes: str = ""  # the cause whose mail that still waits is not sent any more
    asks: Asks | None = None
    confirms: Confirmed | None = None
    held_back: tuple[str, ...] = ()  # addresses that a limit kept an answer or notice from
    gathered: tuple[NoticeDraft, ...] = ()  # the notices among them, to be told in a digest
    jobs: tuple[JobDraft, ...] = ()
    wakes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # job -> the answer that it waited for


@dataclass(slots=True)
class Counts:
    """What an address or domain has caused within the hour or day, for the limits of law 10."""

    automatic_hour: int = 0
    automatic_day: int = 0
    answers_hour: int = 0
    notices_hour: int = 0
    creates_hour: int = 0
    bad_tokens_hour: int = 0
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """What became of an earlier message, for `why`."""

    at: datetime
    subject: str
    disposition: str
    reason: str
    trace: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Revised:
    """One revision of a record, as undo looks at it: what changed, and the message or post that caused it."""

    record: str  # uuid
    kind: str  # create | update | delete | restore
    fields: Mapping[str, Mapping[str, Any]]  # name -> {before, after}, stored form


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that a cause led to: to whom, of which kind, and when it went out (None: it still waits)."""

    to: str
    kind: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class ListAsked:
    """A list of records that a message asks for, of those that the person's right to read reaches.

    lent_to  the address of a stranger who borrows the rights of the person, a guest; "" where they are his own
    where    the filter of a view; `filters` the field lines; field -> value in stored form, or several (a list)
    order    fields; a minus turns it
    most     records to be shown
    """

    table: str
    person: Person | None
    lent_to: str
    where: tuple[tuple[str, Any], ...]
    filters: tuple[tuple[str, Any], ...]
    order: tuple[str, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list holds: how many there are, counted to the end or not (`exact`), and the first of them."""

    count: int
    exact: bool
    records: tuple[RecordState, ...]


# (sha256, domain of the author) -> identities of messages that held the picture
Pictures = Mapping[tuple[str, str], Set[str]]


@dataclass(slots=True)
class Snapshot:
    """All that the decisions of one batch may look at. `decide` lays each decision over it before the next."""

    now: datetime
    persons: dict[str, Person] = field(default_factory=dict)  # by key
    person_by_address: dict[str, str] = field(default_factory=dict)
    records: dict[str, RecordState] = field(default_factory=dict)  # by uuid
    contacts: dict[str, list[str]] = field(default_factory=dict)  # address -> uuids in tables with `person`
    correspondents: dict[str, dict[str, Correspondent]] = field(default_factory=dict)  # record -> address ->
    tokens: dict[str, TokenState] = field(default_factory=dict)  # by hash
    codes: dict[str, Code] = field(default_factory=dict)  # by hash
    addresses: dict[str, AddressState] = field(default_factory=dict)  # by the uuid in the address
    messages: dict[str, list[KnownMessage]] = field(default_factory=dict)  # by Message-ID
    applied: dict[tuple[str, str], int] = field(default_factory=dict)  # (identity, target) -> delivery
    held: dict[tuple[str, str], int] = field(default_factory=dict)  # the same, of those that wait for a person
    numbered: dict[tuple[str, int], str] = field(default_factory=dict)  # (table, number) -> uuid
    next_number: dict[str, int] = field(default_factory=dict)  # by table
    named: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (table, folded title) -> uuids
    unique: dict[tuple[str, str, str], str] = field(default_factory=dict)  # (table, field, key) -> uuid
    followers: dict[str, tuple[str, ...]] = field(default_factory=dict)  # record -> person keys
    appointments: dict[str, Appointment] = field(default_factory=dict)  # by key
    counts: dict[str, Counts] = field(default_factory=dict)  # by address or domain
    turns: dict[str, str] = field(default_factory=dict)
    open_counts: dict[tuple[str, str], int] = field(default_factory=dict)  # (table, person) -> open records
    suppressed: dict[str, str] = field(default_factory=dict)  # address -> why
    written_to: set[str] = field(default_factory=set)  # addresses that ever got mail from us
    same_id: dict[str, set[str]] = field(default_factory=dict)  # Message-ID -> identities of messages that bear it
    answered: set[str] = field(default_factory=set)  # identities of messages whose author has his automatic answer
    told: dict[tuple[str, str], tuple[Past, ...]] = field(default_factory=dict)  # (record, author) -> latest first
    waiting: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)  # record -> (job, whose answer)
    counted: dict[tuple[str, str], int] = field(default_factory=dict)  # (table, view) -> records
    revised: dict[str, list[Revised]] = field(default_factory=dict)  # cause -> its revisions, as they were written
    sent: dict[str, list[Sent]] = field(default_factory=dict)  # cause -> the mails that it led to
    last_cause: dict[tuple[str, str], str] = field(default_factory=dict)  # (record, author) -> his latest cause
    receipt_of: dict[tuple[str, str], str] = field(default_factory=dict)  # (id or token of ours, to) -> cause
    person_names: tuple[str, ...] = ()  # of the firm; read where a field line names nobody
    listed: tuple[ListAsked, Listed] | None = None  # read when a decision needs it, and for that one only
    last_message: dict[str, str] = field(default_factory=dict)  # record -> Message-ID of a correspondent's last mail
    pictures: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # see Pictures

    def count(self, key: str) -> Counts:
        return self.counts.setdefault(key, Counts())


@dataclass(slots=True)
class Wanted:
    """Keys to be looked up for a batch, in one round (records/snapshot)."""

    addresses: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    person_keys: set[str] = field(default_factory=set)
    uuids: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)  # uuids in addresses of records
    tokens: set[str] = field(default_factory=set)  # hashes
    message_ids: set[str] = field(default_factory=set)
    identities: set[str] = field(default_factory=set)
    numbers: set[tuple[str, int]] = field(default_factory=set)
    titles: set[tuple[str, str]] = field(default_factory=set)
    appointments: set[str] = field(default_factory=set)  # keys
    unique: set[tuple[str, str, str]] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)  # that may get a new record
    turns: set[str] = field(default_factory=set)
    person_texts: set[str] = field(default_factory=set)  # names of persons in field lines, folded
    counts: set[tuple[str, str]] = field(default_factory=set)  # (table, view) of batches: how many records?
    told: set[tuple[str, str]] = field(default_factory=set)  # (record, author) whose past is asked for
    undo: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # (record or "", author) -> ids he answers
    pictures: set[tuple[str, str]] = field(default_factory=set)  # (sha256, domain) that may be of a signature
