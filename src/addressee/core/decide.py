"""What becomes of one delivery: rules, route, identity, command, rights, action, in this order. Pure.

`decide` is the only caller of an action's plan(). It looks at a Snapshot and returns a Decision; `lay` puts a
decision over the snapshot, so that the next delivery of the batch sees what the one before it did.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from addressee.core import replies
from addressee.core.action import Action, Changeset, Request, Target
from addressee.core.attachments import sort_files
from addressee.core.authorise import (
    addresses_of,
    extent,
    field_access,
    has_role,
    needed,
    reaches,
)
from addressee.core.body import split
from addressee.core.command import Body, between, only_one_shows, read_body, verb, without_block
from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading, fold
from addressee.core.identify import Identity, identify, policy_of
from addressee.core.message import Message, Nature
from addressee.core.numbers import read_number
from addressee.core.present import heading
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import actions, fields, rules
from addressee.core.route import Kind, Route, route
from addressee.core.setup import Account, Setup
from addressee.core.threads import Found, find
from addressee.core.values import (
    Actor,
    Assurance,
    Correspondent,
    Decision,
    Delivery,
    Disposition,
    FileDecision,
    Fresh,
    KnownMessage,
    LineFault,
    OutboxDraft,
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
            repeated = walk.settle(Disposition.DISCARD, Reason.DUPLICATE, f"delivery {earlier} waits, the same message")
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
            or self._automatic()
            or self._repeated()
            or self._history()
            or self._act()
        )

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
            return self.settle(Disposition.HOLD, Reason.NO_SUCH_ADDRESS)
        if self.route.kind is Kind.RESERVED:
            return self._to_catch_all(Reason.FOR_PEOPLE, "mail to this name is for a person")
        thread = self._account(self.route.account)
        self.found = find(
            self.message, self.route, self.snapshot, self.setup, one_per_thread=thread is None or thread.one_per_thread
        )
        if override is not None and override.kind == "route" and override.record:
            self.found = replace(self.found, record=override.record, how="a person", conflict=False, trouble=None)
        self.steps += self.found.steps
        record = self.record
        self.account_key = self.found.account or self.route.account
        if not self.account_key and record is not None:
            self.account_key = record.account or self.setup.default_account.get(record.table, "")
        self.account = self._account(self.account_key)
        if self.account is None:
            self.account_key = ""
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
            or any(author in bound for bound in self.snapshot.correspondents.values())
        )
        self.identity = identify(
            self.message, self.delivery.envelope, self.found.token, known, self.account, self.setup, self.snapshot
        )
        self.actor = self.identity.actor
        self.steps += self.identity.steps
        if self.found.bad and author and self.delivery.override is None:
            tried = self.snapshot.count(author).bad_tokens_hour
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
        request = self._request("comment", self.record, {}, message.new_text, Visibility.INTERNAL)
        shown = replies.linked(request, self.record.uuid, "bounce" if bounce else "mail")
        self.plan = Changeset(communications=(shown,))
        return self.settle(Disposition.ACCEPT, reason)

    def _repeated(self) -> Decision | None:
        """Law 3: this message had its effect on this target before."""
        earlier = self.snapshot.applied.get((self.message.identity, self.target))
        if earlier is None:
            return None
        decision = self.settle(Disposition.DISCARD, Reason.DUPLICATE, f"delivery {earlier} was the same message")
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
        ids = {name.lower() for name in self.setup.site.authserv_ids}
        mine = [r for r in self.message.received if r.by in ids]
        return min(mine, key=lambda r: r.position).at if mine else None

    # ------------------------------------------------------------ what it asks for, and whether it may

    def _act(self) -> Decision:
        record = self.record
        if record is not None and record.deleted:
            proven = self.actor.proven and self.delivery.override is None
            return self.settle(Disposition.REJECT if proven else Disposition.HOLD, Reason.DELETED_RECORD)
        self.files = sort_files(self.message, self.account, self.setup)
        for left_out in (f for f in self.files if not f.stored):
            self.note("attachment", "left out", f"{left_out.attachment.name}: {left_out.reason}")
        self.verb, why_none = self._command_word()
        body, prose, doubt = self._read_text()
        if why_none:
            self.note("command", "text only", why_none)
        elif self.verb:
            self.note("command", self.verb, "the subject is this word alone")
        else:
            self.note("command", "none", "the subject is no command word")
        if self.verb in LATER:
            return self._refused(Reason.NOT_BUILT, prose)
        if doubt is not None:
            return self._refused(doubt, prose)
        values, self.faults = self._values(body)
        if record is None:
            return self._on_table(values, prose, body)
        return self._on_record(record, values, prose, text_only=bool(why_none))

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
            return "", "its addresses and tokens name different records"
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

    def _read_text(self) -> tuple[Body, str, Reason | None]:
        """Field lines, prose, and why the lines are not to be trusted (law 15), where they are not."""
        message, table = self.message, self.setup.tables[self.table]
        namespace = self.setup.site.namespace
        text = message.new_text
        if self.verb not in ("", "create", "update"):
            return Body(), text, None
        explicit = self.verb in ("create", "update")
        marks = self.account.parse if self.account else None
        block = between(message.text, marks.begin, marks.end) if marks and not explicit else ""
        updates = self.account is not None and self.account.field_updates
        if block and updates:
            return read_body(block, table, namespace, strict=True), without_block(text, marks.begin, marks.end), None  # type: ignore[union-attr]
        if not explicit and (not updates or not self._may_hold_lines()):
            return Body(), text, None
        body = read_body(text, table, namespace, strict=explicit)
        if not explicit and not body.lines:
            return Body(), text, None
        if len(body.lines) > self.setup.option("assignment_count"):
            return body, text, Reason.TOO_MANY_LINES
        twice = body.twice()
        if twice:
            self.faults = (LineFault(twice, 0, "", "one value", "set-twice"),)
            return body, text, Reason.CONFLICTING_VALUES
        differing = self._other_alternative(body, namespace)
        if differing:
            self.faults = (LineFault(differing, 0, "", "the same in text and HTML", "one-alternative"),)
            return body, text, Reason.CONFLICTING_VALUES
        return body, body.prose if explicit else text, None

    def _may_hold_lines(self) -> bool:
        override = self.delivery.override
        return (
            self.message.nature is Nature.PERSON
            and self.message.author is not None
            and not self.found.conflict
            and not (override is not None and override.kind == "comment")
            and self._addressed_openly()
        )

    def _other_alternative(self, body: Body, namespace: str) -> str:
        message = self.message
        if not message.plain_text.strip() or not message.html_text.strip():
            return ""
        if not body.lines and ":" not in message.html_text:
            return ""
        table = self.setup.tables[self.table]
        other = read_body(split(message.html_text).new_text, table, namespace, strict=False)
        return only_one_shows(body.lines, other.lines)

    def _values(self, body: Body) -> tuple[dict[str, Any], tuple[LineFault, ...]]:
        """The values of the field lines, and every line that could not be read."""
        table = self.setup.tables[self.table]
        reading = self.reading()
        limit = self.setup.option("value_size_bytes")
        values: dict[str, Any] = {}
        faults = [LineFault(u.name, u.line, "", u.nearest, "no-such-field") for u in body.unknown]
        for line in body.lines:
            definition = table.live_fields[line.field]
            kind = fields[definition.type]
            if not kind.by_text:
                faults.append(LineFault(line.name, line.line, line.text, "files sent with the mail", "not-by-text"))
                continue
            if len(line.text) > limit:
                faults.append(LineFault(line.name, line.line, line.text[:80], f"at most {limit} bytes", "too-long"))
                continue
            try:
                value = kind.parse(line.text, definition, reading)
            except BadValue as fault:
                expected = str(fault.data.get("expected") or kind.expected(definition))
                faults.append(LineFault(line.name, line.line, line.text, expected, fault.slug, _hint(fault)))
                continue
            if value is None and definition.required:
                faults.append(LineFault(line.name, line.line, "", "a value; it may not be empty", "required"))
                continue
            values[line.field] = value
        return values, tuple(faults)

    def reading(self) -> Reading:
        person = self.actor.person if self.actor.person and not self.actor.lent else None
        zone = (person.time_zone if person else "") or self.setup.site.time_zone
        return Reading(
            zone=ZoneInfo(zone),
            find_records=lambda table, text: find_records(table, text, self.snapshot, self.setup),
            find_persons=lambda text: find_persons(text, self.snapshot),
            titles=Titles(self.snapshot, self.setup),
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

    def _on_table(self, values: dict[str, Any], prose: str, body: Body) -> Decision:
        word = self.verb or "create"
        action: Action = actions[word]
        if action.target is Target.RECORD:
            if not self.actor.proven:
                return self.settle(Disposition.HOLD, Reason.NO_RECORD)
            return self.settle(Disposition.REJECT, Reason.NO_RECORD)
        if word != "create":
            return self._answered_only(action, prose)
        actor, refusal = self._creator()
        if refusal is not None:
            self.actor = actor
            return self.settle(Disposition.HOLD, *refusal)
        self.actor = actor
        if self.faults and not self.delivery.override:
            reason = self._fault_reason()
            self._note_faults()
            proven = actor.proven
            return self.settle(Disposition.REJECT if proven else Disposition.HOLD, reason)
        if self.faults:  # a person released it: the text counts, its lines do not
            values, prose = {}, self.message.new_text
        denied = self._denied(values, None)
        if denied:
            return self.settle(Disposition.HOLD, Reason.NOT_PERMITTED, denied)
        if self._sensitive(values) and not self._sure(Assurance.E4):
            return self.settle(Disposition.HOLD, Reason.CONFIRM, "a sensitive field asks for E4")
        if not self.message.subject.strip() and not prose and not self.message.attachments and not values:
            return self.settle(Disposition.HOLD, Reason.EMPTY)
        self.unverified = not self.actor.level >= Assurance.E3 and self.delivery.override is None
        visibility = Visibility.INTERNAL if has_role(actor.person) else Visibility.PUBLIC
        request = self._request("create", None, values, prose, visibility)
        clash = self._taken(values)
        if clash:
            self.faults = (clash,)
            self._note_faults()
            return self.settle(Disposition.REJECT if actor.proven else Disposition.HOLD, Reason.BAD_VALUE)
        plan = action.plan(request)
        missing = self._missing(plan)
        if missing:
            self.faults = missing
            self._note_faults()
            proven = actor.proven and self.delivery.override is None
            return self.settle(Disposition.REJECT if proven else Disposition.HOLD, Reason.BAD_VALUE)
        self.plan = plan
        self.visibility = visibility
        self._note_plan()
        return self.settle(Disposition.ACCEPT, Reason.UNVERIFIED if self.unverified else Reason.DONE)

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
            self.note("authorise", "as a guest", f"{actor.key} is not proven, so the guest's rights count")
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
        if not self._sure(action.least):
            return self.settle(Disposition.HOLD, Reason.NOT_PROVEN)
        request = self._request(action.name, None, {}, prose, Visibility.INTERNAL)
        self.plan = action.plan(request)
        return self.settle(Disposition.ACCEPT, Reason.DONE)

    # ------------------------------------------------------------ on a record

    def _on_record(self, record: RecordState, values: dict[str, Any], prose: str, *, text_only: bool) -> Decision:
        word = self.verb if self.verb and self.verb != "create" else "comment"
        wrong_target = self.verb == "create"
        if not self.verb and (values or self.faults):
            word = "update"
        values = {name: value for name, value in values.items() if record.values.get(name) != value}
        if self.faults:
            self._note_faults()
            return self._commented(record, self.message.new_text, self._fault_reason())
        if word == "update" and not values:
            word = "comment"
        if word == "update" and self.account is not None and self.account.replies == "record_only" and not self.verb:
            return self._commented(record, prose, Reason.RECORD_ONLY)
        if word in ("comment", "attach"):
            reason = Reason.TEXT_ONLY if text_only or wrong_target else Reason.DONE
            return self._commented(record, prose, reason)
        return self._commanded(record, actions[word], values, prose)

    def _commanded(self, record: RecordState, action: Action, values: dict[str, Any], prose: str) -> Decision:
        """A command on a record: the right first, refused by name; then the level, by asking (DESIGN section 4)."""
        reach = self._reaches(action.needs, record) if action.needs else "anyone"
        denied = "" if reach else f"no right of {self._who_is()} to {action.name} reaches this record"
        denied = denied or self._denied(values, record)
        if denied:
            return self._commented(record, prose, Reason.NOT_PERMITTED, denied)
        least = Assurance.E4 if self._sensitive(values) else action.least
        if not self._sure(least):
            asks = least >= Assurance.E4 or self.actor.level >= Assurance.E1
            why = (
                f"{action.name} asks for E{int(needed(least, self.policy))}, the author is at E{int(self.actor.level)}"
            )
            return self.settle(Disposition.HOLD, Reason.CONFIRM if asks else Reason.NOT_PROVEN, why)
        clash = self._taken(values)
        if clash:
            self.faults = (clash,)
            self._note_faults()
            return self._commented(record, self.message.new_text, Reason.BAD_VALUE)
        self.used_right = f"{action.name} on {record.table}: {reach}"
        self.note("authorise", action.name, f"reaches {reach} records of {record.table}")
        self.visibility, prose = self._visibility(record, prose)
        self.plan = action.plan(self._request(action.name, record, values, prose, self.visibility))
        self._note_plan()
        return self.settle(Disposition.ACCEPT, Reason.DONE)

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
        if self.actor.token is not None and self.found.token is not None and self._sure(Assurance.E2):
            return True, "the reply token was issued to this address for this record"
        reach = self._reaches(Right.COMMENT, record)
        if not reach:
            return False, "no-right"
        if self._sure(Assurance.E3):
            return True, f"comment on {record.table}: {reach}"
        if self.account is not None and self.account.unverified == "show":
            self.unverified = True
            return True, f"the account shows unverified mail; comment on {record.table}: {reach}"
        return False, "not-proven"

    def _no_comment(self, record: RecordState, reason: Reason, why: str, how: str) -> Decision:
        if how == "not-proven":
            return self.settle(Disposition.HOLD, Reason.NOT_PROVEN)
        answers = self.found.how.startswith(("token", "reference to mail of ours"))
        if self.found.trouble in (Reason.TOKEN_EXPIRED, Reason.TOKEN_REVOKED):
            proven = self.actor.proven
            return self.settle(Disposition.REJECT if proven else Disposition.HOLD, self.found.trouble)
        if answers and not has_role(self.actor.person):
            return self._to_catch_all(Reason.NOT_A_RECIPIENT, f"{self.actor.address or 'the author'} was not sent it")
        if reason in (Reason.DONE, Reason.TEXT_ONLY, Reason.RECORD_ONLY):
            reason = Reason.NOT_PERMITTED if self.actor.person else Reason.STRANGER
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
        if first.strip().casefold() == "note":
            self.note("visibility", "internal", "the first line is `note`")
            return Visibility.INTERNAL, rest.strip()
        if self.found.conflict:
            return Visibility.INTERNAL, prose
        bound = self.snapshot.correspondents.get(record.uuid, {})
        named = {m.address.lower() for m in (*self.message.to, *self.message.cc)}
        addressed = [a for a, c in bound.items() if a in named and a not in self.snapshot.person_by_address]
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

    def _refused(self, reason: Reason, prose: str) -> Decision:
        """A command that cannot be taken: the text still counts where the author may comment."""
        self._note_faults()
        record = self.record
        if record is not None:
            return self._commented(record, prose or self.message.new_text, reason)
        self.actor = self.actor if has_role(self.actor.person) else self.identity.guest or self.actor
        return self.settle(Disposition.REJECT if self.actor.proven else Disposition.HOLD, reason)

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

    def _denied(self, values: dict[str, Any], record: RecordState | None) -> str:
        """Which field the actor's roles keep from him, in words, or ""."""
        if self.delivery.override is not None and record is None:
            return ""
        table = record.table if record is not None else self.route.table
        barred = [n for n in values if field_access(self.actor.person, table, n, self.setup) != "write"]
        return f"{self._who_is()} may not write {', '.join(barred)} of {table}" if barred else ""

    def _sensitive(self, values: dict[str, Any]) -> bool:
        live = self.setup.tables[self.table].live_fields
        return any(live[name].sensitive for name in values)

    def _taken(self, values: dict[str, Any]) -> LineFault | None:
        """A value that another record holds, where the field is unique."""
        table = self.setup.tables[self.table]
        for name, value in values.items():
            definition = table.live_fields[name]
            if definition.unique and value is not None:
                for key in fields[definition.type].keys(value):
                    holder = self.snapshot.unique.get((self.table, name, key))
                    if holder is not None and holder != self.found.record:
                        return LineFault(
                            definition.label or name, 0, str(value), "a value no other record has", "taken"
                        )
        return None

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
        )
        drafts, notes = replies.write(telling)
        return replace(
            decision, outbox=(*decision.outbox, *drafts), trace=(*decision.trace, *(Step("answer", *n) for n in notes))
        )

    def _subject_record(self, decision: Decision) -> RecordState | None:
        created = [c.state for c in decision.changes if c.kind == "create" and c.table == self.route.table]
        if created and self.record is None:
            return created[-1]
        mine = [c.state for c in decision.changes if self.record is not None and c.record == self.record.uuid]
        return mine[-1] if mine else self.record


