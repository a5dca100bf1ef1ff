"""restore: bring a deleted record back, as it was, with its links."""

from __future__ import annotations

from addressee.core.action import (
    Action,
    CannotBeDone,
    Changeset,
    Request,
    Target,
    action,
    changed,
    communication,
    effect,
)
from addressee.core.reasons import Reason
from addressee.core.values import Assurance, Right


@action("restore", needs=Right.DELETE, target=Target.RECORD, least=Assurance.E4, of_deleted=True)
class Restore(Action):
    """The deleted record comes back, as it was."""

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        if not request.record.deleted:
            raise CannotBeDone(Reason.NOT_DELETED)
        change = changed(request, request.record, {}, "restore")
        assert change is not None  # noqa: S101  only an update may be empty
        told = (communication(request, request.record.uuid, text=request.prose),) if request.message else ()
        return Changeset(changes=(change,), communications=told, effects=(effect(change),))
