"""Batches by mail: a preview, slices, a result for each record, stop and resume, a last receipt (U-53 to U-55, law 3)."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import re

import pytest

from addressee.jobs import rows, slices
from addressee.jobs.models import Job, Slice
from addressee.mail.models import OutboxItem
from addressee.ops import jobs_command
from addressee.pipeline import jobs
from addressee.pipeline.worker import Worker
from addressee.records.models import Record, Revision
from addressee.setup import store

BEN, ADA, HAL = "ben@example.test", "ada@example.test", "hal@example.test"
TABLE = "ticket@desk.example.test"


def tickets(office, count: int, **more) -> list[int]:
    lines = office.batch(
        [(office.bytes_of(ADA, TABLE, "create", f"name: Pump {i}" + "".join(f"\n{k}: {v}" for k, v in more.items())), TABLE)
         for i in range(count)]
    )  # fmt: skip
    assert {line.end for line in lines} == {("accept", "done")}, lines[0]["trace"]
    return [line.number for line in lines]


def job() -> Job:
    return Job.objects.get(kind="batch")


def test_given_few_records_when_a_process_is_sent_to_the_table_then_it_runs_on_all_of_them(office):
    made = tickets(office, 4)
    line = office.mail(BEN, TABLE, "escalate", "limit: 5")

    assert line.end == ("accept", "done"), line["trace"]
    assert line["effects"] == [{"kind": "run", "table": "ticket", "record": None, "fields": {}}]
    assert f"/jobs/{job().pk}/" in line.to(BEN, "receipt")[0].content["text"]
    Worker().work_until_idle()
    assert {office.values(n)["priority"] for n in made} == {5}
    assert all("Escalated:  (5)" in [c.text for c in office.stream(n)] for n in made)
    done = job()
    assert (done.state, done.total, done.done, done.refused, done.failed) == ("done", 4, 4, 0, 0)
    # and the author is told how it ended, with a link
    last = [o for o in office.all_mail(BEN) if o.kind == "receipt"][-1]
    assert "4 done, 0 unchanged, 0 refused, 0 failed, of 4 records" in last.content["text"]
    assert f"/jobs/{done.pk}/" in last.content["text"]
    assert last.delivery_id == line.id


def test_given_a_view_when_it_is_named_then_only_its_records_are_changed(office):
    made = tickets(office, 5)
    office.mail(BEN, office.address(made[0]), "update", "status: Done")
    for said in ("view: open_tickets", "view: Open Tickets", "view: qw_open_tickets"):
        Job.objects.all().delete()
        line = office.mail(BEN, TABLE, "run", f"escalate\n{said}")
        assert line.end == ("accept", "done"), line["trace"]
        Worker().work_until_idle()
        assert job().total == 4
    assert office.values(made[0])["status"] == "Done"
    assert office.values(made[0])["priority"] == 2

    line = office.mail(BEN, TABLE, "escalate", "view: open_ticket")
    assert line.end == ("reject", "no-such-view")
    assert "open_ticket" in line.answer(BEN)


def test_given_more_records_than_the_limit_when_a_batch_is_sent_then_it_is_asked_first_with_the_count(office):
    made = tickets(office, 21)
    line = office.mail(BEN, TABLE, "escalate", "limit: 5")
    assert line.end == ("hold", "confirm"), line["trace"]
    asked = line.to(BEN, "confirmation")
    assert len(asked) == 1
    assert "21 records of Ticket" in asked[0].content["text"]
    assert not Job.objects.exists()

    # when its author answers with the code, then it runs
    office.answer(asked[0], BEN, "yes")
    Worker().work_until_idle()
    assert {office.values(n)["priority"] for n in made} == {5}
    assert job().done == 21
    # and E6 is asked too
    assert office.mail(BEN, TABLE, "escalate", "", login="ben").end == ("hold", "confirm")


def test_given_records_that_the_author_may_not_change_when_a_batch_runs_then_each_is_refused_by_itself(office):
    # given a helper who may update his own tickets only
    made = tickets(office, 3)
    for n in made[:2]:
        office.mail(ADA, office.address(n), "update", "owner: hal")
    line = office.mail(HAL, TABLE, "update", "view: open_tickets\npriority: 1")
    assert line.end == ("accept", "done"), line["trace"]
    Worker().work_until_idle()

    assert [office.values(n)["priority"] for n in made] == [1, 1, 2]
    done = job()
    assert (done.done, done.refused) == (2, 1)
    refused = list(slices.results(done, ["refused"]))
    assert refused == [(str(office.ticket(made[2]).uuid), "refused", "You do not have the right that this needs.")]


def test_given_delete_over_a_view_when_it_is_confirmed_then_the_records_are_gone_and_others_stand(office):
    made = tickets(office, 3)
    office.mail(BEN, office.address(made[0]), "update", "status: Done")
    line = office.mail(ADA, TABLE, "delete", "view: open_tickets")
    assert line.end == ("hold", "confirm")
    office.answer(line.to(ADA, "confirmation")[0], ADA, "yes")
    Worker().work_until_idle()
    assert office.count() == 1
    assert job().done == 2
    # delete without a view is refused as before: a table is no record
    assert office.mail(ADA, TABLE, "delete", "").end == ("reject", "no-record")


def by_hand(office, count: int) -> tuple[Job, str, object]:
    """A batch over many tickets, nothing of it worked on; the worker's name and the setup."""
    office.change({"site.limits": {"confirm_above": 1000}})
    first = tickets(office, 1)[0]
    pattern = office.ticket(first)
    rows_ = [
        Record(
            uuid=f"00000000-0000-4000-8000-{i:012x}", table="ticket", title=f"Many {i}", values={**pattern.values, "name": f"Many {i}"},
            created_at=office.now, updated_at=office.now, created_by="ada",
        )
        for i in range(count - 1)
    ]  # fmt: skip
    Record.objects.bulk_create(rows_)
    line = office.mail(BEN, TABLE, "escalate", "")
    assert line.end == ("accept", "done"), line["trace"]
    return job(), "w/1", store.current()


