"""Merging a file with what stands, the lines of a difference, and dump: what it writes applies to nothing."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.setup.difference import Stored, difference, in_order, tree_of
from addressee.setup.document import dotted, read
from addressee.setup.dump import dumped
from addressee.setup.in_effect import STORED_ONLY
from setup.conftest import FIRM, NOTHING, checked


@pytest.fixture(scope="module")
def standing() -> Stored:
    """The firm as the last apply left it."""
    tree = checked(FIRM.read_text(encoding="utf-8")).tree
    return Stored(tree, tree, {})


def lines(stored, text, **how):
    result = checked(text, stored, **how)
    assert not result.faults, [fault.text("x") for fault in result.faults]
    return [change.line() for change in difference(stored, result.tree)]


def brief(stored, text, **how):
    return [(line["change"], line["path"], line["before"], line["after"]) for line in lines(stored, text, **how)]


def test_one_changed_scalar_is_one_alter_line(standing):
    assert lines(standing, '[tables.bill]\nlabel = "Bill"') == [
        {
            "change": "alter",
            "path": "tables.bill.label",
            "before": "",
            "after": "Bill",
            "in_effect": True,
            "changed_by": None,
        }
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[site]\nname = "N"', [("alter", "site.name", "Northgate Bicycles", "N")]),
        ("[site]\ninbound = true", []),  # the default, said again
        ("[tables.club]\ninbound = true", []),
        ("[tables.club]\ninbound = false", [("alter", "tables.club.inbound", True, False)]),
        ("[site.limits]\nattempts = 5", [("alter", "site.limits.attempts", 4, 5)]),
        ("[site.limits]\npart_depth = 5", [("add", "site.limits.part_depth", None, 5)]),
        ("[site]\nblock = []", [("alter", "site.block", ["robot@*", "*@junk.example", "junk.example"], [])]),
        (
            "[tables.club.fields]\ntown = { type = 'text' }",
            [("add", "tables.club.fields.town", None, {"type": "text"})],
        ),
        (
            "[tables.rider.fields]\nname = { max_length = 90 }",
            [("alter", "tables.rider.fields.name.max_length", 80, 90)],
        ),
        (
            "[roles.mechanic.grants]\nrider = { read = 'own' }",
            [("alter", "roles.mechanic.grants.rider.read", "all", "own")],
        ),
        (
            "[accounts.workshop]\nimap = { port = 143 }",
            [("alter", "accounts.workshop.imap.port", 993, 143)],
        ),
        (
            "[accounts.counter]\nparse = { begin = 'a', end = 'b' }",
            [("add", "accounts.counter.parse", None, {"begin": "a", "end": "b"})],
        ),
        (
            "[tables.club]\nmail = { text = 'name' }",
            [("alter", "tables.club.mail.text", "", "name")],
        ),
        (
            "[[filters]]\nname = \"Ben's lists\"\nthen = 'mute'",
            [("alter", 'filters."Ben\'s lists".then', "folder:Lists", "mute")],
        ),
        (
            "[people.ben]\nname = 'Benjamin'",
            [("alter", "people.ben.name", "Ben Agent", "Benjamin")],
        ),
    ],
)
def test_what_the_file_names_is_made_equal_and_the_rest_stays(standing, text, expected):
    assert brief(standing, text) == expected


def test_a_new_table_is_a_line_for_itself_and_one_a_field(standing):
    text = "[tables.part]\ntitle = 'name'\n[tables.part.fields]\nname = { type = 'text' }\nprice = { type = 'decimal' }"
    assert brief(standing, text) == [
        ("add", "tables.part", None, {"title": "name"}),
        ("add", "tables.part.fields.name", None, {"type": "text"}),
        ("add", "tables.part.fields.price", None, {"type": "decimal"}),
    ]


def test_order_is_one_line_where_it_has_a_meaning_and_none_elsewhere(standing):
    # given two filters in the other order, and two roles
    text = "[[filters]]\nname = \"Ben's lists\"\n[[filters]]\nname = 'Robots that are well'\n[roles.boss]\n[roles.mechanic]"
    # then the first that matches wins: their order counts
    assert brief(standing, text) == [
        ("alter", "filters", ["Robots that are well", "Ben's lists"], ["Ben's lists", "Robots that are well"])
    ]


def test_a_file_that_names_one_thing_of_many_moves_nothing(standing):
    assert brief(standing, "[accounts.counter]\ncreate = true\n[tables.bill]\n") == []


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.lists(st.sampled_from("abcdef"), unique=True))
def test_merged_order_holds_every_name_once_and_keeps_the_files_order(old, new):
    merged = in_order(old, new)
    assert sorted(merged) == sorted({*old, *new})
    assert [name for name in merged if name in new] == new
    assert [name for name in merged if name not in new] == [name for name in old if name not in new]
    assert in_order(merged, new) == merged


# ---- prune -----------------------------------------------------------------------------------------------------------


def test_prune_removes_what_the_file_does_not_name(standing):
    text = FIRM.read_text(encoding="utf-8")
    start, end = text.index("[views.on_the_stand]"), text.index("[roles.mechanic]")
    without = text[:start] + text[end:].replace('label = "Mechanic"\n', "")
    assert brief(standing, without) == []
    assert brief(standing, without, prune=True, keep=lambda path: False) == [
        ("remove", "views.on_the_stand", standing.tree["views"]["on_the_stand"], None),
        ("alter", "roles.mechanic.label", "Mechanic", ""),
    ]


def test_prune_retires_what_holds_data_and_naming_it_again_brings_it_back(standing):
    text = FIRM.read_text(encoding="utf-8").replace('home = { type = "url" }\n', "")
    # when a field with data is left out
    retired = checked(text, standing, prune=True, keep=lambda path: True)
    changes = difference(standing, retired.tree)
    # then it is retired, once
    assert [(c.change, dotted(c.path), c.before, c.after) for c in changes] == [
        ("alter", "tables.club.fields.home.retired", False, True)
    ]
    after = Stored(retired.tree, retired.tree, {})
    assert lines(after, text, prune=True) == []
    # and the whole file brings it back
    assert brief(after, FIRM.read_text(encoding="utf-8"), prune=True) == [
        ("alter", "tables.club.fields.home.retired", True, False)
    ]


def test_what_a_page_retired_stays_retired(standing):
    # given a field that was retired on a page after the last apply
    tree = json.loads(json.dumps(standing.tree))
    tree["tables"]["club"]["fields"]["home"]["retired"] = True
    # then a file that names it without a word about that changes nothing
    assert lines(Stored(tree, standing.tree, {}), FIRM.read_text(encoding="utf-8")) == []


def test_prune_of_a_file_without_tables_takes_each_by_itself(standing):
    kept = {("tables", "repair"), ("people", "ada")}
    result = checked("[site]\nname = 'x'", standing, prune=True, keep=lambda path: path[:2] in kept)
    assert list(result.tree["tables"]) == ["repair"]
    assert result.tree["tables"]["repair"]["retired"] is True
    assert {key: one.get("active") for key, one in result.tree["people"].items()} == {"ada": False}
    assert "accounts" not in result.tree


# ---- who changed it --------------------------------------------------------------------------------------------------


def test_the_difference_names_who_changed_a_value_on_a_page(standing):
    tree = json.loads(json.dumps(standing.tree))
    tree["templates"]["ready"]["subject"] = "Done"
    stored = Stored(tree, standing.tree, {("templates", "ready"): "ada", ("site",): "ben"})
    text = "[templates.ready]\nsubject = 'Ready'\ntext = 'New'\n[site]\nname = 'x'"
    named = {line["path"]: line["changed_by"] for line in lines(stored, text)}
    # only the value that differs from what the last apply left was changed on a page
    assert named == {"site.name": None, "templates.ready.subject": "ada", "templates.ready.text": None}


# ---- in effect -------------------------------------------------------------------------------------------------------


def test_a_part_that_is_not_in_effect_has_a_line_of_its_own():
    result = checked(FIRM.read_text(encoding="utf-8"))
    by_path = {change.path: change for change in difference(NOTHING, result.tree)}
    assert by_path["accounts", "workshop"].in_effect
    assert "imap" not in by_path["accounts", "workshop"].after
    assert not by_path["accounts", "workshop", "imap"].in_effect
    for path, change in by_path.items():
        under = [pattern for pattern in STORED_ONLY if all(w in ("*", g) for w, g in zip(pattern, path, strict=False))]
        assert change.in_effect == (not any(len(path) >= len(pattern) for pattern in under)), path


def test_every_pattern_of_the_table_names_a_key_that_exists():
    from addressee.setup import schema

    for pattern in STORED_ONLY:
        assert schema.at(tuple("x" if part == "*" else part for part in pattern)) is not schema.NOTHING, pattern


# ---- dump ------------------------------------------------------------------------------------------------------------


def test_a_dump_applies_to_nothing_and_is_stable(standing):
    text = dumped(standing.tree)
    assert lines(standing, text, prune=True, keep=lambda path: False) == []
    assert dumped(tree_of(read(text.encode()).document)) == text


def test_a_dump_holds_no_secret_and_every_key(standing):
    text = dumped(standing.tree)
    assert "password_env" in text
    assert "password " not in text
    assert lines(NOTHING, text) == lines(NOTHING, FIRM.read_text(encoding="utf-8"))


@given(st.randoms(use_true_random=False))
def test_any_part_of_the_firm_is_refused_or_comes_back_from_its_dump(chance: random.Random):
    # given the firm without some of its keys and with the rest in another order
    document = _shuffled(read(FIRM.read_bytes()).document, chance, chance.choice((0.0, 0.003, 0.02)))
    import tomli_w

    result = checked(tomli_w.dumps(document))
    # then it is refused with lines, or its dump makes the same
    if result.setup is None:
        assert all(fault.line for fault in result.faults)
    else:
        stored = Stored(result.tree, {}, {})
        again = checked(dumped(result.tree), stored, prune=True, keep=lambda path: False)
        assert not again.faults
        assert difference(stored, again.tree) == []


def _shuffled(value, chance: random.Random, drop: float):
    if isinstance(value, dict):
        keys = [key for key in value if chance.random() > drop]
        chance.shuffle(keys)
        return {key: _shuffled(value[key], chance, drop) for key in keys}
    return value


TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=30)


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3))
def test_any_text_comes_back_from_a_dump(name, key, texts):
    tree = {
        "site": {"name": name, "process_tag": name},
        "views": {"v": {"table": "t", "where": {key: texts, "b": [{key: 1}]}}},
        "processes": {"p": {"tags": texts, "steps": [{key: {"x": texts}}, {"a": {}}]}},
    }
    assert tree_of(read(dumped(tree).encode()).document) == tree
