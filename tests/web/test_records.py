"""The page of a record: what stands there for whom, and the comment form."""

from __future__ import annotations

import re

import firm as house
import pytest

from addressee.mail.models import Communication
from addressee.records.models import Correspondent
from web.conftest import HTMX

CASE = "/tables/case/CASE-17/"


def html(client, url=CASE, **headers):
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


def test_given_a_case_when_opened_then_its_values_are_written_by_their_types(ada):
    page = html(ada)
    assert "<h1><bdi>The door of the boat house does not close</bdi></h1>" in page
    for shown in ("2026-11-27", "120.50", "Ben Agent", "The dog is friendly.", "The upper hinge came loose."):
        assert shown in page
    assert re.search(r'<a href="/tables/contact/[0-9a-f-]{36}/">Jane Harbour</a>', page)
    assert 'href="https://harbour.example/boats" rel="noopener noreferrer nofollow"' in page


@pytest.mark.parametrize("name", ["CASE-17", "case-17", "17", "{uuid}"])
def test_given_any_name_of_a_record_when_followed_then_its_page(ada, firm, name):
    assert "boat house" in html(ada, f"/tables/case/{name.format(uuid=firm['case'].uuid)}/")


def test_given_addresses_of_a_record_when_shown_then_each_can_be_copied(ada, firm):
    page, key = html(ada), firm["case"].uuid
    for address in (f"case.{key}@", f"help.{key}@", f"<code>{key}@"):
        assert f"{address}records.example.test</code>" in page


def test_given_a_hidden_field_when_an_agent_looks_then_no_trace_of_it(ben):
    page = html(ben)
    assert "2026-11-27" in page
    for hidden in ("Refund", "refund", "120.50"):
        assert hidden not in page


def test_given_a_link_to_a_record_one_may_not_see_when_shown_then_without_title(rita, firm):
    house.record("case", "Mine", 40, assignee="rita", contact=str(firm["jane"].uuid))
    page = html(rita, "/tables/case/CASE-40/")
    assert "a record you may not see" in page
    assert "Jane Harbour" not in page


def test_given_a_record_one_may_not_see_when_asked_for_then_the_same_as_none(rita, ben, firm):
    assert rita.get(CASE).status_code == 404
    assert ben.get(f"/tables/secret/{firm['secret'].uuid}/").status_code == 404
    assert ben.get("/tables/case/CASE-999/").status_code == 404
    assert ben.get("/tables/case/not-a-name/").status_code == 404


