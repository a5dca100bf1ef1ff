"""What a message says: its command, its lines, edits in the quote of a form, its files. Pure; a part of decide."""

from __future__ import annotations

from typing import Any

from addressee.core import lines, process, replies
from addressee.core.attachments import sort_files
from addressee.core.authorise import field_access, has_role
from addressee.core.batch import BATCHES
from addressee.core.command import verb
from addressee.core.form import Torn, edited
from addressee.core.language import Saying, english, saying
from addressee.core.message import Nature
from addressee.core.reasons import Reason
from addressee.core.registry import actions
from addressee.core.route import Kind, route
from addressee.core.setup import Table
from addressee.core.threads import other_numbers, quoted_form
from addressee.core.values import (
    Assurance,
    TokenState,
)
from addressee.core.walk import Walk


class Said(Walk):
    """Reads the message for the walk; decides no right."""

    __slots__ = ()

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

    def _lines_for(self) -> Table:
        """What the lines of the message fill in: fields of a table, or the parameters of a process."""
        if self.verb != "run":
            table = self.setup.tables[self.form]
            return actions[self.verb].form_lines(table, self.record is not None) if self.verb in actions else table
        return process.form_of(self.setup.processes[self.process] if self.process else None)

    def _is_for(self, key: str) -> bool:
        return self.setup.processes[key].table in ("", self.table)

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

    def _fault_reason(self) -> Reason:
        unknown = all(fault.slug == "no-such-field" for fault in self.faults)
        return Reason.NO_SUCH_FIELD if unknown else Reason.BAD_VALUE

    def _note_faults(self) -> None:
        for fault in self.faults:
            self.note("value", fault.slug, english().say(replies.fault_sentence(fault)))
