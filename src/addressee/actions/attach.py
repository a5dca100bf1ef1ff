"""attach: put the files of the message into the record's file field; text is kept with them."""

from __future__ import annotations

from addressee.actions.comment import posted
from addressee.core.action import Action, Changeset, Request, Target, action
from addressee.core.values import Assurance, Right


@action("attach", needs=Right.COMMENT, target=Target.RECORD, least=Assurance.E3)
class Attach(Action):
    """Your files are added to the record."""

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        return posted(request, request.record, {})
