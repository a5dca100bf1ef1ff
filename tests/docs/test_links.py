"""Every link in the docs leads to something that is there."""

from __future__ import annotations

import re

import pytest

from tree import ROOT, tracked_files

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PAGES = [path for path in tracked_files() if path.suffix == ".md"]


def anchors(text: str) -> set[str]:
    """The anchors that a Markdown page's headings make."""
    headings = re.findall(r"^#+ +(.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_resolves(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    dangling = []
    for target in LINK.findall(FENCE.sub("", text)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            dangling.append(target)
    assert not dangling


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/measured.md"])
def test_the_pages_a_reader_looks_for_are_there(page):
    assert len((ROOT / page).read_text(encoding="utf-8")) > 100


def test_decisions_are_numbered_without_gaps_and_fit_on_one_page():
    decisions = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    for path in decisions:
        assert f"({path.name})" in listed, path
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 60, path


def test_every_library_we_ask_for_is_explained():
    explained = (ROOT / "docs/decisions/0002-dependencies.md").read_text(encoding="utf-8").lower()
    asked = [
        re.split(r"[=\[<>]", line)[0].strip().lower()
        for name in ("core", "dev", "build", "uv")
        for line in (ROOT / f"requirements/{name}.in").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith(("#", "-r"))
    ]
    assert len(asked) > 20
    assert not [name for name in asked if f"| {name} |" not in explained]
