"""What one step of a job comes to: a process that goes on after its wait, or one record of a batch. Pure.

Whoever started the job is looked at anew: a right that was taken away meanwhile is gone. Called by pipeline/jobs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from addressee.core.action import Action, CannotBeDone, Changeset, Request, communication
from addressee.core.authorise import field_access, has_role
from addressee.core.fieldtype import Reading
from addressee.core.language import Saying, english
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import actions
from addressee.core.setup import Setup
from addressee.core.steps import Advanced, advance
from addressee.core.values import (
    Actor,
    Decision,
    Disposition,
    Fresh,
    RecordState,
    Run,
    Snapshot,
    Step,
    Visibility,
)


@dataclass(frozen=True, slots=True)
class Started:
    """Who started a job, by which delivery, through which account, by which right."""

    actor: Actor
    account: str = ""
    delivery: int = 0
    right: str = ""


def request_of(
    verb: str,
    started: Started,
    record: RecordState,
    snapshot: Snapshot,
    setup: Setup,
    fresh: Fresh,
    *,
    values: dict[str, Any] | None = None,
    run: Run | None = None,
) -> Request:
    """A request of whoever started the job, on one record."""
    return Request(
        verb=verb,
        actor=started.actor,
        setup=setup,
        snapshot=snapshot,
        fresh=fresh,
        now=snapshot.now,
        table=record.table,
        record=record,
        account_key=started.account,
        account=setup.accounts.get(started.account),
        values=values or {},
        visibility=Visibility.INTERNAL,
        outsider=not has_role(started.actor.person),
        reading=Reading(),
        run=run,
    )


def go_on(
    run: Run, started: Started, record: RecordState, snapshot: Snapshot, setup: Setup, fresh: Fresh
) -> tuple[Decision, Advanced]:
    """The steps of a process from where it stands to its end or its next wait. Raises CannotBeDone."""
    if record.deleted:
        raise CannotBeDone(Reason.DELETED_RECORD)
    request = request_of("run", started, record, snapshot, setup, fresh, run=run)
    advanced = advance(run, request)
    label, waiting = run.definition.label or run.process, advanced.waiting
    said = f"{label} waits for {waiting.why}." if waiting else f"{label} is done."
    notice = communication(request, record.uuid, kind="notice", text=said)
    plan = replace(advanced.changeset, communications=(notice, *advanced.changeset.communications))
    return decided(plan, started, record, started.right), advanced


def on_record(
    verb: str,
    started: Started,
    record: RecordState,
    snapshot: Snapshot,
    setup: Setup,
    fresh: Fresh,
    *,
    values: dict[str, Any],
    run: Run | None,
) -> Decision:
    """One record of a batch: the same right, fields and plan as for a mail about this record alone."""
    action: Action = actions[verb]
    if record.deleted:
        return refused(started, record, Reason.DELETED_RECORD)
    request = request_of(verb, started, record, snapshot, setup, fresh, values=values, run=run)
    reach = action.reach(request)
    if not reach:
        return refused(started, record, Reason.NOT_PERMITTED)
    if run is None:
        person, table = started.actor.person, record.table
        barred = [name for name in values if field_access(person, table, name, setup) != "write"]
        if barred:
            return refused(started, record, Reason.NOT_PERMITTED, f"{', '.join(barred)} may not be written")
    try:
        plan = action.plan(request)
    except CannotBeDone as fault:
        return refused(started, record, fault.reason, fault.why)
    shown = tuple(each for each in plan.communications if each.text.strip() and verb == "run" and each.kind != "notice")
    return decided(replace(plan, communications=shown, jobs=_lasting(plan)), started, record, f"{verb}: {reach}")


def _lasting(plan: Changeset) -> Any:
    """Of a batch the slices tell what was done; only what waits has a job of its own."""
    return tuple(job for job in plan.jobs if job.state != "done")


def decided(plan: Changeset, started: Started, record: RecordState, right: str) -> Decision:
    return Decision(
        delivery=started.delivery,
        disposition=Disposition.ACCEPT,
        reason=Reason.DONE,
        trace=plan.steps,
        actor=started.actor,
        author=started.actor.address or None,
        account=started.account,
        target=f"record:{record.uuid}",
        changes=plan.changes,
        communications=plan.communications,
        correspondents=plan.correspondents,
        outbox=plan.outbox,
        effects=plan.effects,
        turns=plan.turns,
        right=right,
        held_back=plan.held_back,
        gathered=plan.gathered,
        jobs=plan.jobs,
    )


def refused(started: Started, record: RecordState, reason: Reason, why: Saying | str = "") -> Decision:
    return Decision(
        delivery=started.delivery,
        disposition=Disposition.REJECT,
        reason=reason,
        trace=(Step("settle", f"reject: {reason}", english().say(why) or SENTENCES[reason]),),
        actor=started.actor,
        author=started.actor.address or None,
        target=f"record:{record.uuid}",
    )
