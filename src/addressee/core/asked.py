"""What a message asks for, and whether it may: on a table, on a record, refusals. Pure; the second half of decide."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from addressee.core import batch, lines, process, replies
from addressee.core.action import Action, CannotBeDone, Changeset, Target
from addressee.core.addresses import normal
from addressee.core.attachments import sort_files
from addressee.core.authorise import extent, field_access, has_role, is_staff, needed
from addressee.core.batch import BATCHES
from addressee.core.checks import barred, faults_of
from addressee.core.command import verb
from addressee.core.confirmation import essence
from addressee.core.form import Torn, edited
from addressee.core.invited import EVENT, planned
from addressee.core.language import Saying, as_written, english, saying
from addressee.core.message import Invitation, Nature
from addressee.core.reasons import Reason
from addressee.core.registry import actions
from addressee.core.route import Kind, route
from addressee.core.schedule import schedule_table
from addressee.core.setup import Table
from addressee.core.threads import other_numbers, quoted_form
from addressee.core.values import (
    Actor,
    Asks,
    Assurance,
    Decision,
    Disposition,
    RecordState,
    Right,
    TokenState,
    Visibility,
)
from addressee.core.walk import Walk


class Asking(Walk):
    """The command, the right, the level, the action, in this order."""

    __slots__ = ()

    def _act(self) -> Decision:
        record = self.record
        self._sort_files()
        if self.found.dead is not None and not self.released:
            return self._impossible(self.found.dead)
        self.verb, why_none = self._command_word()
        if why_none:
            self.note("command", "text only", why_none)
        elif self.verb:
            self.note("command", self.verb, "the subject is this word alone")
            if refused := self._unknown_process():
                return refused
        else:
            self.note("command", "none", "the subject is no command word")
        if record is not None and record.deleted and not (self.verb in actions and actions[self.verb].of_deleted):
            proven = self.actor.proven and not self.released
            return self.settle(Disposition.REJECT if proven else Disposition.HOLD, Reason.DELETED_RECORD)
        self.form = self.table
        if self.verb in actions:
            self.form = actions[self.verb].form(self.table, self.setup)
            if not self.form:
                return self._refused(Reason.NO_TABLE, saying("why.no-form", word=self.verb))
        text = lines.read_text(
            self.message,
            self.verb,
            self._lines_for(),
            self.account,
            self.setup,
            trusted=self._may_set_values(),
            on_record=record is not None,
        )
        text = self._with_edits(text)
        if text.passed:
            self.note("value", "passed over", f"labels that name no field: {', '.join(text.passed)[:200]}")
        if refused := self._no_one_thing(text):
            return refused
        values, prose = self._read(text)
        invitation = self.message.invitation
        to_events = not self.verb and self.table == schedule_table(EVENT, self.setup)
        if invitation and to_events and (record is None or invitation.method == "reply"):
            return self._only_invited(invitation)
        if record is None:
            return self._on_table(values, prose, why_none)
        return self._on_record(record, values, prose, why_none)

    def _no_one_thing(self, text: lines.Text) -> Decision | None:
        """The refusal of a message that asks for several things, or contradicts itself (law 15)."""
        more = lines.several(self.message, self.verb, self.setup.tables[self.form], self.record, self.setup)
        if more is not None:
            return self._refused(Reason.SEVERAL, more)
        if text.doubt is not None:
            self.faults = text.faults
            return self._refused(text.doubt)
        return None

    def _read(self, text: lines.Text) -> tuple[dict[str, Any], str]:
        """The values of the lines, and the prose; what is wrong with a line becomes a fault."""
        values, self.faults = lines.read_values(text.body, self._lines_for(), self.reading(), self.setup)
        if self.verb == "run":  # its lines are parameters, not fields
            return values, self._without_name(text.prose, values)
        self.named = frozenset(lines.names_set(text.body))
        if self.record is None and self.verb in BATCHES:
            self.view, self.named = process.view_in(self.message.new_text), self.named - {"view"}
            values.pop("view", None)
        return values, text.prose

    def _lines_for(self) -> Table:
        """What the lines of the message fill in: fields of a table, or the parameters of a process."""
        if self.verb != "run":
            table = self.setup.tables[self.form]
            return actions[self.verb].form_lines(table, self.record is not None) if self.verb in actions else table
        return process.form_of(self.setup.processes[self.process] if self.process else None)

    def _unknown_process(self) -> Decision | None:
        """Find the process, if one is asked for; the refusal where there is none, or not by mail (U-56)."""
        if self.verb in actions and self.verb != "run":
            return None
        self.process, said = process.named_in(self.verb, self.message.new_text, self.setup)
        self.verb = "run"
        here = {word: key for word, key in self.setup.process_by_word.items() if self._is_for(key)}
        if not self.process or not self._is_for(self.process):
            near = difflib.get_close_matches(said, here, 1)
            self.process = ""
            why = saying("why.no-process", said=said[:60], table=self.table)
            if near:
                why = saying("why.no-process-near", said=said[:60], table=self.table, name=near[0])
            return self._refused(Reason.NO_PROCESS, why)
        self.note("process", self.process, f"the message calls it “{said}”")
        why_not = process.not_offered(self.process, self.setup)
        return self._refused(Reason.NOT_OFFERED, why_not) if why_not else None

    def _is_for(self, key: str) -> bool:
        return self.setup.processes[key].table in ("", self.table)

    def _without_name(self, prose: str, values: dict[str, Any]) -> str:
        """The prose without the line that names the process; the view is no parameter."""
        values.pop("process", None)
        self.view = str(values.pop("view", None) or "")
        first, _, rest = prose.partition("\n")
        called = " ".join(first.casefold().split())
        return rest.strip() if self.setup.process_by_word.get(called) == self.process else prose

    def _with_edits(self, text: lines.Text) -> lines.Text:
        """Law 14: what was changed in a form of ours, quoted in an E4 answer, is new text; below it is a quote."""
        token, record = self._form_token(), self.record
        if token is None or record is None or self.verb not in ("", "update") or self.form != record.table:
            return text
        try:
            edits = edited(self.message, token, self.setup.tables[self.form])
        except Torn:
            self.note("form", "not read", "its quote is not whole, or not the same in text and HTML")
            self.remarks += (saying("form.torn"),)
            return text
        if not edits:
            return text
        if not self.verb and (self.account is None or not self.account.field_updates):
            self.note("form", "not read", "values in a quote count with field_updates only, or by the word `update`")
            self.remarks += (saying("form.off", fields=tuple(edits)),)
            return text
        barred = [name for name in edits if field_access(self.actor.person, self.form, name, self.setup) != "write"]
        if barred:
            self.note("form", "left", f"{self._who_is()} may not write {', '.join(barred)}")
            self.remarks += (saying("form.barred", fields=tuple(barred)),)
        taken = {name: said for name, said in edits.items() if name not in barred}
        if taken:
            self.note("form", "edited", ", ".join(taken))
        return lines.with_edits(text, taken)

    def _form_token(self) -> TokenState | None:
        """The token whose form the message quotes; none below E4, or where its author's values count for nothing."""
        if self.actor.level < Assurance.E4 or not self.actor.proven or not self._may_set_values():
            return None
        if self.message.nature is not Nature.PERSON:
            return None
        return quoted_form(self.message, self.route, self.record, self.actor.address, self.snapshot)

    def _sort_files(self) -> None:
        infected = self.delivery.infected
        self.files = sort_files(self.message, self.account, self.setup, seen=self.snapshot.pictures, infected=infected)
        for given, decided in zip(self.message.files, self.files, strict=True):
            what = f"{given.name}: {decided.reason}"
            if not decided.stored:
                told = infected.get(given.sha256) or given.danger
                self.note("attachment", "left out", f"{what} ({told})" if told else what)
            elif decided.reason:
                within = f", within {given.within}" if given.within else ""
                self.note("attachment", "no file of its own", what + within)
            if decided.stored and decided.attachment.type != given.type:
                self.note("attachment", "kept as", f"{given.name}: {decided.attachment.type}, not {given.type}")

    def _command_word(self) -> tuple[str, Saying | None]:
        """(the command word, "") or ("", why a word in the subject does not count)."""
        setup = self.setup
        known = setup.mail_words if has_role(self.actor.person) else setup.mail_words_of_strangers
        word = verb(self.message.subject, known, setup)
        if word not in actions and word and not self._is_for(setup.process_by_word[word]):
            word = ""
        override = self.delivery.override
        if not word:
            return "", None
        if self.message.nature is not Nature.PERSON:
            return "", saying("why.automatic")
        if self.message.author is None:
            return "", saying("why.ambiguous", doubt=self.message.author_doubt)
        if self.found.conflict:
            return "", saying("why.different-records")
        if self.found.bad:
            return "", saying("why.bad-token")
        if self.record is not None and other_numbers(self.message.subject, self.record, self.setup):
            return "", saying("why.other-record")
        if override is not None and override.kind == "comment":
            return "", saying("why.as-comment")
        if not self._addressed_openly():
            return "", saying("why.not-addressed")
        return word, None

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

    def _on_table(self, values: dict[str, Any], prose: str, why_none: Saying | None) -> Decision:
        word = self.verb or "create"
        action: Action = actions[word]
        if word == "run" or (self.view and word in BATCHES):
            return self._batch(action, values)
        if action.target is Target.RECORD:
            return self._impossible(Reason.NO_RECORD)
        if word != "create":
            return self._commanded(None, action, values, prose)
        actor, refusal = self._creator()
        self.actor = actor
        if refusal is not None:
            return self._unwelcome(*refusal)
        denied = self._denied(None, values)
        if denied:
            return self.settle(Disposition.HOLD, Reason.NOT_PERMITTED, denied)
        if self.faults and not self.released:
            self._note_faults()
            return self._impossible(self._fault_reason())
        if self.faults:  # a person released it: the text counts, its lines do not
            values, prose = {}, self.message.new_text
        if not self.message.subject.strip() and not prose and not self.message.attachments and not values:
            return self.settle(Disposition.HOLD, Reason.EMPTY)
        self.unverified = not self.actor.level >= Assurance.E3 and not self.released
        visibility = Visibility.INTERNAL if has_role(actor.person) else Visibility.PUBLIC
        plan = action.plan(self._request("create", None, values, prose, visibility))
        faults = faults_of(plan, self.form, self.snapshot, self.setup)
        if faults:
            self.faults = faults
            self._note_faults()
            return self._impossible(Reason.BAD_VALUE)
        sure = not (actor.lent and self._sensitive(values)) or self._sure(Assurance.E4)
        if not sure or self._is_another(plan):
            return self._ask("create", plan, None if sure else saying("why.sensitive"))
        self.plan = plan
        self.visibility = visibility
        self._note_plan()
        if why_none:
            return self.settle(Disposition.ACCEPT, Reason.TEXT_ONLY, why_none)
        return self.settle(Disposition.ACCEPT, Reason.UNVERIFIED if self.unverified else Reason.DONE)

    def _only_invited(self, invitation: Invitation) -> Decision:
        """An invitation to the table of events is the event, an answer to one its answer, and nothing else."""
        self.event_taken = True
        if not self._addressed_openly():
            return self._impossible(Reason.TEXT_ONLY)
        try:
            self.plan, self.used_right = self._event(invitation, None)
        except CannotBeDone as fault:
            return self._refused(fault.reason, fault.why)
        self.note("authorise", EVENT, self.used_right)
        self.note("invitation", invitation.method, self.plan.answer)
        self._note_plan()
        return self.settle(Disposition.ACCEPT, Reason.DONE)

    def _event(self, invitation: Invitation, subject: RecordState | None) -> tuple[Changeset, str]:
        """What an invitation changes, and by which right; `subject` is what the event is about. Raises CannotBeDone."""
        request = self._request(EVENT, subject, {}, self.message.new_text, Visibility.INTERNAL)
        least = actions[EVENT].level(request)
        if not self._sure(least):
            raise CannotBeDone(Reason.NOT_PROVEN, saying("why.event-level", least=int(needed(least, self.policy))))
        return planned(request, invitation)

    def _impossible(self, reason: Reason, why: Saying | str = "") -> Decision:
        """Nothing to land on: rejected where the author can be told so, else a person decides."""
        sure = self.actor.level >= Assurance.E3  # by policy `open` too: he is answered then
        told = sure and not self.released and self.message.nature is Nature.PERSON
        return self.settle(Disposition.REJECT if told else Disposition.HOLD, reason, why)

    def _creator(self) -> tuple[Actor, tuple[Reason, Saying | str] | None]:
        """With whose rights the record may be made: the author's own, the guest's, or why not at all."""
        actor, guest = self.actor, self.identity.guest
        table = self.route.table
        override = self.delivery.override
        if override is not None and self.released:
            self.used_right = f"{override.kind} by {override.by}"
            return actor, None
        if self.account is not None and not self.account.create:
            return actor, (Reason.CREATE_OFF, saying("why.create-off", account=self.account_key))
        if has_role(actor.person):
            if self._sure(Assurance.E3):
                if extent(actor.person, Right.CREATE, table, self.setup) == "none":
                    return actor, (Reason.NOT_PERMITTED, saying("why.no-role-creates", who=actor.key, table=table))
                self.used_right = f"create on {table} by role"
                self.note("authorise", "create", f"a role of {actor.key} may create in {table}")
                return actor, None
            if guest is None:
                return actor, (Reason.NOT_PROVEN, "")
            self.note("authorise", "as a guest", f"{actor.key} is not sure enough, so the guest's rights count")
        if guest is None:
            return actor, (Reason.STRANGER, saying("why.no-guests"))
        if not self._sure(Assurance.E0):
            return guest, (Reason.NOT_PROVEN, saying("why.one-level-more"))
        if extent(guest.person, Right.CREATE, table, self.setup) == "none":
            return guest, (Reason.NOT_PERMITTED, saying("why.guest-may-not-create", who=guest.key, table=table))
        limited = self._guest_limit(guest)
        if limited:
            return guest, (Reason.RATE_LIMIT, limited)
        self.used_right = f"create on {table} lent by guest {guest.key}"
        self.guest_create = True
        self.note("authorise", "create", f"the guest {guest.key} may create in {table}")
        return guest, None

    def _guest_limit(self, guest: Actor) -> Saying | None:
        address = guest.address or "(no author)"
        domain = "@" + address.rpartition("@")[2]
        per_address, per_domain = self.setup.option("creates_per_hour"), self.setup.option("domain_creates_per_hour")
        if self.snapshot.count(address).creates_hour >= per_address:
            return saying("why.creates-of-address", most=per_address)
        if self.snapshot.count(domain).creates_hour >= per_domain:
            return saying("why.creates-of-domain", most=per_domain)
        return None

    def _batch(self, action: Action, values: dict[str, Any]) -> Decision:
        """The command over all records of the table or of a view: the right, the level, and a preview of how many."""
        view = self.setup.view_named(self.table, self.view) if self.view else ""
        if self.view and not view:
            return self._refused(Reason.NO_VIEW, saying("why.no-view", table=self.table, view=self.view[:60]))
        request = replace(self._request(action.name, None, values, "", Visibility.INTERNAL), view=view)
        reach = action.reach(request)
        denied = self._denied(None, values) if reach else self._out_of_reach(action, None)
        if denied:
            return self._refused(Reason.NOT_PERMITTED, denied)
        if self.faults:
            return self._refused(self._fault_reason())
        count, most = self.snapshot.counted.get((self.table, view), 0), self.setup.option("confirm_above")
        try:
            plan = batch.plan(request, count)
        except CannotBeDone as fault:
            return self._refused(fault.reason, as_written(fault.why) if isinstance(fault.why, str) else fault.why)
        least, why = action.level(request), None
        if not self._sure(least):
            why = saying(
                "why.level",
                action=self._what(action),
                least=int(needed(least, self.policy)),
                level=int(self.actor.level),
            )
            if least < Assurance.E4 and self.actor.level < Assurance.E1:
                return self.settle(Disposition.HOLD, Reason.NOT_PROVEN, why)
        elif count > most and self.delivery.override is None:
            why = saying("why.batch", action=self._what(action), count=count, most=most + 1)
        if why is not None:
            return self._ask(self._what(action), plan, why, batch.about(request, count))
        self.plan = plan
        self.used_right = f"{self._what(action)} on {self.table}: {reach}"
        self.note("authorise", action.name, f"reaches {reach} records of {self.table}")
        self._note_plan()
        return self.settle(Disposition.ACCEPT, Reason.DONE)

    def _on_record(self, record: RecordState, values: dict[str, Any], prose: str, why_none: Saying | None) -> Decision:
        word = self.verb or ("update" if self.named else "comment")
        if why_none:
            return self._commented(record, self.message.new_text, Reason.TEXT_ONLY, why_none)
        if word == "create":
            why = saying("why.create-on-record")
            return self._commented(record, self.message.new_text, Reason.TEXT_ONLY, why)
        if word in ("comment", "attach"):
            return self._commented(record, prose, Reason.DONE)
        return self._commanded(record, actions[word], values, prose)

    def _commanded(self, record: RecordState | None, action: Action, values: dict[str, Any], prose: str) -> Decision:
        """A command: the right first, refused by name; then the level, by asking (DESIGN section 4)."""
        same = self._unchanged(record, values)
        if action.name == "update" and record is not None and self.named and self.named <= same:
            return self._commented(record, prose, Reason.DONE)
        request = self._request(action.name, record, values, prose, Visibility.INTERNAL)
        reach = action.reach(request)
        denied = None if reach else self._out_of_reach(action, record)
        denied = denied or self._denied(record, values, action.access)
        if denied:
            return self._refused(Reason.NOT_PERMITTED, denied)
        if self.faults:
            return self._refused(self._fault_reason())
        if action.name == "update" and record is not None:
            if self.account is not None and self.account.replies == "record_only":
                return self._refused(Reason.RECORD_ONLY)
            values = {name: value for name, value in values.items() if record.values.get(name) != value}
            if not values:
                return self._commented(record, prose, Reason.DONE)
            request = replace(request, values=values)
        least = action.level(request)
        unsure: Saying | None = None
        if not self._sure(least):
            unsure = saying(
                "why.level",
                action=self._what(action),
                least=int(needed(least, self.policy)),
                level=int(self.actor.level),
            )
            if least < Assurance.E4 and self.actor.level < Assurance.E1:
                return self.settle(Disposition.HOLD, Reason.NOT_PROVEN, unsure)
        steps = list(self.steps)
        if record is not None:
            self.visibility, prose = self._visibility(record, prose)
            request = replace(request, visibility=self.visibility, prose=prose)
        try:
            plan = action.plan(request)
        except CannotBeDone as fault:
            return self._refused(fault.reason, as_written(fault.why) if isinstance(fault.why, str) else fault.why)
        self.faults = faults_of(plan, self.form, self.snapshot, self.setup)
        if self.faults:
            return self._refused(Reason.BAD_VALUE)
        if unsure is not None or self._is_another(plan):
            self.steps = steps  # what it would do is no part of what it did
            return self._ask(self._what(action), plan, unsure)
        self.plan = plan
        self.used_right = f"{self._what(action)} on {self.table}: {reach}"
        self.note("authorise", action.name, f"reaches {reach} records of {self.table}")
        self._note_plan()
        return self.settle(Disposition.ACCEPT, Reason.DONE)

    def _is_another(self, plan: Changeset) -> bool:
        """It was confirmed, and what would change is no longer what was shown."""
        override = self.delivery.override
        shown = override.shown if override is not None and self.confirmed else ""
        return bool(shown) and shown != essence(plan.effects, self.snapshot)

    def _ask(self, verb: str, plan: Changeset, unsure: Saying | None, about: Saying | None = None) -> Decision:
        """Hold it, and show its author what would change (DESIGN section 4: confirmation asked)."""
        if self.confirmed and unsure is not None:
            return self.settle(Disposition.HOLD, Reason.NOT_PROVEN, unsure)
        self.asks = Asks(verb, plan.effects, essence(plan.effects, self.snapshot), about, again=self.confirmed)
        return self.settle(Disposition.HOLD, Reason.CONFIRM, unsure or saying("why.other-than-shown"))

    def _commented(self, record: RecordState, prose: str, reason: Reason, why: Saying | str = "") -> Decision:
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
        if override is not None and self.released:
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

    def _no_comment(self, record: RecordState, reason: Reason, why: Saying | str, how: str) -> Decision:
        if how == "not-proven":
            return self.settle(Disposition.HOLD, Reason.NOT_PROVEN)
        answers = self.found.how.startswith(("token", "reference to mail of ours"))
        if answers and not has_role(self.actor.person):
            return self._to_catch_all(Reason.NOT_A_RECIPIENT, f"{self.actor.address or 'the author'} was not sent it")
        if reason in (Reason.DONE, Reason.TEXT_ONLY, Reason.RECORD_ONLY):
            reason = Reason.NOT_PERMITTED if self.actor.person else Reason.STRANGER
            reason = reason if self.message.author else Reason.AMBIGUOUS_AUTHOR
        return self._unwelcome(reason, why or saying("why.may-not-comment", who=self._who_is()))

    def _unwelcome(self, reason: Reason, why: Saying | str) -> Decision:
        """It waits for a person; a stranger's is rejected where the site refuses it and he can be told (law 11)."""
        if reason is Reason.STRANGER and self.setup.site.strangers == "refuse":
            return self._impossible(reason, why)
        return self.settle(Disposition.HOLD, reason, why)

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

    def _refused(self, reason: Reason, why: Saying | str = "") -> Decision:
        """A command that cannot be taken: the text still counts where the author may comment."""
        self._note_faults()
        if self.record is not None and not self.record.deleted:
            return self._commented(self.record, self.message.new_text, reason, why)
        if reason is Reason.NOT_PERMITTED:  # there is nothing to land on, and a person may give the right
            return self.settle(Disposition.HOLD, reason, why)
        self.actor = self.actor if has_role(self.actor.person) else self.identity.guest or self.actor
        return self._impossible(reason, why)

    def _fault_reason(self) -> Reason:
        unknown = all(fault.slug == "no-such-field" for fault in self.faults)
        return Reason.NO_SUCH_FIELD if unknown else Reason.BAD_VALUE

    def _note_faults(self) -> None:
        for fault in self.faults:
            self.note("value", fault.slug, english().say(replies.fault_sentence(fault)))

    def _what(self, action: Action) -> str:
        return f"{action.name} {self.process}" if self.process else action.name

    def _note_plan(self) -> None:
        self.steps += self.plan.steps if self.plan else ()
        for happened in self.plan.effects if self.plan else ():
            named = ", ".join(happened.fields)
            self.note("effect", happened.kind, f"{happened.table}: {named}" if named else happened.table)
        for text in self.plan.notes if self.plan else ():
            self.note("note", "shortened or left", english().say(text))

    def _denied(self, record: RecordState | None, values: dict[str, Any], access: str = "write") -> Saying | None:
        """Which of the fields that the lines name the actor's roles keep from him, in words, or "".

        A value that he may read and sends back as it stands needs no right.
        """
        if self.released and record is None:
            return None
        same = self._unchanged(record, values)
        kept = barred(self.actor.person, self.form, self.named - same, self.setup, access)
        if not kept:
            return None
        slug = "why.may-not-read" if access == "read" else "why.may-not-write"
        return saying(slug, who=self._who_is(), fields=tuple(kept), table=self.form)

    def _out_of_reach(self, action: Action, record: RecordState | None) -> Saying:
        if record is None:
            return saying("why.no-right-on-table", who=self._who_is(), action=self._what(action))
        return saying("why.no-right-on-record", who=self._who_is(), action=self._what(action))

    def _unchanged(self, record: RecordState | None, values: dict[str, Any]) -> set[str]:
        """The fields of the record that the lines name, the actor may read, and whose values stand already."""
        if record is None or self.form != record.table or not self._reaches(Right.READ, record):
            return set()
        person, table = self.actor.person, record.table
        same = {name for name, value in values.items() if record.values.get(name) == value}
        return {name for name in same if field_access(person, table, name, self.setup) != "none"}

    def _sensitive(self, values: dict[str, Any]) -> bool:
        live = self.setup.tables[self.form].live_fields
        return any(live[name].sensitive for name in values)
