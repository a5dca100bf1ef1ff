"""The stream of a record: its mail, comments and notices, and its changes, in one line of time. Called by records."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from addressee.mail.models import Communication, Delivery, File, Message, OutboxItem
from addressee.records.models import Record, Revision
from addressee.web.presented import Change, Presenter

NEWEST = 100
_KINDS = {
    "mail": "Mail",
    "comment": "Comment",
    "notice": "Notice",
    "bounce": "Not delivered",
    "event": "Event",
    "task": "Task",
}
_CHANGES = {"create": "made the record", "update": "changed", "delete": "deleted the record", "restore": "restored it"}


@dataclass(frozen=True, slots=True)
class Post:
    """A mail, comment, notice or bounce. `text` is the author's new text, `quoted` the rest of his message."""

    key: uuid.UUID
    at: datetime
    kind: str
    label: str
    by: str
    address: str
    subject: str
    text: str
    quoted: str
    visibility: str
    unverified: bool
    withheld: bool
    delivery: int | None
    files: tuple[File, ...]

    template = "web/_post.html"


@dataclass(frozen=True, slots=True)
class Changed:
    """One revision, as one line and its fields."""

    at: datetime
    by: str
    what: str
    version: int
    kind: str
    changes: tuple[Change, ...]
    delivery: int | None
    cause: bool  # it can be undone: the message or post that it came by is known

    template = "web/_change.html"


@dataclass(frozen=True, slots=True)
class Stream:
    entries: list[Post | Changed]  # the newest first
    revisions: list[Changed]
    older: bool  # there is more than was asked for


def stream_of(record: Record, presenter: Presenter, *, whole: bool = False) -> Stream:
    """The newest entries of a record, or all of them."""
    most = None if whole else NEWEST + 1
    posts = list(Communication.objects.filter(record=record).select_related("message").order_by("-at", "-uuid")[:most])
    revisions = list(Revision.objects.filter(record=record).order_by("-version")[:most])
    table = presenter.reader.setup.tables[record.table]
    presenter.learn(persons=[*(post.actor for post in posts), *(revision.actor for revision in revisions)])
    presenter.learn_values(table, [_side(r, side) for r in revisions for side in ("before", "after")])
    deliveries = _deliveries({p.message_id for p in posts} | {r.message for r in revisions})
    files = _files(posts)
    changed = [_changed(revision, record, presenter, deliveries) for revision in revisions]
    entries: list[Post | Changed] = [
        _post(post, presenter, deliveries, files)
        for post in posts
        if post.message_id or post.text or files.get(post.uuid)  # a form that only set values said nothing
    ]
    # what mail or a person changed is told beside the post; a change of nothing the reader may see is no entry
    entries += [change for change in changed if change.changes or change.kind != "update"]
    entries.sort(key=lambda entry: (entry.at, isinstance(entry, Post)), reverse=True)
    older = not whole and len(entries) > NEWEST
    return Stream(entries[:NEWEST] if older else entries, changed, older)


def _side(revision: Revision, side: str) -> dict[str, object]:
    return {name: pair.get(side) for name, pair in revision.fields.items()}


def _deliveries(identities: set[str | None]) -> dict[str, int]:
    """The first delivery of each message: its page tells why it did what it did."""
    wanted = {identity for identity in identities if identity}
    rows = Delivery.objects.filter(identity__in=wanted).order_by("-id").values_list("identity", "id")
    return dict(rows)


def _files(posts: list[Communication]) -> dict[object, list[File]]:
    """Files by the post they were added to, or by the message they came with."""
    out: dict[object, list[File]] = defaultdict(list)
    messages = [post.message_id for post in posts if post.message_id]
    mine = Q(communication__in=[post.uuid for post in posts]) | Q(message__in=messages)
    for file in File.objects.filter(mine, inline=False).order_by("id"):
        out[file.communication_id or file.message_id].append(file)
    return out


def _post(
    row: Communication, presenter: Presenter, deliveries: dict[str, int], files: dict[object, list[File]]
) -> Post:
    message = row.message
    text = row.text or (message.new_text if message else "")
    return Post(
        key=row.uuid,
        at=row.at,
        kind=row.kind,
        label=_KINDS.get(row.kind, row.kind.capitalize()),
        by=(message.author_name if message else "") or presenter.person(row.actor) or row.author or "Addressee",
        address=row.author if message else "",
        subject=message.subject if message else "",
        text=text,
        quoted=rest_of(message, text) if message else "",
        visibility=row.visibility,
        unverified=row.unverified,
        withheld=row.withheld,
        delivery=deliveries.get(row.message_id or ""),
        files=tuple(files.get(row.uuid, []) + files.get(row.message_id, [])),
    )


def rest_of(message: Message, new: str) -> str:
    """What a message says beside its new text: quotes and signature; all of it where there is no new text."""
    if not new.strip():
        return message.text
    parts = (message.data.get("quoted_text"), message.data.get("signature"))
    return "\n\n".join(part for part in parts if part)


def _changed(revision: Revision, record: Record, presenter: Presenter, deliveries: dict[str, int]) -> Changed:
    changes = presenter.changes(record.table, revision.fields, new=revision.kind == "create")
    return Changed(
        at=revision.at,
        by=presenter.person(revision.actor) or revision.author or "Addressee",
        what=_CHANGES.get(revision.kind, revision.kind),
        version=revision.version,
        kind=revision.kind,
        changes=tuple(changes),
        delivery=deliveries.get(revision.message),
        cause=bool(revision.message),
    )


def undelivered(record: Record) -> list[OutboxItem]:
    """Mail of this record that could not be sent: its failure is shown here (law 9)."""
    return list(OutboxItem.objects.filter(record=record, state="failed").order_by("-id")[:5])
