"""run: run a process of the setup on the record, or as a batch on all records of the table or of a view."""

from __future__ import annotations

from addressee.core import process
from addressee.core.action import Action, CannotBeDone, Changeset, Request, Target, action, communication, reach_of
from addressee.core.authorise import may_run
from addressee.core.present import job_url
from addressee.core.reasons import Reason
from addressee.core.steps import advance
from addressee.core.values import Assurance, JobDraft, Right


@action("run", needs=Right.ACTIONS, target=Target.ANY, least=Assurance.E4, lines=True)
class Run(Action):
    """Write the name of the process in the first line, then its parameters as `name: value`."""

    def reach(self, request: Request) -> str:
        """The process must stand among the actions of a role; the record must be one that the actor may read."""
        if request.run is None or not may_run(request.actor.person, request.run.process, request.table, request.setup):
            return ""
        return reach_of(Right.READ, request) if request.record is not None else "all"

    def level(self, request: Request) -> Assurance:
        named = request.run.definition.assurance if request.run is not None else ""
        return Assurance[named] if named else self.least

    def plan(self, request: Request) -> Changeset:
        if request.run is None:
            raise CannotBeDone(Reason.NO_PROCESS)
        run = process.filled(request.run, request.values)
        assert request.record is not None  # noqa: S101  over a table it is a batch (core/batch)
        uuid, label = request.fresh.uuid(), run.definition.label or run.process
        advanced = advance(run, request)
        waiting, plan = advanced.waiting, advanced.changeset
        job = JobDraft(
            uuid=uuid,
            kind="process",
            name=run.process,
            table=request.table,
            state="waiting" if waiting else "done",
            record=request.record.uuid,
            payload=process.kept(advanced.run),
            run_at=waiting.until if waiting else None,
            waits_for=waiting.reply if waiting else "",
            why=waiting.why if waiting else "",
        )
        words = request.reading.words
        answer = words("run.done", label=label)
        if waiting:
            answer = words("run.waits", label=label, why=waiting.why, url=job_url(uuid, request.setup))
        mailed = request.message is not None
        shown = communication(
            request,
            request.record.uuid,
            kind="mail" if mailed else "notice",
            text=request.prose if mailed else answer,
        )
        return Changeset(
            changes=plan.changes,
            communications=(shown, *plan.communications),
            effects=plan.effects,
            turns=plan.turns,
            outbox=plan.outbox,
            held_back=plan.held_back,
            gathered=plan.gathered,
            jobs=(job,),
            steps=plan.steps,
            answer=answer,
        )
