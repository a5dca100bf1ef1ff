"""The samples of tests/core/trim: mail as the programs of many makers and languages write it, told apart line by line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addressee.core import clients, html
from addressee.core.body import Kind, label, split
from addressee.core.language import english

MARKER = english().marker_line
SAMPLES = Path(__file__).with_name("trim")
ANSWER = "Please close it, and tell Cleo about it."
LETTERS = {"n": Kind.NEW, "q": Kind.QUOTED, "s": Kind.SIGNATURE}


def rows(name: str) -> Iterator[tuple[str, str]]:
    """(name, lines) of each row of a table of samples."""
    for count, row in enumerate((SAMPLES / name).read_text(encoding="utf-8").split("\n"), start=1):
        if row and not row.startswith("#"):
            yield f"{count} {row[:18].strip()}", row[18:].replace(" / ", "\n")


def blocks(name: str) -> Iterator[tuple[str, str]]:
    """(name, lines) of each block of a file of whole samples."""
    for block in (SAMPLES / name).read_text(encoding="utf-8").split("\n== ")[1:]:
        title, _, rest = block.partition("\n")
        yield title, rest


def samples(pairs: Iterator[tuple[str, str]]) -> list[object]:
    return [pytest.param(text, id=name) for name, text in pairs]


INTRODUCTIONS = list(rows("introductions.txt"))
ALONE = [(name, text) for name, text in INTRODUCTIONS if " !" in name]


@pytest.mark.parametrize("gap", ["\n", "\n\n"], ids=["close", "blank"])
@pytest.mark.parametrize("introduction", samples(iter(INTRODUCTIONS)))
def test_what_stands_above_a_marked_quote_is_the_answer(introduction: str, gap: str) -> None:
    # given an answer, the words by which a program introduces a quote, and the quote
    cut = split(f"{ANSWER}\n\n{introduction}{gap}> Shall we?\n> status: open\n")
    # then the answer is new, and the introduction goes with the quote
    assert cut.new_text == ANSWER
    assert cut.quoted_text.startswith(introduction.split("\n")[0])


@pytest.mark.parametrize("introduction", samples(iter(ALONE)))
def test_what_stands_above_a_quote_that_nobody_marked_is_the_answer(introduction: str) -> None:
    cut = split(f"{ANSWER}\n\n{introduction}\n\nShall we?\nstatus: open\n")
    assert cut.new_text == ANSWER
    assert cut.quoted_text.endswith("status: open")


@pytest.mark.parametrize("introduction", samples(iter(INTRODUCTIONS)))
def test_what_stands_below_a_marked_quote_is_the_answer(introduction: str) -> None:
    if introduction.startswith(">>>"):  # GroupWise: all below that line is old
        assert split(f"{introduction}\n> Shall we?\n\n{ANSWER}\n").new_text == ""
        return
    assert split(f"{introduction}\n> Shall we?\n\n{ANSWER}\n").new_text == ANSWER


@pytest.mark.parametrize("block", samples(rows("fields.txt")))
def test_a_mail_shown_with_its_fields_is_no_new_text(block: str) -> None:
    cut = split(f"{ANSWER}\n\n{block}\n\nShall we?\nstatus: open\n")
    assert cut.new_text == ANSWER
    assert cut.quoted_text.startswith(block.split("\n")[0])
    assert cut.quoted_text.endswith("status: open")


@pytest.mark.parametrize(
    "quote", ["", "\nOn Mon, 3 Mar 2025 at 09:00, Ada <a@x.test> wrote:\n> Shall we?\n"], ids=["alone", "quote"]
)
@pytest.mark.parametrize("block", samples(rows("below.txt")))
def test_what_is_set_below_a_letter_is_its_signature(block: str, quote: str) -> None:
    cut = split(f"{ANSWER}\n\n{block}\n{quote}")
    assert cut.new_text == ANSWER
    assert cut.signature.split() == block.split()


@pytest.mark.parametrize("block", samples(rows("below.txt")))
def test_what_looks_like_a_signature_and_stands_alone_is_the_text(block: str) -> None:
    cut = split(block)
    assert cut.new_text.split() == block.split()
    assert (cut.quoted_text, cut.signature) == ("", "")


@pytest.mark.parametrize("block", samples(blocks("whole.txt")))
def test_each_line_of_a_whole_mail_is_what_it_is(block: str) -> None:
    lines = [line[2:].rstrip() for line in block.split("\n")]
    wanted = [LETTERS.get(line[:1]) for line in block.split("\n")]
    kinds, _ = label(lines)
    found = [(line, kind) for line, kind in zip(lines, kinds, strict=True) if line]
    assert found == [(line, kind) for line, kind in zip(lines, wanted, strict=True) if line]


@pytest.mark.parametrize("block", samples(blocks("pages.txt")))
def test_the_structure_of_a_page_says_what_is_new(block: str) -> None:
    source, _, wanted = block.partition("\n--\n")
    page = html.read(source)
    assert split(page.text, page.known).new_text == wanted.strip()


# ---- What holds for any text --------------------------------------------------------------------------------------

PIECES = sorted(
    {line for _, text in (*INTRODUCTIONS, *rows("fields.txt"), *rows("below.txt")) for line in text.split("\n")}
    | {line[2:] for _, text in blocks("whole.txt") for line in text.split("\n")}
    | {
        "",
        " ",
        ">",
        "> old",
        ">> older",
        "wrote:",
        ":",
        "a:",
        "@",
        "<x@y",
        "> wrote:",
        "\xa0>",
        "--",
        "__",
        "| a",
        MARKER,
    }
)
MAILS = st.lists(st.sampled_from(PIECES), max_size=16).map("\n".join)


@given(st.one_of(MAILS, st.text(max_size=200)))
def test_no_character_is_lost_and_none_is_made_up(text: str) -> None:
    # when any text is taken apart
    lines = text.split("\n")
    kinds, _ = label([line.rstrip() for line in lines])
    # then every line has a kind, and the lines of all kinds in their order are the text
    assert len(kinds) == len(lines)
    parts = {kind: iter([line for line, its in zip(lines, kinds, strict=True) if its is kind]) for kind in Kind}
    assert "\n".join(next(parts[kind]) for kind in kinds) == text
    # and the parts that are shown hold its words
    cut = split(text)
    assert sorted(f"{cut.new_text} {cut.quoted_text} {cut.signature}".split()) == sorted(text.split())


@given(MAILS)
def test_the_new_text_of_a_new_text_is_itself(text: str) -> None:
    once = split(text)
    again = split(once.new_text)
    # but for "Thanks, Ben": what is typed above a line of dashes is meant, and without the dashes it is a signature
    dashed = any(clients.DASHES.match(line) for line in once.signature.split("\n"))
    assert again.new_text == once.new_text or (dashed and once.new_text.startswith(again.new_text))
    assert not again.quoted_text


@given(MAILS)
def test_what_is_quoted_is_never_new_text(text: str) -> None:
    quoted = "\n".join("> " + line for line in text.split("\n"))
    assert split(f"{ANSWER}\n\n{quoted}\n").new_text == ANSWER
    assert split(f"{ANSWER}\n\n{MARKER}\n{text}\n").new_text == ANSWER


@given(st.sampled_from([line for line in PIECES if line.strip() and not line.lstrip(" \xa0").startswith(">")]))
def test_a_text_of_one_line_is_never_emptied(line: str) -> None:
    assert split(line).new_text == line.strip()
    assert split(f"\n\n{line}\n\n").new_text == line.strip()


@given(MAILS, st.dictionaries(st.integers(0, 20), st.sampled_from(Kind)))
def test_nothing_is_lost_whatever_the_page_says_of_itself(text: str, known: dict[int, Kind]) -> None:
    cut = split(text, known)
    assert sorted(f"{cut.new_text} {cut.quoted_text} {cut.signature}".split()) == sorted(text.split())


# ---- Nothing runs away -----------------------------------------------------------------------------------------------

PATTERNS = {name: value for name, value in vars(clients).items() if isinstance(value, re.Pattern)}
MOST_REPEATED = clients.LINE_CHARS


def repetitions(tree: Any, within: int = 0) -> Iterator[tuple[int, int]]:
    """(most times, how many wide repetitions it stands in) of each repetition of a pattern."""
    for operation, argument in tree:
        if operation in (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT):
            most = int(argument[1])
            yield most, within
            yield from repetitions(argument[2], within + (most >= 10))
        elif operation is _constants.BRANCH:
            for branch in argument[1]:
                yield from repetitions(branch, within)
        elif operation is _constants.SUBPATTERN:
            yield from repetitions(argument[3], within)
        elif operation in (_constants.ASSERT, _constants.ASSERT_NOT):
            yield from repetitions(argument[1], within)


@pytest.mark.parametrize("name", PATTERNS)
def test_no_pattern_of_the_trimmer_can_run_away(name: str) -> None:
    # given a pattern of the module, taken apart
    found = list(repetitions(_parser.parse(PATTERNS[name].pattern, PATTERNS[name].flags)))
    # then every repetition has a bound, and no wide one stands within a wide one
    assert all(most <= MOST_REPEATED for most, _ in found), [most for most, _ in found]
    assert all(within == 0 for most, within in found if most >= 10)


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called: a measure of work that no other program on the machine can change."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


LINES_OVER = ["> a", "> a\nb:", "Ada wrote:", "On 3 Mar 2025, Ada <a@b.test> wrote:", "On 3 Mar 2025, Ada", "From: a", "--", "_" * 40,
    "Sent from my phone", "Best regards,\nBen", "| a", "AB> a", "---\n> a", "<x", "> wrote:", "a:", "::", "", " ", "Reply above this line x",
    "This message is confidential", "+49 30 123456\nBen"]  # fmt: skip


@pytest.mark.parametrize("line", LINES_OVER)
def test_the_work_grows_with_the_text_and_not_with_its_square(line: str) -> None:
    # given the same lines 400 times and 1,600 times
    small, large = (f"{line}\nword\n" * count for count in (400, 1_600))
    # when they are taken apart, then four times the text is about four times the work: sixteen would be the square
    assert calls_of(lambda: split(large)) < 6 * calls_of(lambda: split(small)) + 1_000


def test_of_a_long_line_only_the_beginning_is_looked_at() -> None:
    small, large = (f"Yes.\n\nOn 3 Mar 2025, {'Ada ' * count}\nwrote:\n> a" for count in (200, 200_000))
    assert calls_of(lambda: split(large)) == calls_of(lambda: split(small))
