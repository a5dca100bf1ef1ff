"""Tables, their fields and addresses, and views: do the names and masks in them agree? Called by setup/check."""

from __future__ import annotations

import re
from collections.abc import Iterator

from addressee.core.addresses import normal
from addressee.core.registry import fields
from addressee.core.setup import RESERVED_LOCAL_PARTS, SetupFile, Table
from addressee.setup.check_values import (
    dangling,
    each_dangling,
    field_faults,
    twice,
    value_faults,
)
from addressee.setup.document import Fault, nearest
from addressee.setup.lines import Path
from addressee.setup.shape import shown

# What every record has beside its fields and a view may filter or sort by.
COLUMNS = ("number", "title", "team", "account", "assignee", "created_by", "created_at", "updated_at", "marked")
TIMES = ("date", "datetime")
NO_TITLE = ("files", "append_only", "multi_choice", "boolean")
NO_ORDER = ("files", "append_only", "multi_choice")
_PLACE = re.compile(r"\{0(?::0?[0-9]{1,2}d?)?\}")
MASK_LENGTH = 60  # characters


def table_faults(setup: SetupFile) -> Iterator[Fault]:
    for key, table in setup.tables.items():
        yield from _fields(key, table, setup)
        yield from _roles_of_fields(("tables", key), table)
        yield from _workflow(("tables", key), table)
        yield from _masks(("tables", key), table)
    yield from _ambiguous_masks(setup)
    yield from _local_parts(setup)
    for name in setup.views:
        yield from _view(("views", name), name, setup)


def living(path: Path, name: str, setup: SetupFile) -> Iterator[Fault]:
    """A fault where a table is not there, or is retired."""
    yield from dangling(path, name, setup.tables, "table")
    if name in setup.tables and setup.tables[name].retired:
        yield Fault(path, f"the table {name} is retired.")


def _fields(key: str, table: Table, setup: SetupFile) -> Iterator[Fault]:
    for name, field in table.fields.items():
        yield from field_faults(("tables", key, "fields", name), field, setup, retired=table.retired)
        space = f"{setup.site.namespace}_"
        if setup.site.namespace and name.startswith(space) and name.removeprefix(space) in table.fields:
            what = f"in mail {name} also means the field {name.removeprefix(space)}, by the namespace of the site."
            yield Fault(("tables", key, "fields", name), what)


def _field(
    path: Path, name: str, table: Table, types: tuple[str, ...], not_types: tuple[str, ...] = ()
) -> Iterator[Fault]:
    """A fault where a key names no field of the table, or one of a type that can't do what it is named for."""
    yield from dangling(path, name, table.live_fields, "field")
    field = table.live_fields.get(name)
    if field is None or field.type not in fields:
        return
    if (types and field.type not in types) or field.type in not_types:
        fitting = [one for one, other in table.live_fields.items() if other.type in types]
        wanted = f"of type {' or '.join(types)}" if types else f"of another type than {', '.join(not_types)}"
        near = fitting[0] if len(fitting) == 1 else nearest(name, fitting)
        yield Fault(path, f"{name} is a field of type {field.type}; one {wanted} is needed.", near)


def _roles_of_fields(path: Path, table: Table) -> Iterator[Fault]:
    yield from _field((*path, "title"), table.title, table, (), NO_TITLE)
    yield from _field((*path, "assignee"), table.assignee, table, ("person",))
    if table.person is not None:
        person = (*path, "person")
        yield from _field((*person, "address"), table.person.address, table, ("email",))
        yield from _field((*person, "name"), table.person.name, table, ("text",))
        yield from _field((*person, "organisation"), table.person.organisation, table, ("link", "text"))
        yield from _field((*person, "language"), table.person.language, table, ("text", "choice"))
    mail = (*path, "mail")
    yield from _field((*mail, "text"), table.mail.text, table, ("append_only", "long_text", "text"))
    yield from _field((*mail, "files"), table.mail.files, table, ("files",))
    for position, name in enumerate(table.mail.links):
        yield from _field((*mail, "links", position), name, table, ("link",))
    if table.schedule is not None:
        for key in ("start", "end", "due"):
            yield from _field((*path, "schedule", key), getattr(table.schedule, key), table, TIMES)
        yield from _field((*path, "schedule", "about"), table.schedule.about, table, ("link",))
        yield from _field((*path, "schedule", "place"), table.schedule.place, table, ("text", "long_text"))


