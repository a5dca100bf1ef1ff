"""Who looks at a page, and what that person may see. Asked by every view; the answers are core/authorise's."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest

from addressee.core import authorise
from addressee.core.numbers import read_number
from addressee.core.setup import Setup, Table
from addressee.core.values import Disposition, Person, Right
from addressee.mail.models import Communication, Delivery
from addressee.people import models, rows
from addressee.records import lists
from addressee.records.models import Record
from addressee.setup import store


@dataclass(frozen=True)
class Reader:
    """A signed-in person and the setup that the page is made with."""

    person: Person
    setup: Setup

    @cached_property
    def everything(self) -> bool:
        """Sees every message, whether it led to a record or not."""
        return authorise.has_everything(self.person, self.setup)

    def may(self, right: Right, table: str) -> bool:
        """Does the right reach any record of the table?"""
        return authorise.extent(self.person, right, table, self.setup) != "none"

    @cached_property
    def tables(self) -> dict[str, Table]:
        """The tables that the person may read anything of, in the order of the setup."""
        return {key: table for key, table in self.setup.live_tables.items() if self.may(Right.READ, key)}

    def table(self, key: str) -> Table:
        if key not in self.tables:
            raise Http404(key)
        return self.tables[key]

    def sees_field(self, table: str, field: str) -> bool:
        return authorise.field_access(self.person, table, field, self.setup) != "none"

    def sees_title(self, table: str) -> bool:
        """The title is a copy of a field's value, so that field's access counts."""
        title = self.setup.tables[table].title
        return not title or self.sees_field(table, title)

    # ---- Records ---------------------------------------------------------------------------------------

    def records(self, table: str, right: Right = Right.READ, *, deleted: bool = False) -> QuerySet[Record]:
        """The records of a table that the right reaches; the deleted ones apart."""
        return lists.visible_to(self.person, table, self.setup, right=right, deleted=deleted)

    def named(self, table: str, name: str) -> Record | None:
        """The record that a number (in any case, or its digits) or a uuid names, deleted or not; None where hidden."""
        if table not in self.tables:
            return None
        seen = self.records(table) | self.records(table, deleted=True)
        return lists.find(table, name, self.setup, seen)

    def record(self, table: str, name: str) -> Record:
        """The same. Raises Http404, alike for what is missing and what is hidden."""
        found = self.named(table, name)
        if found is None:
            raise Http404("record")
        return found

    def named_among(self, table: str, names: Iterable[str]) -> dict[str, Record]:
        """Those of the records, named as in a result line, that the person may read."""
        if table not in self.tables:
            return {}
        found = {name: which for name in names if (which := self._which(table, name))}
        if not found:
            return {}
        rows = self.records(table).filter(reduce(or_, found.values()))
        by_number = {row.number: row for row in rows if row.number is not None}
        by_uuid = {str(row.uuid): row for row in rows}
        definition = self.tables[table]
        out = {name: by_uuid.get(name) or by_number.get(read_number(definition, name) or 0) for name in found}
        return {name: row for name, row in out.items() if row is not None}

    def matching(self, table: str, text: str) -> list[Record]:
        """The records that a number, uuid or whole title means; at most 20."""
        one = self.named(table, text)
        if one is not None and one.deleted_at is None:
            return [one]
        if table not in self.tables or not self.sees_title(table):
            return []
        return list(self.records(table).filter(title__iexact=text.strip())[:20])

    def _which(self, table: str, name: str) -> Q | None:
        number = read_number(self.tables[table], name)
        if number is not None:
            return Q(number=number)
        try:
            return Q(uuid=uuid.UUID(name.strip()))
        except ValueError:
            return None

    def reaches(self, record: Record, right: Right) -> bool:
        if record.deleted_at is not None:
            return False
        return self.records(record.table, right).filter(uuid=record.uuid).exists()

    def restores(self, record: Record) -> bool:
        """Is it deleted, and may the person bring it back?"""
        gone = self.records(record.table, Right.DELETE, deleted=True)
        return record.deleted_at is not None and gone.filter(uuid=record.uuid).exists()

    def seen_among(self, keys: Iterable[str | uuid.UUID]) -> dict[str, Record]:
        """Those of the records that the person may read, by uuid as text: what links and lists may name."""
        wanted = {uuid.UUID(str(key)) for key in keys}
        if not wanted:
            return {}
        return {str(record.uuid): record for record in Record.objects.filter(self._in_sight(wanted))}

    def _in_sight(self, wanted: set[uuid.UUID]) -> Q:
        by_table = [Q(uuid__in=self.records(key).filter(uuid__in=wanted).values("uuid")) for key in self.tables]
        return reduce(or_, by_table, Q(pk__in=[]))

    # ---- Messages --------------------------------------------------------------------------------------

    @cached_property
    def deliveries(self) -> QuerySet[Delivery]:
        """Every delivery; for persons without `everything` those on records they may read and those they may settle."""
        if self.everything:
            return Delivery.objects.all()
        return Delivery.objects.filter(Q(identity__in=self._linked()) | self._settled_by_person())

    def _linked(self) -> QuerySet[Communication, Any]:
        readable = (Q(record__in=self.records(key).values("uuid")) for key in self.tables)
        mine = reduce(or_, readable, Q(pk__in=[]))
        return Communication.objects.filter(mine, message__isnull=False).values("message")

    def _settled_by_person(self) -> Q:
        accounts, targets = authorise.settled_places(self.person, self.setup)
        return Q(disposition=Disposition.HOLD) & (
            Q(result__account__in=sorted(accounts)) | Q(target__in=sorted(targets))
        )

    @cached_property
    def held(self) -> QuerySet[Delivery]:
        """What waits for a decision that this person may take; junk among it."""
        waiting = Delivery.objects.filter(disposition=Disposition.HOLD)
        return waiting if self.everything else waiting.filter(self._settled_by_person())

    def delivery(self, number: int) -> Delivery:
        found = self.deliveries.filter(pk=number).first()
        if found is None:
            raise Http404("message")
        return found


def reader_of(request: HttpRequest) -> Reader:
    """The reader of this request, read once. Guests and unknown callers never come this far: sign-in is asked first."""
    known = getattr(request, "reader", None)
    if known is None:
        known = reader_from(request.user)
        request.reader = known  # type: ignore[attr-defined]
    return known


def reader_from(row: object) -> Reader:
    if not isinstance(row, models.Person):
        raise TypeError("a page was reached without a person")
    return Reader(rows.value_of(row), store.current())