@pytest.fixture
def no_mail_work(monkeypatch):
    """The worker of a mail leaves the jobs alone: the tests take the steps."""
    monkeypatch.setattr(Worker, "step_of_job", lambda self: False)


def test_given_a_batch_when_it_is_stopped_and_resumed_then_it_goes_on_where_it_was(office, no_mail_work):
    started, worker, setup = by_hand(office, 250)
    for _ in range(2):  # listed, one slice
        jobs.step(worker, setup)
    assert (job().done, job().total) == (100, 250)
    assert rows.stop(started.pk, office.now)
    assert jobs.step(worker, setup) is None
    assert job().state == "stopped"

    assert rows.resume(started.pk, office.now)
    assert jobs.work_off(worker, setup) >= 2
    done = job()
    assert (done.state, done.done) == ("done", 250)
    assert Slice.objects.filter(job=done).count() == 3
    # each record once: made with version 1, changed to version 2
    assert set(Record.objects.filter(table="ticket").values_list("version", flat=True)) == {2}
    assert not rows.resume(started.pk, office.now)


def test_given_a_worker_that_dies_in_a_slice_when_its_lease_is_over_then_the_slice_is_done_once(office, no_mail_work):
    _, worker, setup = by_hand(office, 150)
    jobs.step(worker, setup)
    claimed = rows.claim(worker, office.now)  # and the process dies here
    assert claimed is not None
    assert rows.claim("w/2", office.now) is None
    office.later("2m")
    taken = jobs.step("w/2", setup)
    assert taken is not None
    assert taken.attempts == 1
    jobs.work_off("w/2", setup)
    assert (job().state, job().done, job().attempts) == ("done", 150, 0)
    assert Revision.objects.filter(kind="update").count() == 150


