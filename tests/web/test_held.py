"""The held list and the four ways out of it, carried out by the real pipeline."""

from __future__ import annotations

import re

import firm as house
import pytest

from addressee.core.message import Envelope
from addressee.mail import spool
from addressee.mail.models import Communication, Delivery
from addressee.pipeline.worker import Worker
from addressee.records.models import Record
from web.conftest import HTMX, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def firm(transactional_db):
    house.found()
    return house.mail()


@pytest.fixture
def held(firm):
    """A mail that claims to be Ben's, to the case, taken by the spool and held by the pipeline: nothing proves it."""
    raw = (
        f"From: Ben Agent <ben@example.test>\r\nTo: case.{firm['case'].uuid}@records.example.test\r\n"
        "Subject: About the door\r\nMessage-ID: <door@forged.example>\r\nDate: Fri, 20 Nov 2026 14:00:00 +0000\r\n"
        "\r\nThe hinge is here.\r\n"
    )
    recipient = f"case.{firm['case'].uuid}@records.example.test"
    incoming = spool.Incoming(Envelope(transport="smtp", sender="ben@example.test"), (recipient,), raw.encode())
    (number,) = spool.accept(incoming, house.NOW)
    worker = Worker()
    while worker.step(only=[number]):
        pass
    row = Delivery.objects.get(pk=number)
    assert (row.disposition, row.reason) == ("hold", "not-proven")
    return row


@pytest.fixture
def ben(firm):
    return signed_in("ben")


def html(client, url="/held/", **headers):
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


def shown(page: str) -> list[str]:
    return re.findall(r'<article class="sheet held-item"[^>]*>\s*<h2><a [^>]*><bdi>(.*?)</bdi>', page)


def now(row: Delivery) -> tuple[str, str]:
    row.refresh_from_db()
    return row.disposition, row.reason


def test_given_held_mail_when_listed_then_why_and_the_ways_out_and_junk_apart(firm):
    ada = signed_in("ada")
    page = html(ada)
    assert shown(page) == ["update", "Board minutes"]
    assert "Nothing proves that the author is who the message says." in page
    for way in ("Release", "Release as comment", "Route …", "Reject"):
        assert way in page
    assert shown(html(ada, "/held/?junk=1")) == ["You have won"]
    assert "<html" not in html(ada, "/held/", **HTMX)


def test_given_persons_of_different_rights_when_listing_then_each_what_he_may_settle(firm, ben):
    assert shown(html(ben)) == ["update"]
    assert "Nothing waits for you" in html(signed_in("rita"))


@pytest.mark.parametrize("way", ["release", "reject", "route"])
def test_given_held_mail_of_others_when_settled_then_404_and_it_stays(firm, ben, way):
    answer = ben.post(f"/held/{firm['board'].pk}/{way}/", {"table": "case"})
    assert answer.status_code == 404
    assert now(firm["board"]) == ("hold", "stranger")


@pytest.mark.parametrize("way", ["release", "reject", "route"])
def test_given_a_get_when_asked_to_settle_then_405_and_it_stays(ben, held, way):
    assert ben.get(f"/held/{held.pk}/{way}/").status_code == 405
    assert now(held) == ("hold", "not-proven")


def test_given_a_held_mail_when_released_then_it_has_its_effect_and_the_page_says_so(ben, held, firm):
    answer = ben.post(f"/held/{held.pk}/release/")
    assert (answer.status_code, answer["Location"]) == (302, "/held/")
    assert now(held)[0] == "accept"
    assert Communication.objects.filter(record=firm["case"], message=held.identity).exists()
    page = html(ben)
    assert "Released: “About the door” → CASE-17" in page
    assert "About the door" not in shown(page)


def test_given_htmx_when_released_then_the_entry_becomes_its_result_and_the_tally_counts_down(ben, held):
    answer = ben.post(f"/held/{held.pk}/release/", headers=HTMX)
    part = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in part
    assert '<a href="/tables/case/CASE-17/">CASE-17' in part
    assert re.search(r'id="held-tally"[^>]*hx-swap-oob="true"[^>]*>1<', part)


def test_given_a_held_mail_when_released_as_comment_then_no_field_changes(ben, held, firm):
    before = Record.objects.get(pk=firm["case"].pk).values
    ben.post(f"/held/{held.pk}/release/", {"as_comment": "1"})
    assert now(held)[0] == "accept"
    after = Record.objects.get(pk=firm["case"].pk).values
    assert {k: v for k, v in after.items() if k != "log"} == {k: v for k, v in before.items() if k != "log"}


def test_given_a_held_mail_when_rejected_then_it_is_and_the_page_says_so(ben, held):
    ben.post(f"/held/{held.pk}/reject/")
    assert now(held) == ("reject", "refused-by-person")
    assert "Rejected: “About the door”" in html(ben)
    assert not Communication.objects.filter(message=held.identity).exists()


@pytest.mark.parametrize("name", ["CASE-18", "18", "paint the railing"])
def test_given_a_held_mail_when_routed_by_number_or_title_then_it_lands_there(ben, held, name):
    ben.post(f"/held/{held.pk}/route/", {"table": "case", "record": name})
    assert now(held)[0] == "accept"
    assert Communication.objects.get(message=held.identity).record.number == 18


def test_given_a_held_mail_when_routed_to_a_table_then_it_makes_a_record(ben, held):
    before = Record.objects.filter(table="case").count()
    ben.post(f"/held/{held.pk}/route/", {"table": "case", "record": ""})
    assert now(held)[0] == "accept"
    assert Record.objects.filter(table="case").count() == before + 1


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"table": "case", "record": "CASE-999"}, "No Case has the number, title or uuid “CASE-999”."),
        ({"table": "case", "record": "Twin"}, "2 records are called “Twin”."),
        ({"table": "secret", "record": ""}, "Choose a table."),
        ({}, "Choose a table."),
    ],
    ids=["missing", "two", "hidden-table", "nothing"],
)
def test_given_a_wrong_place_when_routed_then_422_says_why_and_keeps_what_was_typed(ben, held, said, why, headers):
    house.record("case", "Twin", 50)
    house.record("case", "Twin", 51)
    answer = ben.post(f"/held/{held.pk}/route/", said, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert why in page
    assert f'value="{said.get("record", "")}"' in page
    assert now(held) == ("hold", "not-proven")


def test_given_one_settled_meanwhile_when_settled_again_then_404_and_no_second_effect(ben, held):
    ben.post(f"/held/{held.pk}/release/")
    count = Communication.objects.count()
    assert ben.post(f"/held/{held.pk}/release/").status_code == 404
    assert Communication.objects.count() == count


def test_given_letters_when_choosing_a_record_then_records_that_one_may_see(ben, firm):
    part = html(ben, "/held/choices/?table=case&record=paint")
    assert '<option value="CASE-18">Paint the railing</option>' in part
    assert "CASE-17" not in part
    assert "Jane Harbour" in html(ben, "/held/choices/?table=contact&record=jane")
    assert "<option" not in html(ben, "/held/choices/?table=secret&record=")
