"""`read` on a table: which records, how many, whose (U-49); and messages that ask for more than one thing (U-30)."""

from __future__ import annotations

import re

import pytest

BEN, ADA, CARLA, HAL = "ben@example.test", "ada@example.test", "carla@cust.example", "hal@example.test"
VIEWS = {
    "views": {
        "urgent": {"table": "ticket", "label": "Urgent ones", "where": {"priority": [4, 5]}, "sort": ["-priority"]},
        "by_secret": {"table": "ticket", "where": {"secret": "x"}},
        "mine": {"table": "ticket", "where": {"owner": "ben"}},
    }
}


def tickets(office, *bodies, author=ADA):
    return [office.mail(author, "support@example.test", "create", body).number for body in bodies]


def asked(office, body="", who=BEN, to="support@example.test", subject="read"):
    return office.mail(who, to, subject, body)


def listed(answer):
    return re.findall(r"^(T-\d+)", answer, re.MULTILINE)


def test_given_tickets_when_the_table_is_read_then_all_are_counted_and_linked_the_newest_first(office):
    first, second = tickets(office, "A pump", "A hose")
    line = asked(office)

    assert line.end == ("accept", "done"), line["trace"]
    assert line["communications"] == []
    answer = line.answer()
    assert "Ticket: 2 found" in answer
    assert listed(answer) == [f"T-{second}", f"T-{first}"]
    assert f"https://desk.example.test/tables/ticket/T-{first}/" in answer
    assert 'T-1 "A pump"' in answer


def test_given_filters_when_the_table_is_read_then_those_alone_are_counted(office):
    tickets(office, "One\nstatus: Open\npriority: 5", "Two\nstatus: Open", "Three", "Four\nstatus: open\npriority: 5")
    answer = asked(office, "Status: open\nurgency level: 5").answer()

    assert "2 found" in answer
    assert listed(answer) == ["T-4", "T-1"]


def test_given_a_view_when_named_by_key_label_or_first_line_then_its_filter_and_order_count(office):
    office.change(VIEWS)
    tickets(office, "One\npriority: 4", "Two\npriority: 5", "Three\npriority: 1")
    for body in ("view: urgent", "View: Urgent Ones", "urgent ones", "urgent\nstatus: New"):
        answer = asked(office, body).answer()
        assert listed(answer) == ["T-2", "T-1"], body
        assert "view Urgent ones" in answer
    assert listed(asked(office, "view: urgent\nlimit: 1\nsort: priority").answer()) == ["T-1"]
    assert "2 found" in asked(office, "view: urgent\nlimit: 1").answer()


def test_given_a_view_by_person_when_named_then_his_records_are_listed(office):
    office.change(VIEWS)
    tickets(office, "One\nowner: ben", "Two\nowner: cleo")
    assert listed(asked(office, "mine").answer()) == ["T-1"]
    assert listed(asked(office, "owner: Cleo Agent").answer()) == ["T-2"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("view: urgnt", "Did you mean urgent?"),
        ("view: nothing like it", "There are: urgent"),
        ("urgen ones", "Did you mean urgent?"),
        ("stats: Open", "Did you mean status?"),
        ("status: Opn", "Did you mean Open?"),
        ("limit: many", "a whole number"),
        ("log: x", "can't be filtered by log"),
        ("sort: papers", "can't be sorted by papers"),
    ],
)
def test_given_a_wrong_view_filter_or_order_when_read_then_nothing_is_listed_and_the_nearest_is_named(
    office, body, told
):
    office.change(VIEWS)
    tickets(office, "One")
    line = asked(office, body)

    assert line["disposition"] == "reject"
    assert told in line.answer()
    assert "T-1" not in line.answer()


def test_given_rights_of_each_reach_when_the_table_is_read_then_own_team_and_all_are_told_apart(office):
    office.customer_ticket()  # of the desk
    office.customer_ticket("gus@cust.example", to="sales@example.test")
    tickets(office, "By Hal\nowner: hal")
    office.change({"roles.helper.grants.ticket.read": "team"})

    assert "3 found" in asked(office).answer()
    assert listed(asked(office, who=HAL).answer()) == ["T-3"]
    carla = asked(office, who=CARLA).answer(CARLA)
    assert listed(carla) == ["T-1"]
    assert "1 found" in carla


