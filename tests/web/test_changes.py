"""Changing a record on its page: edit, delete, restore, undo; and the page that confirms what a mail asked."""

from __future__ import annotations

import re
import uuid

import firm as house
import pytest

from addressee.mail.models import Delivery
from addressee.pipeline.worker import Worker
from addressee.records.models import Record, Revision

CASE = "/tables/case/CASE-17/"


def html(client, url=CASE):
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


def form_of(page: str) -> dict[str, str]:
    """What a browser would send of the edit form."""
    hidden = dict(re.findall(r'name="(was-[a-z_]+)" value="([^"]*)"', page))
    return {**hidden, **{name.removeprefix("was-"): value for name, value in hidden.items()}}


def case(firm) -> Record:
    return Record.objects.get(pk=firm["case"].pk)


def test_given_the_form_when_one_field_is_changed_then_that_one_alone_and_with_a_revision(ben, firm):
    before = dict(case(firm).values)
    sent = form_of(html(ben, CASE + "edit/")) | {"priority": "2"}
    answer = ben.post(CASE + "edit/", sent, follow=True)

    assert "The record was changed." in answer.content.decode()
    assert case(firm).values == {**before, "priority": 2}
    revision = Revision.objects.filter(record=firm["case"], actor="ben").latest("version")
    assert revision.fields == {"priority": {"before": before.get("priority"), "after": 2}}


def test_given_the_form_when_others_changed_a_field_meanwhile_then_theirs_stays(ben, ada, firm):
    mine = form_of(html(ben, CASE + "edit/")) | {"priority": "2"}
    ada.post(CASE + "edit/", form_of(html(ada, CASE + "edit/")) | {"due": "2027-01-02"})
    ben.post(CASE + "edit/", mine)

    assert (case(firm).values["due"], case(firm).values["priority"]) == ("2027-01-02", 2)


@pytest.mark.parametrize(
    ("field", "text", "said"), [("priority", "9", "too large"), ("due", "whenever", "no date"), ("name", "", "empty")]
)
def test_given_a_wrong_value_when_sent_then_the_form_says_so_and_keeps_what_was_written(ben, firm, field, text, said):
    before = dict(case(firm).values)
    answer = ben.post(
        CASE + "edit/", form_of(html(ben, CASE + "edit/")) | {field: text, "website": "https://b.example"}
    )
    page = answer.content.decode()

    assert answer.status_code == 422
    assert said in page
    assert 'value="https://b.example"' in page
    assert case(firm).values == before


def test_given_a_field_kept_from_him_when_he_edits_then_it_is_not_in_the_form_and_not_taken(ben, firm):
    page = html(ben, CASE + "edit/")
    assert "refund" not in page
    before = case(firm).values["refund"]
    ben.post(CASE + "edit/", form_of(page) | {"refund": "1.00", "was-refund": "0"})
    assert case(firm).values["refund"] == before


def test_given_no_right_when_a_page_is_asked_to_change_then_it_does_not(rita, firm):
    house.record("case", "Mine", 40, assignee="rita")
    assert rita.get("/tables/case/CASE-40/edit/").status_code == 403
    page = html(rita, "/tables/case/CASE-40/")
    assert "/edit/" not in page
    assert "/delete/" not in page
    rita.post("/tables/case/CASE-40/delete/")
    assert Record.objects.get(table="case", number=40).deleted_at is None
    assert rita.post(CASE + "delete/").status_code == 404


def test_given_a_get_when_it_names_a_change_then_nothing_changes(ada, firm):
    for what in ("delete/", "restore/", "undo/1/"):
        assert ada.get(CASE + what).status_code == 405
    assert case(firm).deleted_at is None


