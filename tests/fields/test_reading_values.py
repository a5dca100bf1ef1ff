"""What people write, and the value that it is: type by type, with what is refused and why."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading, complaint, fold
from addressee.core.language import english
from addressee.core.registry import fields
from addressee.core.setup import FieldDef

LISBON = Reading(zone=ZoneInfo("Europe/Lisbon"))
TYPES = {
    "text": FieldDef(type="text", max_length=12),
    "long_text": FieldDef(type="long_text"),
    "integer": FieldDef(type="integer"),
    "priority": FieldDef(type="integer", min=1, max=5),
    "decimal": FieldDef(type="decimal"),
    "decimal3": FieldDef(type="decimal", places=3),
    "whole": FieldDef(type="decimal", places=0, min=-10, max=1000),
    "boolean": FieldDef(type="boolean"),
    "date": FieldDef(type="date", min="2000-01-01"),
    "datetime": FieldDef(type="datetime"),
    "choice": FieldDef(type="choice", choices=("New", "On hold", "Closed")),
    "multi_choice": FieldDef(type="multi_choice", choices=("Red", "Green", "Black, white")),
    "email": FieldDef(type="email"),
    "emails": FieldDef(type="email", many=True),
    "phone": FieldDef(type="phone"),
    "url": FieldDef(type="url"),
}


def read(name, text):
    return fields[TYPES[name].type].parse(text, TYPES[name], LISBON)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "  Leak\r\nhere ", "Leak here"),
        ("long_text", "a\r\nb\rc\n", "a\nb\nc"),
        ("integer", "-17", -17),
        ("integer", "\u22121 234 567", -1234567),
        ("integer", "1'000", 1000),
        ("integer", "007", 7),
        ("integer", "9007199254740991", 2**53 - 1),
        ("priority", "5", 5),
        ("decimal", "12", "12.00"),
        ("decimal", "12.5", "12.50"),
        ("decimal", "12,5", "12.50"),
        ("decimal", "1.500", "1.50"),
        ("decimal", "1,234.50", "1234.50"),
        ("decimal", "1.234,5", "1234.50"),
        ("decimal", "1 234,50", "1234.50"),
        ("decimal", "1,234,567", "1234567.00"),
        ("decimal", "1.234.567", "1234567.00"),
        ("decimal", "-0", "0.00"),
        ("decimal", "+.5".replace("+.", "+0."), "0.50"),
        ("decimal3", "1.234", "1.234"),
        ("whole", "1000", "1000"),
        ("boolean", "Yes", True),
        ("boolean", "NEIN", False),
        ("boolean", "sí", True),
        ("boolean", "não", False),
        ("date", "2026-5-1", "2026-05-01"),
        ("date", "2026/12/31", "2026-12-31"),
        ("date", "31.12.2026", "2026-12-31"),
        ("date", "1. 2. 2026", "2026-02-01"),
        ("datetime", "2026-01-15 09:30", "2026-01-15T09:30:00Z"),  # Lisbon in winter is UTC
        ("datetime", "2026-07-15T09:30:05", "2026-07-15T08:30:05Z"),  # in summer an hour before it
        ("datetime", "15.07.2026 9:30", "2026-07-15T08:30:00Z"),
        ("datetime", "2026-07-15 09:30 +02:00", "2026-07-15T07:30:00Z"),
        ("datetime", "2026-07-15T09:30:00.123Z", "2026-07-15T09:30:00Z"),
        ("datetime", "2026-10-25 01:30+01:00", "2026-10-25T00:30:00Z"),  # comes twice: the first, by its offset
        ("datetime", "2026-10-25 01:30+00:00", "2026-10-25T01:30:00Z"),  # the second
        ("choice", "on  HOLD", "On hold"),
        ("multi_choice", "green, RED, green", ["Red", "Green"]),
        ("multi_choice", "black, white", ["Black, white"]),
        ("email", "Ada Admin <Ada@Example.TEST>", "Ada@Example.TEST"),
        ("emails", "a@x.test; B@x.test, A@X.test", ["a@x.test", "B@x.test"]),
        ("phone", "+351 (21) 000-0000 ext. 5", "+351 (21) 000-0000 ext. 5"),
        ("url", "https://x.test:8443/a?b=c#d", "https://x.test:8443/a?b=c#d"),
    ],
)
def test_what_people_write_is_read(name, text, value):
    assert read(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "slug"),
    [
        ("text", "thirteen char", "too-long"),
        ("text", "a\0b", "bad-characters"),
        ("long_text", "a\ud800b", "bad-characters"),
        ("integer", "1.5", "not-a-number"),
        ("integer", "1,000", "not-a-number"),
        ("integer", "٣", "not-a-number"),
        ("integer", "9007199254740992", "too-large"),
        ("integer", "9" * 60_000, "not-a-number"),
        ("priority", "0", "too-small"),
        ("priority", "6", "too-large"),
        ("decimal", "1,234", "ambiguous-number"),
        ("decimal", "1.234", "too-many-places"),
        ("decimal", "1e5", "not-a-number"),
        ("decimal", "NaN", "not-a-number"),
        ("decimal", "9" * 14, "too-large"),
        ("decimal", "-" + "9" * 40, "too-small"),
        ("whole", "1001", "too-large"),
        ("whole", "-11", "too-small"),
        ("boolean", "maybe", "not-yes-or-no"),
        ("date", "05/06/2026", "ambiguous-date"),
        ("date", "2026-02-30", "not-a-date"),
        ("date", "tomorrow", "not-a-date"),
        ("date", "1999-12-31", "too-small"),
        ("datetime", "2026-03-29 01:30", "no-such-time"),  # Lisbon jumps from 1 to 2
        ("datetime", "2026-10-25 01:30", "time-comes-twice"),
        ("datetime", "2026-05-01", "not-a-time"),
        ("datetime", "2026-05-01 24:00", "not-a-time"),
        ("datetime", "9999-12-31 23:59-12:00", "not-a-time"),
        ("choice", "Onhold", "no-such-choice"),
        ("multi_choice", "red, blue", "no-such-choice"),
        ("multi_choice", "red," * 500, "too-many"),
        ("email", "a@x.test, b@x.test", "not-an-address"),
        ("email", "ada@", "not-an-address"),
        ("email", "\u212aelvin@x.test", "not-an-address"),
        ("emails", ",".join(f"{n}@x.test" for n in range(101)), "too-many"),
        ("phone", "call me", "not-a-phone-number"),
        ("phone", "12", "not-a-phone-number"),
        ("url", "x.test", "not-a-url"),
        ("url", "javascript://x.test/%0aalert(1)", "not-a-url"),
        ("url", "https://user:secret@x.test", "not-a-url"),
        ("url", "https://x.test/\u202egnp.exe", "not-a-url"),
        ("url", "https:x.test", "not-a-url"),
        ("url", "https://[::1", "not-a-url"),
        ("url", "https://" + "a" * 3000, "too-long"),
    ],
)
def test_what_cannot_be_a_value_is_refused_with_the_form_that_can(name, text, slug):
    with pytest.raises(BadValue) as caught:
        read(name, text)
    assert caught.value.slug == slug
    sentence = complaint(caught.value)
    assert "{" not in sentence
    assert slug == "bad-characters" or english().say(caught.value.data["expected"]) in sentence


def test_the_nearest_choice_is_named():
    with pytest.raises(BadValue) as caught:
        read("choice", "clsoed")
    assert complaint(caught.value).endswith("Expected: one of New, On hold, Closed. Did you mean Closed?")


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("text", "Straße  1", "STRASSE 1"),
        ("text", "e\u0301te\u0301", "Été"),
        ("email", "Ada@EXAMPLE.test", "ada@example.test"),
        ("email", "a@bücher.test", "A@xn--bcher-kva.test"),
        ("phone", "00351 21-000", "+351 (21) 000"),
        ("multi_choice", ["New"], ["NEW"]),
    ],
)
def test_values_that_mean_the_same_have_one_index_entry_and_one_key(kind, one, other):
    assert fields[kind].index(one) == fields[kind].index(other) != []
    assert fields[kind].keys(one) == fields[kind].keys(other) != []


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("email", "ada+x@example.test", "ada@example.test"),
        ("email", "a.da@example.test", "ada@example.test"),
        ("text", "a" * 300, "a" * 301),
        ("integer", 2**53 - 1, 2**53 - 2),
        ("decimal", "9999999999999.99", "9999999999999.98"),
    ],
)
def test_values_that_differ_have_keys_that_differ(kind, one, other):
    assert fields[kind].keys(one) != fields[kind].keys(other)
    if kind != "text":
        assert fields[kind].index(one) != fields[kind].index(other)


@pytest.mark.parametrize(
    ("field", "what"),
    [
        (FieldDef(type="choice"), "choices names no choice."),
        (FieldDef(type="choice", choices=("New", "NEW")), "choices names one choice twice, or an empty one."),
        (FieldDef(type="multi_choice", choices=("",)), "choices names one choice twice, or an empty one."),
        (FieldDef(type="integer", min="x"), "min is no value of a field of type integer."),
        (FieldDef(type="date", max="soon"), "max is no value of a field of type date."),
        (FieldDef(type="link"), 'table names no table; "*" is any.'),
    ],
)
def test_a_definition_that_makes_no_sense_is_explained(field, what):
    assert fields[field.type].definition(field) == what


def test_folding_twice_is_folding_once():
    for text in ("Straße", "İstanbul", "ŉ", "e\u0301" * 150, "x " * 150, "\u1e9e" * 120):
        assert fold(fold(text)) == fold(text)
        assert len(fold(text)) <= 200


# ---------------------------------------------------------------- by whom, where and when it is written

FRIDAY = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # in Berlin it is Saturday already


def written(name, text, language="en", zone="UTC"):
    reading = Reading(zone=ZoneInfo(zone), language=language, now=FRIDAY)
    return fields[TYPES[name].type].parse(text, TYPES[name], reading)


@pytest.mark.parametrize(
    ("language", "name", "text", "value"),
    [
        ("de", "decimal3", "1.234", "1234.000"),
        ("de", "decimal3", "1,234", "1.234"),
        ("de", "decimal", "1.234,50", "1234.50"),
        ("de", "decimal", "1234.50", "1234.50"),
        ("de", "decimal3", "0.125", "0.125"),  # no group begins with zero
        ("de", "integer", "1.234.567", 1234567),
        ("en", "integer", "-1,234", -1234),
        ("en", "decimal3", "1.234", "1.234"),
        ("en-GB", "decimal", "1,234", "1234.00"),
        ("de-CH", "decimal3", "1.234", "1.234"),
        ("fr", "decimal", "1\u202f234,5", "1234.50"),
        ("en-US", "date", "05/06/2026", "2026-05-06"),
        ("en-GB", "date", "05/06/2026", "2026-06-05"),
        ("de", "date", "05/06/2026", "2026-06-05"),
        ("en", "date", "24/12/2026", "2026-12-24"),
        ("de", "date", "12/24/2026", "2026-12-24"),
        ("en", "date", "06/06/2026", "2026-06-06"),
        ("en", "date", "tomorrow", "2026-11-21"),
        ("en", "date", "next Friday", "2026-11-27"),
        ("en", "date", "Saturday", "2026-11-21"),
        ("en", "date", "in 3 days", "2026-11-23"),
        ("en", "date", "in 2 weeks", "2026-12-04"),
        ("en", "date", "24 December", "2026-12-24"),
        ("en", "date", "Dec 24, 2027", "2027-12-24"),
        ("en", "date", "the 12th of May 2027", "2027-05-12"),
        ("en", "date", "12th May 2027", "2027-05-12"),
        ("de", "date", "übermorgen", "2026-11-22"),
        ("de", "date", "am Montag", "2026-11-23"),
        ("de", "date", "nächsten Mittwoch", "2026-11-25"),
        ("de", "date", "3. März 2027", "2027-03-03"),
        ("fr", "date", "demain", "2026-11-21"),
        ("fr", "date", "vendredi prochain", "2026-11-27"),
        ("fr", "date", "mar", "2026-11-24"),  # mardi
        ("es", "date", "pasado mañana", "2026-11-22"),
        ("es", "date", "el próximo viernes", "2026-11-27"),
        ("es", "date", "24 de diciembre de 2026", "2026-12-24"),
        ("pt", "date", "amanhã", "2026-11-21"),
        ("pt", "date", "próxima sexta-feira", "2026-11-27"),
        ("pt", "date", "5 de março de 2027", "2027-03-05"),
        ("en", "date", "morgen", "2026-11-21"),  # no word of his own language
        ("en", "datetime", "tomorrow 14:00", "2026-11-21T14:00:00Z"),
        ("en", "datetime", "tomorrow at 2pm", "2026-11-21T14:00:00Z"),
        ("en", "datetime", "14:00 tomorrow", "2026-11-21T14:00:00Z"),
        ("en", "datetime", "Monday, 9:30 am", "2026-11-23T09:30:00Z"),
        ("en", "datetime", "tomorrow noon", "2026-11-21T12:00:00Z"),
        ("en", "datetime", "12/24/2026 12 a.m.", "2026-12-24T00:00:00Z"),
        ("en", "datetime", "in 90 minutes", "2026-11-21T01:00:00Z"),
        ("en", "datetime", "in 2 hours", "2026-11-21T01:30:00Z"),
        ("de", "datetime", "morgen um 14 Uhr", "2026-11-21T14:00:00Z"),
        ("de", "datetime", "24.12.2026 14.30 Uhr", "2026-12-24T14:30:00Z"),
        ("fr", "datetime", "demain à 14h30", "2026-11-21T14:30:00Z"),
        ("fr", "datetime", "demain 14h", "2026-11-21T14:00:00Z"),
        ("es", "datetime", "mañana a las 14:00", "2026-11-21T14:00:00Z"),
        ("pt", "datetime", "amanhã às 14h", "2026-11-21T14:00:00Z"),
        ("pt", "datetime", "2026-12-24T14:00+01:00", "2026-12-24T13:00:00Z"),
    ],
)
def test_given_his_language_and_the_day_when_a_value_is_written_then_it_is_read_as_he_means_it(
    language, name, text, value
):
    assert written(name, text, language) == value


@pytest.mark.parametrize(
    ("zone", "text", "value"),
    [
        ("Europe/Berlin", "tomorrow 14:00", "2026-11-22T13:00:00Z"),
        ("America/New_York", "tomorrow 14:00", "2026-11-21T19:00:00Z"),
        ("Asia/Kolkata", "today 14:00", "2026-11-21T08:30:00Z"),
    ],
)
def test_given_a_zone_when_tomorrow_is_said_then_it_is_the_day_after_his_today(zone, text, value):
    assert written("datetime", text, "en", zone) == value


@pytest.mark.parametrize(
    ("language", "name", "text", "slug", "told"),
    [
        ("en", "date", "05/06/2026", "ambiguous-date", "2026-06-05 or 2026-05-06"),
        ("", "decimal3", "1,234", "ambiguous-number", ""),
        ("fr", "decimal3", "1.234", "ambiguous-number", ""),
        ("de", "integer", "1,234", "not-a-number", ""),
        ("en", "datetime", "tomorrow", "not-a-time", ""),
        ("en", "datetime", "tomorrow 25:00", "not-a-time", ""),
        ("en", "datetime", "tomorrow 14", "not-a-time", ""),
        ("en", "datetime", "14:00", "not-a-time", ""),
        ("en", "date", "tomorrow 25", "not-a-date", ""),
        ("en", "date", "12", "not-a-date", ""),
        ("en", "date", "a", "not-a-date", ""),
        ("en", "date", "May", "not-a-date", ""),
        ("en", "date", "2026", "not-a-date", ""),
        ("en", "date", "next week", "not-a-date", ""),
        ("en", "date", "Fri 28 Nov 2026", "not-a-date", ""),  # a Saturday
        ("en", "date", "monday or tuesday", "not-a-date", ""),
        ("en", "date", "not tomorrow", "not-a-date", ""),
        ("en", "date", "31 February 2027", "not-a-date", ""),
        ("en", "date", "2 days and 3 weeks", "not-a-date", ""),
        ("en", "date", "asap", "not-a-date", ""),
    ],
)
def test_given_two_readings_or_none_when_a_value_is_written_then_it_is_refused_and_both_are_named(
    language, name, text, slug, told
):
    with pytest.raises(BadValue) as caught:
        written(name, text, language)
    assert caught.value.slug == slug
    assert told in complaint(caught.value)


def test_given_a_time_that_comes_twice_when_written_then_both_are_named_and_either_is_taken():
    with pytest.raises(BadValue) as caught:
        written("datetime", "2026-10-25 02:30", "de", "Europe/Berlin")
    assert "2026-10-25 02:30+02:00 or 2026-10-25 02:30+01:00" in complaint(caught.value)
    assert written("datetime", "2026-10-25 02:30+02:00", "de", "Europe/Berlin") == "2026-10-25T00:30:00Z"


@pytest.mark.parametrize("language", ["", "en", "de", "fr", "pt-PT", "de-CH"])
@pytest.mark.parametrize("value", ["1.234", "-1.234", "1234.500", "0.125", "999.999", "12.000"])
def test_given_a_number_when_it_is_shown_and_sent_back_then_it_is_the_same(language, value):
    reading = Reading(language=language)
    kind = fields["decimal"]
    assert kind.parse(kind.format(value, TYPES["decimal3"], reading), TYPES["decimal3"], reading) == value


def test_given_a_value_of_the_setup_when_checked_then_no_language_decides_how_it_is_read():
    german = Reading(language="de", now=FRIDAY)
    assert fields["decimal"].check("1.234", TYPES["decimal3"], german) == "1.234"
