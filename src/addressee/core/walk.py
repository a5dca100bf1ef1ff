"""What every step of a walk has at hand: what is known so far, the trace, rights, readings. Pure; see decide."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

from addressee.core import replies
from addressee.core.action import Changeset, Request
from addressee.core.authorise import has_role, needed, reaches
from addressee.core.fieldtype import Reading
from addressee.core.identify import Identity, policy_of
from addressee.core.language import Saying, as_written, english, saying
from addressee.core.lookup import Titles, find_persons, find_records, may_know, nearest
from addressee.core.message import Message
from addressee.core.process import run_of
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import actions
from addressee.core.route import Kind, Route
from addressee.core.setup import Account, Setup
from addressee.core.threads import Found
from addressee.core.values import (
    Actor,
    Asks,
    Assurance,
    Decision,
    Delivery,
    Disposition,
    FileDecision,
    Fresh,
    LineFault,
    Person,
    RecordState,
    Right,
    Snapshot,
    Step,
    Visibility,
)

NOBODY = Actor(None, "", Assurance.E0)


@dataclass(slots=True)
class Walk:
    """The state of one walk: what is known so far, and the trace of how it became known."""

    delivery: Delivery
    snapshot: Snapshot
    setup: Setup
    steps: list[Step] = field(default_factory=list)
    route: Route = field(default_factory=lambda: Route(Kind.NONE, ""))
    account_key: str = ""
    account: Account | None = None
    found: Found = field(default_factory=Found)
    identity: Identity = field(default_factory=lambda: Identity(NOBODY, None, ()))
    actor: Actor = NOBODY
    target: str = ""
    files: tuple[FileDecision, ...] = ()
    faults: tuple[LineFault, ...] = ()
    verb: str = ""
    process: str = ""  # that is asked for
    view: str = ""  # of the table, that a command is for
    form: str = ""  # the table whose fields the lines name
    plan: Changeset | None = None
    remarks: tuple[Saying, ...] = ()  # what was left as it was, beside the notes of the plan
    asks: Asks | None = None
    used_right: str = ""
    named: frozenset[str] = frozenset()  # the fields that the lines name
    unverified: bool = False
    marked: str = ""  # why a rule let it pass with a mark
    guest_create: bool = False
    visibility: Visibility = Visibility.INTERNAL
    old: bool = False
    aligned: bool = False  # E3 or better by evidence, of this message or of the one that confirmed it
    event_taken: bool = False  # the invitation was the whole of the message
    last_reading: tuple[Actor, Account | None, Reading] | None = None  # it is asked for several times a message
    fresh: Fresh = field(init=False)

    def __post_init__(self) -> None:
        self.fresh = Fresh(self.delivery.seed)

    @property
    def message(self) -> Message:
        return self.delivery.message

    @property
    def record(self) -> RecordState | None:
        return self.snapshot.records.get(self.found.record) if self.found.record else None

    @property
    def table(self) -> str:
        return self.record.table if self.record is not None else self.route.table

    def note(self, step: str, result: str, why: Saying | str = "") -> None:
        self.steps.append(Step(step, result, why if isinstance(why, str) else english().say(why)))

    def settle(self, disposition: Disposition, reason: Reason, why: Saying | str = "") -> Decision:
        """End the walk here; the trace's last step says how and why. What the author is told of it is a Saying."""
        self.note("settle", f"{disposition}: {reason}", why or SENTENCES[reason])
        plan = self.plan or Changeset()
        return Decision(
            delivery=self.delivery.id,
            disposition=disposition,
            reason=reason,
            trace=tuple(self.steps),
            actor=self.actor,
            author=self.message.author,
            account=self.account_key,
            target=self.target,
            verified=self.actor.proven,
            changes=plan.changes,
            communications=plan.communications,
            correspondents=plan.correspondents,
            effects=plan.effects,
            files=self.files,
            used_token=self.found.token.hash if self.found.token else None,
            bad_token=self.found.bad,
            turns=plan.turns,
            outbox=plan.outbox,
            held_back=plan.held_back,
            gathered=plan.gathered,
            jobs=plan.jobs,
            following=plan.following,
            appointments=plan.appointments,
            right=self.used_right,
            guest_create=self.guest_create,
            why=why if isinstance(why, Saying) else None,
            undoes=plan.undoes,
            asks=self.asks,
        )

    def _account(self, key: str) -> Account | None:
        return self.setup.accounts.get(key) if key else None

    def _to_catch_all(self, reason: Reason, why: str) -> Decision:
        """Redirect whole to the site's catch_all, else hold; what the scanner objects to goes nowhere."""
        if self.delivery.infected:
            return self.settle(Disposition.HOLD, Reason.INFECTED)
        if not self.setup.site.catch_all:
            return self.settle(Disposition.HOLD, reason, f"{why}; no catch_all is set")
        decision = self.settle(Disposition.REDIRECT, reason, why)
        draft = replies.redirect(decision, self.message, self.record, self.setup, self.fresh)
        return replace(decision, outbox=(draft,))

    def reading(self, of: Actor | None = None) -> Reading:
        """How somebody's texts are read, the author's if nobody else's, and how values are shown to him.

        In his zone and language, and as far as he may read.
        """
        actor = of or self.actor
        if self.last_reading is not None and self.last_reading[0] is actor and self.last_reading[1] is self.account:
            return self.last_reading[2]
        person = actor.person if actor.person and not actor.lent else None
        zone = (person.time_zone if person else "") or self.setup.site.time_zone

        def knows(record: RecordState) -> bool:
            return may_know(actor, record, self.setup, self.snapshot)

        def found(table: str, text: str) -> tuple[str, ...]:
            uuids = find_records(table, text, self.snapshot, self.setup)
            if has_role(actor.person):
                return uuids
            return tuple(uuid for uuid in uuids if knows(self.snapshot.records[uuid]))

        def near(table: str, text: str) -> str:
            if not table:  # who works here is for those who do
                return nearest(text, self.snapshot.person_names) if has_role(self.actor.person) else ""
            here = (r for r in self.snapshot.records.values() if r.table == table and r.title and not r.deleted)
            return nearest(text, [record.title for record in here if knows(record)])

        made = Reading(
            zone=ZoneInfo(zone),
            language=self._language_of(actor, person),
            now=self.delivery.received_at,
            find_records=found,
            find_persons=lambda text: find_persons(text, self.snapshot),
            titles=Titles(self.snapshot, self.setup, knows),
            persons={key: p.name or key for key, p in self.snapshot.persons.items()},
            near=near,
        )
        self.last_reading = actor, self.account, made
        return made

    def _request(
        self,
        word: str,
        record: RecordState | None,
        values: dict[str, Any],
        prose: str,
        visibility: Visibility,
        actor: Actor | None = None,
    ) -> Request:
        return Request(
            verb=word,
            actor=actor or self.actor,
            setup=self.setup,
            snapshot=self.snapshot,
            fresh=self.fresh,
            now=self.snapshot.now,
            table=record.table if record is not None else self.route.table,
            record=record,
            account_key=self.account_key,
            account=self.account,
            message=self.message,
            values=values,
            prose=prose,
            files=self.files,
            visibility=visibility,
            explicit=bool(self.verb) and self.verb in actions and actions[self.verb].takes_lines(record is not None),
            unverified=self.unverified,
            marked=self.marked,
            outsider=not has_role((actor or self.actor).person),
            reading=self.reading(actor),
            run=run_of(self.process, self.setup, {}, self.message) if self.process else None,
            view=self.view,
        )

    def _language_of(self, actor: Actor, person: Person | None) -> str:
        """The person's language, else his contact's, the account's, the site's; "" decides nothing."""
        return replies.language_of(actor.address, person, self.account, self.snapshot, self.setup)

    @property
    def policy(self) -> str:
        return policy_of(self.setup, self.account)

    @property
    def released(self) -> bool:
        """A person vouched for the author and let the message through."""
        return self.delivery.override is not None and not self.confirmed

    @property
    def confirmed(self) -> bool:
        """The author confirmed what the message asks: by its code, or by the button of a page."""
        return self.delivery.override is not None and self.delivery.override.kind == "confirm"

    def _sure(self, level: Assurance) -> bool:
        """Is the actor as sure as a line of the table asks? A person's release vouches for the author."""
        if self.released:
            return True
        if level is Assurance.E4 and self.actor.level is Assurance.E5 and not self.aligned:
            return False  # the line says: E4, or E3 + E5
        return self.actor.level >= needed(level, self.policy)

    def _reaches(self, right: Right | None, record: RecordState) -> str:
        bound = self.snapshot.correspondents.get(record.uuid, {})
        assert right is not None  # noqa: S101  asked by the callers
        return reaches(self.actor, right, record, self.setup, bound, self.snapshot.records)

    def _who_is(self) -> Saying:
        if self.actor.person is None:
            return as_written(self.actor.address) if self.actor.address else saying("who.author")
        return saying("who.guest", key=self.actor.key) if self.actor.lent else as_written(self.actor.person.key)
