"""The keyed look-ups of one batch as one UNION ALL statement. Called by records/snapshot.

What is looked up: contacts by address, records by number and title, unique values, counters, turns, open records,
events by UID.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connection

from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading, fold
from addressee.core.numbers import read_number
from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.core.values import Appointment as Known
from addressee.core.values import Snapshot, Wanted
from addressee.records import bulk
from addressee.records.models import Appointment, Counter, IndexRow, Record, Turn

ANY = "*"
MOST_NAMED = 11  # records of one title: enough to say that there are several, and which
MOST_CONTACTS = 50  # records of one address
MOST_ARMS = 400  # SQLite takes 500 parts in a UNION

Arm = tuple[str, list[Any]]


class LookUp:
    """One batch's look-ups.

    After `read`: counters, turns, numbers, unique values and open counts stand in the snapshot; contacts and titles
    here, because what they mean is told by the records themselves (snapshot.fill).
    """

    def __init__(self, snapshot: Snapshot, wanted: Wanted, setup: Setup) -> None:
        self.snapshot, self.wanted, self.setup = snapshot, wanted, setup
        self.found: set[str] = set()  # every uuid found
        self.titled: set[str] = set()  # of these, by title alone
        self.by_address: dict[str, set[str]] = {}
        self.by_title: dict[tuple[str, str], list[str]] = {}
        self.numbers = set(wanted.numbers)
        for table, text in wanted.titles:
            self.numbers |= set(self.numbers_in(table, text))

    def read(self) -> None:
        """Run the statement. Tables without a counter begin with number 1."""
        self.snapshot.next_number.update({table: 1 for table in self.wanted.tables})
        arms = list(self._arms())
        with connection.cursor() as cursor:
            for start in range(0, len(arms), MOST_ARMS):
                part = arms[start : start + MOST_ARMS]
                given = [each for _, parameters in part for each in parameters]
                cursor.execute(" UNION ALL ".join(sql for sql, _ in part), given)
                for row in cursor.fetchall():
                    self._take(*row)
        self.found |= {str(UUID(text)) for _, text in self.wanted.titles if is_uuid(text)}

    def tables_asked(self, asked: str) -> list[str]:
        """The tables that a link's table names: itself, or all for "*"."""
        return list(self.setup.live_tables) if asked == ANY else [asked] if asked in self.setup.live_tables else []

    def numbers_in(self, asked: str, text: str) -> list[tuple[str, int]]:
        """The numbers that a text may mean; bare digits only where the table is known."""
        tables = self.setup.live_tables
        read = ((key, read_number(tables[key], text, bare=asked != ANY)) for key in self.tables_asked(asked))
        return [(key, number) for key, number in read if number is not None]

    def title_forms(self, key: str, text: str) -> list[str]:
        """The index texts that a title of the table has when a text names it; none where it can be no such title."""
        table = self.setup.live_tables[key]
        field = table.live_fields.get(table.title)
        kind = fields.get(field.type) if field else None
        if field is None or kind is None or kind.column != "text" or kind.looks_up:
            return []
        try:
            value = kind.parse(text, field, Reading())
        except BadValue:
            return []
        return [form for form, _ in kind.index(value)]

    def _arms(self) -> Iterator[Arm]:
        yield from self._contacts()
        yield from self._titles()
        yield from self._numbers()
        yield from self._unique()
        yield from self._open()
        if self.wanted.appointments:
            keys, given = bulk.placeholders(sorted(self.wanted.appointments))
            columns = ("key", "CAST(sequence AS text)", "organizer", "CAST(record_id AS text)")
            yield _arm("appointment", columns, f"{bulk.table(Appointment)} WHERE key IN {keys}", given)
        if self.wanted.tables:
            keys, given = bulk.placeholders(sorted(self.wanted.tables))
            source = f"{bulk.table(Counter)} WHERE {_TABLE} IN {keys}"
            yield _arm("counter", (_TABLE, "''", "''", 'CAST("next" AS text)'), source, given)
        if self.wanted.turns:
            keys, given = bulk.placeholders(sorted(self.wanted.turns))
            yield _arm("turn", ("name", "''", "''", "person"), f"{bulk.table(Turn)} WHERE name IN {keys}", given)

    def _contacts(self) -> Iterator[Arm]:
        texts = sorted({address[:200] for address in self.wanted.addresses})
        for key, table in self.setup.live_tables.items():
            if texts and table.person and table.person.address in table.live_fields:
                yield _by_text("contact", key, table.person.address, texts, MOST_CONTACTS)

    def _titles(self) -> Iterator[Arm]:
        for key, table in self.setup.live_tables.items():
            texts = {text for asked, text in self.wanted.titles if asked in (key, ANY)}
            forms = sorted({form for text in texts for form in self.title_forms(key, text)})
            if forms:
                yield _by_text("title", key, table.title, forms, MOST_NAMED)

    def _numbers(self) -> Iterator[Arm]:
        by_table: dict[str, list[int]] = {}
        for table, number in sorted(self.numbers):
            if 0 <= number < 2**63:
                by_table.setdefault(table, []).append(number)
        for table, numbers in by_table.items():
            keys, given = bulk.placeholders(numbers)
            source = f"{bulk.table(Record)} WHERE {_TABLE} = %s AND number IN {keys}"
            columns = (_TABLE, "CAST(number AS text)", "''", "CAST(uuid AS text)")
            yield _arm("number", columns, source, [table, *given])

    def _unique(self) -> Iterator[Arm]:
        by_field: dict[tuple[str, str], list[str]] = {}
        for table, field, key in sorted(self.wanted.unique):
            by_field.setdefault((table, field), []).append(key)
        for (table, field), wanted in by_field.items():
            keys, given = bulk.placeholders(wanted)
            source = f"{bulk.table(IndexRow)} WHERE {_TABLE} = %s AND field = %s AND ukey IN {keys}"
            columns = (_TABLE, "field", "ukey", "CAST(record_id AS text)")
            yield _arm("unique", columns, source, [table, field, *given])

    def _open(self) -> Iterator[Arm]:
        """How many open records each member of a team has, for distribution to the least busy."""
        for key in sorted(self.wanted.tables):
            table = self.setup.live_tables.get(key)
            members = _least_busy(self.setup, key)
            if table is None or table.workflow is None or not table.assignee or not members:
                continue
            self.snapshot.open_counts.update({(key, person): 0 for person in members})
            persons, of_persons = bulk.placeholders(sorted(members))
            states, of_states = bulk.placeholders(sorted({fold(state) for state in table.workflow.open}) or [""])
            rows = bulk.table(IndexRow)
            source = (
                # a CROSS JOIN, so that SQLite begins with the open ones: of all records they are the fewer
                f"{rows} w CROSS JOIN {rows} a WHERE w.{_TABLE} = %s AND w.field = %s AND w.text IN {states} "
                f"AND a.record_id = w.record_id AND a.field = %s AND a.text IN {persons} GROUP BY a.{_TABLE}, a.text"
            )
            given = [key, table.workflow.field, *of_states, table.assignee, *of_persons]
            yield _arm("open", (f"a.{_TABLE}", "a.text", "''", "CAST(COUNT(*) AS text)"), source, given)

    def _take(self, kind: str, a: str, b: str, c: str, d: str) -> None:
        """One row of the statement."""
        if kind == "counter":
            self.snapshot.next_number[a] = int(d)
        elif kind == "turn":
            self.snapshot.turns[a] = d
        elif kind == "open":
            self.snapshot.open_counts[a, b] = int(d)
        elif kind == "appointment":
            self.snapshot.appointments[a] = Known(a, str(UUID(d)), int(b), c)
            self.found.add(str(UUID(d)))
        else:
            self._take_record(kind, a, b, c, str(UUID(d)))

    def _take_record(self, kind: str, table: str, b: str, c: str, uuid: str) -> None:
        self.found.add(uuid)
        if kind == "contact":
            self.by_address.setdefault(c, set()).add(uuid)
        elif kind == "title":
            self.titled.add(uuid)
            self.by_title.setdefault((table, c), []).append(uuid)
        elif kind == "number":
            self.snapshot.numbered[table, int(b)] = uuid
        elif kind == "unique":
            self.snapshot.unique[table, b, c] = uuid