def _workflow(path: Path, table: Table) -> Iterator[Fault]:
    if table.workflow is None:
        return
    path, flow = (*path, "workflow"), table.workflow
    yield from _field((*path, "field"), flow.field, table, ("choice",))
    field = table.live_fields.get(flow.field)
    if field is None or field.type != "choice":
        return
    kind = f"choice of {flow.field}"
    yield from each_dangling((*path, "open"), flow.open, field.choices, kind)
    yield from each_dangling((*path, "closed"), flow.closed, field.choices, kind)
    for position, name in enumerate(flow.closed):
        if name in flow.open:
            yield Fault((*path, "closed", position), f"{shown(name)} stands in open too.")
    yield from dangling((*path, "reopen"), flow.reopen, flow.open or field.choices, "open state")


# ---- numbers -----------------------------------------------------------------------------------------------------


def _masks(path: Path, table: Table) -> Iterator[Fault]:
    if table.number:
        yield from _mask((*path, "number"), table.number)
    elif table.number_was:
        yield Fault((*path, "number_was"), "old masks need a mask: number is missing.")
    for position, mask in enumerate(table.number_was):
        yield from _mask((*path, "number_was", position), mask)


def _mask(path: Path, mask: str) -> Iterator[Fault]:
    if not _ends(mask):
        yield Fault(path, f'{shown(mask)} is no mask: it holds {{0}} exactly once, as in "CASE-{{0}}".')
    elif len(mask) > MASK_LENGTH or not mask.isprintable():
        yield Fault(path, f"a mask has at most {MASK_LENGTH} characters, all of them printable.")


def _ends(mask: str) -> tuple[str, str] | None:
    """What stands before and after the number, folded; None where the place of the number is missing or not alone."""
    parts = _PLACE.split(mask)
    if len(parts) != 2 or any(brace in part for part in parts for brace in "{}"):
        return None
    return parts[0].casefold(), parts[1].casefold()


def _ambiguous_masks(setup: SetupFile) -> Iterator[Fault]:
    known: list[tuple[Path, str, tuple[str, str]]] = []
    for key, table in setup.live_tables.items():
        masks: list[tuple[Path, str]] = [(("tables", key, "number"), table.number)]
        masks += [(("tables", key, "number_was", place), mask) for place, mask in enumerate(table.number_was)]
        for path, mask in masks:
            ends = _ends(mask)
            if ends is None:
                continue
            for other, other_mask, other_ends in known:
                if _both(ends, other_ends) and not (path[:2] == other[:2] and ends == other_ends):
                    example = shown(_example(ends, other_ends))
                    what = f'{example} would be a number by "{other_mask}" of {other[1]} and by "{mask}" of {key}.'
                    yield Fault(path, what, clash=other)
                    break
            known.append((path, mask, ends))


