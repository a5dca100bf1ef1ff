"""Laws of the whole shelf of field types: any text, any JSON value, and there and back again."""

from __future__ import annotations

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core.errors import BadValue
from addressee.core.fieldtype import COMPLAINTS, Reading, complaint
from addressee.core.language import english
from addressee.core.registry import fields
from addressee.core.setup import FieldDef

ADA, BEN = "6f1c3a52-0a1e-4a51-9d3c-0f1b2c3d4e5f", "7f1c3a52-0a1e-4a51-9d3c-0f1b2c3d4e5f"
CONTACTS = {ADA: ("contact", "Ada"), BEN: ("contact", "CONT-2")}
PERSONS = {"ada": "Ada Admin", "ben": "Ben Agent", "cleo": "Ben Agent"}


def find_records(table, text):
    return tuple(
        uuid
        for uuid, (home, title) in CONTACTS.items()
        if table in ("*", home) and text.casefold() in (uuid, title.casefold())
    )


def find_persons(text):
    return tuple(key for key, name in PERSONS.items() if text.casefold() in (key, name.casefold()))


ZONES = [ZoneInfo("UTC"), ZoneInfo("Europe/Lisbon"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]
READING = Reading(ZONES[1], find_records, find_persons, CONTACTS, PERSONS)

# Every type bare and with each option it takes.
DEFINITIONS = [
    FieldDef(type="text"),
    FieldDef(type="text", max_length=5),
    FieldDef(type="long_text"),
    FieldDef(type="long_text", max_length=5),
    FieldDef(type="append_only"),
    FieldDef(type="integer"),
    FieldDef(type="integer", min=1, max=5),
    FieldDef(type="decimal"),
    FieldDef(type="decimal", places=0),
    FieldDef(type="decimal", places=4, min=-1, max="10.5"),
    FieldDef(type="boolean"),
    FieldDef(type="date"),
    FieldDef(type="date", min="2020-01-01", max="2030-12-31"),
    FieldDef(type="datetime"),
    FieldDef(type="datetime", min="2020-01-01 00:00"),
    FieldDef(type="choice", choices=("New", "On hold", "Straße")),
    FieldDef(type="multi_choice", choices=("New", "On hold", "This, that", "This")),
    FieldDef(type="email"),
    FieldDef(type="email", many=True),
    FieldDef(type="phone"),
    FieldDef(type="url"),
    FieldDef(type="link", table="contact"),
    FieldDef(type="link", table="*"),
    FieldDef(type="person"),
    FieldDef(type="files"),
]
every_definition = pytest.mark.parametrize(
    "field", DEFINITIONS, ids=lambda field: "-".join(map(str, field.model_dump(exclude_defaults=True).values()))
)

# Texts that look like values of some type, so that the round trip is walked and not only refused.
likely = st.one_of(
    st.text(),
    st.text(st.characters(codec=None)),  # surrogates and NUL among them
    st.integers().map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.from_regex(r"[+-]?[0-9]{1,4}([., '][0-9]{3}){0,3}([.,][0-9]{1,4})?", fullmatch=True),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day.day}.{day.month}.{day.year:04}"),
    st.datetimes().map(lambda at: at.isoformat(" ", "minutes")),
    st.datetimes(timezones=st.sampled_from([UTC, *ZONES])).map(lambda at: at.isoformat()),
    st.sampled_from(
        [
            "yes NEIN sim on hold NEW strasse",
            "On hold, this, that",
            "This, that,New,new",
            "ada@Example.TEST",
            "Ada <ada@x.test>",
            "a@x.test, B@x.test;A@X.TEST",
            "+351 21 000 0000",
            "(030) 12-34 ext. 5",
            "https://x.test/a?b#c",
            "http://u:p@x.test",
            "http://[",
            "javascript:alert(1)",
            "Ada",
            "cont-2",
            "ada",
            "Ben Agent",
            "a\nb\r\nc\x85d\x1ce",
            "  x  ",
            "K@x.test",
        ]
    ),
    st.sampled_from([ADA, BEN.upper()]),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | likely,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["table", "uuid", "record", "name", "type", "size_bytes", "sha256"]), inner)
    ),
    max_leaves=8,
)


@every_definition
@given(text=likely, zone=st.sampled_from(ZONES))
def test_any_text_is_a_value_or_a_bad_value_and_a_value_comes_back_from_its_text(field, text, zone):
    kind, reading = fields[field.type], Reading(zone, find_records, find_persons, CONTACTS, PERSONS)
    # when any text is read
    try:
        value = kind.parse(text, field, reading)
    except BadValue as error:
        # then it is refused with a slug that has a sentence
        assert error.slug in COMPLAINTS
        assert complaint(error)
        return
    # or it is a value that JSON holds, and that its own text means
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    json.dumps(value, ensure_ascii=False).encode()
    assert kind.parse(kind.format(value, field, reading), field, reading) == value
    if not kind.appends:
        assert kind.check(value, field, reading) == value


@every_definition
@given(value=json_values)
def test_any_json_value_is_a_value_or_a_bad_value(field, value):
    kind = fields[field.type]
    try:
        stored = kind.check(value, field, READING)
    except BadValue:
        return
    json.dumps(stored, ensure_ascii=False, allow_nan=False).encode()
    if not kind.appends:
        assert kind.check(stored, field, READING) == stored


@every_definition
@given(value=json_values)
def test_whatever_stands_in_a_record_can_be_indexed_told_and_written(field, value):
    # given a value of any type, as after a change of the field's type
    kind = fields[field.type]
    # then nothing raises, and index texts fit their column
    assert all(len(text or "") <= 200 for text, _ in kind.index(value))
    assert all(len(key) == 64 for key in kind.keys(value))
    assert all(isinstance(uuid, str) for uuid in kind.links(value))
    kind.contract(value, field, lambda uuid: None)
    assert isinstance(kind.format(value, field, READING), str)


@every_definition
def test_empty_text_is_no_value(field):
    for text in ("", "   ", "\n"):
        assert fields[field.type].parse(text, field, READING) is None
    assert fields[field.type].check(None, field, READING) is None
    assert fields[field.type].format(None, field, READING) == ""


@every_definition
def test_a_field_says_what_it_expects(field):
    assert len(english().say(fields[field.type].expected(field))) > 4
    assert fields[field.type].definition(field) == ""


@every_definition
def test_megabytes_of_anything_cost_nothing(field):
    # 2 MB of digits, commas, spaces, a combining letter: refused, or taken where a text that long is a value
    for text in ("9" * 2_000_000, "9," * 1_000_000, "e\u0301" * 1_000_000, "1 " * 1_000_000, "<" * 2_000_000):
        try:
            fields[field.type].parse(text, field, READING)
        except BadValue as error:
            assert len(str(error.data["text"])) <= 200


def test_every_type_of_the_shelf_is_tested_here():
    assert {field.type for field in DEFINITIONS} == set(fields)


def test_a_log_names_who_wrote_and_is_never_set_whole():
    kind = fields["append_only"]
    log = [
        {"at": "2026-05-01T12:00:00Z", "actor": "ben", "text": "one"},
        {"at": "2026-05-01T13:00:00Z", "actor": "portal", "author": "gus@x.test", "text": "two"},
    ]
    shown = kind.format(log, FieldDef(type="append_only"), READING)
    assert shown == "2026-05-01T12:00:00Z ben\none\n\n2026-05-01T13:00:00Z gus@x.test\ntwo"
    with pytest.raises(BadValue):  # no program sets the whole log
        kind.check(log, FieldDef(type="append_only"), READING)