# ---------------------------------------------------------------- looking up


class Titles(dict[str, tuple[str, str]]):
    """uuid -> (table, what the record is called), made when asked."""

    def __init__(self, snapshot: Snapshot, setup: Setup) -> None:
        super().__init__()
        self._snapshot, self._setup = snapshot, setup

    def __missing__(self, uuid: str) -> tuple[str, str]:
        record = self._snapshot.records[uuid]
        return record.table, record.title or heading(record, self._setup)

    def __contains__(self, uuid: object) -> bool:
        return uuid in self._snapshot.records

    def get(self, uuid: str, default: Any = None) -> Any:
        return self.__missing__(uuid) if uuid in self else default


def find_records(table: str, text: str, snapshot: Snapshot, setup: Setup) -> tuple[str, ...]:
    """The records that a number, title or uuid names in a table ("*" = any); deleted ones are not found."""
    wanted = text.strip()
    found: list[str] = []
    for key in setup.live_tables if table == "*" else (table,):
        number = read_number(setup.tables[key], wanted) if key in setup.tables else None
        if number is not None and (key, number) in snapshot.numbered:
            found.append(snapshot.numbered[(key, number)])
        found += snapshot.named.get((key, fold(wanted)), [])
    found += snapshot.named.get((table, fold(wanted)), [])
    if wanted.lower() in snapshot.records and (table == "*" or snapshot.records[wanted.lower()].table == table):
        found.append(wanted.lower())
    alive = (u for u in found if u in snapshot.records and not snapshot.records[u].deleted)
    return tuple(dict.fromkeys(alive))


