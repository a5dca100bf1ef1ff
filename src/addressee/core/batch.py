"""A command over all records of a table or of a view: what is asked for, and how it is told. Pure.

It becomes a job, and the job slices of a hundred records, each with the same right, fields and plan as a mail about
that record alone (core/job). So nothing here changes a record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addressee.core import process
from addressee.core.action import CannotBeDone, Changeset, Request
from addressee.core.job import Started
from addressee.core.language import Saying, english, language, saying
from addressee.core.present import job_url
from addressee.core.reasons import Reason
from addressee.core.setup import FieldDef, Setup, Table
from addressee.core.values import Effect, Fresh, JobDraft, OutboxDraft

BATCHES = ("update", "delete")  # actions on a record that a line `view: name` makes a batch of
SLICE = 100  # records in one transaction


def with_view(table: Table) -> Table:
    """The fields of a table, and the line that names a view."""
    return Table(label=table.label, title=table.title, fields={"view": FieldDef(type="text"), **table.fields})


def about(request: Request, count: int) -> Saying:
    """Of how many records it is, and of which."""
    table = request.definition.label or request.table
    if not request.view:
        return saying("batch.about", count=count, table=table)
    view = request.setup.views[request.view].label or request.view
    return saying("batch.about-view", count=count, table=table, view=view)


def plan(request: Request, count: int) -> Changeset:
    """The job. Raises CannotBeDone for a parameter that is missing, or a command that would change nothing."""
    run = process.filled(request.run, request.values) if request.run is not None else None
    if run is None and request.verb == "update" and not request.values:
        raise CannotBeDone(Reason.EMPTY)
    name = run.process if run is not None else request.verb
    label = (run.definition.label if run is not None else "") or name
    said = process.said_in(request.message)
    job = JobDraft(
        uuid=request.fresh.uuid(),
        kind="batch",
        name=name,
        table=request.table,
        view=request.view,
        state="ready",
        run_at=request.now,
        payload={
            "verb": request.verb,
            "run": process.kept(run) if run is not None else None,
            "values": dict(request.values) if run is None else {},
            "mail": {"subject": said.get("subject", ""), "message_id": said.get("message_id", "")},
        },
    )
    what = english().say(about(request, count))
    return Changeset(
        effects=(Effect("run" if run is not None else request.verb, request.table, ""),),
        jobs=(job,),
        answer=f"{label} runs on {what}: {job_url(job.uuid, request.setup)}",
    )


def receipt(
    mail: Mapping[str, str], told: Mapping[str, Any], started: Started, setup: Setup, fresh: Fresh
) -> OutboxDraft:
    """What its author is told when a batch is over: the counts, and where each record's result stands."""
    person = started.actor.person if not started.actor.lent else None
    words = language(person.language if person else "", setup.site.language)
    process_label = setup.processes[told["name"]].label if told["name"] in setup.processes else ""
    lines = [
        words("batch.over", what=process_label or told["name"]),
        "",
        words("batch.counts", **{name: told[name] for name in ("done", "unchanged", "refused", "failed", "total")}),
        "",
        words("batch.link", url=job_url(told["id"], setup)),
    ]
    return OutboxDraft(
        kind="receipt",
        to=started.actor.address,
        subject=f"Re: {mail.get('subject', '')}".strip(),
        text="\n".join(lines),
        language=words.tag,
        account=started.account,
        table=told["table"] or "",
        seed=fresh.uuid(),
        in_reply_to=mail.get("message_id", ""),
        references=(mail["message_id"],) if mail.get("message_id") else (),
    )
