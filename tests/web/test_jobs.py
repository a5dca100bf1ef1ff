"""The pages of jobs: how far, what became of each record, stop and go on; whoever did not start one does not see it."""

from __future__ import annotations

from uuid import uuid4

import firm as house
import pytest

from addressee.jobs.models import Job, Slice
from addressee.mail.models import Communication
from web.conftest import HTMX, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def batch(firm) -> Job:
    """A batch of Ben's over 150 cases, with one slice done: a case that he may see was refused, another failed."""
    job = Job.objects.create(
        uuid=uuid4(), kind="batch", name="update", table="case", state="running", actor="ben", author="ben@example.test",
        seed=b"x" * 16, total=150, done=98, refused=1, failed=1, run_at=house.NOW, created_at=house.NOW,
    )  # fmt: skip
    records = [str(firm["case"].uuid), *(str(uuid4()) for _ in range(99))]
    results = [["refused", "Not for <b>you</b>."], ["failed", "IntegrityError"], *[["done", ""]] * 98]
    Slice.objects.create(job=job, number=0, records=records, results=results, done_at=house.NOW)
    return job


def test_given_a_batch_when_its_starter_looks_then_he_sees_how_far_it_is_and_what_was_not_done(batch, ben, firm):
    listed = ben.get("/jobs/").content.decode()
    assert f"/jobs/{batch.pk}/" in listed
    assert "100 of 150" in listed

    page = ben.get(f"/jobs/{batch.pk}/").content.decode()
    assert '<progress max="150" value="100">' in page
    assert firm["case"].title in page
    assert "Not for &lt;b&gt;you&lt;/b&gt;." in page
    assert "a record that you may not see" in page  # one that is gone, or was never his to see
    assert 'hx-trigger="every 2s"' in page


def test_given_a_batch_when_htmx_asks_then_it_gets_the_part_alone(batch, ben):
    part = ben.get(f"/jobs/{batch.pk}/", headers=HTMX).content.decode()
    assert "<html" not in part
    assert "Refused" in part


def test_given_somebody_elses_batch_when_a_page_is_asked_for_then_only_who_sees_everything_gets_it(batch, ada, rita):
    assert rita.get(f"/jobs/{batch.pk}/").status_code == 404
    assert str(batch.pk) not in rita.get("/jobs/").content.decode()
    assert rita.post(f"/jobs/{batch.pk}/stop/").status_code == 404
    assert ada.get(f"/jobs/{batch.pk}/").status_code == 200


def test_given_a_batch_when_it_is_stopped_and_resumed_by_a_post_then_so_it_is_and_a_get_changes_nothing(batch, ben):
    assert ben.get(f"/jobs/{batch.pk}/stop/").status_code == 405
    ben.post(f"/jobs/{batch.pk}/stop/")
    batch.refresh_from_db()
    assert (batch.state, batch.run_at) == ("stopped", None)
    page = ben.get(f"/jobs/{batch.pk}/").content.decode()
    assert "Go on" in page
    assert "hx-trigger" not in page.partition('id="job"')[2]
    ben.post(f"/jobs/{batch.pk}/resume/")
    batch.refresh_from_db()
    assert batch.state == "ready"


def test_given_no_jobs_when_the_list_is_asked_for_then_it_says_so(firm):
    assert "No jobs" in signed_in("ben").get("/jobs/").content.decode()


# ---------------------------------------------------------------- a process on the page of a record


def test_given_a_process_when_a_role_names_it_then_the_record_offers_it_and_its_form_runs_it(firm, ben):
    case = firm["case"]
    url = f"/tables/case/{case.uuid}/"
    assert "run/escalate/" in ben.get(url).content.decode()
    form = ben.get(f"{url}run/escalate/").content.decode()
    assert 'name="reason"' in form
    assert 'value="1"' in form

    answer = ben.post(f"{url}run/escalate/", {"reason": "it floods", "limit": "3"})
    assert answer.status_code == 302
    texts = Communication.objects.filter(record=case, kind="comment").values_list("text", flat=True)
    assert "Escalated: it floods (3)" in texts
    job = Job.objects.get(kind="process")
    assert (job.state, job.actor, str(job.record)) == ("done", "ben", str(case.uuid))


def test_given_a_wrong_or_missing_parameter_when_the_form_is_sent_then_it_says_which_and_nothing_runs(firm, ben):
    url = f"/tables/case/{firm['case'].uuid}/run/escalate/"
    wrong = ben.post(url, {"reason": "x", "limit": "many"})
    assert wrong.status_code == 422
    assert 'id="error-limit"' in wrong.content.decode()
    missing = ben.post(url, {"reason": "", "limit": "2"})
    assert missing.status_code == 422
    assert "reason is missing" in missing.content.decode()
    assert not Job.objects.exists()


def test_given_no_role_that_names_it_when_its_page_is_asked_for_then_there_is_none(firm, rita, ben):
    url = f"/tables/case/{firm['case'].uuid}/run/escalate/"
    assert rita.post(url, {"reason": "x"}).status_code == 404
    assert ben.get(url.replace("escalate", "other")).status_code == 404
