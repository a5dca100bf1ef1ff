"""Lists of records: what one may see, filtered, sorted, counted. Called by pages and by the commands.

A filter or an order uses index rows where the field has them; otherwise it works too, by looking at every record
of the table, and `scans` names the fields for which it does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, FloatField, Q, QuerySet
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from addressee.core.authorise import extent
from addressee.core.errors import Refused
from addressee.core.fieldtype import FieldType, Reading
from addressee.core.numbers import read_number
from addressee.core.registry import fields
from addressee.core.setup import FieldDef, Setup
from addressee.core.values import ListAsked, Listed, Person, Right, Snapshot
from addressee.records.lookup import is_uuid
from addressee.records.models import Correspondent, IndexRow, Record
from addressee.records.snapshot import read_records
from addressee.records.values import reading as names_of

MOST_COUNTED = 10_000
_AS_STORED = Reading(find_records=lambda table, text: (text,), find_persons=lambda text: (text,))
SLICE = 500
# What every record has beside its fields; a field of the same name hides it.
COLUMNS = ("number", "team", "account", "assignee", "created_by", "created_at", "updated_at", "title", "marked")
_SCANNED_BY_TEXT = ("text", "long_text", "phone", "url", "choice")
_NO_ORDER = ("append_only", "files", "multi_choice")


class NoSuchField(Refused):
    """A filter or order names what the table does not have, or what can't be filtered; data says field and table."""


# ---------------------------------------------------------------- what one may see


def visible_to(
    person: Person | None,
    table: str,
    setup: Setup,
    *,
    right: Right = Right.READ,
    deleted: bool = False,
    lent_to: str = "",
) -> QuerySet[Record]:
    """The records of a table that a person's right reaches, live or deleted ones, as core.authorise.reaches would say.

    lent_to  the address of a stranger who borrows a guest person's rights: his own are counted, never the guest's
    """
    records = of_table(table, deleted=deleted)
    far = extent(person, right, table, setup)
    if far == "all":
        return records
    if person is None or far == "none":
        return records.none()
    which = _own(table, setup, {lent_to} if lent_to else set(person.addresses))
    if not lent_to:
        which |= Q(assignee=person.key) | Q(created_by=person.key)
        if far == "team":
            which |= _of_teams(person, setup)
    return records.filter(which)


def of_table(table: str, *, deleted: bool = False) -> QuerySet[Record]:
    """The records of a table, the deleted ones apart."""
    return Record.objects.filter(table=table, deleted_at__isnull=not deleted)


def of_view(table: str, view: str, setup: Setup) -> QuerySet[Record]:
    """The records of a table that a view shows; all of them for the view "". Raises NoSuchField and BadValue."""
    records = of_table(table)
    return filtered(records, table, setup.views[view].where, setup) if view else records


def _of_teams(person: Person, setup: Setup) -> Q:
    teams = setup.teams_of(person.key)
    members = {member for team in teams for member in setup.teams[team].members}
    return Q(team__in=teams) | Q(assignee__in=members)


def _own(table: str, setup: Setup, addresses: Collection[str]) -> Q:
    """Records that one of the addresses began, was written to from, or is a contact's of (DESIGN section 4).

    Deleted records have no index rows, so of these the contact's are not among them.
    """
    bound = Correspondent.objects.filter(Q(wrote_first=True) | Q(written_to=True), address__in=addresses)
    which = Q(uuid__in=bound.values("record"))
    contacts = _contacts(setup, addresses)
    for name in setup.tables[table].mail.links if contacts else ():
        which |= Q(uuid__in=_indexed(table, name, Q(text__in=contacts)))
    return which


def _contacts(setup: Setup, addresses: Collection[str]) -> list[str]:
    """The uuids of the contacts who have one of the addresses."""
    fields_of = Q()
    for key, table in setup.live_tables.items():
        if table.person:
            fields_of |= Q(table=key, field=table.person.address)
    if not fields_of or not addresses:
        return []
    rows = IndexRow.objects.filter(
        fields_of, text__in=[address for address in addresses if len(address) < 200]
    )  # longer ones are cut
    return [str(uuid) for uuid in rows.values_list("record", flat=True)]


def read(asked: ListAsked, setup: Setup) -> Listed:
    """The list that a message asks for: the rights stand in the statement, and no more is read than is shown."""
    records = visible_to(asked.person, asked.table, setup, lent_to=asked.lent_to)
    records = filtered(records, asked.table, dict(asked.where), setup, reading=names_of(setup))
    records = filtered(records, asked.table, dict(asked.filters), setup, reading=_AS_STORED)
    found = ordered(records, asked.table, asked.order, setup)
    snapshot = Snapshot(datetime.min.replace(tzinfo=UTC))
    uuids = [str(record.uuid) for record in found[0 : asked.most]]
    read_records(snapshot, uuids)
    count = found.count()
    return Listed(count, count < MOST_COUNTED, tuple(snapshot.records[uuid] for uuid in uuids))


