"""What the mails that follow from a decision are made of, who reads them, and what he may know (law 13)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from addressee.core.action import Request, communication
from addressee.core.addresses import normal
from addressee.core.authorise import has_role, reaches
from addressee.core.fieldtype import Reading
from addressee.core.form import form_of
from addressee.core.language import Language, Saying, is_spoken
from addressee.core.message import Message
from addressee.core.route import Kind, route
from addressee.core.setup import Account, Setup
from addressee.core.values import (
    Actor,
    CommunicationDraft,
    Correspondent,
    Decision,
    Disposition,
    Fresh,
    LineFault,
    NoticeDraft,
    OutboxDraft,
    Person,
    RecordState,
    Right,
    Snapshot,
    Visibility,
)

_ROBOTS = ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@", "bounce@", "bounces@")


Form = tuple[tuple[str, str], ...]  # (field, text) of values that may be edited in the quote of an answer


def _nothing(actor: Actor) -> tuple[str, Form]:
    return "", ()


def _plainly(actor: Actor) -> Reading:
    return Reading()


@dataclass(frozen=True, slots=True)
class Telling:
    """A decision and all that its mails are made of.

    answer     what the author asked for
    shown      what of it somebody else is shown who may read the record, with his own rights; "" for nothing
    reading    how values are shown to somebody: in his language and zone, and only what he may know
    form       values asked for, to be edited in the answer
    commanded  he said what to do, by a word or by field lines, or he is of the firm
    confirmed  its author confirmed it
    """

    decision: Decision
    message: Message
    setup: Setup
    snapshot: Snapshot
    account_key: str
    record: RecordState | None
    visibility: Visibility
    fresh: Fresh
    answer: str = ""
    form: Form = ()
    shown: Callable[[Actor], tuple[str, Form]] = _nothing
    reading: Callable[[Actor], Reading] = _plainly
    notes: tuple[Saying, ...] = ()
    faults: tuple[LineFault, ...] = ()
    commanded: bool = False
    released: bool = False
    confirmed: bool = False
    marked: str = ""  # a rule marked the message: nobody is answered
    null_sender: bool = False  # the envelope names no one to answer (RFC 3834 2)

    @property
    def account(self) -> Account | None:
        return self.setup.accounts.get(self.account_key)

    @property
    def actor(self) -> Actor:
        return self.decision.actor


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who is written to: his rights, and how he is spoken to."""

    actor: Actor
    reading: Reading

    @property
    def words(self) -> Language:
        return self.reading.words

    @property
    def to(self) -> str:
        return self.actor.address


def reader(actor: Actor, telling: Telling) -> Reader:
    return Reader(actor, telling.reading(actor))


def language_of(address: str, person: Person | None, account: Account | None, snapshot: Snapshot, setup: Setup) -> str:
    """A reader's language, as a tag (RFC 5646): the person's, else his contact's, the account's, the site's.

    One that has a catalogue before one that has none.
    """
    own = person.language if person is not None and not person.guest else ""
    known = (own, _of_contact(address, snapshot, setup), account.language if account else "", setup.site.language)
    tags = [tag for tag in known if tag]
    return next((tag for tag in tags if is_spoken(tag)), tags[0] if tags else "")


def _of_contact(address: str, snapshot: Snapshot, setup: Setup) -> str:
    """What a contact's own record says of his language, where its table has a field for it."""
    for uuid in snapshot.contacts.get(address, ()):
        record = snapshot.records.get(uuid)
        mapping = setup.tables[record.table].person if record is not None and not record.deleted else None
        if record is not None and mapping is not None and mapping.language:
            return str(record.values.get(mapping.language) or "")
    return ""


@dataclass(slots=True)
class Answers:
    """The mails that follow, (result, why) notes for the trace, and the addresses that a limit kept one from."""

    drafts: list[OutboxDraft] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)
    gathered: list[NoticeDraft] = field(default_factory=list)

    def add(self, draft: OutboxDraft) -> None:
        self.drafts.append(draft)
        self.notes.append((draft.kind, f"to {draft.to}"))

    def hold_back(self, to: str, what: str, limit: str) -> None:
        self.held_back.append(to)
        self.notes.append(("held back", f"{what} to {to}: {limit}"))


def linked(request: Request, record: str, kind: str) -> CommunicationDraft:
    """The message linked to a record and nothing else: history, bounces, vacation mail."""
    return communication(request, record, kind=kind)


# ---------------------------------------------------------------- rights


def may_read(actor: Actor, record: RecordState, telling: Telling) -> bool:
    return reaching(actor, Right.READ, record, telling)


def reaching(actor: Actor, right: Right, record: RecordState, telling: Telling) -> bool:
    return bool(reaches(actor, right, record, telling.setup, bound_to(record, telling), telling.snapshot.records))


def bound_to(record: RecordState, telling: Telling) -> dict[str, Correspondent]:
    """The correspondents of a record as they will be when the decision is written."""
    bound = dict(telling.snapshot.correspondents.get(record.uuid, {}))
    for (uuid, address), new in telling.decision.correspondents.items():
        if uuid == record.uuid:
            bound[address] = bound[address].joined(new) if address in bound else new
    return bound


# ---------------------------------------------------------------- whether to answer an address


def is_no_person(address: str, setup: Setup) -> bool:
    """A robot's name, or a table, record, reply or group address of ours: to answer it is to write to ourselves."""
    if address.startswith(_ROBOTS):
        return True
    found = route(address, setup)
    account = setup.accounts.get(found.account)
    return found.kind is not Kind.NONE and not (found.kind is Kind.ACCOUNT and account and account.kind == "personal")


def over_limit(to: str, telling: Telling, *, firm: bool) -> str:
    """The limit that keeps an answer from this address, or "". firm: it is a proven person's with a role."""
    counts, setup = telling.snapshot.count(to), telling.setup
    if firm:
        most = setup.option("answers_per_hour")
        return f"{most} answers an hour to one person" if counts.answers_hour >= most else ""
    hour, day = setup.option("automatic_per_hour"), setup.option("automatic_per_day")
    if counts.automatic_hour >= hour:
        return f"{hour} automatic messages an hour to one address without a role"
    if counts.automatic_day >= day:
        return f"{day} automatic messages a day to one address without a role"
    return ""


# ---------------------------------------------------------------- what all mails have in common


def re(subject: str) -> str:
    clean = " ".join(subject.split())
    return clean if clean[:3].lower() == "re:" else f"Re: {clean}".strip()


def addressed(telling: Telling) -> set[str]:
    """Who got the message itself, by To and Cc."""
    return {normal(m.address) or m.address for m in (*telling.message.to, *telling.message.cc)}


def form_in(told: Reader, telling: Telling, record: RecordState | None, asked: Form) -> tuple[Form, str]:
    """The values that a reader can edit in his answer (U-28), asked for or his to set; and how an edit counts."""
    if record is None or telling.decision.disposition is not Disposition.ACCEPT:
        return (), ""
    account, actor = telling.account, told.actor
    updates = reaching(actor, Right.UPDATE, record, telling) and may_read(actor, record, telling)
    by_quote = account is not None and account.field_updates and account.replies == "update"
    how = "" if not updates else "form.how" if by_quote else "form.how-by-word"
    if asked or not (updates and by_quote and has_role(actor.person)):
        return asked, how
    return form_of(record, actor.person, telling.setup, told.reading, whole=False), how


def held_back(to: str, words: Language, telling: Telling) -> list[str]:
    """What a limit kept from this address since the last mail to it, as a sentence; none where that is nothing."""
    missed = telling.snapshot.count(to).held_back
    return [words("receipt.held-back", count=missed)] if missed else []
