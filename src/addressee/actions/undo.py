"""undo: take back what a message of the author changed, wherever it did (core/undo)."""

from __future__ import annotations

from dataclasses import replace

from addressee.core import undo
from addressee.core.action import Action, Changeset, Request, Target, action, communication
from addressee.core.values import Assurance


@action("undo", needs=None, target=Target.RECORD, least=Assurance.E3, of_deleted=True)
class Undo(Action):
    """What the message you answer changed, or else your last one here, is taken back."""

    def reach(self, request: Request) -> str:
        return super().reach(request) and undo.reach(request, undo.cause_of(request))

    def level(self, request: Request) -> Assurance:
        return undo.level(request, undo.cause_of(request))

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        plan = undo.undone(request, undo.cause_of(request))
        if request.message is None:
            return plan
        return replace(plan, communications=(communication(request, request.record.uuid, text=request.prose),))
