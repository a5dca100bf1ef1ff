"""The whole public mail through the real walk: explained, then received; nothing raises, nothing is lost."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import transaction

from addressee.core.message import Envelope
from addressee.core.reasons import Reason
from addressee.host import clock
from addressee.mail import spool
from addressee.mail.models import Delivery
from addressee.pipeline import explain, outcome
from addressee.pipeline.apply import apply
from addressee.pipeline.worker import Worker
from corpus.test_corpus import CORPUS

FIRM = b"""
[site]
domain = "records.firm.test"
authserv_ids = ["mx.firm.test"]
policy = "open"
catch_all = "office@firm.test"
[tables.contact]
title = "name"
person = { address = "email", name = "name" }
[tables.contact.fields]
name = { type = "text", required = true }
email = { type = "email", many = true }
[tables.case]
title = "name"
number = "CASE-{0}"
mail = { text = "log", files = "files", links = ["contact"] }
[tables.case.fields]
name = { type = "text", required = true, max_length = 200 }
priority = { type = "integer" }
log = { type = "append_only" }
files = { type = "files" }
contact = { type = "link", table = "contact" }
[roles.customer.grants]
case = { create = true, read = "own", comment = "own", update = "own" }
[people.portal]
roles = ["customer"]
guest = true
[accounts.support]
address = "support@firm.test"
table = "case"
guest = "portal"
contact = "find_or_create"
field_updates = true
history = "work"
map = { name = "subject", log = "text", files = "attachments" }
"""
RECIPIENTS = ("support@firm.test", "case@records.firm.test", "contact@records.firm.test")


@pytest.fixture(scope="module")
def firm(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        assert not apply(FIRM, now=clock.now()).faults
        yield
        transaction.set_rollback(True)


def messages() -> list[Path]:
    found = sorted(CORPUS.glob("*/*.eml"))
    assert len(found) >= 780, f"the public mail is not whole at {CORPUS}"
    return found


def test_every_public_message_is_explained_as_it_is_decided_and_none_is_lost(
    firm: None, db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # given the public mail, each message to one of three addresses
    caplog.set_level(logging.WARNING)
    monkeypatch.setenv("ADDRESSEE_NOW", "2026-11-21T12:00:00+00:00")
    worker, found = Worker(), Counter[str]()
    paths = messages()
    for number, path in enumerate(paths):
        raw, recipient = path.read_bytes(), RECIPIENTS[number % 3]
        envelope = Envelope("receive", trusted=True)
        # when it is explained, and then received
        told = explain.explain(envelope, [recipient], raw, path.name)
        ids = spool.accept(spool.Incoming(envelope, (recipient,), raw, path.name), clock.now())
        while worker.step(only=ids):
            pass
        row = Delivery.objects.select_related("raw").get(pk=ids[0])
        line = outcome.line(row)
        # then the trace is the same, it ends in a disposition with a reason, and its bytes are whole
        assert [told[0]["disposition"], told[0]["reason"], told[0]["trace"]] == [
            line["disposition"],
            line["reason"],
            line["trace"],
        ], path
        assert line["disposition"], path
        assert line["reason"] in set(Reason), path
        assert sha256(spool.raw_bytes(row)).hexdigest() == sha256(raw).hexdigest(), path
        assert line["reason"] not in (Reason.FAILED, Reason.POISON), (path, line["trace"])
        found[f"{line['disposition']}: {line['reason']}"] += 1
    # and the ledger adds up to the number of deliveries, and nothing was complained about
    ledger = spool.ledger()
    assert ledger["adds_up"]
    assert ledger["accepted"] == len(paths)
    assert ledger["waiting"] == 0
    assert not caplog.records
    print(f"\n{len(paths)} messages:", dict(found.most_common()))