def test_given_delete_when_pressed_then_it_leaves_the_lists_and_restore_and_undo_bring_it_back(ada, firm):
    page = ada.post(CASE + "delete/", follow=True).content.decode()
    assert "It can be restored" in page
    assert "/restore/" in page
    assert "CASE-17" not in html(ada, "/tables/case/")
    assert case(firm).deleted_at is not None
    assert "It was restored" in ada.post(CASE + "restore/", follow=True).content.decode()
    assert case(firm).deleted_at is None

    gone = Revision.objects.filter(record=firm["case"], kind="restore").get()
    assert "It was taken back" in ada.post(CASE + f"undo/{gone.version}/", follow=True).content.decode()
    assert case(firm).deleted_at is not None


def test_given_an_entry_of_a_log_when_undone_then_it_is_shown_struck(ada, ben, firm):
    ben.post(CASE + "comment/", {"text": "Wrong record.", "visibility": "internal"})
    revision = Revision.objects.filter(record=firm["case"], actor="ben").latest("version")
    page = ada.post(CASE + f"undo/{revision.version}/", follow=True).content.decode()

    assert re.search(r"<del>\s*Wrong record\.", page)
    assert case(firm).values["log"][-1]["withdrawn"]["actor"] == "ada"


def test_given_a_field_changed_since_when_undo_is_pressed_then_the_page_names_it(ada, ben, firm):
    ben.post(CASE + "edit/", form_of(html(ben, CASE + "edit/")) | {"priority": "2"})
    revision = Revision.objects.filter(record=firm["case"], actor="ben").latest("version")
    ada.post(CASE + "edit/", form_of(html(ada, CASE + "edit/")) | {"priority": "5"})
    page = ada.post(CASE + f"undo/{revision.version}/", follow=True).content.decode()

    assert "changed since: CASE-17: " in page
    assert case(firm).values["priority"] == 5


# ---- Confirmation ------------------------------------------------------------------------------------------


@pytest.fixture
def asked(firm) -> Delivery:
    """Ada's unproven mail that asks to delete CASE-17, decided for real."""
    raw = house.raw("From: ada@example.test\nTo: help@records.example.test\nSubject: delete CASE-17\n\nx\n")
    made = Delivery.objects.create(
        raw=raw,
        recipient="help@records.example.test",
        envelope={"transport": "lmtp", "sender": "ada@example.test"},
        seed=uuid.uuid4().bytes,
        received_at=house.NOW,
        due_at=house.NOW,
    )
    Worker().work_until_idle()
    made.refresh_from_db()
    assert (made.disposition, made.reason) == ("hold", "confirm"), made.result
    return made


def test_given_a_command_to_confirm_when_its_page_is_opened_then_it_is_shown_and_only_the_button_does_it(
    ada, firm, asked
):
    assert f"/confirm/{asked.pk}/" in html(ada, "/")
    page = html(ada, f"/confirm/{asked.pk}/")
    assert "delete" in page
    assert "CASE-17" in page
    assert case(firm).deleted_at is None

    done = ada.post(f"/confirm/{asked.pk}/", follow=True).content.decode()
    asked.refresh_from_db()
    assert "Confirmed, and done." in done
    assert (asked.disposition, asked.reason, asked.result["assurance"]) == ("accept", "done", "E6")
    assert case(firm).deleted_at is not None
    assert "Nothing waits here" in html(ada, f"/confirm/{asked.pk}/")
    assert f"/confirm/{asked.pk}/" not in html(ada, "/")
    ada.post(f"/confirm/{asked.pk}/")
    assert Revision.objects.filter(record=firm["case"], kind="delete").count() == 1


def test_given_another_person_when_he_opens_or_presses_then_there_is_no_such_page(ben, firm, asked):
    assert ben.get(f"/confirm/{asked.pk}/").status_code == 404
    assert ben.post(f"/confirm/{asked.pk}/").status_code == 404
    assert case(firm).deleted_at is None


def test_given_24_hours_when_they_are_over_then_the_button_is_too(ada, firm, asked, monkeypatch):
    monkeypatch.setenv("ADDRESSEE_NOW", "2026-11-21T16:00:00")
    assert "Nothing waits here" in html(ada, f"/confirm/{asked.pk}/")
    ada.post(f"/confirm/{asked.pk}/")
    assert case(firm).deleted_at is None
