"""Taking back what one message caused: the changes that undo it, of its revisions and the records as they stand. Pure.

All of it or nothing: where somebody changed the same field since, nothing is taken back and the field is named. A
record that it made becomes deleted (its number is not given out again), one that it deleted comes back with its links;
an entry of a log is marked withdrawn, never removed; a file is taken off the record, its bytes stay. What an undo
writes are revisions like any other, so an undo of it does the thing again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from addressee.core.action import CannotBeDone, Changeset, Request, changed, effect, reach_of
from addressee.core.authorise import field_access
from addressee.core.fieldtype import stored_moment
from addressee.core.language import Saying, saying
from addressee.core.present import name_of
from addressee.core.reasons import Reason
from addressee.core.setup import Table
from addressee.core.values import Assurance, RecordChange, RecordState, Revised, Right

_EXTENTS = ("own", "team", "all")
_TO_THE_AUTHOR = ("receipt", "confirmation")  # that he was answered goes without saying


def cause_of(request: Request) -> str:
    """What is meant: what the asker names; else the message whose receipt he answers; else his last one that changed
    this record. "" for none."""
    if request.cause:
        return request.cause
    snapshot, author = request.snapshot, request.actor.address
    answered = [*request.message.in_reply_to, *reversed(request.message.references)] if request.message else []
    for which in (request.actor.token or "", *answered):
        found = snapshot.receipt_of.get((which, author), "") if which else ""
        if snapshot.revised.get(found):
            return found
    return snapshot.last_cause.get((request.record.uuid, author), "") if request.record is not None else ""


def by_record(revisions: Iterable[Revised]) -> dict[str, list[Revised]]:
    """What a cause did to each record, in the order of time."""
    found: dict[str, list[Revised]] = {}
    for revision in revisions:
        found.setdefault(revision.record, []).append(revision)
    return found


def reach(request: Request, cause: str) -> str:
    """How far the rights to each thing undone reach: the least of them; "" where one is missing."""
    found = "all"
    for uuid, own in by_record(request.snapshot.revised.get(cause, ())).items():
        record = request.snapshot.records[uuid]
        if _is_beside(request, own, record):
            continue
        table = request.setup.tables[record.table]
        for right in _rights(own, table):
            about = replace(request, table=record.table, record=None if right is Right.CREATE else record)
            far = reach_of(right, about)
            if not far or (right is Right.UPDATE and _barred(request, own, record)):
                return ""
            found = min(found, far, key=_EXTENTS.index)
    return found


def level(request: Request, cause: str) -> Assurance:
    """As sure as the thing undone asks; of a delete E4 (DESIGN section 4)."""
    for revision in request.snapshot.revised.get(cause, ()):
        live = request.setup.tables[request.snapshot.records[revision.record].table].live_fields
        sensitive = any(live[name].sensitive for name in revision.fields if name in live)
        if revision.kind == "delete" or (revision.kind == "update" and sensitive):
            return Assurance.E4
    return Assurance.E3


def undone(request: Request, cause: str) -> Changeset:
    """The changes that take a cause back, and what could not be recalled. Raises CannotBeDone."""
    revisions = request.snapshot.revised.get(cause, ())
    if not revisions:
        raise CannotBeDone(Reason.NOTHING_TO_UNDO)
    most = request.setup.option("undo_changes")
    if len(revisions) > most:
        raise CannotBeDone(Reason.TOO_MANY_CHANGES, saying("why.too-many-changes", most=most))
    changes: list[RecordChange] = []
    notes: list[Saying] = []
    clashes: list[str] = []
    for uuid, own in by_record(revisions).items():
        record = request.snapshot.records[uuid]
        called = name_of(record, request.setup)
        if _is_beside(request, own, record):
            notes.append(saying("note.stays", what=called))
            continue
        values, clashing = _back(request, own, record)
        if clashing:
            clashes.append(f"{called}: {', '.join(clashing)}")
            continue
        change = changed(request, record, values, _kind(own, record))
        changes += [change] if change is not None else []
    if clashes:
        raise CannotBeDone(Reason.CHANGED_SINCE, saying("why.changed-since", fields="; ".join(clashes)))
    if not changes:
        raise CannotBeDone(Reason.NOTHING_TO_UNDO, saying("why.undone-already"))
    return Changeset(
        changes=tuple(changes),
        effects=tuple(map(effect, changes)),
        notes=(*notes, *_sent(request, cause)),
        undoes=cause,
    )


def _sent(request: Request, cause: str) -> list[Saying]:
    """Mail that went out can't be called back."""
    gone = {each.to: each.at for each in request.snapshot.sent.get(cause, ()) if each.kind not in _TO_THE_AUTHOR}
    return [saying("note.sent", to=to, at=f"{at:%Y-%m-%d %H:%M}") for to, at in sorted(gone.items()) if at is not None]