def find_persons(text: str, snapshot: Snapshot) -> tuple[str, ...]:
    """The persons that a key, address or name names."""
    wanted = fold(text)
    if wanted in snapshot.persons:
        return (wanted,)
    if wanted in snapshot.person_by_address:
        return (snapshot.person_by_address[wanted],)
    return tuple(key for key, p in snapshot.persons.items() if not p.guest and fold(p.name) == wanted)


def _hint(fault: BadValue) -> str:
    nearest = fault.data.get("near")
    return f"Did you mean {nearest}?" if nearest else ""


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


# ---------------------------------------------------------------- laying a decision over the snapshot


def lay(decision: Decision, delivery: Delivery, snapshot: Snapshot, setup: Setup) -> None:
    """Make the snapshot what it will be when the decision is written, so that the next delivery sees it."""
    settled = decision.disposition in (Disposition.ACCEPT, Disposition.REJECT, Disposition.REDIRECT)
    message = delivery.message
    if decision.disposition is Disposition.HOLD and decision.target:
        snapshot.held.setdefault((message.identity, decision.target), decision.delivery)
    if settled and decision.target:
        snapshot.applied.setdefault((message.identity, decision.target), decision.delivery)
    for change in decision.changes:
        _lay_change(change.state, change.kind, snapshot, setup)
    for draft in decision.communications:
        if draft.message:
            snapshot.applied.setdefault((draft.message, f"record:{draft.record}"), decision.delivery)
    if decision.communications and message.message_id:
        _lay_message(decision, message.message_id, snapshot)
    for (record, address), bound in decision.correspondents.items():
        _bind(snapshot, record, address, bound)
    for out in decision.outbox:
        _lay_outbox(out, snapshot)
    snapshot.turns.update(decision.turns)
    author = decision.author or "(no author)"
    if decision.guest_create and decision.disposition is Disposition.ACCEPT:
        snapshot.count(author).creates_hour += 1
        snapshot.count("@" + author.rpartition("@")[2]).creates_hour += 1
    if decision.bad_token:
        snapshot.count(author).bad_tokens_hour += 1


