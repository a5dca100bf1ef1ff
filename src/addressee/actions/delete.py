"""delete: take the record out of the lists. It can be restored; nothing is erased."""

from __future__ import annotations

from addressee.core.action import Action, Changeset, Request, Target, action, changed, communication, effect
from addressee.core.values import Assurance, Right


@action("delete", needs=Right.DELETE, target=Target.RECORD, least=Assurance.E5)
class Delete(Action):
    """The record leaves the lists; `restore` or `undo` brings it back."""

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        change = changed(request, request.record, {}, "delete")
        assert change is not None  # noqa: S101  only an update may be empty
        told = (communication(request, request.record.uuid, text=request.prose),) if request.message else ()
        return Changeset(
            changes=(change,),
            communications=told,
            effects=(effect(change),),
        )