def test_given_a_job_whose_worker_dies_each_time_when_its_tries_are_over_then_it_is_shown_as_failed(
    office, no_mail_work
):
    _, worker, setup = by_hand(office, 2)
    for _ in range(4):
        rows.claim(worker, office.now)
        office.later("2m")
    jobs.step(worker, setup)
    assert job().state == "failed"
    assert re.search("tried [34] times", job().why)


def test_given_a_record_that_cannot_be_written_when_its_slice_runs_then_the_others_stand(office, no_mail_work):
    office.change({"processes.escalate.steps": [{"set": {"serial": "S-1"}}], "templates.look.text": "Look."})
    tickets(office, 5)
    line = office.mail(BEN, TABLE, "escalate", "")
    assert line.end == ("accept", "done"), line["trace"]
    jobs.work_off("w/1", store.current())
    done = job()
    assert (done.state, done.done, done.failed + done.refused) == ("done", 1, 4)
    assert Record.objects.filter(values__serial="S-1").count() == 1
    assert all(why for _, outcome, why in slices.results(done) if outcome != "done")


def test_given_records_that_changed_meanwhile_when_the_slice_comes_then_those_out_of_the_view_are_left(
    office, no_mail_work
):
    made = tickets(office, 3)
    office.mail(BEN, TABLE, "escalate", "view: open_tickets")
    jobs.step("w/1", store.current())  # listed
    office.mail(BEN, office.address(made[1]), "update", "status: Done")
    late = tickets(office, 1)[0]
    jobs.work_off("w/1", store.current())
    assert [office.values(n)["priority"] for n in (*made, late)] == [5, 2, 5, 2]
    assert (job().done, job().unchanged) == (2, 1)


def test_given_the_starter_loses_his_right_when_the_batch_goes_on_then_the_rest_is_refused(office, no_mail_work):
    by_hand(office, 150)
    jobs.step("w/1", store.current())
    jobs.step("w/1", store.current())
    office.change({"site.limits": {"confirm_above": 1000}, "roles.agent.grants.ticket.actions": []})
    jobs.work_off("w/1", store.current())
    assert (job().done, job().refused) == (100, 50)


def test_given_the_same_batch_mail_twice_when_it_comes_again_then_there_is_one_job(office):
    tickets(office, 2)
    raw = office.bytes_of(BEN, TABLE, "escalate", "limit: 2")
    lines = office.batch([(raw, TABLE), (raw, TABLE)])
    assert [line.end for line in lines] == [("accept", "done"), ("discard", "duplicate")]
    assert Job.objects.filter(kind="batch").count() == 1
    last = [o for o in OutboxItem.objects.filter(to=BEN, kind="receipt") if "of 2 records" in o.content["text"]]
    assert len(last) == 1


def command(*args: str) -> tuple[int, list[dict]]:
    """Run `addressee jobs` in this process: (exit code, what --json printed)."""
    parser = argparse.ArgumentParser()
    jobs_command.add_arguments(parser)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = jobs_command.run(parser.parse_args([*args, "--json"]))
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_given_jobs_when_the_operator_asks_then_he_is_told_each_and_can_stop_and_go_on(office, no_mail_work):
    started, worker, setup = by_hand(office, 150)
    jobs.step(worker, setup)
    jobs.step(worker, setup)
    code, lines = command()
    assert code == 0
    assert [(line["name"], line["state"], line["total"], line["done"]) for line in lines] == [
        ("escalate", "running", 150, 100)
    ]

    short = str(started.pk)[:8]
    assert command(short, "--stop")[1][0]["state"] == "stopped"
    assert command(short, "--stop")[0] == 66
    assert command(short, "--resume")[1][0]["state"] == "ready"
    jobs.work_off(worker, setup)
    assert command(short, "--wait")[1][0]["state"] == "done"
    assert len(command(short, "--results")[1]) == 151
    assert command("ffffffff")[0] == 66
