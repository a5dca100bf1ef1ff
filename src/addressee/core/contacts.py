"""Whose record is it? The links of a new record to the author's contact and organisation (U-35, U-36). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addressee.core.action import Request, made
from addressee.core.registry import fields
from addressee.core.values import RecordChange


def links_for(request: Request, values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[RecordChange, ...]]:
    """The values of the link fields of mail.links, and the contact that had to be made for them.

    A contact is found by any of its addresses; of several none is chosen. Where the account says find_or_create,
    an unknown author is made a contact in the table of the first link. An organisation is the contact's own,
    else the one that holds the address.
    """
    address = request.actor.address
    links: dict[str, Any] = {}
    new: list[RecordChange] = []
    if not address or request.message is None or address in request.snapshot.person_by_address:
        return links, ()  # people of the firm are not their own customers
    organisation: Any = None
    for position, name in enumerate(request.definition.mail.links):
        definition = request.definition.live_fields.get(name)
        table = request.setup.live_tables.get(definition.table) if definition else None
        if definition is None or table is None or values.get(name) is not None:
            continue
        found = _held_by(request, address, definition.table)
        if organisation and _is_in(request, organisation, definition.table):
            links[name] = organisation
        elif len(found) == 1:
            links[name] = found[0]
        elif not found and position == 0 and table.person and _creates(request):
            change = _contact(request, definition.table)
            new.append(change)
            links[name] = change.record
        record = request.snapshot.records.get(str(links.get(name) or ""))
        if record is not None and table.person and table.person.organisation:
            organisation = record.values.get(table.person.organisation)
    return links, tuple(new)


def _creates(request: Request) -> bool:
    return request.account is not None and request.account.contact == "find_or_create"


def _held_by(request: Request, address: str, table: str) -> list[str]:
    uuids = request.snapshot.contacts.get(address, [])
    records = request.snapshot.records
    return [u for u in uuids if u in records and records[u].table == table and not records[u].deleted]


def _is_in(request: Request, uuid: Any, table: str) -> bool:
    record = request.snapshot.records.get(str(uuid))
    return record is not None and record.table == table and not record.deleted


def _contact(request: Request, table_key: str) -> RecordChange:
    """A contact made of what the From header says of its author."""
    table = request.setup.tables[table_key]
    mapping = table.person
    assert mapping is not None  # noqa: S101  asked by the caller
    assert request.message is not None  # noqa: S101
    address = request.actor.address
    name = " ".join(request.message.author_name.split()) or address
    values: dict[str, Any] = {}
    for field, text in ((mapping.address, address), (mapping.name or table.title, name[:200])):
        definition = table.live_fields.get(field)
        if definition is not None:
            values[field] = fields[definition.type].parse(text, definition, request.reading)
    return made(request, table_key, values)
