"""Reads mail rows for a whole batch, in one statement, into the core's Snapshot. Called by pipeline/process.

Tokens, messages by Message-ID, numbers in subjects, what was applied before, the counts of the limits, suppressions.
The records they lead to are put into `wanted`, to be locked and then read by records/snapshot.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from addressee.core.reasons import Reason
from addressee.core.route import Kind, route
from addressee.core.setup import Setup
from addressee.core.tokens import digest
from addressee.core.values import AddressState, Counts, KnownMessage, Past, Snapshot, Step, TokenState, Wanted
from addressee.core.values import Code as OneTimeCode
from addressee.mail.models import (
    Code,
    Communication,
    Delivery,
    File,
    LimitMark,
    Message,
    OutboxItem,
    Suppression,
    Token,
)
from addressee.mail.peek import message_id_hash
from addressee.records import bulk
from addressee.records.models import Record, RecordAddress
from addressee.setup import store

Arm = tuple[str, list[Any]]
_NAMED_WITHIN = timedelta(days=7)  # what a limit held back longer ago is not named any more


def address_exists(address: str) -> bool:
    """Is this an address of ours: an account, a table, a record that stands or a reply token that was issued?

    Asked at RCPT: expired and used tokens and codes and deleted records still answer, so that their mail is kept.
    """
    found = route(address, store.current())
    if found.kind is Kind.RECORD:
        own, rotated = Q(uuid=found.record), Q(recordaddress=found.record)
        rows = Record.objects.filter(own | rotated)
        return rows.filter(table=found.table).exists() if found.table else rows.exists()
    if found.kind is Kind.TOKEN:
        known = digest(found.token)
        return Token.objects.filter(hash=known).exists() or Code.objects.filter(hash=known).exists()
    return found.kind is not Kind.NONE


def fill(snapshot: Snapshot, wanted: Wanted, setup: Setup) -> None:
    """Look up all that is wanted of mail, and add the records found to wanted.uuids. One statement."""
    arms = _arms(wanted, snapshot.now)
    if not arms:
        return
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(sql for sql, _ in arms), [each for _, given in arms for each in given])
        for row in cursor.fetchall():
            _take(snapshot, wanted, *row)


def _arms(wanted: Wanted, now: datetime) -> list[Arm]:
    at = bulk.moment(now)
    hour = bulk.moment(now - timedelta(hours=1))
    day = bulk.moment(now - timedelta(days=1))
    token, outbox, message = bulk.table(Token), bulk.table(OutboxItem), bulk.table(Message)
    linked, delivery = bulk.table(Communication), bulk.table(Delivery)
    to = bulk.quoted("to")
    arms: list[Arm] = []
    if wanted.tokens:
        marks, given = bulk.placeholders(sorted(wanted.tokens))
        flags = (
            "CASE WHEN expires_at IS NOT NULL AND expires_at <= %s THEN 1 ELSE 0 END"
            " + CASE WHEN revoked_at IS NOT NULL THEN 2 ELSE 0 END + CASE WHEN notice THEN 4 ELSE 0 END"
        )
        arms.append(
            _arm(
                "token",
                "hash",
                _text("record_id"),
                "address",
                "account || ' ' || form",
                flags,
                f"{token} WHERE hash IN {marks}",
                [at, *given],
            )
        )
        source = f"{bulk.table(Code)} c JOIN {delivery} d ON d.id = c.delivery_id WHERE c.hash IN {marks}"
        flags = (
            "CASE WHEN c.expires_at <= %s THEN 1 ELSE 0 END + CASE WHEN c.used_at IS NOT NULL THEN 2 ELSE 0 END"
            f" + CASE WHEN d.disposition = 'hold' AND d.reason = '{Reason.CONFIRM}' THEN 4 ELSE 0 END"
        )
        which = f"{_text('d.id')} || ' ' || d.target"
        arms.append(_arm("code", "c.hash", which, "c.address", "c.shown", flags, source, [at, *given]))
    if wanted.parts:
        marks, given = bulk.placeholders(map(bulk.key, sorted(wanted.parts)))
        ended = "CASE WHEN ends_at IS NOT NULL AND ends_at <= %s THEN 1 ELSE 0 END"
        source = f"{bulk.table(RecordAddress)} WHERE part IN {marks}"
        arms.append(_arm("address", _text("part"), _text("record_id"), "''", "''", ended, source, [at, *given]))
    if wanted.message_ids:
        marks, given = bulk.placeholders(sorted({message_id_hash(each) for each in wanted.message_ids}))
        arms.append(
            _arm(
                "ours",
                "message_id",
                _text("record_id"),
                "token_hash",
                "account",
                "0",
                f"{outbox} WHERE message_id_hash IN {marks} AND record_id IS NOT NULL",
                given,
            )
        )
        arms.append(
            _arm(
                "thread",
                "m.message_id",
                _text("c.record_id"),
                "''",
                "''",
                "0",
                f"{message} m JOIN {linked} c ON c.message_id = m.identity WHERE m.message_id_hash IN {marks}",
                given,
            )
        )
        arms.append(
            _arm(
                "same id",
                "message_id",
                "identity",
                "''",
                "''",
                "0",
                f"{message} WHERE message_id_hash IN {marks}",
                given,
            )
        )
    by_table: dict[str, list[int]] = {}
    for table, number in sorted(wanted.numbers):
        by_table.setdefault(table, []).append(number)
    for table, numbers in by_table.items():
        marks, given = bulk.placeholders(numbers)
        name = bulk.quoted("table")
        source = f"{bulk.table(Record)} WHERE {name} = %s AND number IN {marks}"
        arms.append(_arm("number", name, _text("uuid"), "''", "''", "number", source, [table, *given]))
    if wanted.identities:
        marks, given = bulk.placeholders(sorted(wanted.identities))
        arms.append(
            _arm(
                "applied",
                "identity",
                "target",
                "disposition",
                "''",
                "id",
                f"{delivery} WHERE identity IN {marks} AND target <> ''"
                " AND disposition IN ('accept', 'reject', 'redirect', 'hold')",
                given,
            )
        )
        arms.append(
            _arm(
                "linked",
                "message_id",
                _text("record_id"),
                "''",
                "''",
                "0",
                f"{linked} WHERE message_id IN {marks}",
                given,
            )
        )
    if wanted.addresses:
        keys = sorted(wanted.addresses | wanted.domains)
        marks, given = bulk.placeholders(sorted(wanted.addresses))
        kinds = "('receipt', 'auto_reply', 'notification', 'confirmation')"
        where = f"{outbox} WHERE {to} IN {marks} AND created_at > %s AND kind IN {kinds}"
        recent = "COUNT(CASE WHEN created_at > %s THEN 1 END)"
        arms.append(
            _arm(
                "sent", to, "kind", _text("COUNT(*)"), "''", recent, f"{where} GROUP BY {to}, kind", [hour, *given, day]
            )
        )
        arms.append(_held_back(wanted.addresses, now))
        key_marks, key_given = bulk.placeholders(keys)
        arms.append(
            _arm(
                "mark",
                "key",
                "what",
                "''",
                "''",
                "COUNT(*)",
                f"{bulk.table(LimitMark)} WHERE key IN {key_marks} AND at > %s"
                " AND what <> 'held-back' GROUP BY key, what",
                [*key_given, hour],
            )
        )
        rows = ", ".join(["(%s)"] * len(wanted.addresses))
        arms.append(
            _arm(
                "written to",
                "a.column1",
                "''",
                "''",
                "''",
                "0",
                f"(VALUES {rows}) AS a WHERE EXISTS (SELECT 1 FROM {outbox} o WHERE o.{to} = a.column1)",
                sorted(wanted.addresses),
            )
        )
        arms.append(_suppressed(wanted.addresses))
        if wanted.identities:
            same, identities = bulk.placeholders(sorted(wanted.identities))
            source = (
                f"{outbox} WHERE {to} IN {marks} AND created_at > %s AND message IN {same}"
                " AND kind IN ('receipt', 'auto_reply', 'confirmation')"
            )
            arms.append(_arm("answered", "message", "''", "''", "''", "0", source, [*given, day, *identities]))
    return arms


def _held_back(addresses: Iterable[str], now: datetime) -> Arm:
    """How much a limit kept from each address since the last automatic mail to it, which named what was before."""
    keys, given = bulk.placeholders(sorted(addresses))
    since = bulk.moment(now - _NAMED_WITHIN)
    source = (
        f"{bulk.table(LimitMark)} m WHERE m.key IN {keys} AND m.what = 'held-back' AND m.at > %s AND NOT EXISTS "
        f"(SELECT 1 FROM {bulk.table(OutboxItem)} o WHERE o.{bulk.quoted('to')} = m.key AND o.created_at > m.at"
        " AND o.kind IN ('receipt', 'auto_reply', 'notification', 'confirmation')) GROUP BY m.key"
    )
    return _arm("held back", "m.key", "''", "''", "''", "COUNT(*)", source, [*given, since])


def _suppressed(addresses: Iterable[str]) -> Arm:
    marks, given = bulk.placeholders(sorted(addresses))
    source = f"{bulk.table(Suppression)} WHERE address IN {marks}"
    return _arm("suppressed", "address", "reason", "''", "''", "0", source, given)


def fill_recipients(snapshot: Snapshot, known: Iterable[str]) -> None:
    """What the limits and suppressions say of those who may be written to beside the authors: staff, correspondents.

    known  addresses that `fill` has looked up already
    """
    staff = {p.addresses[0] for p in snapshot.persons.values() if p.addresses and not p.guest}
    bound = {address for each in snapshot.correspondents.values() for address in each}
    wanted = (staff | bound) - set(known)
    if not wanted:
        return
    marks, given = bulk.placeholders(sorted(wanted))
    hour = bulk.moment(snapshot.now - timedelta(hours=1))
    to = bulk.quoted("to")
    source = (
        f"{bulk.table(OutboxItem)} WHERE {to} IN {marks} AND created_at > %s AND kind = 'notification' GROUP BY {to}"
    )
    arms = [
        _arm("notices", to, "''", "''", "''", "COUNT(*)", source, [*given, hour]),
        _held_back(wanted, snapshot.now),
        _suppressed(wanted),
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(sql for sql, _ in arms), [each for _, given in arms for each in given])
        for row in cursor.fetchall():
            _take(snapshot, Wanted(), *row)


def _text(column: str) -> str:
    return f"CAST({column} AS text)"


def _arm(kind: str, a: str, b: str, c: str, d: str, n: str, source: str, given: list[Any]) -> Arm:
    return f"SELECT '{kind}' AS kind, {a} AS a, {b} AS b, {c} AS c, {d} AS d, {n} AS n FROM {source}", given


def _take(snapshot: Snapshot, wanted: Wanted, kind: str, a: str, b: str, c: str, d: str, n: int) -> None:
    """One row of the statement."""
    if kind == "token":
        record = bulk.uuid_text(b)
        wanted.uuids.add(record)
        account, _, form = d.partition(" ")
        flags = bool(n & 1), bool(n & 2), bool(n & 4)
        snapshot.tokens[a] = TokenState(a, record, c, account, *flags, form=json.loads(form) if form else {})
    elif kind == "code":
        number, _, target = b.partition(" ")
        record = target.removeprefix("record:") if target.startswith("record:") else ""
        wanted.uuids |= {record} if record else set()
        snapshot.codes[a] = OneTimeCode(a, int(number), c, record, d, bool(n & 1), bool(n & 2), bool(n & 4))
    elif kind == "address":
        record = str(UUID(b))
        wanted.uuids.add(record)
        snapshot.addresses[str(UUID(a))] = AddressState(record, bool(n))
    elif kind in ("ours", "thread"):
        record = bulk.uuid_text(b)
        wanted.uuids.add(record)
        ours = kind == "ours"
        snapshot.messages.setdefault(a, []).append(KnownMessage(a, ours, (record,), c or None, d))
        if c:
            wanted.tokens.add(c)
    elif kind == "number":
        snapshot.numbered[a, n] = bulk.uuid_text(b)
        wanted.uuids.add(bulk.uuid_text(b))
    elif kind == "applied":
        known = snapshot.held if c == "hold" else snapshot.applied
        known[a, b] = min(n, known.get((a, b), n))
    elif kind == "linked":
        snapshot.applied.setdefault((a, f"record:{bulk.uuid_text(b)}"), 0)
    elif kind == "same id":
        snapshot.same_id.setdefault(a, set()).add(b)
    elif kind == "answered":
        snapshot.answered.add(a)
    elif kind == "written to":
        snapshot.written_to.add(a)
    elif kind == "suppressed":
        snapshot.suppressed[a] = b
    else:
        _count(snapshot.count(a), kind, b, c, n)


def _count(counts: Counts, kind: str, what: str, day: str, n: int) -> None:
    """One row about the limits."""
    if kind == "notices":
        counts.notices_hour = n
    elif kind == "held back":
        counts.held_back = n
    elif kind == "mark" and what == "create":
        counts.creates_hour = n
    elif kind == "mark" and what == "bad-token":
        counts.bad_tokens_hour = n
    elif kind == "sent" and what == "notification":
        counts.notices_hour += n
    elif kind == "sent":
        counts.answers_hour += n
        counts.automatic_hour += n
        counts.automatic_day += int(day)


def fill_told(snapshot: Snapshot, asked: Iterable[tuple[str, str]]) -> None:
    """What became of an author's latest messages to a record, for `why`."""
    for record, author in asked:
        rows = Delivery.objects.filter(author=author, target=f"record:{record}", settled_at__isnull=False)
        snapshot.told[record, author] = tuple(
            Past(
                row.received_at,
                row.subject,
                row.disposition,
                row.reason,
                tuple(Step(s["step"], s["result"], s.get("why", "")) for s in row.result.get("trace", ())),
            )
            for row in rows.order_by("-pk")[:5]
        )


