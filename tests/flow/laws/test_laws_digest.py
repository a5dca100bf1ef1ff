"""Law 10: above the limit of an hour the notices to one person come in one digest; nothing of them is lost."""

from __future__ import annotations

import pytest
from django.db import connection

from addressee.host.checkpoints import Fault
from addressee.mail.models import GatheredNotice, OutboxItem, Suppression
from addressee.pipeline.deliver import Deliverer
from addressee.pipeline.worker import Worker
from addressee.records.models import Record

BEN, CLEO, ADA = "ben@example.test", "cleo@example.test", "ada@example.test"


@pytest.fixture
def busy(office):
    """Ben is told of three an hour, and every ticket of support is his."""
    office.change(
        {"site.limits": {"notices_per_hour": 3}, "accounts.support.distribution": {"how": "direct", "person": "ben"}}
    )
    return office


def five(office):
    """Five customers write within seconds; the fourth and fifth are above the limit."""
    return [
        office.mail(f"c{i}@cust.example", "support@example.test", f"No {i}", f"Engine {i} is out", name=f"Cust {i}")
        for i in range(5)
    ]


def digests():
    return [item for item in OutboxItem.objects.order_by("pk") if item.subject.endswith(("records", "record"))]


def look_round():
    Worker().step()


def test_given_more_notices_than_the_limit_when_the_hour_has_room_then_one_digest_tells_the_rest(busy):
    lines = five(busy)
    numbers = [line.number for line in lines]
    busy.later("61m")
    look_round()
    (item,) = digests()
    text = item.content["text"]

    assert (item.to, item.kind, item.state, item.subject) == (BEN, "notification", "queued", "2 messages on 2 records")
    for i in (3, 4):
        assert f'T-{numbers[i]} "No {i}"' in text
        assert f"https://desk.example.test/tables/ticket/T-{numbers[i]}/" in text
        assert f"Cust {i}: No {i}" in text
        assert f"Engine {i} is out" in text
    assert "Engine 2" not in text
    assert "2026-11-20 05:00" in text  # Ben's zone
    assert b"Auto-Submitted: auto-generated" in busy.as_sent(item)
    assert b"Reply-To: noreply@desk.example.test" in busy.as_sent(item)


def test_given_a_digest_when_looked_for_again_then_it_is_the_only_one_and_its_id_stays(busy):
    five(busy)
    busy.later("61m")
    for _ in range(3):
        look_round()
        busy.later("1h")

    (item,) = digests()
    assert list(GatheredNotice.objects.values_list("digest", flat=True)) == [item.pk, item.pk]
    assert item.message_id.endswith("@desk.example.test")


def test_given_notices_that_wait_when_the_hour_is_still_full_then_no_digest_goes(busy):
    five(busy)
    busy.later("30m")
    look_round()

    assert digests() == []
    assert GatheredNotice.objects.filter(done_at=None).count() == 2


def test_given_a_person_who_gets_notices_all_the_time_when_an_hour_is_over_then_the_digest_goes_all_the_same(busy):
    busy.change(
        {"site.limits": {"notices_per_hour": 0}, "accounts.support.distribution": {"how": "direct", "person": "ben"}}
    )
    five(busy)
    busy.later("59m")
    look_round()
    before = len(digests())
    busy.later("2m")
    look_round()

    assert before == 0
    assert [item.subject for item in digests()] == ["5 messages on 5 records"]


def test_given_waiting_notices_when_only_deliver_runs_then_it_makes_the_digest_too(busy):
    five(busy)
    busy.later("61m")
    deliverer = Deliverer()
    try:
        deliverer._keep_up()  # the lanes are threads, and this test's rows are seen by its own connection only
    finally:
        deliverer.close()

    assert len(digests()) == 1


def test_given_a_crash_while_the_digest_is_written_when_started_again_then_there_is_one(busy, monkeypatch):
    five(busy)
    busy.later("61m")
    monkeypatch.setenv("ADDRESSEE_FAULT", "written:1:raise")
    monkeypatch.setattr("addressee.host.checkpoints._passed", {})
    from addressee.pipeline import digest
    from addressee.setup import store

    with pytest.raises(Fault):
        digest.send_what_is_due(store.current())
    after_crash = len(digests())
    monkeypatch.delenv("ADDRESSEE_FAULT")
    look_round()
    look_round()

    assert after_crash == 0
    assert len(digests()) == 1
    assert not GatheredNotice.objects.filter(done_at=None).exists()


