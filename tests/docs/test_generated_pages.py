"""The pages that `make docs` makes say what the code says today."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scripts.pages import PAGES, BadFragment, fragment
from tree import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_make_docs_would_write(name):
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs` and commit what it writes"


def test_every_command_tells_its_help_before_there_is_a_home(tmp_path):
    # given a machine on which nothing was set up: no home, no settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ADDRESSEE", "DJANGO"))}
    script = (
        "import importlib, argparse\n"
        "from addressee.ops.main import COMMANDS\n"
        "for name in COMMANDS:\n"
        "    parser = argparse.ArgumentParser(prog=name)\n"
        "    importlib.import_module(f'addressee.ops.{name}_command').add_arguments(parser)\n"
        "    assert parser.format_help()\n"
    )
    # when every command is asked for its help, then each has some, and none made a home for it
    told = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    assert not list(tmp_path.iterdir())


def test_a_change_without_its_kind_is_refused_with_the_form_expected(tmp_path):
    # given a fragment whose author forgot what kind of change it is
    path = tmp_path / "0001-x.md"
    path.write_text("files: src\nupgrade: none\n\nSomething.\n", encoding="utf-8")
    # when the changelog is made / then the message says what is wanted
    with pytest.raises(BadFragment, match="wants kind"):
        fragment(path)


def test_a_change_that_needs_work_says_so(tmp_path):
    path = tmp_path / "0001-x.md"
    path.write_text("kind: breaking\nfiles: src\nupgrade: run apply\n\nKeys are\nshorter.\n", encoding="utf-8")
    assert fragment(path) == ("breaking", "- Keys are shorter. *To upgrade:* run apply (src)\n")
