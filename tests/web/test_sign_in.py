"""Who comes in, who does not, and how one goes out again."""

from __future__ import annotations

import firm as house
import pytest
from django.test import Client

from addressee.people.models import Person

pytestmark = pytest.mark.django_db


def sign_in(client: Client, who: str, password: str = house.PASSWORD, **more):
    return client.post("/sign-in/", {"username": who, "password": password, **more})


@pytest.mark.parametrize("who", ["ada@example.test", "ADA@Example.Test", "ada"])
def test_given_a_person_when_signing_in_by_address_or_key_then_the_overview_opens(firm, client, who):
    answer = sign_in(client, who)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


def test_given_an_alias_when_signing_in_then_it_is_the_same_person(firm, client):
    sign_in(client, "ben.agent@phone.example")
    assert "Ben Agent" in client.get("/").content.decode()


@pytest.mark.parametrize(
    ("who", "password"),
    [
        ("ada@example.test", "wrong"),
        ("nobody@example.test", house.PASSWORD),
        ("portal@example.test", house.PASSWORD),  # a guest person lends rights and never signs in
        ("portal", house.PASSWORD),
    ],
)
def test_given_no_right_to_sign_in_when_trying_then_one_answer_for_all(firm, client, who, password):
    answer = sign_in(client, who, password)
    assert answer.status_code == 200
    assert "No one signs in with this address and password" in answer.content.decode()
    assert client.get("/").status_code == 302


def test_given_five_wrong_passwords_when_trying_the_right_one_then_it_is_locked_in_our_look(firm, client):
    for spelling in ("ada@example.test", "ADA@example.test", "ada", " ada", "Ada@Example.Test"):
        locked = sign_in(client, spelling, "wrong")
    assert locked.status_code == 429
    other = sign_in(client, "ben@example.test")
    assert other.status_code == 302  # the lock is on the person and the network, not on the house
    client.post("/sign-out/")
    answer = sign_in(client, "ada@example.test")
    assert answer.status_code == 429
    assert "Locked for a while" in answer.content.decode()
    assert "pages.css" in answer.content.decode()


def test_given_another_site_as_next_when_signing_in_then_it_is_not_followed(firm, client):
    assert sign_in(client, "ada@example.test", next="https://evil.example/")["Location"] == "/"
    client.post("/sign-out/")
    assert sign_in(client, "ada@example.test", next="/held/")["Location"] == "/held/"


def test_given_a_signed_in_person_when_signing_out_then_only_by_post(ada):
    assert ada.get("/sign-out/").status_code == 405
    assert ada.get("/").status_code == 200
    assert ada.post("/sign-out/").status_code == 302
    assert ada.get("/").status_code == 302


def test_given_a_person_switched_off_when_the_session_goes_on_then_it_is_over(ben):
    Person.objects.filter(key="ben").update(is_active=False)
    assert ben.get("/").status_code == 302


PAGES = [
    "/",
    "/tables/case/",
    "/tables/case/CASE-17/",
    "/messages/",
    "/messages/1/",
    "/messages/1/raw/",
    "/messages/1/body/",
    "/messages/1/files/1/",
    "/held/",
    "/held/choices/",
]


@pytest.mark.parametrize("page", PAGES)
def test_given_nobody_signed_in_when_any_page_is_asked_for_then_sign_in_comes_first(firm, client, page):
    answer = client.get(page)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/?next=")


def test_given_a_session_that_ended_when_htmx_asks_then_the_whole_page_goes_to_sign_in(firm, client):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/held/?junk=1"}
    answer = client.get("/held/", headers=headers)
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/sign-in/?next=%2Fheld%2F"


def test_given_a_form_without_its_token_when_posted_then_403_says_what_to_do(firm):
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/sign-in/", {"username": "ada", "password": house.PASSWORD})
    assert answer.status_code == 403
    assert "The form is too old" in answer.content.decode()
