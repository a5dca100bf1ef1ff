"""undo: take back what a message of the author changed, wherever it did (core/undo)."""

from __future__ import annotations

from dataclasses import replace

from addressee.core import undo
from addressee.core.action import Action, CannotBeDone, Changeset, Request, Target, action, communication
from addressee.core.reasons import Reason
from addressee.core.values import Assurance


@action("undo", needs=None, target=Target.ANY, least=Assurance.E3, of_deleted=True)
class Undo(Action):
    """What the message you answer changed, or else your last one here, is taken back."""

    def reach(self, request: Request) -> str:
        return super().reach(request) and undo.reach(request, undo.cause_of(request))

    def level(self, request: Request) -> Assurance:
        return undo.level(request, undo.cause_of(request))

    def plan(self, request: Request) -> Changeset:
        cause = undo.cause_of(request)
        if request.record is None and not cause:
            raise CannotBeDone(Reason.NO_RECORD)
        plan = undo.undone(request, cause)
        if request.message is None or request.record is None:
            return plan
        return replace(plan, communications=(communication(request, request.record.uuid, text=request.prose),))
