"""The stream of a record for programs: its mail, posts and changes in the order of time. Called by ops and the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Q

from addressee.core.setup import Setup
from addressee.mail.models import Communication, File, Message
from addressee.records.models import Record, Revision
from addressee.records.values import moment, revision_lines

_DONE = {"create": "created", "delete": "deleted", "restore": "restored"}
_LONGEST = 200  # characters of a value in the text of a change


def revisions_of(record: Record, setup: Setup) -> list[dict[str, Any]]:
    """The contract's `revisions` of a record, oldest first."""
    rows = list(Revision.objects.filter(record=record).order_by("version"))
    ids = _message_ids(row.message for row in rows)
    lines = revision_lines(rows, record.table, setup)
    return [{**line, "message_id": ids.get(row.message)} for row, line in zip(rows, lines, strict=True)]


def stream_of(record: Record, revisions: Sequence[Mapping[str, Any]], setup: Setup) -> list[dict[str, Any]]:
    """The contract's `stream` of a record, oldest first; a mail stands before the changes that it caused.

    revisions  what `revisions_of` gave
    """
    posts = list(Communication.objects.filter(record=record).order_by("at", "uuid").select_related("message"))
    files = _files(posts)
    entries = [_post(post, files) for post in posts] + [_change(one, record.table, setup) for one in revisions]
    return sorted(entries, key=lambda entry: (entry["at"], entry["kind"] == "change"))


def _post(post: Communication, files: Mapping[Any, list[dict[str, Any]]]) -> dict[str, Any]:
    return {
        "kind": post.kind,
        "at": moment(post.at),
        "actor": post.actor or None,
        "author": post.author or None,
        "text": post.text,
        "visibility": post.visibility,
        "message_id": (post.message.message_id or None) if post.message else None,
        "files": [*files.get(post.uuid, []), *(files.get(post.message_id, []) if post.message_id else [])],
        "unverified": post.unverified,
    }


def _change(revision: Mapping[str, Any], table: str, setup: Setup) -> dict[str, Any]:
    definitions = setup.tables[table].fields
    kinds = {name: definitions[name].type if name in definitions else "" for name in revision["fields"]}
    told = [_changed(name, kinds[name], sides) for name, sides in revision["fields"].items()]
    return {
        "kind": "change",
        "at": revision["at"],
        "actor": revision["actor"],
        "author": revision["author"],
        "text": _DONE.get(revision["kind"]) or "; ".join(told),
        "visibility": "internal",
        "message_id": revision["message_id"],
        "files": [],
        "unverified": False,
    }


def _changed(name: str, kind: str, sides: Mapping[str, Any]) -> str:
    before, after = sides["before"], sides["after"]
    if kind in ("append_only", "files"):
        new = len(after or []) - len(before or [])
        if not new and kind == "append_only":
            return f"{name}: withdrawn" if "withdrawn" in str(after) else f"{name}: no longer withdrawn"
        return f"{name}: {new} added" if new >= 0 else f"{name}: {-new} removed"
    return f"{name}: {shown(before)} -> {shown(after)}"


def shown(value: Any) -> str:
    """A contract value as a few words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return str(value.get("title") or value.get("record") or value.get("name") or value.get("text") or "")
    if isinstance(value, list):
        return ", ".join(map(shown, value)) or "nothing"
    text = " ".join(str(value).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _files(posts: Sequence[Communication]) -> dict[Any, list[dict[str, Any]]]:
    """communication or message -> the files kept of it."""
    of_posts, of_mail = [post.uuid for post in posts], [post.message_id for post in posts if post.message_id]
    rows = File.objects.filter(Q(communication__in=of_posts) | Q(message__in=of_mail), stored=True)
    out: dict[Any, list[dict[str, Any]]] = {}
    for file in rows.order_by("position", "pk") if posts else []:
        line = {"name": file.name, "type": file.type, "size_bytes": file.size_bytes, "sha256": file.sha256}
        out.setdefault(file.communication_id or file.message_id, []).append(line)
    return out


def _message_ids(identities: Iterable[str]) -> dict[str, str]:
    """identity -> Message-ID, of those that have one."""
    wanted = {identity for identity in identities if identity}
    rows = Message.objects.filter(identity__in=wanted).exclude(message_id="") if wanted else Message.objects.none()
    return dict(rows.values_list("identity", "message_id"))
