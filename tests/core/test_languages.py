"""The catalogues: every sentence in every language, the same names in it, none without use, none used and not there."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import addressee
from addressee.core.body import split
from addressee.core.language import Language, as_written, english, language, saying
from addressee.core.registry import actions, languages

ROOT = Path(addressee.__file__).parent
TAGS = [tag for tag, _ in languages.items()]
OTHERS = [tag for tag in TAGS if tag != "en"]
FORMS = (".one", ".other")
# Slugs put together from what the code decides: their endings are enums, shelves and field types.
MADE_OF = ("reason.", "complaint.", "file.", "cure.", "fault.", "value.", "action.", "why.")


def names_in(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def bare(slug: str) -> str:
    return slug.rpartition(".")[0] if slug.endswith(FORMS) and slug != "complaint.other" else slug


def slugs_in_code() -> set[str]:
    """The first argument of saying("…"), words("…"), english()("…"), each("…") and the like."""
    known = {bare(slug) for slug in english().sentences}
    heads = {slug.partition(".")[0] for slug in known if "." in slug}
    found: set[str] = set()
    for path in ROOT.rglob("*.py"):
        if path.parent.name == "languages" or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            called, slug = ast.unparse(node.func).rpartition(".")[2], node.args[0].value
            speaks = called in ("saying", "words", "each", "english()", "say") and isinstance(slug, str)
            if speaks and re.fullmatch(r"[a-z-]+(\.[a-z-]+)*", slug) and slug.partition(".")[0] in heads:
                found.add(slug)
    return found


def test_given_the_five_languages_when_the_shelf_is_read_then_each_is_there_under_its_tag():
    assert {"en", "de", "fr", "es", "pt"} <= set(TAGS)
    assert all(languages[tag].tag == tag for tag in TAGS)


@pytest.mark.parametrize("tag", OTHERS)
def test_given_a_language_when_compared_with_english_then_no_sentence_is_missing_and_none_too_many(tag):
    own = {bare(slug) for slug in languages[tag].sentences}
    translated_docstrings = {
        f"action.{name}" for name, each in actions.items() if each.__module__.startswith("addressee.")
    }
    wanted = {bare(slug) for slug in english().sentences} | translated_docstrings

    assert sorted(wanted - own) == [], "missing"
    assert sorted(own - wanted) == [], "nowhere said"


@pytest.mark.parametrize("tag", OTHERS)
def test_given_a_language_when_a_sentence_is_said_then_it_tells_of_the_same_things_as_in_english(tag):
    reference: dict[str, set[str]] = {}
    for slug, sentence in english().sentences.items():
        reference.setdefault(bare(slug), set()).update(names_in(sentence))
    differing = {
        slug: (names_in(sentence), reference[bare(slug)])
        for slug, sentence in languages[tag].sentences.items()
        if not slug.startswith("action.") and names_in(sentence) != reference[bare(slug)]
    }
    assert differing == {}


@pytest.mark.parametrize("tag", OTHERS)
def test_given_a_language_when_read_then_its_sentences_are_its_own(tag):
    same = {
        slug
        for slug, sentence in languages[tag].sentences.items()
        if sentence == english().sentences.get(slug) and re.sub(r"\{\w*\}", "", sentence).strip(" ()'.:")
    }
    assert same <= {"value.no", "digest.posts.one", "digest.posts.other"}, "left in English"


@pytest.mark.parametrize("tag", TAGS)
def test_given_a_language_when_numbers_are_told_then_each_has_its_form(tag):
    words: Language = languages[tag]
    for count in (0, 1, 2, 5, 21, 101):
        assert str(count) in words("receipt.held-back", count=count)


def test_given_the_code_when_it_says_something_then_the_sentence_is_in_the_catalogue():
    missing = slugs_in_code() - {bare(slug) for slug in english().sentences}
    assert missing == set()


def test_given_the_catalogue_when_the_code_is_read_then_every_sentence_is_said_somewhere():
    used = {
        node.value
        for path in ROOT.rglob("*.py")
        if path.parent.name != "languages"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    unused = {
        bare(slug) for slug in english().sentences if bare(slug) not in used and not bare(slug).startswith(MADE_OF)
    }
    assert unused == set()


@pytest.mark.parametrize("tag", TAGS)
def test_given_a_marker_in_any_language_when_an_answer_quotes_it_then_only_what_stands_above_is_new(tag):
    marker = languages[tag].marker_line
    for prefix in ("", "> ", "| "):
        text = f"Yes.\n\n{prefix}{marker}\n{prefix}\n{prefix}status: open\n"
        assert split(text).new_text == "Yes.", prefix
    wrapped = marker[:40].rpartition(" ")[0]
    assert split(f"Yes.\n\n{wrapped}\n{marker[len(wrapped) :].strip()}\nstatus: open").new_text == "Yes."


@pytest.mark.parametrize("tag", TAGS)
def test_given_a_notice_in_any_language_when_it_is_answered_without_marks_then_its_first_line_is_not_new(tag):
    words = languages[tag]
    assert words("notice.public", whom="x").startswith(words("notice.opening"))
    assert words("notice.internal").startswith(words("notice.opening"))
    text = f"We come.\n\n{words('notice.public', whom='carla@cust.example')}\n\n{words.marker_line}\n\nIt drips."
    assert split(text).new_text == "We come."


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (("de",), "de"),
        (("pt-BR",), "pt"),
        (("PT_br",), "pt"),
        (("", "fr"), "fr"),
        (("tlh", "es"), "es"),
        (("tlh",), "en"),
        ((), "en"),
        (("",), "en"),
    ],
)
def test_given_what_is_known_of_a_reader_when_a_language_is_chosen_then_it_is_the_first_that_there_is(tags, found):
    assert language(*tags).tag == found


def test_given_a_language_that_lacks_a_sentence_when_it_is_said_then_it_is_english():
    young = Language("xx", "Young", {"marker": "Schreib drüber"})
    assert young("receipt.received") == english()("receipt.received")
    assert young("receipt.held-back", count=2) == english()("receipt.held-back", count=2)
    with pytest.raises(KeyError):
        young("never.written")


@given(text=st.text(), tag=st.sampled_from(TAGS))
def test_given_any_text_when_it_is_told_then_it_stands_in_the_sentence_as_it_is(text, tag):
    words = languages[tag]
    assert text in words("fault.no-such-field", field=text)
    assert words.say(as_written(text)) == text
    assert text in words.say(saying("fault.line", line=3, fault=saying("fault.set-twice", field=text)))