# ---------------------------------------------------------------- which of them


def filtered(
    records: QuerySet[Record],
    table: str,
    where: Mapping[str, Any],
    setup: Setup,
    *,
    deleted: bool = False,
    reading: Reading | None = None,
) -> QuerySet[Record]:
    """Those of the records whose fields have the values; of several values (a list) any; None or "" is no value.

    Texts are read as in field lines and compared in any case. `deleted` must be said of deleted records: they have
    no index rows. Raises NoSuchField and BadValue.
    """
    for name, wanted in where.items():
        values = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
        which = Q()
        for value in values:
            which |= _one(table, name, value, setup, reading or Reading(), deleted)
        records = records.filter(which) if values else records.none()
    return records


def between(records: QuerySet[Record], table: str, field: str, first: str, end: str, setup: Setup) -> QuerySet[Record]:
    """Those of the records whose date or time, in stored form, lies from `first` until before `end`, in order."""
    if field not in setup.indexed.get(table, frozenset()):
        value = KT(f"values__{field}")
        return records.alias(moment=value).filter(moment__gte=first, moment__lt=end).order_by("moment", "uuid")
    rows = {"indexrow__table": table, "indexrow__field": field}
    low, high = first.casefold(), end.casefold()  # as index rows keep texts
    return records.filter(**rows, indexrow__text__gte=low, indexrow__text__lt=high).order_by("indexrow__text", "uuid")


def linking(records: QuerySet[Record], table: str, field: str, uuid: str) -> QuerySet[Record]:
    """Those of the records whose link leads to a record."""
    return records.filter(uuid__in=_indexed(table, field, Q(text=uuid.casefold())))


def searched(records: QuerySet[Record], text: str) -> QuerySet[Record]:
    """Those of the records whose title holds every word of the text, or whose number its digits are."""
    which = Q()
    for word in text.split()[:20]:
        which &= Q(title__icontains=word)
    digits = re.search(r"[0-9]{1,15}\Z", text.strip())
    return records.filter(which | Q(number=int(digits[0]))) if digits else records.filter(which)


def find(table: str, text: str, setup: Setup, records: QuerySet[Record] | None = None) -> Record | None:
    """The record of a table that a number in any case, its bare digits or a uuid names; deleted ones too."""
    found = Record.objects.filter(table=table) if records is None else records
    if is_uuid(text.strip()):
        return found.filter(uuid=text.strip()).first()
    number = read_number(setup.tables[table], text) if table in setup.tables else None
    return None if number is None else found.filter(number=number).first()


def scans(table: str, where: Collection[str], order: Sequence[str], setup: Setup) -> list[str]:
    """The fields among them without index rows: filtering or sorting by these looks at every record of the table."""
    definition = setup.tables[table]
    indexed = setup.indexed.get(table, frozenset())
    used = [*where, *(name.lstrip("-") for name in order)]
    return list(dict.fromkeys(name for name in used if name in definition.live_fields and name not in indexed))


def _one(table: str, name: str, value: Any, setup: Setup, reading: Reading, deleted: bool) -> Q:
    """The condition that a field has one value."""
    field = setup.tables[table].live_fields.get(name)
    if field is None:
        return _column(table, name, value, setup, reading)
    kind: FieldType = fields[field.type]
    if kind.appends or not kind.by_text:
        raise NoSuchField("not-filtered", field=name, table=table)
    wanted = kind.check(value, field, reading)
    if wanted is None:
        return Q(**{f"values__{name}__isnull": True}) | Q(**{f"values__{name}": None})
    if deleted or name not in setup.indexed.get(table, frozenset()):
        return _scanned(name, wanted, field)
    which = Q()
    for text, num in kind.index(wanted):
        which |= Q(text=text) if kind.column == "text" else Q(num=num)
    return Q(uuid__in=_indexed(table, name, which)) if which else Q(pk__in=[])


def _indexed(table: str, field: str, which: Q) -> Any:
    return IndexRow.objects.filter(which, table=table, field=field).values("record")