def test_given_mail_comments_and_changes_when_shown_then_one_stream_newest_first(ada):
    stream = html(ada).partition('id="stream"')[2].partition('class="sheet revisions"')[0]
    marks = ["Thursday is fine.", "Rang her: Thursday at ten.", "Ben Agent</b> changed", "since the storm"]
    places = [stream.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "unverified" in stream
    assert '<span class="chip wait">internal</span>' in stream
    assert '<span class="chip accent">public</span>' in stream


def test_given_an_answer_with_a_quote_when_shown_then_the_quote_is_folded(ada):
    page = html(ada)
    folded = re.search(r"<details><summary>Quoted text</summary>(.*?)</details>", page, re.DOTALL)
    assert "When may we come?" in folded[1]
    assert "When may we come?" not in page.replace(folded[0], "")


def test_given_a_mail_that_could_not_be_sent_when_the_record_is_opened_then_it_says_so(ada):
    assert "Mail to gone@nowhere.example could not be sent: 550 5.1.1 no such user" in html(ada)


def test_given_revisions_when_shown_then_before_and_after_but_hidden_fields(ada, ben):
    for client, refund in ((ada, True), (ben, False)):
        table = html(client).partition('class="sheet revisions"')[2]
        assert re.search(r'Status</th><td class="prose">New</td><td class="prose">Open', table)
        assert ("0.00" in table) is refund


def test_given_a_file_when_fetched_then_it_is_saved_and_never_rendered(ada, firm):
    answer = ada.get(f"{CASE}files/{firm['page'].sha256}/")
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Disposition"] == 'attachment; filename="offer.html"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]


def test_given_a_file_of_another_record_when_asked_for_by_this_one_then_404(ada, rita, firm):
    other = house.files.put(b"not of this case")
    assert ada.get(f"{CASE}files/{other}/").status_code == 404
    assert rita.get(f"{CASE}files/{firm['page'].sha256}/").status_code == 404
    assert ada.get(f"{CASE}files/../../key/").status_code == 404


@pytest.mark.parametrize("visibility", ["internal", "public"])
def test_given_a_comment_when_posted_then_it_stands_in_the_stream(ben, firm, visibility):
    before = Communication.objects.count()
    answer = ben.post(f"{CASE}comment/", {"text": "The hinge is ordered.", "visibility": visibility})
    assert (answer.status_code, answer["Location"]) == (302, f"{CASE}#stream")
    post = Communication.objects.get(text="The hinge is ordered.")
    assert (post.visibility, post.actor, post.kind) == (visibility, "ben", "comment")
    assert Communication.objects.count() == before + 1
    page = html(ben)
    assert "The comment was added." in page
    assert "The hinge is ordered." in page


def test_given_htmx_when_a_comment_is_posted_then_the_record_comes_back_as_a_part(ben):
    answer = ben.post(f"{CASE}comment/", {"text": "By part.", "visibility": "internal"}, headers=HTMX)
    part = answer.content.decode()
    assert answer.status_code == 200
    assert "<html" not in part
    assert "By part." in part
    assert "The comment was added." in part


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"text": " \n", "visibility": "internal"}, "Write something first."),
        ({"text": "x" * 65_537, "visibility": "internal"}, "at most 65,536 characters"),
    ],
    ids=["empty", "too-long"],
)
def test_given_a_wrong_comment_when_posted_then_422_says_why_and_keeps_the_text(ben, said, why, headers):
    before = Communication.objects.count()
    answer = ben.post(f"{CASE}comment/", said, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert why in page
    assert said["text"].strip()[:100] in page
    assert Communication.objects.count() == before


def test_given_no_right_to_comment_when_looking_then_no_form_and_a_post_is_refused(rita, firm):
    house.record("case", "Mine", 40, assignee="rita")
    assert "<textarea" not in html(rita, "/tables/case/CASE-40/")
    answer = rita.post("/tables/case/CASE-40/comment/", {"text": "Let me", "visibility": "internal"})
    assert answer.status_code == 403
    assert "You do not have the right" in answer.content.decode()
    assert not Communication.objects.filter(text="Let me").exists()
    assert rita.post(f"{CASE}comment/", {"text": "Let me", "visibility": "internal"}).status_code == 404


def test_given_a_deleted_record_when_opened_then_it_is_shown_as_such_and_takes_no_comment(ada, firm):
    page = html(ada, "/tables/case/CASE-11/")
    assert "deleted" in page
    assert "<textarea" not in page


def test_given_a_title_field_that_is_hidden_when_looking_then_the_title_is_nowhere(rita, firm):
    from addressee.setup import store

    tree = store.tree()
    tree["roles"]["reader"]["grants"]["case"]["fields"] = {"name": "none"}
    with house.transaction.atomic():
        store.save(tree, by="operator")
    house.record("case", "Nobody must know", 40, assignee="rita")
    for url in ("/tables/case/", "/tables/case/?q=nobody", "/tables/case/CASE-40/", "/held/choices/?table=case"):
        page = rita.get(url).content.decode()
        assert "Nobody must know" not in page, url
        assert "CASE-40" in page, url


def test_given_a_long_stream_when_opened_then_the_newest_and_a_way_to_the_rest(ada, firm):
    for number in range(130):
        house.post(firm["case"], None, f"Note {number:03}", actor="ben")
    assert "Show all that is older" in html(ada)
    assert "Note 000" in html(ada, CASE + "?whole=1")


def test_given_ten_or_a_hundred_posts_when_opened_then_as_many_queries(ada, firm, django_assert_max_num_queries):
    for number in range(90):
        house.post(firm["case"], None, f"Note {number}", actor="cleo")
    with django_assert_max_num_queries(32):
        ada.get(CASE)


def test_given_staff_who_wrote_or_were_sent_a_notice_when_shown_then_they_are_no_correspondents(ada, firm):
    # given a case to which Ben wrote too, and from which a program, not a person, wrote to somebody
    for address, how in (("ben@example.test", {"wrote": True}), ("robot@noticed.example", {"sent": True})):
        Correspondent.objects.create(record=firm["case"], address=address, **how)
    # when Ada thinks of a public comment, then the page names those whom it would reach
    page = html(ada)
    hint = re.search(r'<p class="hint">Internal is for.*?</p>', page, re.DOTALL)[0]
    assert "jane@harbour.example" in hint
    for nobody in ("ben@example.test", "robot@noticed.example"):
        assert nobody not in hint
        assert f"<li>{nobody}" not in page


# ---- addresses


def test_given_the_address_form_when_posted_then_the_record_has_new_addresses_and_a_get_changes_nothing(firm, ada):
    case = firm["case"]
    url = f"/tables/case/{case.uuid}/address/"
    old = f"case.{case.uuid}@"
    assert ada.get(url).status_code == 405
    assert old in ada.get(f"/tables/case/{case.uuid}/").content.decode()

    answer = ada.post(url, {"what": "rotate"}, follow=True)

    assert answer.status_code == 200
    assert "The record has new addresses." in answer.content.decode()
    assert old not in answer.content.decode()
    assert ada.post(url, {"what": "nonsense"}).status_code == 400


def test_given_a_reader_to_whom_the_record_is_hidden_when_he_posts_then_there_is_no_such_page(firm, ada, rita):
    url = f"/tables/case/{firm['case'].uuid}/"
    assert rita.post(url + "address/", {"what": "rotate"}).status_code == 404
    assert f"case.{firm['case'].uuid}@" in ada.get(url).content.decode()