def test_given_a_hidden_field_when_a_list_is_filtered_or_viewed_by_it_then_it_is_refused_by_name(office):
    office.change({**VIEWS, "roles.agent.grants.ticket.fields": {"secret": "none", "name": "none"}})
    tickets(office, "One")
    line = asked(office, "secret: x")
    assert line["reason"] == "not-permitted"
    assert line["disposition"] == "hold"
    assert asked(office, "view: by_secret")["disposition"] == "reject"
    answer = asked(office).answer()
    assert "T-1" in answer
    assert "One" not in answer


def test_given_more_records_than_the_option_when_read_then_all_are_counted_and_the_first_shown(office):
    office.change({"site.limits": {"list_rows": 2}})
    tickets(office, *(f"Pump {n}" for n in range(4)))
    answer = asked(office, "limit: 1000").answer()

    assert "4 found" in answer
    assert "first 2 are shown" in answer
    assert listed(answer) == ["T-4", "T-3"]


def test_given_a_list_in_a_batch_when_records_are_made_around_it_then_it_sees_those_before_it(office):
    mails = [
        (office.bytes_of(ADA, "support@example.test", "create", "One"), "support@example.test"),
        (office.bytes_of(BEN, "support@example.test", "read"), "support@example.test"),
        (office.bytes_of(ADA, "support@example.test", "create", "Two"), "support@example.test"),
        (office.bytes_of(BEN, "support@example.test", "read", "status: New"), "support@example.test"),
    ]
    lines = office.batch(mails)

    assert [line.end for line in lines] == [("accept", "done")] * 4
    assert listed(lines[1].answer()) == ["T-1"]
    assert sorted(listed(lines[3].answer())) == ["T-1", "T-2"]


def test_given_ten_or_a_hundred_records_when_read_then_as_many_statements(office, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def statements():
        with CaptureQueriesContext(
            connection,
        ) as found:
            office.mail(BEN, "support@example.test", "read")
        return len(found)

    tickets(office, "One")
    few = statements()
    office.batch(
        [(office.bytes_of(ADA, "support@example.test", "create", f"No {n}"), "support@example.test") for n in range(30)]
    )
    assert statements() == few


def test_given_a_stranger_when_he_reads_a_table_then_nothing_is_told(office):
    tickets(office, "One")
    line = asked(office, who="x@nowhere.example", to="members@example.test")
    assert line["disposition"] == "hold"
    assert "T-1" not in repr([o.content["text"] for o in line.outbox])


# ---------------------------------------------------------------- more than one thing


def test_given_delete_above_field_lines_when_sent_then_nothing_is_done_and_it_is_told(office):
    (n,) = tickets(office, "One")
    line = office.mail(ADA, office.address(n), "delete", "priority: 5\n", login="ada")

    assert line.end == ("accept", "several-commands")
    assert office.ticket(n).deleted_at is None
    assert office.values(n)["priority"] == 2
    assert "`delete`, which sets no fields" in line.answer()


@pytest.mark.parametrize(
    "body",
    ["T-{n}\npriority: 5\n\nT-{other}\npriority: 4", "priority: 5\nT-{other}\nstatus: Open", "delete\npriority: 5"],
)
def test_given_lines_for_two_records_or_two_words_when_sent_as_update_then_neither_changes(office, body):
    n, other = tickets(office, "One", "Two")
    line = office.mail(BEN, office.address(n), "update", body.format(n=n, other=other))

    assert line.end == ("accept", "several-commands"), line["trace"]
    assert office.values(n)["priority"] == office.values(other)["priority"] == 2


def test_given_the_form_of_another_record_when_sent_as_update_then_nothing_changes(office):
    n, other = tickets(office, "One", "Two")
    text = office.mail(BEN, office.address(other), "read").answer().partition("\n--- T-")[2]
    line = office.mail(BEN, office.address(n), "update", "--- T-" + text)

    assert line.end == ("accept", "several-commands")
    assert office.values(n)["name"] == "One"


@pytest.mark.parametrize("body", ["As in T-{other}, it drips.\npriority: 5", "priority: 5\n\nPlease do not delete"])
def test_given_another_record_or_word_within_a_sentence_when_updating_then_the_lines_count(office, body):
    n, other = tickets(office, "One", "Two")
    office.mail(BEN, office.address(n), "update", body.format(other=other))

    assert office.values(n)["priority"] == 5
