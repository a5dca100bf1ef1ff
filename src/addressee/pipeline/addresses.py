"""The addresses of one record: told, rotated, revoked (FEATURES U-06). Called by the record's page and by ops address.

Never by mail (DESIGN section 4). Each change leaves an audit entry; mail to what was taken back is answered where the
author is proven, else held, and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from addressee.core.authorise import reaches
from addressee.core.errors import Refused
from addressee.core.reasons import Reason
from addressee.core.route import record_addresses
from addressee.core.setup import Setup
from addressee.core.values import OPERATOR, Actor, Assurance, RecordState, Right, Snapshot, Wanted
from addressee.host import clock
from addressee.mail import tokens
from addressee.pipeline import process
from addressee.pipeline.request import NotFound
from addressee.records import addresses, writer
from addressee.records import snapshot as records
from addressee.records.values import moment
from addressee.setup import store

OWN = "record"  # names the record's own addresses, beside its reply addresses


def listed(record_uuid: str) -> list[dict[str, Any]]:
    """{kind: record or reply, id, address, made_at, ends_at, uses, state: honoured, expired or revoked} of each.

    address  of a reply address whom it was given to: the address itself is kept as a hash only
    """
    setup, now, uuid = store.current(), clock.now(), UUID(record_uuid)
    snapshot = Snapshot(now)
    records.fill(snapshot, Wanted(uuids={str(uuid)}), setup)
    state = snapshot.records.get(str(uuid))
    if state is None:
        raise NotFound("no-such-record", record=record_uuid)
    out: list[dict[str, Any]] = [
        {
            "kind": "record",
            "id": str(part),
            "address": record_addresses(state.table, str(part), setup)[0],
            "made_at": moment(made_at) if made_at else None,
            "ends_at": moment(ends_at) if ends_at else None,
            "uses": None,
            "state": "honoured" if ends_at is None or ends_at > now else "revoked",
        }
        for part, made_at, ends_at in _own(uuid, state)
    ]
    for token in tokens.of_record(uuid):
        expired = token.expires_at is not None and token.expires_at <= now
        ends_at = token.revoked_at or token.expires_at
        out.append(
            {
                "kind": "reply",
                "id": token.hash[: tokens.SHOWN],
                "address": token.address,
                "made_at": moment(token.created_at),
                "ends_at": moment(ends_at) if ends_at else None,
                "uses": token.uses,
                "state": "revoked" if token.revoked_at else "expired" if expired else "honoured",
            }
        )
    return out


def _own(uuid: UUID, state: RecordState) -> list[tuple[Any, Any, Any]]:
    rows = addresses.rows_of([uuid]).get(uuid)
    return [(row.part, row.made_at, row.ends_at) for row in rows] if rows else [(uuid, state.created_at, None)]


def rotate(record_uuid: str, by: str = OPERATOR, *, keep_days: int = 0) -> str:
    """Give a record a new address; the former ones end after keep_days. The first of the new forms.

    by  a person's key, or OPERATOR. Raises NotFound, and Refused where the person may not update the record.
    """
    setup, now, uuid = store.current(), clock.now(), UUID(record_uuid)
    with transaction.atomic():
        state, right = _asked(uuid, by, setup)
        part, ends_at = uuid4(), now + timedelta(days=keep_days)
        writer.rotate(state, part, now, ends_at)
        _note(state, by, right, {"rotated_to": str(part), "former_ends_at": moment(ends_at)})
    return record_addresses(state.table, str(part), setup)[0]


def revoke(record_uuid: str, which: str, by: str = OPERATOR) -> int:
    """Take back the record's own addresses (OWN), a reply address by its id, all given to an address, or all.

    How many reply addresses were taken back; 0 for OWN. Raises NotFound where nothing is meant, else as `rotate`.
    """
    setup, now, uuid = store.current(), clock.now(), UUID(record_uuid)
    with transaction.atomic():
        state, right = _asked(uuid, by, setup)
        if which == OWN:
            writer.rotate(state, None, now, now)
            _note(state, by, right, {"revoked": OWN})
            return 0
        meant = tokens.named(tokens.of_record(uuid), which)
        if not meant:
            raise NotFound("no-such-address", which=which)
        count = tokens.revoke(meant, now)
        _note(state, by, right, {"revoked": which, "count": count})
    return count


def _asked(uuid: UUID, by: str, setup: Setup) -> tuple[RecordState, str]:
    """The record, locked, and the right by which its addresses may be changed."""
    process.lock([str(uuid)])
    snapshot = Snapshot(clock.now())
    wanted = Wanted(uuids={str(uuid)}, person_keys=set() if by == OPERATOR else {by})
    records.fill(snapshot, wanted, setup)
    state = snapshot.records.get(str(uuid))
    if state is None:
        raise NotFound("no-such-record", record=str(uuid))
    if by == OPERATOR:
        return state, OPERATOR
    process.fill_persons(snapshot, wanted, setup)
    person = snapshot.persons.get(by)
    if person is None:
        raise NotFound("no-such-person", person=by)
    actor = Actor(person, person.addresses[0] if person.addresses else "", Assurance.E6, proven=True)
    bound = snapshot.correspondents.get(state.uuid, {})
    reach = reaches(actor, Right.UPDATE, state, setup, bound, snapshot.records)
    if not reach or state.deleted:
        raise Refused((Reason.DELETED_RECORD if state.deleted else Reason.NOT_PERMITTED).value)
    return state, f"update on {state.table}: {reach}"


def _note(state: RecordState, by: str, right: str, data: Mapping[str, Any]) -> None:
    entry = writer.Audited("address", clock.now(), by, table=state.table, record=state.uuid, right=right, data=data)
    writer.write([], store.current(), entries=[entry])