def _both(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Is there a text that both masks match? What one has more than the other at an end must be digits."""
    return _more(one[0], other[0]) is not None and _more(one[1][::-1], other[1][::-1]) is not None


def _more(one: str, other: str) -> str | None:
    short, long = sorted((one, other), key=len)
    rest = long[len(short) :]
    fits = long.startswith(short) and (not rest or (rest.isascii() and rest.isdigit()))
    return rest if fits else None


def _example(one: tuple[str, str], other: tuple[str, str]) -> str:
    return f"{max(one[0], other[0], key=len)}1{max(one[1], other[1], key=len)}"


# ---- addresses ---------------------------------------------------------------------------------------------------


def _local_parts(setup: SetupFile) -> Iterator[Fault]:
    """Table keys, keys with the namespace and aliases: one meaning each, and none that the mail system needs."""
    taken: dict[str, Path] = {}
    for key in setup.live_tables:
        taken[key] = ("tables", key)
        if key in RESERVED_LOCAL_PARTS:
            yield Fault(("tables", key), f"{key}@ is reserved (RFC 2142). Give the table another name.")
    space = f"{setup.site.namespace}_" if setup.site.namespace else ""
    for key in setup.live_tables:
        yield from _take(taken, f"{space}{key}", ("tables", key))
    for key, table in setup.live_tables.items():
        for name, parts in (("local_parts", table.local_parts), ("local_parts_was", table.local_parts_was)):
            path: Path = ("tables", key, name)
            yield from twice(path, [part.lower() for part in parts])
            for position, part in enumerate(parts):
                if normal(f"{part}@example.test") is None or "+" in part:
                    yield Fault((*path, position), f"{shown(part)} can't stand before the @ of an address.")
                elif part.lower() in RESERVED_LOCAL_PARTS:
                    yield Fault((*path, position), f"{part.lower()}@ is reserved (RFC 2142).")
                else:
                    yield from _take(taken, part.lower(), (*path, position))
        now = {key, f"{space}{key}", *(part.lower() for part in table.local_parts)}
        for position, part in enumerate(table.local_parts_was):
            if part.lower() in now:
                what = f"{part.lower()}@ still means the table: take it out of one of the two."
                yield Fault(("tables", key, "local_parts_was", position), what)
    yield from _clashing_addresses(setup, taken)


def _take(taken: dict[str, Path], part: str, path: Path) -> Iterator[Fault]:
    """A fault where a local part means another table already; else it means this one."""
    other = taken.setdefault(part, path)
    if other[1] != path[1]:
        yield Fault(path, f"{part}@ would mean both the table {other[1]} and the table {path[1]}.", clash=other)


def _clashing_addresses(setup: SetupFile, taken: dict[str, Path]) -> Iterator[Fault]:
    """Addresses in the domain of the records that would mean two things."""
    domain = (normal(f"x@{setup.site.domain}") or "").partition("@")[2]
    named: list[tuple[Path, str, str]] = []
    for key, account in setup.accounts.items():
        named.append((("accounts", key, "address"), account.address, account.table))
    for key, person in setup.people.items():
        places = enumerate(person.addresses)
        named += [(("people", key, "addresses", place), address, "") for place, address in places]
    for path, address, table in named:
        local, _, host = (normal(address) or "").rpartition("@")
        if not local or host != domain:
            continue
        if local in RESERVED_LOCAL_PARTS and path[0] == "accounts":
            yield Fault(path, f"{local}@ is reserved (RFC 2142).")
        elif local in taken and taken[local][1] != table:
            yield Fault(path, f"{local}@{host} is the address of the table {taken[local][1]}.", clash=taken[local])


# ---- views -------------------------------------------------------------------------------------------------------


def _view(path: Path, name: str, setup: SetupFile) -> Iterator[Fault]:
    view = setup.views[name]
    yield from living((*path, "table"), view.table, setup)
    if view.table not in setup.tables:
        if not view.table:
            yield Fault((*path, "table"), "a view needs a table.")
        return
    live = setup.tables[view.table].live_fields
    known = [*live, *COLUMNS]
    for field, value in view.where.items():
        yield from dangling((*path, "where", field), field, known, f"field of {view.table}")
        if field in live and live[field].type in ("files", "append_only"):
            kind = live[field].type
            yield Fault((*path, "where", field), f"records can't be filtered by a field of type {kind}.")
            continue
        if field not in live and field.endswith("_at"):
            yield Fault((*path, "where", field), f"records can't be filtered by {field}, only sorted.")
        wanted = value if isinstance(value, list) else [value]
        for position, one in enumerate(wanted):
            if field in live:
                place: Path = (position,) if isinstance(value, list) else ()
                yield from value_faults((*path, "where", field, *place), one, live[field], setup)
    for position, field in enumerate(view.sort):
        yield from dangling((*path, "sort", position), field.removeprefix("-"), known, f"field of {view.table}")
        if field.removeprefix("-") in live and live[field.removeprefix("-")].type in NO_ORDER:
            kind = live[field.removeprefix("-")].type
            yield Fault((*path, "sort", position), f"records can't be sorted by a field of type {kind}.")
        if not field.removeprefix("-"):
            yield Fault((*path, "sort", position), "the name of a field is missing.")
