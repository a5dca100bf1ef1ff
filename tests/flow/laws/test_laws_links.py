"""Files that leave (U-66): small ones go along, large ones as a link that dies on time and can be withdrawn."""

from __future__ import annotations

import re

from django.test import Client

from addressee.audit.models import Entry
from addressee.host import clock
from addressee.mail import links
from addressee.mail.models import FileLink

BEN, CARLA = "ben@example.test", "carla@cust.example"
LARGE = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"p" * 15_000


def answered(office, limits, *files):
    """Staff answers the notice of a customer's mail with files; the mail that goes on to the customer (law 16)."""
    office.change({"site.limits": limits})
    made = office.customer_ticket()
    line = office.answer(
        made.to(BEN, "notification")[0], BEN, "Here is the plan.", files=[(n, "application/pdf", c) for n, c in files]
    )
    (sent,) = line.to(CARLA, "composed")
    return sent, office.as_sent(sent).decode()


def test_given_small_files_when_staff_answers_in_public_then_they_go_along(office):
    _, raw = answered(office, {}, ("plan.pdf", LARGE))
    assert 'filename="plan.pdf"' in raw
    assert not FileLink.objects.exists()


def test_given_large_files_when_staff_answers_in_public_then_links_go_and_die_on_their_day(office):
    sent, raw = answered(
        office, {"attached_size_bytes": 10_000, "link_days": 3}, ("plan.pdf", LARGE), ("b.pdf", b"%PDF-1 b")
    )
    text = sent.content["text"]
    assert "filename" not in raw
    assert "Files, to be fetched until 2026-11-23:" in text
    urls = re.findall(r"https://desk\.example\.test(/files/\w+/)", text)
    assert len(urls) == 2
    got = Client().get(urls[0])
    assert b"".join(got.streaming_content) == LARGE
    assert got["Content-Disposition"] == 'attachment; filename="plan.pdf"'
    assert (got["Content-Type"], got["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    assert Entry.objects.get(what="download").data["to"] == CARLA
    assert FileLink.objects.get(name="plan.pdf").uses == 1
    assert Client().post(urls[0]).status_code == 405
    assert Client().get(urls[0].replace(urls[0][8:12], "aaaa")).status_code == 404
    office.later("71h")
    assert Client().head(urls[0]).status_code == 200
    office.later("2h")
    assert Client().get(urls[0]).status_code == 410
    assert FileLink.objects.get(name="plan.pdf").uses == 1


def test_given_a_link_when_withdrawn_or_its_record_deleted_then_it_opens_nothing(office):
    sent, _ = answered(office, {"attached_size_bytes": 0}, ("plan.pdf", LARGE))
    url = re.search(r"/files/(\w+)/", sent.content["text"])
    link = links.find(url[1])
    links.revoke(link, clock.now(), "ben")
    assert Client().get(url[0]).status_code == 410
    assert Entry.objects.get(what="withdraw-link").actor == "ben"
    FileLink.objects.update(revoked_at=None)
    link.record.deleted_at = clock.now()
    link.record.save()
    assert Client().get(url[0]).status_code == 410