def fill_pictures(snapshot: Snapshot, wanted: Iterable[tuple[str, str]], most: int) -> None:
    """In which messages of its author's domain each picture stands; of many, the first `most`.

    One statement for 400 pictures, answered from the index alone.
    """
    name, asked = bulk.table(File), sorted(wanted)
    arm = (
        f"SELECT * FROM (SELECT DISTINCT sha256, author_domain, message_id FROM {name}"
        " WHERE sha256 = %s AND author_domain = %s AND author_domain <> '' ORDER BY message_id LIMIT %s) p"
    )
    for start in range(0, len(asked), 400):
        part = asked[start : start + 400]
        given = [value for sha, domain in part for value in (sha, domain, most)]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([arm] * len(part)), given)
            for sha, domain, identity in cursor.fetchall():
                snapshot.pictures.setdefault((sha, domain), set()).add(identity)


def fill_last_messages(snapshot: Snapshot, records: Iterable[str]) -> None:
    """The Message-ID of the last public mail of each record: what a public answer replies to. One statement."""
    wanted = [UUID(record) for record in sorted(set(records))]
    if not wanted:
        return
    rows = (
        Communication.objects.filter(record__in=wanted, visibility="public", message__isnull=False)
        .order_by("record", "at")
        .values_list("record_id", "message__message_id")
    )
    for record, message_id in rows:
        if message_id:
            snapshot.last_message[str(record)] = message_id
