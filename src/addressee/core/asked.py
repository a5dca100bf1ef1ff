"""What becomes of what is asked: on a table, on a record, a refusal, a question back. Pure; a part of decide."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import Any

from addressee.core import batch, lines, process
from addressee.core.action import Action, CannotBeDone, Changeset, Target
from addressee.core.authorise import has_role, needed
from addressee.core.batch import BATCHES
from addressee.core.checks import faults_of
from addressee.core.confirmation import essence
from addressee.core.invited import EVENT, planned
from addressee.core.language import Saying, as_written, english, saying
from addressee.core.message import Invitation, Nature
from addressee.core.permitted import Permitted
from addressee.core.reasons import Reason
from addressee.core.registry import actions
from addressee.core.schedule import schedule_table
from addressee.core.values import (
    Asks,
    Assurance,
    Decision,
    Disposition,
    RecordState,
    Visibility,
)


class Asking(Permitted):
    """The right, the level, the action, in this order."""

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

    def _refused(self, reason: Reason, why: Saying | str = "") -> Decision:
        """A command that cannot be taken: the text still counts where the author may comment."""
        self._note_faults()
        if self.record is not None and not self.record.deleted:
            return self._commented(self.record, self.message.new_text, reason, why)
        if reason is Reason.NOT_PERMITTED:  # there is nothing to land on, and a person may give the right
            return self.settle(Disposition.HOLD, reason, why)
        self.actor = self.actor if has_role(self.actor.person) else self.identity.guest or self.actor
        return self._impossible(reason, why)

    def _note_plan(self) -> None:
        self.steps += self.plan.steps if self.plan else ()
        for happened in self.plan.effects if self.plan else ():
            named = ", ".join(happened.fields)
            self.note("effect", happened.kind, f"{happened.table}: {named}" if named else happened.table)
        for text in self.plan.notes if self.plan else ():
            self.note("note", "shortened or left", english().say(text))
