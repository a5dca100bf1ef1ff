"""A list of records asked for by `read` on a table: which, in what order, how many; and the answer (U-49). Pure.

The records are no part of the snapshot: the action says what it needs, the shell runs that one question (ListAsked),
bounded and with the asker's rights in it, and asks for the decision again.
"""

from __future__ import annotations

import difflib
from typing import Any

from addressee.core.action import CannotBeDone, Request
from addressee.core.authorise import field_access
from addressee.core.fieldtype import Reading, fold
from addressee.core.language import saying
from addressee.core.present import heading, url_of
from addressee.core.reasons import Reason
from addressee.core.registry import fields
from addressee.core.setup import FieldDef, Table, View
from addressee.core.values import ListAsked, Listed

_WORDS = {"view": FieldDef(type="text"), "sort": FieldDef(type="text"), "limit": FieldDef(type="integer", min=1)}


class NeedsList(Exception):
    """The decision waits for a list that the snapshot does not hold."""

    def __init__(self, asked: ListAsked) -> None:
        super().__init__(asked.table)
        self.asked = asked


def form_of(table: Table) -> Table:
    """What the lines of a `read` may name: the table's fields, as filters, and how it is to be listed."""
    optional = {key: field.model_copy(update={"required": False}) for key, field in table.live_fields.items()}
    return Table(title=table.title, fields={**_WORDS, **optional})


def asked(request: Request) -> tuple[ListAsked, str]:
    """The question that a request makes, and the view's name. Raises CannotBeDone."""
    table, setup = request.definition, request.setup
    values = dict(request.values)
    said = {word: values.pop(word, None) for word in _WORDS if word not in table.live_fields}
    for name in values:
        kind = fields[table.live_fields[name].type]
        if kind.appends or not kind.by_text:
            raise CannotBeDone(Reason.BAD_VALUE, saying("list.no-filter", field=name))
    name, view = _view(str(said.get("view") or ""), request)
    order = view.sort if view is not None else ()
    if said.get("sort"):
        order = tuple(_sorted_by(part.strip(), request) for part in str(said["sort"]).split(",") if part.strip())
    most = min(int(said.get("limit") or setup.option("list_rows")), setup.option("list_rows"))
    actor = request.actor
    where = tuple(view.where.items()) if view is not None else ()
    lent_to = actor.address if actor.lent else ""
    return ListAsked(request.table, actor.person, lent_to, where, tuple(values.items()), order, most), name


def _view(said: str, request: Request) -> tuple[str, View | None]:
    """The view that a line or the first line of the text names; ("", None) for none."""
    first = said or request.prose.strip().partition("\n")[0].strip()
    views = {key: view for key, view in request.setup.views.items() if view.table == request.table}
    views = {key: view for key, view in views.items() if _may_see(view, request)}
    names = {fold(each): key for key, view in views.items() for each in (view.label, key) if each}
    key = names.get(fold(first)) if first else None
    if key is not None:
        return views[key].label or key, views[key]
    near = difflib.get_close_matches(fold(first), names, 1, 0.6 if said else 0.8) if first else []
    if not said and not near:
        return "", None
    if near:
        raise CannotBeDone(Reason.BAD_VALUE, saying("list.no-view-near", view=first[:60], name=names[near[0]]))
    raise CannotBeDone(Reason.BAD_VALUE, saying("list.no-view", view=first[:60], views=tuple(views)))


def _may_see(view: View, request: Request) -> bool:
    """A view tells the values it filters and sorts by."""
    used = {*view.where, *(name.lstrip("-") for name in view.sort)} & set(request.definition.live_fields)
    return all(_sees(name, request) for name in used)


def _sees(name: str, request: Request) -> bool:
    return field_access(request.actor.person, request.table, name, request.setup) != "none"


def _sorted_by(said: str, request: Request) -> str:
    """The field to sort by, by key or label; a minus before it turns the order."""
    bare = said.lstrip("-").strip()
    live = request.definition.live_fields
    keys = {fold(each): key for key, field in live.items() for each in (field.label, key) if each}
    key = keys.get(fold(bare))
    if key is None or not _sees(key, request) or live[key].type in ("append_only", "files", "multi_choice"):
        raise CannotBeDone(Reason.BAD_VALUE, saying("list.no-sort", field=bare[:60]))
    return f"-{key}" if said.startswith("-") else key


def answer(listed: Listed, what: ListAsked, view: str, request: Request) -> str:
    """How many there are of those he may see, and the first of them with the values that were asked by, and links."""
    table, words = request.definition, request.reading.words
    label = table.label or request.table
    count = f"{listed.count}" if listed.exact else f"{listed.count}+"
    parts = [words("list.view", view=view)] if view else []
    parts += [f"{name}: {_text(value, table.live_fields[name], request.reading)}" for name, value in what.filters]
    head = words("list.found", table=label, total=count)
    lines = [f"{head} ({'; '.join(parts)})" if parts else head]
    if len(listed.records) < listed.count:
        lines.append(words("list.shown", shown=len(listed.records)))
    used = [name for name in _columns(what, table) if _sees(name, request)]
    for record in listed.records:
        texts = ((name, _text(record.values.get(name), table.live_fields[name], request.reading)) for name in used)
        told = [f"{name}: {text}" for name, text in texts if text]
        lines += ["", heading(record, request.setup, request.actor.person)]
        lines += [f"  {'; '.join(told)}"] if told else []
        lines += [f"  {url_of(record, request.setup)}"]
    return "\n".join(lines)


def _columns(what: ListAsked, table: Table) -> list[str]:
    """What is told of each: the state, the assignee, and what the list is filtered and sorted by."""
    state = table.workflow.field if table.workflow else ""
    names = [state, table.assignee, *dict(what.where), *(name.lstrip("-") for name in what.order)]
    known = (name for name in names if name in table.live_fields and name != table.title)
    return list(dict.fromkeys(known))


def _text(value: Any, field: FieldDef, reading: Reading) -> str:
    return " ".join(str(fields[field.type].format(value, field, reading)).split())
