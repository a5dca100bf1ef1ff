"""Every example of docs/howto/what-you-can-say.md, sent for real against the setup that stands on that page."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from addressee.pipeline.apply import apply
from addressee.records.models import Record
from flow.laws.office import Office

PAGE = (Path(__file__).parents[2] / "docs" / "howto" / "what-you-can-say.md").read_text(encoding="utf-8")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SETUP = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)[1]
EXAMPLES = re.findall(r"```mail\n((?:(?!```).)*)```\n\n((?:- [^\n]*\n?)+)", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def page_firm(django_db_setup: None, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        applied = apply(SETUP.encode(), now=NOW)
        assert not applied.faults, applied.faults
        yield
        transaction.set_rollback(True)


@pytest.fixture
def office(page_firm, db, monkeypatch) -> Office:
    return Office(NOW, lambda now: monkeypatch.setenv("ADDRESSEE_NOW", now.isoformat()), lambda changes: None)


def case(number=1):
    return Record.objects.get(table="case", number=number)


def sent(office, mail):
    """The line of what became of an example."""
    head, _, body = mail.partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.split("\n"))
    author, to = fields.get("From", "ben@example.test"), fields["To"]
    if to == "the answer to read":
        item = office.mail(author, f"case.{case().uuid}@desk.example.test", "read").outbox[0]
        above = "\n".join(line for line in body.split("\n") if not line.startswith(">"))
        quote = item.content["text"]
        for name, value in re.findall(r"^> (\w+): (.*)$", body, re.MULTILINE):
            quote, changed = re.subn(rf"(?m)^{name}:.*$", f"{name}: {value}", quote)
            assert changed == 1
        quoted = "\n".join(f"> {line}" for line in quote.split("\n"))
        return office.mail(author, item.content["reply_to"], fields["Subject"], f"{above}\n\n{quoted}\n")
    address = f"case.{case().uuid}@desk.example.test" if to == "CASE-1" else to
    return office.mail(author, address, fields["Subject"], body)


def holds(office, line, expected, before):
    """Is one line of results so?"""
    value = re.fullmatch(r"`(\w+)` is (?:`(.*)`|empty)", expected)
    if value:
        record = case(2) if "create" in line.kinds else case()
        stands, said = record.values.get(value[1]), (value[2] or "").replace("\\n", "\n")
        if value[1] == "company":
            stands = Record.objects.get(uuid=stands).title
        assert ("" if stands is None else str(stands).lower() if isinstance(stands, bool) else str(stands)) == said
        return
    kind, _, told = expected.partition(" ")
    if kind == "comment":
        assert office_text(line) == told.strip("`")
    elif kind == "refused":
        reason, _, piece = told.partition(": ")
        assert line["reason"] == reason.strip("`"), line["trace"]
        assert piece in " ".join(step["why"] for step in line["trace"])  # Ben is answered in German
    elif kind == "answer":
        assert line["reason"] == "done" or line["disposition"] == "reject"
        assert told.strip("`") in line.answer(), line.answer()
    elif kind == "effect":
        assert (line["disposition"], line.kinds) == ("accept", [told.strip("`")]), line["trace"]
    elif expected == "asked for a confirmation":
        assert line.end == ("hold", "confirm"), line["trace"]
        assert [item.kind for item in line.outbox] == ["confirmation"]
    elif expected == "nothing changes":
        assert {**case().values, "log": None} == {**before, "log": None}
    else:
        assert expected == "a new case"
        assert line.kinds == ["create"]


def office_text(line):
    from addressee.mail.models import Communication

    return Communication.objects.filter(record=case(), message__isnull=False).order_by("at").last().text


@pytest.mark.parametrize(("mail", "results"), EXAMPLES, ids=[f"{n}" for n in range(len(EXAMPLES))])
def test_given_an_example_of_the_page_when_it_is_sent_then_that_happens(office, mail, results):
    office.mail("cleo@example.test", "company@desk.example.test", "create", "name: Dock & Sons")
    made = office.mail("cleo@example.test", "cases@example.test", "create", "Printer broken")
    assert made.kinds == ["create"], made["trace"]
    office.later("1m")
    before = dict(case().values)
    line = sent(office, mail)

    for expected in results.strip().split("\n"):
        holds(office, line, expected.removeprefix("- "), before)


def test_given_the_page_when_its_examples_are_counted_then_every_mail_on_it_has_results():
    assert len(EXAMPLES) == PAGE.count("```mail") > 20
