"""Reading a setup file: values as JSON holds them, the line of every key, and no exception for any bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.setup.document import dotted, nearest, read
from addressee.setup.schema import NAMED_LISTS, at, fields_of, is_model
from setup.conftest import FIRM, checked


def every_key(kind=None, path=()):
    """Every key a file may have, by the models: * for any name."""
    from typing import get_args, get_origin

    from addressee.core.setup import SetupFile

    kind = kind or SetupFile
    for name in fields_of(kind):
        here = at((*path, name))
        below = (*path, name)
        if get_origin(here) is dict and is_model(get_args(here)[1]):
            here, below = get_args(here)[1], (*below, "*")
        elif name in NAMED_LISTS and not path:
            here, below = get_args(here)[0], (*below, 0)
        if is_model(here):
            yield from every_key(here, below)
        else:
            yield below


def names(document, path):
    """Does the document name this path, for any name at *?"""
    if not path:
        return True
    if path[0] in ("*", 0):
        inner = document.values() if isinstance(document, dict) else document
        return any(names(one, path[1:]) for one in inner)
    return isinstance(document, dict) and path[0] in document and names(document[path[0]], path[1:])


def test_firm_names_every_key():
    # given the file that the tests of this folder work with
    document = read(FIRM.read_bytes()).document
    keys = [path for path in every_key() if path[0] != "processes" or "parameters" not in path or path[-1] == "type"]
    # then no key of the models is missing in it
    assert len(keys) > 120
    assert [dotted(tuple(map(str, path))) for path in keys if not names(document, path)] == []


def test_the_line_of_every_way_to_write_a_key():
    source = read(
        b"site.name = 'a'  # comment\n"
        b"[tables.case]\n"
        b"[tables.case.fields]\n"
        b"a = { type = 'text', choices = [\n"
        b"  'x', # one\n"
        b"  'y',\n"
        b"] }\n"
        b'"b c".d = 1\r\n'
        b"[[filters]]\n"
        b"name = 'one'\n"
        b"[[filters]]\n"
        b"\n"
        b"name = 'two'\n"
    )
    lines = {dotted(path): line for path, line in source.lines.items()}
    assert lines["site.name"] == 1
    assert lines["tables.case"] == 2
    assert lines["tables.case.fields"] == 3
    assert lines["tables.case.fields.a.type"] == 4
    assert lines["tables.case.fields.a.choices[2]"] == 6
    assert lines['tables.case.fields."b c".d'] == 8
    assert (lines["filters[1].name"], lines["filters[2]"], lines["filters[2].name"]) == (10, 11, 13)
    assert source.line(("tables", "case", "fields", "a", "no", "such")) == 4


def test_dates_become_text_and_a_byte_order_mark_is_no_key():
    source = read("\ufeffa = 2026-02-03\nb = 2026-02-03T04:05:06Z".encode())
    assert source.document == {"a": "2026-02-03", "b": "2026-02-03T04:05:06+00:00"}


@pytest.mark.parametrize(
    ("source", "line", "said"),
    [
        (b"a = 1\nb = \xff", 2, "UTF-8"),
        (b"a = 1\nb = \n", 2, "no TOML"),
        (b"a = 1\na = 2", 2, "no TOML"),
        (b"\na = " + b"[" * 5000, 2, "brackets"),
        (b"a = " + b"9" * 5000, 1, "no TOML"),
        (b"\na = inf", 2, "no number"),
        (b"\na = 9223372036854775808", 2, "too large"),
        (b'\na = "\\u0000"', 2, "NUL"),
        (b"\na = " + b"[" * 30 + b"]" * 30, 2, "20 levels"),
    ],
)
def test_what_can_not_be_read_is_named_with_its_line(source, line, said):
    (fault, *_) = read(source).faults
    assert fault.line == line
    assert said in fault.what


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(source):
    result = checked(source)
    assert result.faults or result.setup


TOML_PIECES = st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "{",
            "}",
            "=",
            ".",
            ",",
            "\n",
            '"',
            "'",
            "#",
            "a",
            "site",
            "tables",
            "filters",
            "x",
            "1",
            "true",
            "\\u00e9",
            "é",
            "1979-05-27",
            "[[rules]]\n",
            "[tables.case.fields]\n",
            "name = ",
            '"""',
            "inf",
            "0x1F",
        ]
    ),
    max_size=25,
).map("".join)


@given(TOML_PIECES)
def test_anything_that_looks_like_toml_is_refused_or_read(text):
    result = checked(text)
    assert result.faults or result.setup
    assert all(fault.line for fault in result.faults)


VALUES = st.recursive(
    st.booleans() | st.integers(-3, 300) | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_any_value_at_any_key_is_refused_there_or_taken(data):
    # given the firm, one key of which has some other value
    from addressee.setup.document import Source

    source = read(FIRM.read_bytes())
    path = data.draw(st.sampled_from(sorted(source.lines, key=dotted)))
    document = json.loads(json.dumps(source.document))
    here = document
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = data.draw(VALUES)
    # when it is checked
    from addressee.setup.check import check
    from setup.conftest import NOTHING

    result = check(Source(document, source.lines), NOTHING)
    # then it is refused with a line, or it is a setup
    assert result.setup or all(fault.line for fault in result.faults)
    assert (result.setup is None) == bool(result.faults)


def test_the_nearest_name_ignores_case_and_is_none_for_what_is_far():
    assert nearest("Prioritty", ["priority", "price"]) == "priority"
    assert nearest("STATUS", ["status"]) == "status"
    assert nearest("xyzzy", ["status"]) is None
