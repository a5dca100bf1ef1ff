"""What becomes of one delivery: rules, route, identity, command, rights, action, in this order. Pure.

`decide` is the only caller of an action's plan(). It looks at a Snapshot and returns a Decision; `lay` puts a
decision over the snapshot, so that the next delivery of the batch sees what the one before it did.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from addressee.core import replies
from addressee.core.action import Action, CannotBeDone, Changeset
from addressee.core.asked import Asking
from addressee.core.attachments import unjudged
from addressee.core.authorise import has_role
from addressee.core.confirmation import answer_to
from addressee.core.identify import identify
from addressee.core.invited import record_of, subject_of
from addressee.core.language import english, saying
from addressee.core.message import Nature
from addressee.core.process import said_in, woken
from addressee.core.reasons import Reason
from addressee.core.registry import actions, rules
from addressee.core.route import Kind, Route, route
from addressee.core.setup import Setup
from addressee.core.threads import Found, find
from addressee.core.values import (
    Actor,
    Assurance,
    Confirmed,
    Decision,
    Delivery,
    Disposition,
    Override,
    RecordState,
    Snapshot,
    Step,
    Visibility,
)

_SKIPPED_BY_RELEASE = frozenset({"spam", "blocked"})


def decide(delivery: Delivery, snapshot: Snapshot, setup: Setup) -> Decision:
    """All that follows from one delivery. Reads the snapshot, changes nothing."""
    walk = _Decider(delivery, snapshot, setup)
    decision = walk.decide()
    if decision.disposition is Disposition.HOLD and decision.target and delivery.override is None:
        earlier = snapshot.held.get((delivery.message.identity, decision.target), delivery.id)
        if earlier != delivery.id:  # one copy waits for a person; a second would only be in the way
            repeated = walk.settle(Disposition.DISCARD, Reason.DUPLICATE, "the same message waits for a person already")
            return replace(repeated, duplicate_of=earlier, changes=(), communications=(), effects=())
    return walk.answered(walk.waking(decision))


class _Decider(Asking):
    """The order of things, from the rules to the answers."""

    __slots__ = ()

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
            or self._confirmation()
            or self._invited(self._act())
        )

    def _invited(self, decision: Decision) -> Decision:
        """What the invitation in a message does beside its other effects (law 14): at the level of `event`."""
        invitation, nature = self.message.invitation, self.message.nature
        if invitation is None or decision.disposition is not Disposition.ACCEPT or self.event_taken:
            return decision
        if nature not in (Nature.PERSON, Nature.AUTO_GENERATED) or not self._addressed_openly():
            return self._noted(decision, "not taken", "it is not surely meant for us")
        made = next((c.state for c in decision.changes if c.kind == "create" and c.table == self.route.table), None)
        try:
            plan, right = self._event(invitation, self.record or made)
        except CannotBeDone as fault:
            return self._noted(decision, "not taken", english().say(fault.why))
        earlier = self.plan or Changeset()
        answer = "\n".join(filter(None, (earlier.answer, plan.answer)))
        self.plan = replace(earlier, answer=answer, notes=(*earlier.notes, *plan.notes))
        joined = replace(_joined(decision, plan), right="; ".join(filter(None, (decision.right, right))))
        return self._noted(joined, invitation.method, f"{plan.answer}; {right}")

    def _noted(self, decision: Decision, result: str, why: str) -> Decision:
        """The decision with a line on its invitation, before the one that settles it."""
        *before, last = decision.trace
        return replace(decision, trace=(*before, Step("invitation", result, why), last))

    def _too_large(self) -> Decision | None:
        most = self.setup.option("message_size_bytes")
        if self.message.size_bytes <= most or self.delivery.override is not None:
            return None
        why = saying("why.too-large", size=self.message.size_bytes, most=most)
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
            if verdict is None:
                continue
            if verdict[0] is Disposition.ACCEPT:  # it goes on, and what it makes bears the mark
                self.note("rule", name, f"marked: {verdict[2]}")
                self.marked = verdict[1].value
                continue
            self.note("rule", name, verdict[2])
            return self.settle(verdict[0], verdict[1], verdict[2])
        if not self.marked:
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
        self._find_event()
        if self.route.withdrawn and self.found.token is None and override is None:
            self.note("identify record", "address not honoured", "this name of the table is no longer in use")
            self.found = replace(self.found, dead=Reason.ADDRESS_WITHDRAWN)
        record = self.record
        self.account_key = self._account_key()
        self.account = self._account(self.account_key)
        if self.found.code is not None and override is None:
            self.target = f"confirm:{self.found.code.delivery}"
            return None
        if record is None and self.found.trouble is not None and self.route.kind is not Kind.TABLE:
            self.target = f"address:{self.route.token or self.route.record}"[:80]
            return self._who() or self._repeated() or self.settle(Disposition.HOLD, self.found.trouble)
        if record is None and self.route.kind is not Kind.TABLE:
            return self._who() or self.settle(Disposition.HOLD, Reason.NO_TABLE)
        self.target = f"record:{record.uuid}" if record is not None else f"table:{self.route.table}"
        if not self.setup.tables[self.table].inbound and override is None:
            return self.settle(Disposition.HOLD, Reason.INBOUND_OFF, f"{self.table} takes no mail")
        return None

    def _find_event(self) -> None:
        """A newer form of an event that is known leads to what the event is about, not to a new record."""
        invitation = self.message.invitation
        if self.found.record or self.route.kind is not Kind.TABLE or invitation is None:
            return
        event = self.snapshot.records.get(record_of(invitation, self.snapshot, self.setup))
        if event is None:
            return
        subject = self.snapshot.records.get(subject_of(event, self.setup)) or event
        self.found = Found(subject.uuid, "the event's UID")
        self.note("identify record", "calendar", f"the event {event.title!r} is known by its UID")

    def _account_key(self) -> str:
        """DESIGN section 2: a reply address uses the account that sent, every other address of a table its default."""
        if self.route.token and self.found.account in self.setup.accounts:
            return self.found.account
        return self.route.account or self.setup.default_account.get(self.table, "")

    def _for_people(self) -> Decision | None:
        if self.route.kind is not Kind.RESERVED:
            return None
        return self._repeated() or self._to_catch_all(Reason.FOR_PEOPLE, "mail to this name is for a person")

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
        self.aligned = self.actor.proven
        self._raise_level()
        alike = self.snapshot.same_id.get(self.message.message_id, set()) - {self.message.identity}
        if alike:
            self.note("message id", "seen before", "on a message with another body or author: this is another message")
        if self.found.bad and self.delivery.override is None:
            tried = self.snapshot.count(author or "(no author)").bad_tokens_hour
            if tried >= self.setup.option("bad_tokens_per_hour"):
                return self.settle(Disposition.HOLD, Reason.BAD_TOKENS)
        return None

    def _raise_level(self) -> None:
        """E5: what was asked is confirmed. And a code speaks for the address it was sent to, as a reply token does."""
        override, code = self.delivery.override, self.found.code
        if override is not None and self.confirmed:
            self.aligned = self.aligned or override.proven
            level = max(Assurance(override.level), self.actor.level)
            self.actor = replace(self.actor, level=level, proven=True)
            guest = self.identity.guest
            guest = replace(guest, level=max(level, guest.level), proven=True) if guest is not None else None
            self.identity = replace(self.identity, actor=self.actor, guest=guest)
            self.note("identify", level.name, override.how)
        elif code is not None and code.address == self.message.author:
            self.actor = replace(self.actor, level=max(self.actor.level, Assurance.E2), token=code.hash)

    def _confirmation(self) -> Decision | None:
        """An answer with a one-time code: it settles the delivery that waits for it, or changes nothing."""
        code = self.found.code
        if code is None or self.delivery.override is not None:
            return None
        person = self.message.nature is Nature.PERSON
        reason = answer_to(self.found, self.message.author, self.message.new_text) if person else Reason.NOT_CONFIRMED
        if reason is not Reason.CONFIRMED:
            self.note("confirmation", reason.value, f"delivery {code.delivery} is left as it is")
            told = self.message.author == code.address
            decision = self.settle(Disposition.REJECT if told else Disposition.HOLD, reason)
            return replace(decision, bad_token=decision.bad_token or reason is Reason.WRONG_CODE)
        if self.record is not None:
            request = self._request("comment", self.record, {}, self.message.new_text, Visibility.INTERNAL)
            self.plan = Changeset(communications=(replies.linked(request, self.record.uuid, "mail"),))
        said = Override(
            kind="confirm",
            by=self.actor.key or code.address if has_role(self.actor.person) else code.address,
            level=int(Assurance.E5),
            proven=self.aligned,
            how=f"the code sent to {code.address} was answered from it, by message {self._message_name()}",
            shown=code.shown,
        )
        decision = self.settle(Disposition.ACCEPT, Reason.CONFIRMED, f"delivery {code.delivery} is decided again")
        return replace(decision, confirms=Confirmed(code.hash, code.delivery, said))

    def _message_name(self) -> str:
        return (self.message.message_id or self.message.identity)[:200]

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
        ours = self.found.token is not None or self.found.how.startswith(("token", "code", "reference to mail of ours"))
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
        self.files = unjudged(self.message, self.delivery.infected)
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

    def waking(self, decision: Decision) -> Decision:
        """A person's answer on a record wakes the processes that wait for it."""
        if decision.disposition is not Disposition.ACCEPT or self.message.nature is not Nature.PERSON:
            return decision
        if decision.reason is Reason.HISTORY:
            return decision
        wakes = woken(decision, self.snapshot, said_in(self.message))
        if not wakes:
            return decision
        steps = (Step("job", "wakes", f"{job}, which waits for this answer") for job in wakes)
        return replace(decision, wakes=wakes, trace=(*decision.trace, *steps))

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
            shown=self._shown,
            commanded=bool(self.verb or self.named) or has_role(self.actor.person),
            notes=(*self.remarks, *(self.plan.notes if self.plan else ())),
            form=self.plan.form if self.plan else (),
            faults=self.faults,
            fresh=self.fresh,
            reading=self.reading,
            marked=self.marked,
            released=self.released,
            confirmed=self.confirmed,
            null_sender=self.delivery.envelope.transport in ("smtp", "lmtp") and not self.delivery.envelope.sender,
        )
        return replies.added(decision, replies.write(telling))

    def _shown(self, actor: Actor) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What of an answer somebody in Cc is shown, and in what form, by his own rights."""
        if self.verb not in actions:
            return "", ()
        request = self._request(self.verb, self.record, {}, "", self.visibility, actor)
        action: Action = actions[self.verb]
        return action.shown(request)

    def _subject_record(self, decision: Decision) -> RecordState | None:
        created = [c.state for c in decision.changes if c.kind == "create" and c.table == self.route.table]
        if created and self.record is None:
            return created[-1]
        mine = [c.state for c in decision.changes if self.record is not None and c.record == self.record.uuid]
        return mine[-1] if mine else self.record


def _joined(decision: Decision, plan: Changeset) -> Decision:
    """A decision and what an invitation adds to it; the message is linked to a record once."""
    linked = {draft.record: draft for draft in decision.communications}
    for draft in plan.communications:
        linked[draft.record] = replace(draft, uuid=linked[draft.record].uuid) if draft.record in linked else draft
    return replace(
        decision,
        changes=(*decision.changes, *plan.changes),
        communications=tuple(linked.values()),
        effects=(*decision.effects, *plan.effects),
        appointments=(*decision.appointments, *plan.appointments),
    )


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
