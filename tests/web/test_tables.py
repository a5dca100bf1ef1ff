"""The overview and the lists: counts, columns, order, search, views, the deleted ones, and what is hidden."""

from __future__ import annotations

import re

import firm as house

from web.conftest import HTMX


def html(client, url, **headers):
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, (url, answer.status_code)
    return answer.content.decode()


def titles(page: str) -> list[str]:
    return re.findall(r'<td class="main"><a [^>]*><bdi>(.*?)</bdi>', page)


def test_given_an_admin_when_opening_the_overview_then_every_table_has_count_and_address(ada):
    page = html(ada, "/")
    assert "Harbour Street Repairs" in page
    assert re.search(r">Case</a></h2>\s*<p class=\"figure\">4 <small>3 open</small>", page)
    assert "support@example.test" in page
    assert "Board paper" in page


def test_given_an_agent_when_opening_the_overview_then_tables_without_a_right_are_absent(ben):
    page = html(ben, "/")
    assert "Case" in page
    assert "Board paper" not in page


def test_given_a_table_without_a_right_when_asked_for_then_it_is_not_there(ben):
    assert ben.get("/tables/secret/").status_code == 404
    assert ben.get("/tables/nothing/").status_code == 404


def test_given_a_person_with_own_only_when_listing_then_only_own_records(rita, firm):
    assert titles(html(rita, "/tables/case/")) == []
    house.record("case", "Mine", 40, assignee="rita")
    assert titles(html(rita, "/tables/case/")) == ["Mine"]


def test_given_cases_when_listed_then_number_state_and_assignee_stand_there(ada):
    page = html(ada, "/tables/case/")
    assert len(titles(page)) == 4
    assert "CASE-17" in page
    assert "Ben Agent" in page
    assert ">On hold<" in page
    assert "Sent twice" not in page


def test_given_htmx_when_listing_then_only_the_part_comes(ada):
    part = html(ada, "/tables/case/", **HTMX)
    assert titles(part)
    assert "<html" not in part
    answer = ada.get("/tables/case/", headers=HTMX)
    assert "HX-Request" in answer["Vary"]


def test_given_a_heading_when_followed_then_the_list_is_sorted_both_ways(ada):
    up = titles(html(ada, "/tables/case/?sort=title"))
    down = titles(html(ada, "/tables/case/?sort=-title"))
    assert up == sorted(up)
    assert down == up[::-1]


def test_given_a_sort_by_a_hidden_or_unknown_field_when_asked_then_it_is_left_out(ben):
    plain = titles(html(ben, "/tables/case/"))
    assert titles(html(ben, "/tables/case/?sort=refund")) == plain
    assert titles(html(ben, "/tables/case/?sort=values__refund")) == plain


def test_given_words_when_searching_then_titles_that_hold_them(ada):
    assert titles(html(ada, "/tables/case/?q=AWNING")) == ["Quote for the new awning"]
    assert "No title holds" in html(ada, "/tables/case/?q=zeppelin")


def test_given_a_view_when_opened_then_only_its_records_in_its_order(ada):
    assert titles(html(ada, "/tables/case/?view=open_cases"))[0].startswith("The door")
    assert "Lost key" not in html(ada, "/tables/case/?view=open_cases")
    assert ada.get("/tables/case/?view=nothing").status_code == 404


def test_given_a_view_of_a_hidden_field_when_listing_then_there_is_no_such_view(ada, ben):
    assert "Refunds" in html(ada, "/tables/case/")
    assert "Refunds" not in html(ben, "/tables/case/")
    assert ben.get("/tables/case/?view=refunds").status_code == 404


def test_given_deleted_records_when_asked_for_then_they_stand_apart(ada):
    assert titles(html(ada, "/tables/case/?deleted=1")) == ["Sent twice"]


def test_given_an_empty_table_when_opened_then_it_tells_the_address_to_write_to(ada):
    page = html(ada, "/tables/invoice/")
    assert "No Invoice yet" in page
    assert "invoice@records.example.test" in page


def test_given_many_records_when_listed_then_in_pages_that_keep_the_search(ada):
    for number in range(120):
        house.record("case", f"Leak number {number:03}", 100 + number)
    first = html(ada, "/tables/case/?q=leak&sort=title")
    assert len(titles(first)) == 50
    assert "1 to 50 of 120" in first
    assert 'href="?page=2&amp;q=leak&amp;sort=title"' in first
    assert titles(html(ada, "/tables/case/?q=leak&sort=title&page=3"))[-1] == "Leak number 119"
    assert titles(html(ada, "/tables/case/?q=leak&sort=title&page=xyz"))[0] == "Leak number 000"


def test_given_fifty_or_five_records_when_listed_then_as_many_queries(ada, django_assert_max_num_queries):
    for number in range(60):
        house.record("case", f"Leak {number}", 200 + number, assignee="cleo")
    with django_assert_max_num_queries(14):
        ada.get("/tables/case/")
