"""A small firm for the tests of the rows: contacts, companies and cases, and how its records are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from addressee.core.setup import (
    Account,
    Distribution,
    FieldDef,
    MailMapping,
    PersonMapping,
    Setup,
    Table,
    Team,
    View,
    Workflow,
)
from addressee.core.values import RecordChange, RecordState
from addressee.records.writer import Written, write

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

CONTACT = Table(
    label="Contact",
    title="name",
    person=PersonMapping(address="email", name="name", organisation="company"),
    fields={
        "name": FieldDef(type="text", required=True),
        "email": FieldDef(type="email", many=True, unique=True),
        "company": FieldDef(type="link", table="company"),
    },
)
COMPANY = Table(
    label="Company",
    title="name",
    fields={"name": FieldDef(type="text", unique=True), "town": FieldDef(type="text")},
)
CASE = Table(
    label="Case",
    title="name",
    number="CASE-{0}",
    number_was=("C{0}",),
    workflow=Workflow(field="status", open=("New", "On hold"), closed=("Closed",)),
    assignee="owner",
    mail=MailMapping(text="log", files="files", links=("contact", "company")),
    fields={
        "name": FieldDef(type="text"),
        "status": FieldDef(type="choice", choices=("New", "On hold", "Closed")),
        "priority": FieldDef(type="integer"),
        "due": FieldDef(type="date", index=True),
        "log": FieldDef(type="append_only"),
        "files": FieldDef(type="files"),
        "contact": FieldDef(type="link", table="contact"),
        "company": FieldDef(type="link", table="company"),
        "owner": FieldDef(type="person"),
        "refund": FieldDef(type="decimal"),
        "paid": FieldDef(type="boolean"),
        "about": FieldDef(type="link", table="*"),
    },
)
FIRM = Setup(
    version=1,
    tables={"contact": CONTACT, "company": COMPANY, "case": CASE},
    views={"open_cases": View(table="case", where={"status": ["New", "On hold"]}, sort=("-priority", "due"))},
    teams={"support": Team(members=("ben", "cleo"))},
    accounts={
        "support": Account(
            address="support@example.test",
            table="case",
            distribution=Distribution(how="least_busy", team="support"),
        )
    },
)


def with_fields(setup: Setup, table: str, **fields: FieldDef) -> Setup:
    """The setup with more fields, or others. (A copy of a model would copy what it has cached.)"""
    told = {name: getattr(setup, name) for name in setup.model_fields_set}
    old = {name: getattr(setup.tables[table], name) for name in setup.tables[table].model_fields_set}
    grown = Table(**{**old, "fields": {**setup.tables[table].fields, **fields}})
    return Setup(**{**told, "version": setup.version + 1, "tables": {**setup.tables, table: grown}})


class Clerk:
    """Writes records as the pipeline would: one change after the other, versions counted up."""

    def __init__(self, setup: Setup) -> None:
        self.setup, self.count, self.states = setup, 0, {}

    def create(self, table: str, *, number: int | None = None, **told) -> Written:
        self.count += 1
        own = {name: told.pop(name) for name in ("team", "account", "assignee", "created_by") if name in told}
        values = {name: value for name, value in told.items() if value is not None}
        title = str(values.get(self.setup.tables[table].title) or "")
        state = RecordState(
            uuid=str(uuid5(UUID(int=1), f"{table}{self.count}")),
            table=table,
            title=title,
            values=values,
            number=number,
            created_at=NOON + timedelta(minutes=self.count),
            **own,
        )
        self.states[state.uuid] = state
        return self._written(RecordChange("create", table, state.uuid, {}, values, state))

    def change(self, uuid: str, kind: str = "update", **told) -> Written:
        old = self.states[uuid]
        after = {name: value for name, value in told.items() if name in self.setup.tables[old.table].fields}
        before = {name: old.values.get(name) for name in after}
        own = {name: value for name, value in told.items() if name not in after}
        deleted = {"delete": True, "restore": False}.get(kind, old.deleted)
        values = {**old.values, **after}
        title = str(values.get(self.setup.tables[old.table].title) or "")
        state = replace(old, values=values, title=title, version=old.version + 1, deleted=deleted, **own)
        self.states[uuid] = state
        return self._written(RecordChange(kind, old.table, uuid, before, after, state))

    def _written(self, change: RecordChange) -> Written:
        return Written(
            change, at=NOON + timedelta(hours=1), actor="ben", message="m" * 40, delivery=7, right="case.all"
        )

    def add(self, table: str, **told) -> str:
        """Create one record in the database; its uuid."""
        written = self.create(table, **told)
        write([written], self.setup)
        return written.change.record


@pytest.fixture
def firm() -> Setup:
    return FIRM


@pytest.fixture
def grow():
    return with_fields


@pytest.fixture
def clerk(firm: Setup) -> Clerk:
    return Clerk(firm)
