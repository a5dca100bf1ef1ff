"""The calendar page, and the tasks and events beside the record they are about (FEATURES U-59, U-60)."""

from __future__ import annotations

import re

import firm as house
import pytest
from django.test import Client


def html(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


@pytest.fixture
def planned(firm):
    """A visit and a task about case 17, and a meeting in the next month."""
    case = house.Record.objects.get(table="case", number=17)
    about = {"table": "case", "uuid": str(case.uuid)}
    house.record("event", "Visit the bakery", start="2026-11-24T09:00:00Z", end="2026-11-24T10:00:00Z", about=about)
    house.record("task", "Order a hinge", due="2026-11-23", about=about)
    house.record("event", "Year's end", start="2026-12-31T18:00:00Z")
    return case


def shown(page: str) -> list[str]:
    return re.findall(r'<td class="main"><a [^>]*><bdi>(.*?)</bdi>', page)


def test_given_events_and_tasks_when_opening_the_calendar_then_they_stand_by_day_with_their_times(ben, planned):
    page = html(ben, "/calendar/")

    assert "November 2026" in page
    assert shown(page) == ["Order a hinge", "Visit the bakery"]
    assert "Tuesday 24 November" in page
    assert "10:00–11:00" in page  # Ben reads it in Berlin
    assert "CASE-17" in page
    assert 'href="/calendar/" aria-current="page"' in page


def test_given_another_month_when_asked_for_then_only_its_days(ben, planned):
    page = html(ben, "/calendar/?month=2026-12")
    assert shown(page) == ["Year&#x27;s end"]
    assert "month=2026-11" in page
    assert "month=2027-01" in page
    assert "Nothing in February 2027" in html(ben, "/calendar/?month=2027-02")


@pytest.mark.parametrize("asked", ["", "x", "2026-13", "0000-01", "9999-12", "2026-1-1", "%00"])
def test_given_a_month_that_is_none_when_asked_for_then_it_is_this_month(ben, planned, asked):
    assert "November 2026" in html(ben, f"/calendar/?month={asked}")


def test_given_no_right_on_tasks_when_opening_the_calendar_then_nothing_is_there(rita, planned):
    page = html(rita, "/calendar/")
    assert shown(page) == []
    assert 'href="/calendar/"' not in html(rita, "/")


def test_given_a_record_when_opened_then_its_tasks_and_events_stand_beside_it(ben, planned):
    page = html(ben, "/tables/case/CASE-17/")
    assert "Tasks and events" in page
    assert "Visit the bakery" in page
    assert "Order a hinge" in page
    other = house.Record.objects.filter(table="case").exclude(pk=planned.pk).first()
    page = html(ben, f"/tables/case/{other.uuid}/")
    assert "Visit the bakery" not in page
    assert "None yet" in page


def test_given_a_record_when_a_person_adds_an_event_on_its_page_then_it_stands_in_the_calendar(ben, planned):
    url = "/tables/case/CASE-17/add/event/"
    assert 'href="/tables/case/CASE-17/add/event/"' in html(ben, "/tables/case/CASE-17/")
    assert 'value="The door"' in html(ben, f"{url}?name=The door")

    answer = ben.post(url, {"name": "Measure the door", "start": "2026-11-25 09:00", "end": "2026-11-25 10:00"})
    assert answer.status_code == 302
    event = house.Record.objects.get(table="event", title="Measure the door")
    assert event.values["start"] == "2026-11-25T08:00:00Z"
    assert event.values["about"] == {"table": "case", "uuid": str(planned.uuid)}
    assert event.created_by == "ben"
    assert "Measure the door" in shown(html(ben, "/calendar/"))


def test_given_a_wrong_value_when_a_task_is_added_then_the_form_says_so_and_keeps_the_rest(ben, planned):
    answer = ben.post("/tables/case/CASE-17/add/task/", {"name": "Call", "due": "someday"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="Call"' in page
    assert "someday" in page
    assert 'role="alert"' in page
    assert not house.Record.objects.filter(table="task", title="Call").exists()


def test_given_an_event_that_ends_before_it_begins_when_it_is_added_then_why_not_is_said(ben, planned):
    times = {"name": "Visit", "start": "2026-11-25 09:00", "end": "2026-11-25 08:00"}
    answer = ben.post("/tables/case/CASE-17/add/event/", times)
    assert answer.status_code == 422
    assert not house.Record.objects.filter(table="event", title="Visit").exists()


def test_given_no_right_when_the_form_is_asked_for_then_it_is_not_there(rita, ben, planned):
    house.record("case", "Hers", 77, assignee="rita")
    assert rita.get("/tables/case/CASE-77/add/event/").status_code == 404
    assert "add/event" not in html(rita, "/tables/case/CASE-77/")
    assert ben.get("/tables/case/CASE-17/add/delete/").status_code == 404


def test_given_a_message_on_a_record_when_opened_then_it_can_be_marked_in_the_calendar(ada, firm):
    number = house.Delivery.objects.filter(disposition="accept").order_by("id").first().pk
    assert "add/event/?name=" in html(ada, f"/messages/{number}/")
