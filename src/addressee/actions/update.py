"""update: set the fields named in the body; the other lines become a comment. All or nothing."""

from __future__ import annotations

from addressee.actions.comment import posted
from addressee.core.action import Action, Changeset, Request, Target, action
from addressee.core.batch import with_view
from addressee.core.setup import Table
from addressee.core.values import Assurance, Right


@action("update", needs=Right.UPDATE, target=Target.RECORD, least=Assurance.E3, lines=True)
class Update(Action):
    """Lines `field: value` change the record; everything else you write is a comment."""

    def form_lines(self, table: Table, on_record: bool) -> Table:
        return table if on_record else with_view(table)

    def level(self, request: Request) -> Assurance:
        live = request.definition.live_fields
        return Assurance.E4 if any(live[name].sensitive for name in request.values) else self.least

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        return posted(request, request.record, dict(request.values))
