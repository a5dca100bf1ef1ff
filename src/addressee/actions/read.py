"""read: answer with every field of the record that the asker may see; on a table, with a list of its records."""

from __future__ import annotations

from typing import ClassVar

from addressee.core import listing
from addressee.core.action import Action, Changeset, Request, Target, action, communication
from addressee.core.form import form_of
from addressee.core.present import unset_lines
from addressee.core.setup import Table
from addressee.core.values import Assurance, Right


@action("read", needs=Right.READ, target=Target.ANY, least=Assurance.E3, lines=True)
class Read(Action):
    """You get the values of the record by mail; of a table, its records: all, or by `view: ...` and `field: value`."""

    access: ClassVar[str] = "read"

    def takes_lines(self, on_record: bool) -> bool:
        return not on_record

    def form_lines(self, table: Table, on_record: bool) -> Table:
        return table if on_record else listing.form_of(table)

    def plan(self, request: Request) -> Changeset:
        if request.record is None:
            return self._list(request)
        linked = communication(request, request.record.uuid, text=request.prose)
        answer, form = self.shown(request)
        return Changeset(communications=(linked,), answer=answer, form=form)

    def shown(self, request: Request) -> tuple[str, tuple[tuple[str, str], ...]]:
        if request.record is None:
            return "", ()
        told = request.record, request.actor.person, request.setup, request.reading
        return "\n".join(unset_lines(*told)), form_of(*told, whole=True)

    def _list(self, request: Request) -> Changeset:
        what, view = listing.asked(request)
        read = request.snapshot.listed
        if read is None or read[0] != what:
            raise listing.NeedsList(what)
        return Changeset(answer=listing.answer(read[1], what, view, request))