def _lay_change(state: RecordState, kind: str, snapshot: Snapshot, setup: Setup) -> None:
    before = snapshot.records.get(state.uuid)
    snapshot.records[state.uuid] = state
    if kind == "create" and state.number is not None:
        snapshot.next_number[state.table] = state.number + 1
        snapshot.numbered[(state.table, state.number)] = state.uuid
    _lay_contact(before, state, snapshot, setup)
    _lay_title(before, state, snapshot)
    _lay_unique(before, state, snapshot, setup)
    workflow = setup.tables[state.table].workflow
    if workflow is None or kind != "create" or not state.assignee:
        return
    if state.values.get(workflow.field) not in workflow.closed:
        load = (state.table, state.assignee)
        snapshot.open_counts[load] = snapshot.open_counts.get(load, 0) + 1


def _lay_contact(before: RecordState | None, state: RecordState, snapshot: Snapshot, setup: Setup) -> None:
    if setup.tables[state.table].person is None:
        return
    for address in addresses_of(before, setup) if before is not None else ():
        holders = snapshot.contacts.get(address, [])
        if state.uuid in holders:
            holders.remove(state.uuid)
    for address in addresses_of(state, setup) if not state.deleted else ():
        holders = snapshot.contacts.setdefault(address, [])
        if state.uuid not in holders:
            holders.append(state.uuid)


