"""comment: link the message to the record, and put its text and files where the table says."""

from __future__ import annotations

from typing import Any

from addressee.core.action import (
    Action,
    Changeset,
    Request,
    Target,
    action,
    appended,
    changed,
    communication,
    effect,
    set_by_lines,
    with_files,
)
from addressee.core.authorise import field_access, grants
from addressee.core.language import Saying, saying
from addressee.core.message import Attachment
from addressee.core.values import Assurance, Correspondent, Effect, RecordChange, RecordState, Right


@action("comment", needs=Right.COMMENT, target=Target.RECORD, least=Assurance.E3)
class Comment(Action):
    """What you write becomes part of the record; files go to its file field."""

    def plan(self, request: Request) -> Changeset:
        assert request.record is not None  # noqa: S101  the target says so
        return posted(request, request.record, {})


def posted(request: Request, record: RecordState, values: dict[str, Any]) -> Changeset:
    """A post on a record: the communication, the mapped text and files, and these further values, in one change."""
    kept = request.stored_files
    notes: list[Saying] = []
    text = request.prose.strip()
    after = set_by_lines(request, record.values, values)
    if not request.record_only and not request.unverified:  # of an unverified post nothing but itself is shown
        mapping = request.definition.mail
        if mapping.text and text and _may_write(request, mapping.text, notes):
            after[mapping.text] = appended(request, {**record.values, **after}, mapping.text, text)
        if mapping.files and any(not f.inline for f in kept) and _may_write(request, mapping.files, notes):
            after[mapping.files] = with_files(record.values, mapping.files, kept)
        workflow = request.definition.workflow
        if workflow and request.outsider and workflow.reopen and record.values.get(workflow.field) in workflow.closed:
            after.setdefault(workflow.field, workflow.reopen)
    change = changed(request, record, after)
    address = request.actor.address
    return Changeset(
        changes=(change,) if change is not None else (),
        communications=(communication(request, record.uuid, text=text),),
        correspondents={(record.uuid, address): Correspondent(wrote=True)}
        if address and request.outsider and not request.unverified
        else {},
        effects=tuple(_effects(request, record, change, text, kept)),
        notes=tuple(notes),
    )


def _effects(
    request: Request, record: RecordState, change: RecordChange | None, text: str, kept: tuple[Attachment, ...]
) -> list[Effect]:
    """One effect a kind: the fields that were set, the text with the field it went to, the files with theirs."""
    told = dict(effect(change).fields) if change is not None else {}
    mapping = request.definition.mail
    in_log = (
        {mapping.text: told.pop(mapping.text)} if mapping.text in told and mapping.text not in request.values else {}
    )
    in_files = {mapping.files: told.pop(mapping.files)} if mapping.files in told else {}
    files = any(not f.inline for f in kept)
    found: list[Effect] = []
    if told:
        found.append(Effect("update", record.table, record.uuid, told))
    if text or not (told or files):
        found.append(Effect("comment", record.table, record.uuid, in_log))
    if files:
        found.append(Effect("attach", record.table, record.uuid, in_files))
    return found


def _may_write(request: Request, name: str, notes: list[Saying]) -> bool:
    """A role may take a field away from its holders; then the message is linked and the field left alone."""
    person = request.actor.person
    if field_access(person, request.table, name, request.setup) == "write":
        return True
    if person is None or (request.outsider and not grants(person, request.table, request.setup)):
        return True  # a token alone, or a person's release: the right to comment and attach
    definition = request.definition.live_fields[name]
    notes.append(saying("note.not-written", field=definition.label or name))
    return False
