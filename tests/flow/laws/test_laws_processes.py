"""Processes run by mail: who may, how sure he must be, what is offered, what the steps do (U-52, U-54, U-56)."""

from __future__ import annotations

import json

from addressee.jobs.models import Job
from addressee.mail.models import OutboxItem
from addressee.pipeline.worker import Worker
from addressee.records.models import Correspondent, Record

BEN, CLEO, RITA, CARLA = "ben@example.test", "cleo@example.test", "rita@example.test", "carla@cust.example"


def ticket(office) -> int:
    return office.customer_ticket().number


def test_given_a_process_when_its_key_is_the_subject_then_its_steps_are_taken_and_told(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "escalate", "reason: it floods\nlimit: 5")

    assert line.end == ("accept", "done"), line["trace"]
    assert "run" in line.kinds
    assert office.values(n)["priority"] == 5
    assert office.values(n)["status"] == "Open"
    assert [c.text for c in office.stream(n) if c.kind == "comment"] == ["Escalated: it floods (5)"]
    assert {o.to for o in line.outbox if o.kind == "notification"} == {BEN, CLEO}
    assert "Urgency level: 2 → 5" in line.answer(BEN)
    assert "Escalate was run." in line.answer(BEN)
    job = Job.objects.get()
    assert (job.kind, job.name, job.state, job.delivery, job.actor) == ("process", "escalate", "done", line.id, "ben")


def test_given_an_alias_or_the_word_run_when_it_is_sent_then_the_same_process_runs(office):
    n = ticket(office)
    for subject, body in (
        ("Escalate  Now", "limit: 2"),
        ("qw_escalate", "limit: 2"),
        ("run", "escalate\nlimit: 2"),
        ("run", "process: escalate now\n\nlimit: 2"),
    ):
        line = office.mail(BEN, office.address(n), subject, body)
        assert line.end == ("accept", "done"), (subject, line["trace"])
        assert office.stream(n)[-1].text in ("Escalated:  (2)", ""), subject
    assert sum(c.text == "Escalated:  (2)" for c in office.stream(n)) == 4


def test_given_no_role_that_names_the_process_when_it_is_asked_for_then_it_is_refused_by_name(office):
    n = ticket(office)
    line = office.mail(RITA, office.address(n), "escalate", "reason: x")

    assert line.end == ("hold", "not-permitted")  # she may not comment either
    assert "run escalate" in line["trace"][-2]["why"] + line["trace"][-1]["why"] + str(line["trace"])
    assert office.values(n)["priority"] == 2


def test_given_a_process_that_states_no_level_when_the_author_is_at_e3_then_a_confirmation_is_asked(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "sensitive", "reason: x")
    assert line.end == ("hold", "confirm")

    sure = office.mail(BEN, office.address(n), "sensitive", "reason: x", login="ben")
    assert sure.end == ("accept", "done"), sure["trace"]


def test_given_a_required_parameter_when_it_is_missing_then_nothing_runs_and_the_answer_names_it(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "sensitive", "", login="ben")

    assert line.end == ("accept", "bad-value")
    assert "reason is missing" in line.answer(BEN)
    assert not Job.objects.exists()


def test_given_a_parameter_of_a_type_when_the_line_is_no_value_of_it_then_it_is_told_with_its_line(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "escalate", "limit: many\nlimt: 3")

    assert line.end == ("accept", "bad-value")
    assert "line 1: limit" in line.answer(BEN)
    assert "Did you mean limit?" in line.answer(BEN)


def test_given_no_tag_or_no_table_when_the_process_is_asked_for_then_it_is_not_offered_and_why_is_told(office):
    n = ticket(office)
    for subject, why in (("untagged", "lacks the tag “Email Process”"), ("homeless", "names no table")):
        line = office.mail("ada@example.test", office.address(n), subject, "")
        assert line.end == ("accept", "not-offered"), line["trace"]
        assert why in line.answer("ada@example.test")
    assert not Job.objects.exists()


def test_given_another_process_tag_when_it_is_set_then_it_counts(office):
    n = ticket(office)
    office.change({"site.process_tag": "By mail"})
    assert office.mail(BEN, office.address(n), "escalate", "").end == ("accept", "not-offered")


def test_given_a_name_that_no_process_has_when_it_is_run_then_the_nearest_is_told(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "run", "escalte\nlimit: 2")

    assert line.end == ("accept", "no-such-process")
    assert "Did you mean escalate?" in line.answer(BEN)


def test_given_a_process_of_another_table_when_its_word_is_the_subject_then_it_is_text(office):
    line = office.mail("nora@example.test", "invoice@desk.example.test", "escalate", "please")
    assert line.end == ("accept", "done")
    assert line.kinds == ["create"]


def test_given_a_template_when_it_is_mailed_then_each_reader_sees_what_he_may(office):
    # given a process that mails the customer, who may not see the secret
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", "refund: 7.00", login="ben")
    record = office.ticket(n)
    Record.objects.filter(pk=record.pk).update(values={**record.values, "secret": "HUSH"})
    # when staff run it
    line = office.mail(BEN, office.address(n), "overhaul", "who: cleo")
    assert line.end == ("accept", "done"), line["trace"]
    # then the customer reads the name and the refund, and nothing of the secret
    sent = [o for o in line.outbox if o.to == CARLA]
    assert len(sent) == 1, [(o.kind, o.to) for o in line.outbox]
    text = sent[0].content["text"]
    assert "Refund 7.00" in text
    assert "HUSH" not in text
    assert ("Auto-Submitted", "auto-replied") in [tuple(h) for h in sent[0].content["headers"]]


