"""Tasks, events and followers by mail (FEATURES U-58, U-59; DESIGN section 4)."""

from __future__ import annotations

import pytest

from addressee.records.models import Follower, Record

BEN, ADA, RITA, CARLA = "ben@example.test", "ada@example.test", "rita@example.test", "carla@cust.example"


def made(line, table):
    """The record of a table that a mail made."""
    found = [effect for effect in line["effects"] if effect["table"] == table]
    assert len(found) == 1, line["trace"]
    return Record.objects.get(uuid=found[0]["record"])


@pytest.mark.parametrize("subject", ["task", "TASK", "task T-{n}"])
def test_given_a_record_when_task_is_written_to_it_then_a_task_about_it_stands(office, subject):
    n = office.customer_ticket().number
    to = office.address(n) if "{n}" not in subject else "support@example.test"
    line = office.mail(BEN, to, subject.format(n=n), "Call the yard\ndue: 2026-12-01\n\nThey close at five.")

    assert (line.end, line.kinds) == (("accept", "done"), ["task"])
    task = made(line, "task")
    assert task.values["name"] == "Call the yard"
    assert task.values["due"] == "2026-12-01"
    assert task.values["about"] == {"table": "ticket", "uuid": str(office.ticket(n).uuid)}
    assert task.created_by == "ben"
    assert {told["record"] for told in line["communications"]} == {f"T-{n}", str(task.uuid)}
    assert office.stream(n)[-1].kind == "task"
    assert "Call the yard" in line.answer()
    assert str(task.uuid) in line.answer()


def test_given_a_record_when_an_event_is_written_to_it_then_its_times_are_in_the_authors_zone(office):
    n = office.customer_ticket().number
    line = office.mail(BEN, office.address(n), "event", "name: Visit\nstart: 2026-12-01 09:00\nend: 2026-12-01 10:30")

    event = made(line, "event")
    assert line.kinds == ["event"]
    assert event.values["start"] == "2026-12-01T14:00:00Z"  # Ben lives in New York
    assert event.values["end"] == "2026-12-01T15:30:00Z"
    assert event.values["about"] == str(office.ticket(n).uuid)
    assert office.values(n)["name"] == "Pump leaks"


def test_given_no_name_when_a_task_is_made_then_it_bears_the_records_title(office):
    n = office.customer_ticket().number
    assert made(office.mail(BEN, office.address(n), "task", "due: 2026-12-01"), "task").values["name"] == "Pump leaks"


def test_given_a_table_when_task_is_written_to_it_then_the_task_is_about_nothing(office):
    task = made(office.mail(BEN, "support@example.test", "task", "Order paper"), "task")
    assert (task.values["name"], task.values["about"]) == ("Order paper", None)
    assert office.count() == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("name: Visit\nstart: sometime", "bad-value"),
        ("name: Visit", "bad-value"),
        ("name: Visit\nstart: 2026-12-01 10:00\nend: 2026-12-01 09:00", "bad-value"),
        ("name: Visit\nstrat: 2026-12-01 10:00", "no-such-field"),
        ("start: 2026-12-01 10:00\nplace: Pier 4", "not-permitted"),
    ],
)
def test_given_what_no_event_can_be_made_of_when_it_is_written_then_nothing_is_made_and_why_is_told(
    office, body, reason
):
    n = office.customer_ticket().number
    line = office.mail(BEN, office.address(n), "event", body)

    assert line.end == ("accept", reason)
    assert line.kinds == ["comment"]
    assert office.count("event") == 0
    assert line.answer()


def test_given_who_may_not_make_tasks_when_he_writes_one_then_he_is_refused_and_his_text_kept(office):
    n = office.customer_ticket().number
    line = office.mail(CARLA, office.address(n), "task", "Do it now")
    reader = office.mail(RITA, office.address(n), "task", "Do it now")

    assert (line.end, line.kinds) == (("accept", "not-permitted"), ["comment"])
    assert reader["disposition"] == "hold"
    assert office.count("task") == 0


def test_given_an_unproven_author_when_he_asks_for_a_task_then_it_waits(office):
    n = office.customer_ticket().number
    line = office.mail(BEN, office.address(n), "task", "Call", proof=None)

    assert line["disposition"] == "hold"
    assert office.count("task") == 0


def test_given_a_site_without_such_a_table_when_task_is_written_then_it_is_told_and_the_text_kept(office):
    n = office.customer_ticket().number
    office.change({"tables.task": None, "roles.agent.grants.task": None})
    line = office.mail(BEN, office.address(n), "task", "Call")

    assert (line.end, line.kinds) == (("accept", "no-table"), ["comment"])


def test_given_the_same_task_three_times_when_it_comes_then_it_is_made_once(office):
    n = office.customer_ticket().number
    raw = office.bytes_of(BEN, office.address(n), "task", "Call")
    ends = [office.send(raw, office.address(n), author=BEN)["disposition"] for _ in range(3)]

    assert ends == ["accept", "discard", "discard"]
    assert office.count("task") == 1


# ---------------------------------------------------------------- following


def test_given_somebody_of_the_firm_when_he_follows_and_unfollows_then_he_is_told_and_no_longer(office):
    n = office.customer_ticket().number
    on = office.mail(RITA, office.address(n), "follow")
    again = office.mail(RITA, office.address(n), "follow")
    told = office.mail(CARLA, office.address(n), "Still dripping", "Any news?")
    off = office.mail(RITA, office.address(n), "unfollow")
    silent = office.mail(CARLA, office.address(n), "Hello", "Any news now?")

    assert on["effects"][0]["kind"] == "follow"
    assert on["effects"][0]["fields"] == {"following": {"before": False, "after": True}}
    assert again["effects"] == []
    assert len(told.to(RITA, "notification")) == 1
    assert off["effects"][0]["fields"] == {"following": {"before": True, "after": False}}
    assert silent.to(RITA) == []
    assert not Follower.objects.filter(person="rita").exists()


def test_given_a_customer_when_he_writes_follow_then_no_one_follows(office):
    n = office.customer_ticket().number
    line = office.mail(CARLA, office.address(n), "follow", "Keep me posted")

    assert (line.end, line.kinds) == (("accept", "not-permitted"), ["comment"])
    assert not Follower.objects.exists()


def test_given_a_table_when_follow_is_written_to_it_then_there_is_nothing_to_follow(office):
    assert office.mail(BEN, "support@example.test", "follow").end == ("reject", "no-record")
