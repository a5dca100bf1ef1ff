"""Messages: the list, the page of one, its HTML in a closed frame, its bytes, and who may see which."""

from __future__ import annotations

import re

import firm as house
import pytest

from addressee.mail.models import File, Message
from web.conftest import HTMX


def html(client, url, **headers):
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


def subjects(page: str) -> list[str]:
    return re.findall(r'<td class="main"><a [^>]*><bdi>(.*?)</bdi>', page)


def url_of(delivery, more=""):
    return f"/messages/{delivery.pk}/{more}"


def test_given_mail_when_listed_then_the_latest_first_with_what_became_of_it_and_why(ada):
    page = html(ada, "/messages/")
    assert subjects(page)[:3] == ["(not read)", "Out of office", "You have won"]
    assert "The message came back to us: a mail loop." in page
    assert "It waits to be worked on." in page


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("disposition=discard", ["Out of office"]),
        ("disposition=hold", ["You have won", "Board minutes", "update"]),
        ("disposition=defer", ["(not read)"]),
        ("q=board", ["Board minutes"]),
        ("q=WIN@spam.example", ["You have won"]),
        ("q=board&disposition=discard", []),
    ],
)
def test_given_a_filter_when_listing_then_only_what_fits(ada, asked, found):
    assert subjects(html(ada, f"/messages/?{asked}")) == found
    assert subjects(html(ada, f"/messages/?{asked}", **HTMX)) == found


@pytest.mark.parametrize("form", ["{}", "<{}>", " <{}> "])
def test_given_a_message_id_when_searched_then_that_message(ada, firm, form):
    sought = form.format(firm["first"].message_id)
    assert subjects(html(ada, "/messages/?q=" + sought)) == [firm["first"].subject]


def test_given_an_agent_when_listing_then_mail_of_readable_records_and_what_he_may_settle(ben):
    assert set(subjects(html(ben, "/messages/"))) == {
        "The door of the boat house does not close",
        "Re: The door of the boat house does not close",
        "update",
        "You have won",
    }


def test_given_mail_of_others_when_asked_for_then_404_for_every_part_of_it(ben, rita, firm):
    for client, delivery in ((ben, firm["board"]), (ben, firm["loop"]), (ben, firm["waiting"]), (rita, firm["first"])):
        for part in ("", "raw/", "body/", f"files/{firm['page'].pk}/"):
            assert client.get(url_of(delivery, part)).status_code == 404, (delivery.subject, part)


def test_given_a_message_when_opened_then_headers_text_records_and_reason(ada, firm):
    page = html(ada, url_of(firm["first"]))
    assert "Support &lt;support@example.test&gt;" in page
    assert "since the storm the door does not close." in page
    assert "Subject: The door of the boat house does not close" in page  # of the raw header block
    assert '<a href="/tables/case/CASE-17/">CASE-17 The door of the boat house does not close</a>' in page
    assert "CASE-17: we have it" in page


def test_given_a_trace_when_drawn_then_a_step_each_in_order_with_its_colour_and_why(ada, firm):
    page = html(ada, url_of(firm["held"]))
    steps = re.findall(
        r'<li class="(\w*)"><div class="step"><b>(.*?)</b> <span class="result">(.*?)</span></div>'
        r'<div class="why">(.*?)</div></li>',
        page,
    )
    assert [(step[1], step[2], step[3]) for step in steps] == [
        (step["step"], step["result"], step["why"]) for step in house.HELD_TRACE
    ]
    assert [step[0] for step in steps] == ["good", "", "", "wait", "good", "bad", "wait"]


def test_given_effects_on_hidden_fields_when_an_agent_looks_then_they_are_absent(ada, ben, firm):
    assert "120.50" in html(ada, url_of(firm["first"]))
    page = html(ben, url_of(firm["first"]))
    assert "What it did" in page
    assert "120.50" not in page
    assert "Refund" not in page


def test_given_a_message_to_two_of_ours_when_opened_then_each_delivery_has_its_trace(ada, firm):
    message = Message.objects.get(identity=firm["first"].identity)
    again = house.delivery(message, "discard", "duplicate", result={"duplicate_of": firm["first"].pk})
    page = html(ada, url_of(again))
    assert f'id="delivery-{again.pk}"' in page
    assert f'id="delivery-{firm["first"].pk}"' in page
    assert f'It came first as <a href="/messages/{firm["first"].pk}/">' in page


def test_given_a_message_that_waits_when_opened_then_it_says_so_and_its_bytes_are_there(ada, firm):
    assert "It waits to be worked on." in html(ada, url_of(firm["waiting"]))
    assert ada.get(url_of(firm["waiting"], "raw/")).status_code == 200


def test_given_a_message_when_its_bytes_are_fetched_then_as_they_came_to_be_saved(ada, firm):
    answer = ada.get(url_of(firm["first"], "raw/"))
    assert answer.content == bytes(firm["first"].raw.bytes)
    assert answer["Content-Disposition"] == f'attachment; filename="message-{firm["first"].pk}.eml"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer["Content-Security-Policy"]


# ---- The frame of its HTML -----------------------------------------------------------------------------------


def test_given_a_message_with_html_when_opened_then_it_stands_in_a_closed_frame(ada, firm):
    page = html(ada, url_of(firm["first"]))
    frame = re.search(r"<iframe[^>]*>", page)[0]
    assert f'src="/messages/{firm["first"].pk}/body/"' in frame
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in frame
    assert "<b>the door</b>" not in page


