"""read: answer with every field of the record that the asker may see."""

from __future__ import annotations

from addressee.core.action import Action, Changeset, Request, Target, action, communication
from addressee.core.form import form_of
from addressee.core.present import unset_lines
from addressee.core.values import Assurance, Right


@action("read", needs=Right.READ, target=Target.RECORD, least=Assurance.E3)
class Read(Action):
    """You get the values of the record by mail."""

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        shown = request.record, request.actor.person, request.setup, request.reading
        return Changeset(
            communications=(communication(request, request.record.uuid, text=request.prose),),
            answer="\n".join(unset_lines(*shown)),
            form=form_of(*shown, whole=True),
        )
