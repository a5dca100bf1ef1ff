"""follow, unfollow: be told of what happens to a record, or no longer; always oneself, never another (DESIGN 4)."""

from __future__ import annotations

from addressee.core.action import Action, Changeset, Request, Target, action, communication, reach_of
from addressee.core.authorise import has_role
from addressee.core.values import Assurance, Effect, Right


class Following(Action):
    """The base of both words."""

    on: bool

    def reach(self, request: Request) -> str:
        """Only somebody of the firm has an inbox of ours to be told in; correspondents are written to anyway."""
        return reach_of(Right.READ, request) if has_role(request.actor.person) else ""

    def plan(self, request: Request) -> Changeset:
        record, key = request.record, request.actor.key
        assert record is not None and key is not None  # noqa: S101, PT018  the target and the reach say so
        words = request.reading.words
        stood = key in request.snapshot.followers.get(record.uuid, ())
        told = {"following": {"before": stood, "after": self.on}}
        return Changeset(
            communications=(communication(request, record.uuid, text=request.prose),),
            following={(record.uuid, key): self.on},
            effects=(Effect("follow", record.table, record.uuid, told),) if stood != self.on else (),
            answer=words("follow.on") if self.on else words("follow.off"),
        )


@action("follow", needs=Right.READ, target=Target.RECORD, least=Assurance.E3)
class Follow(Following):
    """You are told of what happens to the record."""

    on = True


@action("unfollow", needs=Right.READ, target=Target.RECORD, least=Assurance.E3)
class Unfollow(Following):
    """You are no longer told of what happens to the record."""

    on = False