def test_given_a_right_that_is_gone_when_the_digest_is_made_then_it_tells_only_what_he_may_read(busy):
    lines = five(busy)
    Record.objects.filter(table="ticket", number=lines[3].number).update(deleted_at=busy.now)
    busy.later("61m")
    look_round()
    (item,) = digests()

    assert item.subject == "1 message on 1 record"
    assert "Engine 3" not in item.content["text"]
    assert "No 3" not in item.content["text"]


def test_given_a_person_who_may_read_nothing_any_more_when_it_is_due_then_he_gets_none_and_nothing_waits(busy):
    five(busy)
    busy.change({"site.limits": {"notices_per_hour": 3}, "people.ben.roles": ["bookkeeper"]})
    busy.later("61m")
    look_round()

    assert digests() == []
    assert not GatheredNotice.objects.filter(done_at=None).exists()


def test_given_an_address_that_gets_no_mail_when_it_is_due_then_there_is_no_digest(busy):
    five(busy)
    Suppression.objects.create(address=BEN, reason="it bounced", at=busy.now)
    busy.later("61m")
    look_round()

    assert digests() == []


def test_given_a_field_that_he_may_not_see_when_told_then_the_title_is_left_out(busy):
    busy.change(
        {
            "site.limits": {"notices_per_hour": 0},
            "accounts.support.distribution": {"how": "direct", "person": "ben"},
            "roles.agent.grants.ticket.fields": {"name": "none"},
        }
    )
    five(busy)
    busy.later("61m")
    look_round()
    (item,) = digests()

    heads = [line for line in item.content["text"].splitlines() if line.startswith("T-")]
    assert len(heads) == 5
    assert not any('"' in head for head in heads)


def test_given_an_unproven_author_and_a_long_text_when_told_then_it_is_marked_and_cut_with_a_sign(busy):
    busy.change(
        {"site.limits": {"notices_per_hour": 0}, "accounts.show.distribution": {"how": "direct", "person": "ben"}}
    )
    busy.mail("x@nowhere.example", "show@example.test", "Long", "word " * 400, proof=None)
    busy.later("61m")
    look_round()
    (item,) = digests()
    excerpt = next(line for line in item.content["text"].splitlines() if "word word" in line)

    assert "(unverified: nothing proves that it is the author's)" in item.content["text"]
    assert excerpt.endswith("…")
    assert len(excerpt) <= 304


def test_given_a_reader_of_another_language_when_told_then_the_digest_speaks_it(busy):
    busy.change(
        {
            "site.limits": {"notices_per_hour": 3},
            "accounts.support.distribution": {"how": "direct", "person": "ben"},
            "people.ben.language": "de",
        }
    )
    five(busy)
    busy.later("61m")
    look_round()
    item = OutboxItem.objects.order_by("-pk")[0]

    assert item.subject == "2 Nachrichten zu 2 Datensätzen"
    assert "2 frühere Nachrichten an Sie" in item.content["text"]


def test_given_a_digest_that_cannot_be_delivered_when_given_up_then_every_record_it_tells_of_shows_it(busy):
    from addressee.mail import outbox

    lines = five(busy)
    busy.later("61m")
    look_round()
    (item,) = digests()
    outbox.mark_failed(item, "550 no such user", busy.now)

    for line in lines[3:]:
        assert [c.kind for c in busy.stream(line.number)].count("bounce") == 1
    assert [c.kind for c in busy.stream(lines[0].number)].count("bounce") == 0


def test_given_an_answer_to_a_digest_when_it_comes_then_it_changes_nothing_and_goes_to_people(busy):
    five(busy)
    busy.later("61m")
    look_round()
    (item,) = digests()
    before = busy.count()
    line = busy.answer(item, BEN, "priority: 5")

    assert line.end == ("redirect", "for-people")
    assert busy.count() == before


def test_given_nothing_gathered_when_looked_for_then_it_costs_one_statement(busy, django_assert_num_queries):
    from addressee.pipeline import digest
    from addressee.setup import store

    setup = store.current()
    with django_assert_num_queries(1, connection=connection):
        assert digest.send_what_is_due(setup) == 0