def test_given_choices_links_and_new_records_when_a_process_runs_then_all_is_one_change(office):
    office.mail("ada@example.test", "firm@desk.example.test", "create", "name: Hull Ltd")
    n = ticket(office)
    line = office.mail(
        BEN, office.address(n), "overhaul", "by: 2026-12-24\nwho: Cleo Agent\nwhere: hull ltd\n\nwords"
    )  # fmt: skip

    assert line.end == ("accept", "done"), line["trace"]
    values, record = office.values(n), office.ticket(n)
    assert (values["due"], values["owner"], record.assignee) == ("2026-12-24", "cleo", "cleo")
    assert values["firm"] == str(Record.objects.get(table="firm").uuid)
    assert record.team == "desk"
    invoice = Record.objects.get(table="invoice")
    assert invoice.values["ticket"] == str(record.uuid)
    assert (invoice.values["name"], invoice.values["amount"]) == ("Overhaul of Pump leaks", "12.50")
    assert invoice.values["remarks"][0]["text"] == "overhaul"
    assert record.version == 2
    assert sorted(line.kinds) == ["create", "run"]


def test_given_a_step_that_cannot_be_done_when_it_runs_then_none_of_its_steps_is(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "impossible", "")

    assert line.end == ("accept", "process-failed")
    assert office.values(n)["priority"] == 2
    assert "due" in line.answer(BEN)


def test_given_a_reply_subject_when_it_holds_the_word_then_it_is_no_command(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "Re: escalate", "reason: x")
    assert line.kinds == ["comment"]
    assert not OutboxItem.objects.filter(kind="notification", subject__startswith="Look").exists()


def test_given_help_when_it_is_asked_for_then_it_names_the_processes_and_tells_an_admin_why_others_are_not(office):
    n = ticket(office)
    told = office.mail(BEN, office.address(n), "help", "").answer(BEN)
    assert "escalate Escalate" in told
    assert "limit: a whole number" in told
    assert "untagged" not in told
    told = office.mail("ada@example.test", office.address(n), "help", "").answer("ada@example.test")
    assert "the process untagged lacks the tag “Email Process”" in told
    assert "the process homeless names no table" in told
    assert "escalate" not in office.mail(RITA, office.address(n), "help", "").answer(RITA)


# ---------------------------------------------------------------- waiting


def chased(office) -> int:
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "chase", "")
    assert line.end == ("accept", "done"), line["trace"]
    assert "It waits for an answer of correspondent or 2026-11-23" in line.answer(BEN)
    return n


def comments(office, n: int) -> list[str]:
    return [c.text for c in office.stream(n) if c.kind == "comment"]


def test_given_a_process_that_waits_when_the_correspondent_answers_then_it_goes_on_with_what_he_said(office):
    n = chased(office)
    office.later("2h")
    staff = office.mail(CLEO, office.address(n), "note", "we wait")  # not the one that it waits for
    assert not staff.why("job")
    assert comments(office, n) == ["asked"]

    line = office.mail(CARLA, office.address(n), "About the pump", "It still drips.")
    assert [why.partition(":")[0] for why in line.why("job")] == ["wakes"], line["trace"]
    assert comments(office, n) == ["asked", f"{CARLA} said It still drips."]
    job = Job.objects.get(kind="process")
    assert (job.state, job.waits_for) == ("waiting", "")

    office.later("2h")
    assert Worker().work_until_idle() == 0
    assert comments(office, n)[-1] == "chased"
    assert Job.objects.get(kind="process").state == "done"


def test_given_a_process_that_waits_when_nobody_answers_then_it_goes_on_when_its_time_has_come(office):
    n = chased(office)
    office.later("70h")
    Worker().work_until_idle()
    assert comments(office, n) == ["asked"]
    office.later("3h")
    Worker().work_until_idle()
    assert comments(office, n) == ["asked", "nobody answered"]
    assert office.values(n)["priority"] == 5
    # when it is worked on again, then nothing is done twice
    Worker().work_until_idle()
    assert comments(office, n) == ["asked", "nobody answered"]


def test_given_a_process_that_waits_when_the_answer_is_automatic_then_it_waits_on(office):
    n = chased(office)
    office.mail(CARLA, office.address(n), "Away", "I am away.", headers=["Auto-Submitted: auto-replied"])
    assert comments(office, n) == ["asked"]


def test_given_a_process_that_waits_when_the_setup_changes_it_then_what_runs_goes_on_as_it_began(office):
    n = chased(office)
    office.change({"processes.chase.steps": [{"comment": "other"}]})
    office.later("73h")
    Worker().work_until_idle()
    assert comments(office, n) == ["asked", "nobody answered"]


def test_given_a_process_that_waits_when_the_record_is_deleted_then_the_job_fails_and_says_why(office):
    n = chased(office)
    office.mail("ada@example.test", office.address(n), "delete", "", login="ada")
    record = office.ticket(n)
    Record.objects.filter(pk=record.pk).update(deleted_at=office.now)
    office.later("73h")
    Worker().work_until_idle()
    job = Job.objects.get(kind="process")
    assert (job.state, job.why, job.run_at) == ("failed", "The record was deleted.", None)


def test_given_a_webhook_step_when_it_runs_then_a_row_of_the_outbox_waits_and_nobody_new_corresponds(office):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), "hook", "")
    assert line.end == ("accept", "done"), line["trace"]
    row = next(o for o in line.outbox if o.kind == "webhook")
    assert (row.to, row.state, row.account) == ("https://hooks.example/in", "queued", "@hooks.example")
    body = json.loads(row.content["text"])
    assert body["values"] == {"name": "Pump leaks"}
    assert (body["table"], body["record"]) == ("ticket", f"T-{n}")
    assert not Correspondent.objects.filter(address__startswith="https").exists()