def test_given_the_frame_when_served_then_its_own_policy_shuts_it(ada, firm):
    answer = ada.get(url_of(firm["first"], "body/"))
    policy = dict(part.strip().partition(" ")[::2] for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["form-action"] == "'none'"
    assert "script-src" not in policy
    assert policy["img-src"] == "'self'"
    assert not {"allow-scripts", "allow-forms", "allow-same-origin", "allow-top-navigation"} & set(
        policy["sandbox"].split()
    )
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "<b>the door</b>" in answer.content.decode()


def image_of(client, delivery) -> str:
    return re.search(r'src="(/images/[^"]+)"', html(client, url_of(delivery, "body/")))[1]


def test_given_an_image_by_cid_when_the_frame_asks_without_a_cookie_then_it_comes_as_a_download(ada, client, firm):
    answer = client.get(image_of(ada, firm["first"]))
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content) == house.PIXEL
    assert answer["Content-Type"] == "image/png"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_given_a_ticket_when_the_right_is_gone_or_the_ticket_is_changed_or_old_then_no_image(
    ben, client, firm, monkeypatch
):
    url = image_of(ben, firm["first"])
    assert b"".join(client.get(url).streaming_content) == house.PIXEL
    assert client.get(url[:-3] + "xy/").status_code == 404
    assert client.get("/images/WzEsMSwiYWRhIl0/").status_code == 404
    house.Person.objects.filter(key="ben").update(roles=[])
    assert client.get(url).status_code == 404
    house.Person.objects.filter(key="ben").update(roles=["agent"])
    monkeypatch.setattr("django.core.signing.time.time", lambda: 4_000_000_000)
    assert client.get(url).status_code == 404


def test_given_an_image_that_is_a_document_when_asked_for_then_it_is_not_served(ada, client, firm):
    message = Message.objects.get(identity=firm["first"].identity)
    house.attach(b"<svg onload='alert(1)'/>", "x.svg", "image/svg+xml", message, 7, inline=True, content_id="svg@mail")
    Message.objects.filter(pk=message.pk).update(html='<img src="cid:svg@mail">')
    assert client.get(image_of(ada, firm["first"])).status_code == 404


def test_given_a_cid_of_nothing_when_shown_then_the_image_has_no_address(ada, firm):
    Message.objects.filter(identity=firm["first"].identity).update(html="<img src=\"cid:none@mail\"><img src='CID:x'>")
    page = html(ada, url_of(firm["first"], "body/"))
    assert "cid:" not in page.lower()
    assert page.count('src=""') == 2


def test_given_files_of_every_fate_when_listed_then_each_says_why_and_only_harmless_ones_can_be_had(ada, firm):
    message = Message.objects.get(identity=firm["first"].identity)
    logo = house.attach(
        house.PIXEL, "logo.png", "image/png", message, 8, stored=False, reason="signature-picture", content_id="l@x"
    )
    bad = house.attach(b"MZ", "report.pdf", "application/pdf", message, 9, stored=False, reason="infected")
    house.attach(b"plan", "plan.pdf", "application/pdf", message, 10, inline=True, reason="inside", within="old.eml")
    page = html(ada, url_of(firm["first"]))
    assert "left out: a small picture of a signature or quote" in page
    assert "left out: the virus scanner found something in it" in page
    assert "in old.eml, within a message that is kept as a file" in page
    picture = ada.get(url_of(firm["first"], f"files/{logo.pk}/?picture=1"))
    assert (picture["Content-Type"], picture["X-Content-Type-Options"]) == ("image/png", "nosniff")
    assert picture["Content-Disposition"].startswith("attachment")
    assert "sandbox" in picture["Content-Security-Policy"]
    assert b"".join(picture.streaming_content) == house.PIXEL
    assert ada.get(url_of(firm["first"], f"files/{bad.pk}/")).status_code == 404
    assert ada.get(url_of(firm["first"], f"files/{bad.pk}/?picture=1")).status_code == 404


def test_given_a_page_or_a_drawing_when_asked_for_as_a_picture_then_it_is_not_served_as_one(ada, firm):
    message = Message.objects.get(identity=firm["first"].identity)
    for place, kind in enumerate(("text/html", "image/svg+xml", "application/pdf"), start=20):
        row = house.attach(b"<b>", f"x{place}", kind, message, place)
        assert ada.get(url_of(firm["first"], f"files/{row.pk}/?picture=1")).status_code == 404


def test_given_a_message_with_an_infected_file_when_its_bytes_are_asked_for_then_a_warning_stands_before(ada, firm):
    message = Message.objects.get(identity=firm["first"].identity)
    house.attach(b"MZ", "report.pdf", "application/pdf", message, 9, stored=False, reason="infected")
    warned = ada.get(url_of(firm["first"], "raw/"))
    assert "report.pdf" in warned.content.decode()
    assert "Content-Disposition" not in warned
    assert ada.get(url_of(firm["first"], "raw/?anyway=1"))["Content-Disposition"].startswith("attachment")


def test_given_a_message_without_files_when_opened_then_it_says_so(ada, firm):
    File.objects.filter(message=firm["first"].identity).delete()
    assert "The message brought no files." in html(ada, url_of(firm["first"]))