_TABLE = '"table"'


def _arm(kind: str, columns: tuple[str, str, str, str], source: str, given: list[Any]) -> Arm:
    a, b, c, d = columns
    return f"SELECT '{kind}' AS kind, {a} AS a, {b} AS b, {c} AS c, {d} AS d FROM {source}", given


def _by_text(kind: str, table: str, field: str, texts: list[str], most: int) -> Arm:
    """The records that have one of the texts in an indexed field, at most so many of each."""
    keys, given = bulk.placeholders(texts)
    source = (
        f"(SELECT {_TABLE}, field, text, record_id, ROW_NUMBER() OVER (PARTITION BY text ORDER BY record_id) AS place "
        f"FROM {bulk.table(IndexRow)} WHERE {_TABLE} = %s AND field = %s AND text IN {keys}) f WHERE place <= {most}"
    )
    return _arm(kind, (_TABLE, "field", "text", "CAST(record_id AS text)"), source, [table, field, *given])


def _least_busy(setup: Setup, table: str) -> set[str]:
    """The persons among whom an account of the table chooses the least busy."""
    out: set[str] = set()
    for account in setup.accounts.values():
        how = account.distribution
        if account.table == table and how and how.how == "least_busy" and how.team in setup.teams:
            out |= set(setup.teams[how.team].members)
    return out


def is_uuid(text: str) -> bool:
    """Whether the text is a uuid as we write one, in any case."""
    try:
        return len(text) == 36 and str(UUID(text)) == text.lower()
    except ValueError:
        return False
