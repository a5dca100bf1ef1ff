"""What README.md shows is what happens: its mail and the answers, and the walks that the demo prints."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

import homes
from addressee.pipeline.apply import apply
from flow.laws.office import Office
from flow.test_demo import PLACES

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SHOP = """
[site]
name = "Harbour Street Repairs"
domain = "records.example.test"
url = "http://127.0.0.1:8000"
authserv_ids = ["mx.example.test"]
[tables.case]
number = "CASE-{0}"
title = "name"
workflow = { field = "status", open = ["New", "Open", "On hold"], closed = ["Closed"] }
assignee = "owner"
mail = { text = "log" }
[tables.case.fields]
name = { type = "text", required = true }
status = { type = "choice", choices = ["New", "Open", "On hold", "Closed"], default = "New" }
priority = { type = "integer" }
due = { type = "date" }
log = { type = "append_only" }
owner = { type = "person" }
[roles.agent.grants]
case = { create = true, read = "all", comment = "all", update = "all" }
[people.ben]
name = "Ben Agent"
addresses = ["ben@example.test"]
roles = ["agent"]
[accounts.support]
address = "support@example.test"
table = "case"
field_updates = true
distribution = { how = "direct", person = "ben" }
"""


def blocks() -> list[str]:
    """The indented blocks of the page, each without its margin."""
    found = re.findall(r"(?:^(?: {4}[^\n]*)?\n)+", README, re.MULTILINE)
    return [re.sub(r"(?m)^ {4}", "", block).strip("\n") for block in found if block.strip()]


def block(begins: str) -> str:
    return next(each for each in blocks() if each.startswith(begins))


@pytest.fixture
def office(db: None, monkeypatch: pytest.MonkeyPatch) -> Office:
    with transaction.atomic():
        applied = apply(SHOP.encode(), now=NOW)
        assert not applied.faults, applied.faults
    return Office(NOW, lambda now: monkeypatch.setenv("ADDRESSEE_NOW", now.isoformat()), lambda changes: None)


def body_of(mail: str) -> str:
    return mail.partition("\n\n")[2]


def without_ids(text: str) -> str:
    return re.sub(r"/messages/\d+/", "/messages/1/", text)


def test_given_the_mail_of_the_page_when_it_is_sent_then_it_is_answered_as_the_page_says(office):
    asked, told = block("From: Ben Agent"), block('From: "Harbour Street Repairs"')
    made = office.mail("ben@example.test", "case@records.example.test", "create", body_of(asked))
    answer = made.to("ben@example.test", "receipt")[0]
    assert body_of(told) in without_ids(answer.content["text"])

    wrong = office.mail("ben@example.test", answer.content["reply_to"], "update", "status: Clsoed")
    assert block("Your message is now part of") in wrong.answer()

    office.mail("ben@example.test", answer.content["reply_to"], "update", "status: Closed")
    from addressee.records.models import Record

    assert Record.objects.get(table="case").values["status"] == "Closed"


def test_given_the_demo_when_it_runs_then_it_shows_the_walks_of_the_page(tmp_path):
    def plain(text: str) -> list[str]:
        text = re.sub(r"\d+\.\d\d s|\d{4}-\d\d-\d\d|\b[a-z2-7]{6}…", "…", text)
        return text.split("\n")

    ran = homes.empty(tmp_path / "home").run("demo", "--exit", *PLACES, env={"COLUMNS": "118"})
    assert ran.code == 0, ran.err
    printed = plain(ran.out.decode())
    for line in plain(block("┌ 5/36")):
        assert line in printed