def _scanned(name: str, wanted: Any, field: FieldDef) -> Q:
    """The same by looking into the values themselves."""
    if field.type in _SCANNED_BY_TEXT:
        words = r"\s+".join(re.escape(word) for word in str(wanted).split())
        return Q(**{f"values__{name}__iregex": rf"^\s*{words}\s*$"})
    if isinstance(wanted, list) or field.many:
        which = Q()
        for part in wanted if isinstance(wanted, list) else [wanted]:
            # SQLite keeps letters beyond ASCII escaped, PostgreSQL does not
            for text in {json.dumps(part), json.dumps(part, ensure_ascii=False)}:
                which |= Q(**{f"values__{name}__icontains": text})
        return which
    if isinstance(wanted, dict):
        return Q(**{f"values__{name}__uuid": wanted["uuid"]})
    return Q(**{f"values__{name}": wanted})


def _column(table: str, name: str, value: Any, setup: Setup, reading: Reading) -> Q:
    """The condition on what every record has beside its fields; a person is named by key, name or address."""
    if name not in COLUMNS:
        raise NoSuchField("no-such-field", field=name, table=table)
    if name == "number":
        number = read_number(setup.tables[table], str(value or ""))
        return Q(number=number) if number is not None else Q(number__isnull=True) if not value else Q(pk__in=[])
    if name.endswith("_at"):
        raise NoSuchField("not-filtered", field=name, table=table)
    text = str(value or "").strip()
    persons = reading.find_persons(text) if text and name in ("assignee", "created_by") else ()
    return Q(**{f"{name}__iexact": text}) | Q(**{f"{name}__in": persons}) if persons else Q(**{f"{name}__iexact": text})


# ---------------------------------------------------------------- in which order


class Ordered:
    """Records in an order, to be cut in pages: what django.core.paginator asks for, and no more is counted than read.

    Records without a value of the first field come last, whichever way it is sorted.
    """

    ordered = True

    def __init__(self, parts: Sequence[QuerySet[Record]], counted: QuerySet[Record]) -> None:
        self.parts, self._counted = parts, counted
        self._count: int | None = None

    def count(self) -> int:
        """How many there are, at most MOST_COUNTED."""
        if self._count is None:
            self._count = self._counted.order_by()[:MOST_COUNTED].count()
        return self._count

    def __len__(self) -> int:
        return self.count()

    def __getitem__(self, place: slice) -> list[Record]:
        start, stop = place.start or 0, place.stop if place.stop is not None else self.count()
        out: list[Record] = []
        for number, part in enumerate(self.parts):
            found = list(part[start:stop])
            out += found
            if len(found) == stop - start or number + 1 == len(self.parts):
                break
            before = start + len(found) if found else part.order_by().count()
            start, stop = max(start - before, 0), stop - before
        return out

    def __iter__(self) -> Iterator[Record]:
        """Every record, read in slices: memory stays flat however many there are."""
        for part in self.parts:
            yield from part.iterator(SLICE)


def ordered(
    records: QuerySet[Record], table: str, order: Sequence[str], setup: Setup, *, deleted: bool = False
) -> Ordered:
    """The records sorted by fields, a minus before one turns it; then, and without an order, the newest first.

    Raises NoSuchField.
    """
    rest: list[Any] = [_by_value(table, name, setup) for name in order]
    newest: list[Any] = ["-created_at", "uuid"]
    if not order:
        return Ordered([records.order_by(*newest)], records)
    name, falling = order[0].lstrip("-"), order[0].startswith("-")
    field = setup.tables[table].live_fields.get(name)
    if deleted or field is None or field.many or name not in setup.indexed.get(table, frozenset()):
        return Ordered([records.order_by(*rest, *newest)], records)
    indexed = f"indexrow__{fields[field.type].column}"
    column = F(indexed)
    # the condition of its index, said again, so that the index is used
    with_value = records.filter(indexrow__table=table, indexrow__field=name, **{f"{indexed}__isnull": False})
    without = records.exclude(uuid__in=_indexed(table, name, Q()))
    first = column.desc() if falling else column.asc()
    return Ordered([with_value.order_by(first, *rest[1:], *newest), without.order_by(*rest[1:], *newest)], records)


def _by_value(table: str, order: str, setup: Setup) -> Any:
    """An order by the value in the record itself; no value comes last."""
    name = order.lstrip("-")
    field = setup.tables[table].live_fields.get(name)
    if field is not None and field.type not in _NO_ORDER:
        text = KT(f"values__{name}")
        by: Any = Cast(text, FloatField()) if field.type in ("integer", "decimal") else text
    elif field is None and name in COLUMNS:
        by = F(name)
    else:
        raise NoSuchField("no-such-field" if field is None else "not-sorted", field=name, table=table)
    return by.desc(nulls_last=True) if order.startswith("-") else by.asc(nulls_last=True)