def _lay_title(before: RecordState | None, state: RecordState, snapshot: Snapshot) -> None:
    if before is not None and before.title == state.title:
        return
    if before is not None and before.title:
        old = snapshot.named.get((state.table, fold(before.title)), [])
        if state.uuid in old:
            old.remove(state.uuid)
    if state.title:
        snapshot.named.setdefault((state.table, fold(state.title)), []).append(state.uuid)


def _lay_unique(before: RecordState | None, state: RecordState, snapshot: Snapshot, setup: Setup) -> None:
    for name, definition in setup.tables[state.table].live_fields.items():
        if definition.unique and (before is None or before.values.get(name) != state.values.get(name)):
            shelf = fields[definition.type]
            for key in shelf.keys(before.values.get(name)) if before is not None else ():
                if snapshot.unique.get((state.table, name, key)) == state.uuid:
                    del snapshot.unique[(state.table, name, key)]
            for key in shelf.keys(state.values.get(name)):
                snapshot.unique.setdefault((state.table, name, key), state.uuid)


def _lay_message(decision: Decision, message_id: str, snapshot: Snapshot) -> None:
    known = snapshot.messages.setdefault(message_id, [])
    records = tuple(draft.record for draft in decision.communications)
    known.append(KnownMessage(message_id, ours=False, records=records))


def _lay_outbox(out: OutboxDraft, snapshot: Snapshot) -> None:
    counts = snapshot.count(out.to)
    if out.to in snapshot.person_by_address:
        if out.kind == "notification":
            counts.notices_hour += 1
        elif out.automatic:
            counts.answers_hour += 1
    elif out.automatic:
        counts.automatic_hour += 1
        counts.automatic_day += 1
    if out.record:
        _bind(snapshot, out.record, out.to, Correspondent(sent=True, written_to=out.kind == "composed"))


def _bind(snapshot: Snapshot, record: str, address: str, bound: Correspondent) -> None:
    have = snapshot.correspondents.setdefault(record, {})
    old = have.get(address)
    if old is None:
        have[address] = bound
        return
    have[address] = replace(
        old,
        wrote_first=old.wrote_first or bound.wrote_first,
        wrote=old.wrote or bound.wrote,
        written_to=old.written_to or bound.written_to,
        sent=old.sent or bound.sent,
    )