def _rights(own: list[Revised], table: Table) -> set[Right]:
    """What a cause must have had the right to, as undo asks for it: the same."""
    mapped = {table.mail.text, table.mail.files, table.workflow.field if table.workflow else ""}
    found: set[Right] = set()
    for revision in own:
        if revision.kind == "create":
            found.add(Right.CREATE)
            continue
        if revision.kind in ("delete", "restore"):
            found.add(Right.DELETE)
        if revision.fields:
            found.add(Right.COMMENT if set(revision.fields) <= mapped else Right.UPDATE)
    return found


def _barred(request: Request, own: list[Revised], record: RecordState) -> bool:
    """Do the actor's roles keep a field from him that an update set?"""
    named = {name for revision in own if revision.kind != "create" for name in revision.fields}
    return any(field_access(request.actor.person, record.table, name, request.setup) != "write" for name in named)


def _is_beside(request: Request, own: list[Revised], record: RecordState) -> bool:
    """A contact that was made for the author beside what he asked for: others may know him by it, so it stays."""
    target = request.record.uuid if request.record is not None else ""
    return own[0].kind == "create" and request.setup.tables[record.table].person is not None and record.uuid != target


def _kind(own: list[Revised], record: RecordState) -> str:
    """What the change that takes it back is: a record that came goes, one that went comes."""
    went = [revision.kind for revision in own if revision.kind != "update"]
    if not went:
        return "update"
    goes = went[0] in ("create", "restore")
    return "update" if record.deleted is goes else "delete" if goes else "restore"


def _back(request: Request, own: list[Revised], record: RecordState) -> tuple[dict[str, Any], list[str]]:
    """(the values that take it back, the fields that somebody changed since)."""
    live = request.setup.tables[record.table].live_fields
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for revision in own:
        for name, pair in revision.fields.items():
            before.setdefault(name, pair.get("before"))
            after[name] = pair.get("after")
    if own[0].kind == "create":
        now = {name: record.values.get(name) for name in live}
        return {}, [live[name].label or name for name, value in now.items() if _standing(value) != after.get(name)]
    values: dict[str, Any] = {}
    clashing: list[str] = []
    for name in (name for name in after if name in live):
        had, has, now_is = before[name], after[name], record.values.get(name)
        if live[name].type == "append_only":
            values[name] = _withdrawn(request, _entries(had), _entries(has), _entries(now_is))
        elif live[name].type == "files":
            values[name] = _files(_entries(had), _entries(has), _entries(now_is)) or None
        elif now_is == has:
            values[name] = had
        elif now_is != had:
            clashing.append(live[name].label or name)
    return values, clashing


def _entries(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _standing(value: Any) -> Any:
    """A log without what was withdrawn, any other value as it is: what was taken back is no change."""
    if isinstance(value, list) and any(isinstance(each, dict) and "withdrawn" in each for each in value):
        return [each for each in value if "withdrawn" not in each] or None
    return value


def _withdrawn(
    request: Request, had: list[dict[str, Any]], has: list[dict[str, Any]], now: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """A log with its entries marked as they were. A log only grows, so an entry keeps its place."""
    mark = {"at": stored_moment(request.now), "actor": request.actor.key}
    out = list(now)
    for place, entry in enumerate(has[: len(now)]):
        earlier: Mapping[str, Any] = had[place] if place < len(had) else {"withdrawn": mark}
        if "withdrawn" in earlier and "withdrawn" not in entry:
            out[place] = {**now[place], "withdrawn": now[place].get("withdrawn", mark)}
        elif "withdrawn" not in earlier and "withdrawn" in entry:
            out[place] = {key: value for key, value in now[place].items() if key != "withdrawn"}
    return out


def _files(had: list[dict[str, Any]], has: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The files of a record without those that came, and with those that went."""
    stays = [file for file in now if file in had or file not in has]
    return [*stays, *(file for file in had if file not in has and file not in now)]
