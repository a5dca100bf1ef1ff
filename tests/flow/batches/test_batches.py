"""A batch of n gives the same rows as n batches of one, but for random ids and keys (DESIGN section 1)."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addressee.core.message import Envelope
from addressee.mail import models as mail
from addressee.mail import spool
from addressee.pipeline import process
from addressee.pipeline.apply import apply
from addressee.records import models as rows
from addressee.setup import store

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FIRM = b"""
[site]
domain = "records.firm.test"
authserv_ids = ["mx.firm.test"]
catch_all = "office@firm.test"
[site.limits]
automatic_per_hour = 3
creates_per_hour = 4
[tables.contact]
title = "name"
person = { address = "email", name = "name", organisation = "company" }
[tables.contact.fields]
name = { type = "text", required = true }
email = { type = "email", many = true, unique = true }
company = { type = "link", table = "company" }
[tables.company]
title = "name"
person = { address = "email", name = "name" }
[tables.company.fields]
name = { type = "text", unique = true }
email = { type = "email", many = true }
[tables.case]
title = "name"
number = "CASE-{0}"
workflow = { field = "status", open = ["New", "Open"], closed = ["Closed"], reopen = "Open" }
assignee = "owner"
mail = { text = "log", files = "files", links = ["contact", "company"] }
[tables.case.fields]
name = { type = "text", required = true }
status = { type = "choice", choices = ["New", "Open", "Closed"], default = "New" }
priority = { type = "integer", min = 1, max = 5, default = 3 }
log = { type = "append_only" }
files = { type = "files" }
contact = { type = "link", table = "contact" }
company = { type = "link", table = "company" }
owner = { type = "person" }
[roles.agent.grants]
case = { create = true, read = "all", comment = "all", update = "all" }
contact = { create = true, read = "all", update = "all" }
company = { create = true, read = "all", update = "all" }
[roles.customer.grants]
case = { create = true, read = "own", comment = "own" }
[teams.desk]
members = ["ben", "cleo"]
[people.ben]
name = "Ben Agent"
addresses = ["ben@firm.test"]
roles = ["agent"]
[people.cleo]
name = "Cleo Agent"
addresses = ["cleo@firm.test"]
roles = ["agent"]
[people.portal]
roles = ["customer"]
guest = true
[accounts.support]
address = "support@firm.test"
table = "case"
guest = "portal"
contact = "find_or_create"
field_updates = true
team = "desk"
distribution = { how = "round_robin", team = "desk" }
map = { name = "subject", log = "text", files = "attachments" }
[accounts.least]
address = "least@firm.test"
table = "case"
guest = "portal"
distribution = { how = "least_busy", team = "desk" }
"""
AUTHORS = ("ben@firm.test", "cleo@firm.test", "gus@one.test", "hanna@one.test", "ina@two.test")
TABLES = (
    "support@firm.test",
    "least@firm.test",
    "case@records.firm.test",
    "contact@records.firm.test",
    "company@records.firm.test",
)
BODIES = (
    "It broke.",
    "name: Acme\nemail: ina@two.test",
    "priority: 5\nstatus: Closed\nPlease look.",
    "status: nowhere",
    "contact: Gus\nowner: ben",
    "company: Acme\nname: Renamed",
    "",
)


@dataclass(frozen=True)
class Mail:
    """One generated message; `about` names an earlier message of the batch or a case by number."""

    author: str
    to: str
    subject: str
    body: str
    proven: bool
    key: int
    parent: int | None
    file: bool

    def raw(self) -> bytes:
        proof = f"Authentication-Results: mx.firm.test; dmarc=pass header.from={self.author.partition('@')[2]}\r\n"
        thread = f"In-Reply-To: <{self.parent}@x.test>\r\n" if self.parent is not None else ""
        head = (
            f"{proof if self.proven else ''}From: {self.author.partition('@')[0].title()} <{self.author}>\r\n"
            f"To: {self.to}\r\nSubject: {self.subject}\r\nMessage-ID: <{self.key}@x.test>\r\n"
            f"Date: Fri, 20 Nov 2026 10:00:00 +0000\r\n{thread}"
        )
        if not self.file:
            return f"{head}\r\n{self.body}\r\n".encode()
        return (
            f"{head}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{self.body}\r\n"
            f"--b\r\nContent-Type: text/csv; name=a.csv\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n1,2\r\n--b--\r\n"
        ).encode()


SUBJECTS = st.one_of(
    st.sampled_from(["It broke", "create", "Re: It broke", "update", "read", "help", "delete", "Hello"]),
    st.builds("{} CASE-{}".format, st.sampled_from(["update", "Re:", "read", "delete", "about"]), st.integers(1, 5)),
)
MAILS = st.builds(
    Mail,
    author=st.sampled_from(AUTHORS),
    to=st.sampled_from(TABLES),
    subject=SUBJECTS,
    body=st.sampled_from(BODIES),
    proven=st.sampled_from([True, True, True, False]),
    key=st.integers(1, 9),
    parent=st.none() | st.integers(1, 9),
    file=st.sampled_from([False, False, True]),
)


def work_off(mails: Sequence[Mail], size: int) -> dict[str, Any]:
    """The rows after the mails went through in batches of `size`; everything is taken back."""
    with transaction.atomic():
        assert not apply(FIRM, now=NOW).faults
        incoming = [
            spool.Incoming(Envelope("receive", trusted=True), (each.to,), each.raw(), f"{n}.eml")
            for n, each in enumerate(mails)
        ]
        ids = [one for group in spool.accept_many(incoming, NOW) for one in group]
        for start in range(0, len(ids), size):
            some = ids[start : start + size]
            mail.Delivery.objects.filter(pk__in=some).update(claimed_by="test", claimed_until=NOW)
            process.process(spool.claimed(some), store.current(), worker="test")
        found = everything(ids)
        transaction.set_rollback(True)
    return found


def everything(ids: Sequence[int]) -> dict[str, Any]:
    """All rows that follow, with random ids and tokens named by the order in which records were made."""
    names = {str(r.uuid): f"{r.table} {r.number or r.title}" for r in rows.Record.objects.all()}
    first = min(ids)

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [plain(v) for v in value]
        if isinstance(value, str):
            for uuid, name in names.items():
                value = value.replace(uuid, name)
            return re.sub(r"\b[a-z2-7]{21}\b", "TOKEN", re.sub(r"delivery \d+", "delivery", value))
        return value

    def dump(queryset: Any, *columns: str) -> list[Any]:
        return sorted((plain(list(row)) for row in queryset.values_list(*columns)), key=repr)

    def named(queryset: Any, *columns: str) -> list[Any]:
        return sorted(
            ([names[str(r)], *plain(rest)] for r, *rest in queryset.values_list("record_id", *columns)), key=repr
        )

    record = (
        "table",
        "number",
        "title",
        "values",
        "team",
        "account",
        "assignee",
        "created_by",
        "version",
        "unverified",
    )
    return {
        "records": dump(rows.Record.objects, *record),
        "index": named(rows.IndexRow.objects, "table", "field", "num"),
        "revisions": named(rows.Revision.objects, "version", "kind", "at", "actor", "author", "message", "fields"),
        "correspondents": named(rows.Correspondent.objects, "address", "wrote_first", "wrote", "written_to", "sent"),
        "counters": dump(rows.Counter.objects, "table", "next"),
        "turns": dump(rows.Turn.objects, "name", "person"),
        "messages": dump(mail.Message.objects, "identity", "message_id", "author", "subject", "new_text"),
        "communications": named(
            mail.Communication.objects, "message_id", "kind", "visibility", "actor", "author", "text", "unverified"
        ),
        "files": dump(mail.File.objects, "message_id", "name", "sha256", "stored", "reason"),
        "outbox": dump(mail.OutboxItem.objects, "kind", "to", "account", "subject", "in_reply_to", "content__text"),
        "marks": dump(mail.LimitMark.objects, "key", "what"),
        "deliveries": [
            plain([row.pk - first, row.disposition, row.reason, row.author, row.target, _told(row.result, first)])
            for row in mail.Delivery.objects.filter(pk__in=ids).order_by("pk")
        ],
    }


def _told(result: dict[str, Any], first: int) -> dict[str, Any]:
    duplicate = result["duplicate_of"]
    return {**result, "duplicate_of": None if duplicate is None else duplicate - first}


@pytest.mark.django_db
@given(mails=st.lists(MAILS, min_size=2, max_size=8), size=st.sampled_from([2, 3, 100]))
@settings(max_examples=int(os.environ.get("ADDRESSEE_EXAMPLES", "25")), suppress_health_check=list(HealthCheck))
def test_a_batch_of_n_gives_the_same_rows_as_n_batches_of_one(mails: list[Mail], size: int) -> None:
    # given shuffled mail with threads, duplicates, new contacts and several mails to one record
    os.environ["ADDRESSEE_NOW"] = NOW.isoformat()
    try:
        # when it is worked off in batches, and one by one
        together, alone = work_off(mails, size), work_off(mails, 1)
    finally:
        os.environ.pop("ADDRESSEE_NOW")
    # then every row is the same
    for kind, found in together.items():
        assert found == alone[kind], kind


def test_the_ids_that_a_decision_makes_are_random() -> None:
    # given two deliveries, when their seeds are made, then they differ: what is equal above is not the ids
    assert secrets.token_bytes(16) != secrets.token_bytes(16)
