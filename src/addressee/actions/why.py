"""why: answer with what became of the author's own latest messages to the record, and why."""

from __future__ import annotations

from addressee.core.action import Action, Changeset, Request, Target, action, communication
from addressee.core.values import Assurance, Right

# Who else was told is not for correspondents to know.
_FOR_OUTSIDERS = ("command", "value", "attachment", "effect", "note", "settle")


@action("why", needs=Right.READ, target=Target.RECORD, least=Assurance.E3)
class Why(Action):
    """You get the steps by which your latest messages here were decided."""

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        told = request.snapshot.told.get((request.record.uuid, request.actor.address), ())
        words = request.reading.words
        lines: list[str] = []
        for past in told:
            subject = past.subject or words("why.no-subject")
            lines += [f"{past.at:%Y-%m-%d %H:%M} UTC, {subject}: {past.disposition}, {past.reason}"]
            lines += [
                f"  {step.step}: {step.result}{f' ({step.why})' if step.why else ''}"
                for step in past.trace
                if not request.outsider or step.step in _FOR_OUTSIDERS
            ]
            lines.append("")
        answer = "\n".join(lines).strip() or words("why.none")
        return Changeset(
            communications=(communication(request, request.record.uuid, text=request.prose),), answer=answer
        )
