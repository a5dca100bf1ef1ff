"""What becomes of one delivery: rules, route, identity, command, rights, action, in this order. Pure.

`decide` is the only caller of an action's plan(). It looks at a Snapshot and returns a Decision; `lay` puts a
decision over the snapshot, so that the next delivery of the batch sees what the one before it did.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from addressee.core import lines, replies
from addressee.core.action import Action, Changeset, Request, Target
from addressee.core.addresses import normal
from addressee.core.attachments import sort_files
from addressee.core.authorise import EXTENTS, extent, field_access, has_role, is_staff, needed, reaches
from addressee.core.command import verb
from addressee.core.fieldtype import Reading
from addressee.core.identify import Identity, identify, policy_of
from addressee.core.lookup import Titles, find_persons, find_records, may_know
from addressee.core.message import Message, Nature
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import actions, fields, rules
from addressee.core.route import Kind, Route, route
from addressee.core.setup import Account, Setup
from addressee.core.threads import Found, find, other_numbers
from addressee.core.values import (
    Actor,
    Assurance,
    Decision,
    Delivery,
    Disposition,
    FileDecision,
    Fresh,
    LineFault,
    RecordState,
    Right,
    Snapshot,
    Step,
    Visibility,
)

NOBODY = Actor(None, "", Assurance.E0)
# Words that are commands of DESIGN section 4 and not built yet: told so, never taken for text.
LATER = frozenset({"undo", "event", "task", "run", "follow", "unfollow", "restore"})
_SKIPPED_BY_RELEASE = frozenset({"spam", "blocked"})


def decide(delivery: Delivery, snapshot: Snapshot, setup: Setup) -> Decision:
    """All that follows from one delivery. Reads the snapshot, changes nothing."""
    walk = _Walk(delivery, snapshot, setup)
    decision = walk.decide()
    if decision.disposition is Disposition.HOLD and decision.target and delivery.override is None:
        earlier = snapshot.held.get((delivery.message.identity, decision.target), delivery.id)
        if earlier != delivery.id:  # one copy waits for a person; a second would only be in the way
            repeated = walk.settle(Disposition.DISCARD, Reason.DUPLICATE, "the same message waits for a person already")
            return replace(repeated, duplicate_of=earlier, changes=(), communications=(), effects=())
    return walk.answered(decision)


@dataclass(slots=True)
class _Walk:
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
    plan: Changeset | None = None
    used_right: str = ""
    named: frozenset[str] = frozenset()  # the fields that the lines name
    unverified: bool = False
    guest_create: bool = False
    visibility: Visibility = Visibility.INTERNAL
    old: bool = False
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

    def note(self, step: str, result: str, why: str = "") -> None:
        self.steps.append(Step(step, result, why))

    def settle(self, disposition: Disposition, reason: Reason, why: str = "") -> Decision:
        """End the walk here; the trace's last step says how and why."""
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
            right=self.used_right,
            guest_create=self.guest_create,
        )

    # ------------------------------------------------------------ the order of things

    def decide(self) -> Decision:
        return (
            self._before_route()
            or self._find_target()
            or self._who()
            or self._refused_by_person()
            or self._for_people()
            or self._automatic()
            or self._repeated()
            or self._history()
            or self._too_large()
            or self._act()
        )

    def _too_large(self) -> Decision | None:
        most = self.setup.option("message_size_bytes")
        if self.message.size_bytes <= most or self.delivery.override is not None:
            return None
        why = f"{self.message.size_bytes:,} bytes; the option message_size_bytes allows {most:,}"
        return self.settle(Disposition.HOLD, Reason.TOO_LARGE, why)

    def _before_route(self) -> Decision | None:
        message, override = self.message, self.delivery.override
        if override is not None:
            self.note("override", override.kind, f"{override.by} decided so")
        if not self.setup.site.inbound and override is None:
            return self.settle(Disposition.HOLD, Reason.INBOUND_OFF)
        for name, rule in sorted(rules.items(), key=lambda entry: entry[1].order):
            if override is not None and name in _SKIPPED_BY_RELEASE:
                continue
            verdict = rule.check(message, self.delivery.envelope, self.setup)
            if verdict is not None:
                self.note("rule", name, verdict[2])
                return self.settle(verdict[0], verdict[1], verdict[2])
        self.note("rules", "passed", "no loop, no spam mark, not on the block list")
        return None

    def _find_target(self) -> Decision | None:
        override = self.delivery.override
        if override is not None and override.kind == "route":
            self.route = Route(
                Kind.TABLE,
                self.delivery.recipient,
                table=override.table,
                account=self.setup.default_account.get(override.table, ""),
            )
        else:
            if not self.delivery.recipient:
                return self.settle(Disposition.HOLD, Reason.NO_RECIPIENT)
            self.route = route(self.delivery.recipient, self.setup)
        self.note("route", self.route.kind.value, _route_why(self.route))
        if self.route.kind is Kind.NONE:
            self.target = f"address:{self.route.address}"[:80]
            return self.settle(Disposition.HOLD, Reason.NO_SUCH_ADDRESS)
        if self.route.kind is Kind.RESERVED:
            self.target = f"name:{self.route.address}"[:80]
            return None
        if override is not None and override.kind == "route":
            where = (Step("identify record", override.table, f"{override.by} said so"),)
            self.found = Found(override.record, "a person", steps=where)
        else:
            thread = self._account(self.route.account)
            per_thread = thread is None or thread.one_per_thread
            self.found = find(self.message, self.route, self.snapshot, self.setup, one_per_thread=per_thread)
        self.steps += self.found.steps
        record = self.record
        self.account_key = self._account_key()
        self.account = self._account(self.account_key)
        if record is None and self.found.trouble is not None and self.route.kind is not Kind.TABLE:
            self.target = f"address:{self.route.token or self.route.record}"[:80]
            return self._who() or self._repeated() or self.settle(Disposition.HOLD, self.found.trouble)
        if record is None and self.route.kind is not Kind.TABLE:
            return self._who() or self.settle(Disposition.HOLD, Reason.NO_TABLE)
        self.target = f"record:{record.uuid}" if record is not None else f"table:{self.route.table}"
        if not self.setup.tables[self.table].inbound and override is None:
            return self.settle(Disposition.HOLD, Reason.INBOUND_OFF, f"{self.table} takes no mail")
        return None

    def _account(self, key: str) -> Account | None:
        return self.setup.accounts.get(key) if key else None

    def _account_key(self) -> str:
        """DESIGN section 2: a reply address uses the account that sent, every other address of a table its default."""
        if self.route.token and self.found.account in self.setup.accounts:
            return self.found.account
        return self.route.account or self.setup.default_account.get(self.table, "")

    def _for_people(self) -> Decision | None:
        if self.route.kind is not Kind.RESERVED:
            return None
        return self._repeated() or self._to_catch_all(Reason.FOR_PEOPLE, "mail to this name is for a person")

    def _to_catch_all(self, reason: Reason, why: str) -> Decision:
        """Redirect whole to the site's catch_all, else hold."""
        if not self.setup.site.catch_all:
            return self.settle(Disposition.HOLD, reason, f"{why}; no catch_all is set")
        decision = self.settle(Disposition.REDIRECT, reason, why)
        draft = replies.redirect(decision, self.message, self.record, self.setup, SENTENCES[reason], self.fresh)
        return replace(decision, outbox=(draft,))

    def _who(self) -> Decision | None:
        author = self.message.author or ""
        known = bool(author) and (
            author in self.snapshot.person_by_address
            or bool(self.snapshot.contacts.get(author))
            or author in self.snapshot.written_to
        )
        self.identity = identify(
            self.message, self.delivery.envelope, self.found.token, known, self.account, self.setup, self.snapshot
        )
        self.actor = self.identity.actor
        self.steps += self.identity.steps
        alike = self.snapshot.same_id.get(self.message.message_id, set()) - {self.message.identity}
        if alike:
            self.note("message id", "seen before", "on a message with another body or author: this is another message")
        if self.found.bad and self.delivery.override is None:
            tried = self.snapshot.count(author or "(no author)").bad_tokens_hour
            if tried >= self.setup.option("bad_tokens_per_hour"):
                return self.settle(Disposition.HOLD, Reason.BAD_TOKENS)
        return None

    def _refused_by_person(self) -> Decision | None:
        override = self.delivery.override
        if override is None or override.kind != "reject":
            return None
        return self.settle(Disposition.REJECT, Reason.REFUSED_BY_PERSON, f"refused by {override.by}")

    def _automatic(self) -> Decision | None:
        """Law 14: vacation and bounce mail is shown on the record it answers and does nothing else."""
        message = self.message
        if message.nature not in (Nature.AUTO_REPLIED, Nature.BOUNCE, Nature.FEEDBACK):
            return None
        bounce = message.nature is not Nature.AUTO_REPLIED
        reason = Reason.BOUNCE if bounce else Reason.AUTO_REPLY
        self.note("nature", message.nature.value, "it never commands, never makes a record, is never answered")
        ours = self.found.token is not None or self.found.how.startswith(("token", "reference to mail of ours"))
        if self.record is None or not ours:
            return self.settle(
                Disposition.DISCARD, reason, "it answers no mail of a record; it is kept, nobody is told"
            )
        repeated = self._repeated()
        if repeated is not None:
            return repeated
        self.old = self._is_old()
        request = self._request("comment", self.record, {}, message.new_text, Visibility.INTERNAL)
        shown = replies.linked(request, self.record.uuid, "bounce" if bounce else "mail")
        self.plan = Changeset(communications=(shown,))
        return self.settle(Disposition.ACCEPT, reason)

    def _repeated(self) -> Decision | None:
        """Law 3: this message had its effect on this target before."""
        earlier = self.snapshot.applied.get((self.message.identity, self.target))
        if earlier is None:
            return None
        decision = self.settle(Disposition.DISCARD, Reason.DUPLICATE, "it had its effect here already")
        return replace(decision, duplicate_of=earlier or None)

    def _history(self) -> Decision | None:
        """Law 8: old mail is stored and linked, and that is all, unless the account says it is work."""
        self.old = self._is_old()
        if not self.old or (self.account is not None and self.account.history == "work"):
            return None
        self.note("history", "old mail", "it arrived long ago, or was taken as history")
        places = [self.record.uuid] if self.record is not None else self._contacts()
        if not places:
            return self.settle(Disposition.DISCARD, Reason.HISTORY, "old mail that names no record or contact: kept")
        may = self.record is None or self._comment_right(self.record)[0]
        visibility = Visibility.PUBLIC if not has_role(self.actor.person) and may else Visibility.INTERNAL
        drafts = []
        for uuid in places:
            request = self._request("comment", self.snapshot.records[uuid], {}, self.message.new_text, visibility)
            drafts.append(replies.linked(request, uuid, "mail"))
        self.files = tuple(FileDecision(a, True, "inline" if a.inline else "") for a in self.message.attachments)
        self.plan = Changeset(communications=tuple(drafts))
        return self.settle(Disposition.ACCEPT, Reason.HISTORY)

    def _contacts(self) -> list[str]:
        return [u for u in self.snapshot.contacts.get(self.message.author or "", []) if u in self.snapshot.records]

    def _is_old(self) -> bool:
        envelope = self.delivery.envelope
        if envelope.history:
            return True
        arrived = envelope.arrived_at or self._received_by_us()
        return arrived is not None and arrived < self.snapshot.now - timedelta(days=self.setup.option("history_days"))

    def _received_by_us(self) -> datetime | None:
        """When our own server took it: only its own Received tells, on top, and where it stands between us and them."""
        ids = {name.lower() for name in self.setup.site.authserv_ids}
        top = min(self.message.received, key=lambda r: r.position, default=None)
        return top.at if top is not None and top.by in ids and self.delivery.envelope.trusted else None

    # ------------------------------------------------------------ what it asks for, and whether it may

    def _act(self) -> Decision:
        record = self.record
        if record is not None and record.deleted:
            proven = self.actor.proven and self.delivery.override is None
            return self.settle(Disposition.REJECT if proven else Disposition.HOLD, Reason.DELETED_RECORD)
        self.files = sort_files(self.message, self.account, self.setup)
        for left_out in (f for f in self.files if not f.stored):
            self.note("attachment", "left out", f"{left_out.attachment.name}: {left_out.reason}")
        if self.found.dead is not None and self.delivery.override is None:
            return self._impossible(self.found.dead)
        self.verb, why_none = self._command_word()
        if why_none:
            self.note("command", "text only", why_none)
        elif self.verb:
            self.note("command", self.verb, "the subject is this word alone")
        else:
            self.note("command", "none", "the subject is no command word")
        text = lines.read_text(
            self.message,
            self.verb,
            self.setup.tables[self.table],
            self.account,
            self.setup,
            trusted=self._may_set_values(),
        )
        if text.passed:
            self.note("value", "passed over", f"labels that name no field: {', '.join(text.passed)[:200]}")
        if self.verb in LATER:
            return self._refused(Reason.NOT_BUILT)
        if text.doubt is not None:
            self.faults = text.faults
            return self._refused(text.doubt)
        self.named = frozenset(lines.names_set(text.body))
        values, self.faults = lines.read_values(text.body, self.setup.tables[self.table], self.reading(), self.setup)
        if record is None:
            return self._on_table(values, text.prose, why_none)
        return self._on_record(record, values, text.prose, why_none)

    def _command_word(self) -> tuple[str, str]:
        """(the command word, "") or ("", why a word in the subject does not count)."""
        known = {*actions, *LATER}
        word = verb(self.message.subject, known, self.setup)
        override = self.delivery.override
        if not word:
            return "", ""
        if self.message.nature is not Nature.PERSON:
            return "", "the subject of automatic or bulk mail is no command"
        if self.message.author is None:
            return "", f"the author is ambiguous ({self.message.author_doubt}), so it cannot command"
        if self.found.conflict:
            return "", "its addresses, tokens and numbers name different records"
        if self.found.bad:
            return "", "it holds a reply token that was never issued"
        if self.record is not None and other_numbers(self.message.subject, self.record, self.setup):
            return "", "its subject names another record"
        if override is not None and override.kind == "comment":
            return "", "released as a comment"
        if not self._addressed_openly():
            return "", "no address of ours stands in To or Cc, and the author is below E4"
        return word, ""

    def _addressed_openly(self) -> bool:
        """Law 15: the recipient, or another address of its table or account, stands in To or Cc, or E4 or E6."""
        if self.actor.level in (Assurance.E4, Assurance.E5, Assurance.E6) or self.delivery.override is not None:
            return True
        for mailbox in (*self.message.to, *self.message.cc):
            named = route(mailbox.address, self.setup)
            if named.kind is Kind.NONE:
                continue
            if named.address == self.route.address or (named.account and named.account == self.account_key):
                return True
            if named.table and named.table == self.table:
                return True
            if self.record is not None and named.record == self.record.uuid:
                return True
        return False

    def _may_set_values(self) -> bool:
        """Laws 14 and 15 for values in a mail without a command: whose author is clear, and which is meant for us."""
        override = self.delivery.override
        return (
            self.message.author is not None
            and not self.found.conflict
            and not self.found.bad
            and not (override is not None and override.kind == "comment")
            and self._addressed_openly()
        )

    def reading(self) -> Reading:
        """How the author's texts are read and values are shown to him: in his zone, and as far as he may read."""
        person = self.actor.person if self.actor.person and not self.actor.lent else None
        zone = (person.time_zone if person else "") or self.setup.site.time_zone

        def knows(record: RecordState) -> bool:
            return may_know(self.actor, record, self.setup, self.snapshot)

        def found(table: str, text: str) -> tuple[str, ...]:
            uuids = find_records(table, text, self.snapshot, self.setup)
            if has_role(self.actor.person):
                return uuids
            return tuple(uuid for uuid in uuids if knows(self.snapshot.records[uuid]))

        return Reading(
            zone=ZoneInfo(zone),
            find_records=found,
            find_persons=lambda text: find_persons(text, self.snapshot),
            titles=Titles(self.snapshot, self.setup, knows),
            persons={key: p.name or key for key, p in self.snapshot.persons.items()},
        )

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
            explicit=self.verb in ("create", "update"),
            unverified=self.unverified,
            outsider=not has_role((actor or self.actor).person),
            reading=self.reading(),
        )

    @property
    def policy(self) -> str:
        return policy_of(self.setup, self.account)

    def _sure(self, level: Assurance) -> bool:
        """Is the actor as sure as a line of the table asks? A person's release vouches for the author."""
        return self.delivery.override is not None or self.actor.level >= needed(level, self.policy)

    # ------------------------------------------------------------ on a table

    def _on_table(self, values: dict[str, Any], prose: str, why_none: str) -> Decision:
        word = self.verb or "create"
        action: Action = actions[word]
        if action.target is Target.RECORD:
            return self._impossible(Reason.NO_RECORD)
        if word != "create":
            return self._answered_only(action, prose)
        actor, refusal = self._creator()
        self.actor = actor
        if refusal is not None:
            return self.settle(Disposition.HOLD, *refusal)
        denied = self._denied(None, values)
        if denied:
            return self.settle(Disposition.HOLD, Reason.NOT_PERMITTED, denied)
        if self.faults and not self.delivery.override:
            self._note_faults()
            return self._impossible(self._fault_reason())
        if self.faults:  # a person released it: the text counts, its lines do not
            values, prose = {}, self.message.new_text
        if actor.lent and self._sensitive(values) and not self._sure(Assurance.E4):
            return self.settle(Disposition.HOLD, Reason.CONFIRM, "a sensitive field asks a guest for E4")
        if not self.message.subject.strip() and not prose and not self.message.attachments and not values:
            return self.settle(Disposition.HOLD, Reason.EMPTY)
        self.unverified = not self.actor.level >= Assurance.E3 and self.delivery.override is None
        visibility = Visibility.INTERNAL if has_role(actor.person) else Visibility.PUBLIC
        plan = action.plan(self._request("create", None, values, prose, visibility))
        faults = self._missing(plan) or self._taken(plan)
        if faults:
            self.faults = faults
            self._note_faults()
            return self._impossible(Reason.BAD_VALUE)
        self.plan = plan
        self.visibility = visibility
        self._note_plan()
        if why_none:
            return self.settle(Disposition.ACCEPT, Reason.TEXT_ONLY, why_none)
        return self.settle(Disposition.ACCEPT, Reason.UNVERIFIED if self.unverified else Reason.DONE)

    def _impossible(self, reason: Reason, why: str = "") -> Decision:
        """Nothing to land on: rejected where the author can be told so, else a person decides."""
        sure = self.actor.level >= Assurance.E3  # by policy `open` too: he is answered then
        told = sure and self.delivery.override is None and self.message.nature is Nature.PERSON
        return self.settle(Disposition.REJECT if told else Disposition.HOLD, reason, why)

    def _creator(self) -> tuple[Actor, tuple[Reason, str] | None]:
        """With whose rights the record may be made: the author's own, the guest's, or why not at all."""
        actor, guest = self.actor, self.identity.guest
        table = self.route.table
        override = self.delivery.override
        if override is not None:
            self.used_right = f"{override.kind} by {override.by}"
            return actor, None
        if self.account is not None and not self.account.create:
            return actor, (Reason.CREATE_OFF, f"account {self.account_key} makes no records")
        if has_role(actor.person):
            if self._sure(Assurance.E3):
                if extent(actor.person, Right.CREATE, table, self.setup) == "none":
                    return actor, (Reason.NOT_PERMITTED, f"no role of {actor.key} may create in {table}")
                self.used_right = f"create on {table} by role"
                self.note("authorise", "create", f"a role of {actor.key} may create in {table}")
                return actor, None
            if guest is None:
                return actor, (Reason.NOT_PROVEN, "")
            self.note("authorise", "as a guest", f"{actor.key} is not sure enough, so the guest's rights count")
        if guest is None:
            return actor, (Reason.STRANGER, "the account lends strangers no guest's rights")
        if not self._sure(Assurance.E0):
            return guest, (Reason.NOT_PROVEN, "the policy asks one level more")
        if extent(guest.person, Right.CREATE, table, self.setup) == "none":
            return guest, (Reason.NOT_PERMITTED, f"the guest {guest.key} may not create in {table}")
        limited = self._guest_limit(guest)
        if limited:
            return guest, (Reason.RATE_LIMIT, limited)
        self.used_right = f"create on {table} lent by guest {guest.key}"
        self.guest_create = True
        self.note("authorise", "create", f"the guest {guest.key} may create in {table}")
        return guest, None

    def _guest_limit(self, guest: Actor) -> str:
        address = guest.address or "(no author)"
        domain = "@" + address.rpartition("@")[2]
        per_address, per_domain = self.setup.option("creates_per_hour"), self.setup.option("domain_creates_per_hour")
        if self.snapshot.count(address).creates_hour >= per_address:
            return f"{per_address} records an hour for one address"
        if self.snapshot.count(domain).creates_hour >= per_domain:
            return f"{per_domain} records an hour for one domain"
        return ""

    def _answered_only(self, action: Action, prose: str) -> Decision:
        """help on a table: an answer and nothing else."""
        rights = (Right.CREATE, Right.READ, Right.COMMENT, Right.UPDATE)
        if all(extent(self.actor.person, right, self.table, self.setup) == "none" for right in rights):
            return self.settle(Disposition.HOLD, Reason.NOT_PERMITTED, f"{self._who_is()} has no right on {self.table}")
        if not self._sure(action.least):
            return self.settle(Disposition.HOLD, Reason.NOT_PROVEN)
        request = self._request(action.name, None, {}, prose, Visibility.INTERNAL)
        self.plan = action.plan(request)
        return self.settle(Disposition.ACCEPT, Reason.DONE)

    # ------------------------------------------------------------ on a record

    def _on_record(self, record: RecordState, values: dict[str, Any], prose: str, why_none: str) -> Decision:
        word = self.verb or ("update" if self.named else "comment")
        if why_none:
            return self._commented(record, self.message.new_text, Reason.TEXT_ONLY, why_none)
        if word == "create":
            why = "create asks for the address of a table, and this message is about a record"
            return self._commented(record, self.message.new_text, Reason.TEXT_ONLY, why)
        if word in ("comment", "attach"):
            return self._commented(record, prose, Reason.DONE)
        return self._commanded(record, actions[word], values, prose)

    def _commanded(self, record: RecordState, action: Action, values: dict[str, Any], prose: str) -> Decision:
        """A command on a record: the right first, refused by name; then the level, by asking (DESIGN section 4)."""
        if action.name == "update" and self.named and self.named <= self._unchanged(record, values):
            return self._commented(record, prose, Reason.DONE)
        reach = self._reach_of(action, record)
        denied = "" if reach else f"no right of {self._who_is()} to {action.name} reaches this record"
        denied = denied or self._denied(record, values)
        if denied:
            return self._commented(record, self.message.new_text, Reason.NOT_PERMITTED, denied)
        if self.faults:
            self._note_faults()
            return self._commented(record, self.message.new_text, self._fault_reason())
        if action.name == "update":
            if self.account is not None and self.account.replies == "record_only":
                return self._commented(record, self.message.new_text, Reason.RECORD_ONLY)
            values = {name: value for name, value in values.items() if record.values.get(name) != value}
            if not values:
                return self._commented(record, prose, Reason.DONE)
        least = Assurance.E4 if self._sensitive(values) else action.least
        if not self._sure(least):
            asks = least >= Assurance.E4 or self.actor.level >= Assurance.E1
            why = (
                f"{action.name} asks for E{int(needed(least, self.policy))}, the author is at E{int(self.actor.level)}"
            )
            return self.settle(Disposition.HOLD, Reason.CONFIRM if asks else Reason.NOT_PROVEN, why)
        self.visibility, prose = self._visibility(record, prose)
        plan = action.plan(self._request(action.name, record, values, prose, self.visibility))
        taken = self._taken(plan)
        if taken:
            self.faults = taken
            self._note_faults()
            return self._commented(record, self.message.new_text, Reason.BAD_VALUE)
        self.plan = plan
        self.used_right = f"{action.name} on {record.table}: {reach}"
        self.note("authorise", action.name, f"reaches {reach} records of {record.table}")
        self._note_plan()
        return self.settle(Disposition.ACCEPT, Reason.DONE)

    def _reach_of(self, action: Action, record: RecordState) -> str:
        """How far the right that an action needs reaches here; `help` needs any that lets the author see or write."""
        rights = (action.needs,) if action.needs else (Right.READ, Right.COMMENT, Right.UPDATE)
        return max((self._reaches(right, record) for right in rights), key=lambda far: EXTENTS.index(far or "none"))

    def _commented(self, record: RecordState, prose: str, reason: Reason, why: str = "") -> Decision:
        """Text and files of the message become a communication where the author may comment."""
        may, how = self._comment_right(record)
        if not may:
            return self._no_comment(record, reason, why, how)
        self.used_right = how
        self.note("authorise", "comment", how)
        self.visibility, prose = self._visibility(record, prose)
        action: Action = actions["comment"]
        self.plan = action.plan(self._request("comment", record, {}, prose, self.visibility))
        self._note_plan()
        if reason is Reason.DONE and self.unverified:
            reason = Reason.UNVERIFIED
        return self.settle(Disposition.ACCEPT, reason, why)

    def _comment_right(self, record: RecordState) -> tuple[bool, str]:
        """E3 and a right, or a token by the address it was issued to, or shown unverified by the account's will."""
        override = self.delivery.override
        if override is not None:
            return True, f"{override.kind} by {override.by}"
        own_token = self.actor.token is not None and self.found.token is not None and self._sure(Assurance.E2)
        if own_token and not has_role(self.actor.person):
            return True, "the reply token was issued to this address for this record"
        reach = self._reaches(Right.COMMENT, record)
        if not reach:
            return False, "no-right"
        if self._sure(Assurance.E3) or own_token:
            return True, f"comment on {record.table}: {reach}"
        if self.account is not None and self.account.unverified == "show":
            self.unverified = True
            return True, f"the account shows unverified mail; comment on {record.table}: {reach}"
        return False, "not-proven"

    def _no_comment(self, record: RecordState, reason: Reason, why: str, how: str) -> Decision:
        if how == "not-proven":
            return self.settle(Disposition.HOLD, Reason.NOT_PROVEN)
        answers = self.found.how.startswith(("token", "reference to mail of ours"))
        if answers and not has_role(self.actor.person):
            return self._to_catch_all(Reason.NOT_A_RECIPIENT, f"{self.actor.address or 'the author'} was not sent it")
        if reason in (Reason.DONE, Reason.TEXT_ONLY, Reason.RECORD_ONLY):
            reason = Reason.NOT_PERMITTED if self.actor.person else Reason.STRANGER
            reason = reason if self.message.author else Reason.AMBIGUOUS_AUTHOR
        return self.settle(Disposition.HOLD, reason, why or f"{self._who_is()} may not comment on this record")

    def _reaches(self, right: Right | None, record: RecordState) -> str:
        bound = self.snapshot.correspondents.get(record.uuid, {})
        assert right is not None  # noqa: S101  asked by the callers
        return reaches(self.actor, right, record, self.setup, bound, self.snapshot.records)

    def _visibility(self, record: RecordState, prose: str) -> tuple[Visibility, str]:
        """Law 16. An outsider's post is public; staff's is internal unless it answers a notice or addresses one."""
        if not has_role(self.actor.person):
            return Visibility.PUBLIC, prose
        first, _, rest = prose.lstrip().partition("\n")
        if first.strip().rstrip(":").rstrip().casefold() == "note":
            self.note("visibility", "internal", "the first line is `note`")
            return Visibility.INTERNAL, rest.strip()
        if self.found.conflict or self.unverified:
            self.note("visibility", "internal", "who wrote it, or about what, is not sure")
            return Visibility.INTERNAL, prose
        named = {normal(m.address) for m in (*self.message.to, *self.message.cc)}
        bound = self.snapshot.correspondents.get(record.uuid, {})
        addressed = [
            address
            for address, bond in bound.items()
            if address in named and bond.corresponds and not is_staff(address, self.snapshot)
        ]
        answers_notice = self.actor.token is not None and self.found.token is not None and self.found.token.notice
        if answers_notice and (self.account is None or self.account.staff_replies == "public"):
            self.note("visibility", "public", "it answers the notice of a correspondent's message")
            return Visibility.PUBLIC, prose
        if addressed:
            self.note("visibility", "public", "a correspondent of the record is addressed")
            return Visibility.PUBLIC, prose
        self.note("visibility", "internal", "staff's post, and no correspondent is addressed")
        return Visibility.INTERNAL, prose

    # ------------------------------------------------------------ refusals

    def _refused(self, reason: Reason) -> Decision:
        """A command that cannot be taken: the text still counts where the author may comment."""
        self._note_faults()
        if self.record is not None:
            return self._commented(self.record, self.message.new_text, reason)
        self.actor = self.actor if has_role(self.actor.person) else self.identity.guest or self.actor
        return self._impossible(reason)

    def _fault_reason(self) -> Reason:
        unknown = all(fault.slug == "no-such-field" for fault in self.faults)
        return Reason.NO_SUCH_FIELD if unknown else Reason.BAD_VALUE

    def _note_faults(self) -> None:
        for fault in self.faults:
            self.note("value", fault.slug, replies.fault_sentence(fault))

    def _note_plan(self) -> None:
        for happened in self.plan.effects if self.plan else ():
            named = ", ".join(happened.fields)
            self.note("effect", happened.kind, f"{happened.table}: {named}" if named else happened.table)
        for text in self.plan.notes if self.plan else ():
            self.note("note", "shortened or left", text)

    def _denied(self, record: RecordState | None, values: dict[str, Any]) -> str:
        """Which of the fields that the lines name the actor's roles keep from him, in words, or "".

        A value that he may read and sends back as it stands needs no right.
        """
        if self.delivery.override is not None and record is None:
            return ""
        same = self._unchanged(record, values) if record is not None else set()
        barred = [
            name
            for name in sorted(self.named - same)
            if field_access(self.actor.person, self.table, name, self.setup) != "write"
        ]
        return f"{self._who_is()} may not write {', '.join(barred)} of {self.table}" if barred else ""

    def _unchanged(self, record: RecordState, values: dict[str, Any]) -> set[str]:
        """The fields that the lines name, the actor may read, and whose values stand already."""
        if not self._reaches(Right.READ, record):
            return set()
        person, table = self.actor.person, record.table
        same = {name for name, value in values.items() if record.values.get(name) == value}
        return {name for name in same if field_access(person, table, name, self.setup) != "none"}

    def _sensitive(self, values: dict[str, Any]) -> bool:
        live = self.setup.tables[self.table].live_fields
        return any(live[name].sensitive for name in values)

    def _taken(self, plan: Changeset) -> tuple[LineFault, ...]:
        """The values of a plan that another record holds, where the field is unique."""
        found: list[LineFault] = []
        for change in plan.changes:
            for name, definition in self.setup.tables[change.table].live_fields.items():
                if not definition.unique or name not in change.after:
                    continue
                for key in fields[definition.type].keys(change.after[name]):
                    holder = self.snapshot.unique.get((change.table, name, key))
                    if holder is not None and holder != change.record:
                        text = str(change.after[name])
                        found.append(
                            LineFault(definition.label or name, 0, text, "a value no other record has", "taken")
                        )
        return tuple(dict.fromkeys(found))

    def _missing(self, plan: Changeset) -> tuple[LineFault, ...]:
        table = self.setup.tables[self.table]
        made = next((c for c in plan.changes if c.kind == "create" and c.table == self.table), None)
        lacking = [
            name
            for name, definition in table.live_fields.items()
            if definition.required and made is not None and made.state.values.get(name) in (None, "", [])
        ]
        return tuple(LineFault(name, 0, "", "a value; it may not be empty", "required") for name in lacking)

    def _who_is(self) -> str:
        if self.actor.person is None:
            return self.actor.address or "the author"
        return f"the guest {self.actor.key}" if self.actor.lent else self.actor.person.key

    # ------------------------------------------------------------ the answers

    def answered(self, decision: Decision) -> Decision:
        """The decision with the mails that follow from it: receipt or auto-reply, notices, the public answer on."""
        if decision.disposition in (Disposition.DISCARD, Disposition.DEFER) or decision.reason is Reason.HISTORY:
            return decision
        telling = replies.Telling(
            decision=decision,
            message=self.message,
            setup=self.setup,
            snapshot=self.snapshot,
            account_key=self.account_key,
            record=self._subject_record(decision),
            visibility=self.visibility,
            answer=self.plan.answer if self.plan else "",
            notes=self.plan.notes if self.plan else (),
            faults=self.faults,
            fresh=self.fresh,
            reading=self.reading(),
            released=self.delivery.override is not None,
            null_sender=self.delivery.envelope.transport in ("smtp", "lmtp") and not self.delivery.envelope.sender,
        )
        return replies.added(decision, replies.write(telling))

    def _subject_record(self, decision: Decision) -> RecordState | None:
        created = [c.state for c in decision.changes if c.kind == "create" and c.table == self.route.table]
        if created and self.record is None:
            return created[-1]
        mine = [c.state for c in decision.changes if self.record is not None and c.record == self.record.uuid]
        return mine[-1] if mine else self.record


def _route_why(found: Route) -> str:
    if found.kind is Kind.TABLE:
        by = f" by account {found.account}" if found.account else ""
        return f"the address leads to table {found.table}{by}"
    if found.kind is Kind.RECORD:
        return "the address is a record's"
    if found.kind is Kind.TOKEN:
        return "the address is a reply address"
    if found.kind is Kind.ACCOUNT:
        return f"the address is account {found.account}, which names no table"
    return "the address is reserved" if found.kind is Kind.RESERVED else "the address is not ours"
