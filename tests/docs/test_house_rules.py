"""The house rules that no linter knows: names, first lines, who may write, what must not be in the tree."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import Counter
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tree import MODULES, ROOT, SOURCE, tracked_files

PURE_ROOMS = ("core", "fields", "actions", "rules", "languages")
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "misc",
    "manager",
    "managers",
    "service",
    "services",
}

# One outer loop each: it defers or reports, and keeps the message.
MAY_CATCH_EVERYTHING = [
    "pipeline/deliver.py",  # one message that cannot be sent holds back no other
    "pipeline/jobs.py",  # a job that fails is tried again, and shown
    "pipeline/jobs.py",  # a slice that fails is replayed one by one
    "pipeline/jobs.py",  # and one record that fails holds back no other
    "pipeline/process.py",  # a batch that fails is replayed one by one
    "pipeline/worker.py",  # the mail stays and is tried again
    "transports/policy.py",  # the mail server asks again later
]
# accept, and steps 5 to 7 of the walk; the rest of the list says why it is there.
MAY_OPEN_A_TRANSACTION = {
    "mail/spool.py",  # accept: raw bytes and deliveries, all or nothing
    "mail/claims.py",  # which deliveries a worker takes
    "pipeline/process.py",  # the walk: snapshot, decide, commit
    "pipeline/jobs.py",  # a step of a job: what it does, and how far it is
    "pipeline/upkeep.py",  # a slot and its task, both or neither
    "pipeline/request.py",  # the short way of a page: the same three steps
    "pipeline/explain.py",  # the walk, rolled back
    "pipeline/addresses.py",  # the short way: a record's addresses and the entry that tells who changed them
    "pipeline/digest.py",  # a digest and the notices that it tells, all or nothing
    "pipeline/apply.py",  # a setup file: items, people and audit, all or nothing
    "pipeline/reindex.py",  # index rows of old records, a slice at a time
    "pipeline/restate.py",  # titles of old records, a slice at a time
}
# Where each kind of row is written, and nowhere else (STYLE section 5).
WRITERS = {
    "Record": {"records/writer.py"},
    "Revision": {"records/writer.py"},
    "Entry": {"records/writer.py", "audit/entries.py"},
    "OutboxItem": {"mail/outbox.py"},
    "RecordAddress": {"records/writer.py"},
    "GatheredNotice": {"mail/notices.py"},
}
# A clock or dice in a pure room: both are arguments there.
IMPURE_CALLS = {"now", "utcnow", "today", "uuid1", "uuid4", "urandom", "open", "input"}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0]


def called_name(call: ast.Call) -> str:
    """The last part of what is called: `now` of `timezone.now()`."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def dotted(node: ast.expr) -> str:
    return ast.unparse(node)


def test_there_are_modules_to_judge():
    assert len(MODULES) > 5


def test_no_module_or_folder_has_a_name_that_says_nothing():
    named = {part.removesuffix(".py") for path in tracked_files() if path.suffix == ".py" for part in path.parts}
    assert not named & FORBIDDEN_NAMES


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_first_line_of_every_module_says_what_it_is(path):
    tree = parsed(path)
    if not tree.body or "migrations" in path.parts:
        return  # an empty __init__ has nothing to say, a migration is named by its file
    first_line = (ast.get_docstring(tree) or "").partition("\n")[0]
    assert len(first_line) > 15, f"{path}: the first line says what the module is and who calls it"
    assert first_line.endswith((".", "?", ":", ")")), f"{path}: the first line is a sentence"


def swallows_everything(node: ast.AST) -> bool:
    """An `except Exception` (or wider) that does not end by raising again: cleaning up and going on is no catch."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    wide = any(part is None or ast.unparse(part) in ("Exception", "BaseException") for part in caught)
    last = node.body[-1]
    return wide and not (isinstance(last, ast.Raise) and last.exc is None)


def test_only_the_outer_loops_catch_everything():
    found = Counter(
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        for node in ast.walk(parsed(path))
        if swallows_everything(node)
    )
    assert found == Counter(MAY_CATCH_EVERYTHING)


def test_nothing_prints():
    # ruff's T20 says so too; this one also sees a `noqa`
    prints = [f"{path}:{n.lineno}" for path in MODULES for n in ast.walk(parsed(path)) if is_call(n, "print")]
    assert not prints


def is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def test_no_suite_is_skipped_or_excused():
    marks = re.compile(r"mark\.(skip|skipif|xfail)\b|pytest\.(skip|xfail|importorskip)\(")
    excused = [
        f"{path}:{number}"
        for path in tracked_files()
        if path.suffix == ".py" and path.name != Path(__file__).name
        for number, line in enumerate((ROOT / path).read_text(encoding="utf-8").splitlines(), start=1)
        if marks.search(line)
    ]
    assert not excused


def test_a_transaction_is_opened_only_where_the_walk_needs_one():
    opened = {
        path.relative_to(SOURCE).as_posix()
        for path in MODULES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr == "atomic"
    }
    assert opened <= MAY_OPEN_A_TRANSACTION


def test_each_kind_of_row_is_written_in_one_place():
    writes = {"create", "bulk_create", "update", "bulk_update", "get_or_create", "update_or_create", "delete"}
    strays = []
    for path in MODULES:
        name = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(parsed(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in writes):
                continue
            model = dotted(node.func).partition(".objects")[0].rpartition(".")[2]
            if ".objects" in dotted(node.func) and model in WRITERS and name not in WRITERS[model]:
                strays.append(f"{name}:{node.lineno} writes {model}")
    assert not strays


def test_no_signals_and_no_save_overrides():
    strays = []
    for path in MODULES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("django.db.models.signals"):
                strays.append(f"{path}:{node.lineno} imports signals")
            if isinstance(node, ast.FunctionDef) and node.name == "save" and path.name == "models.py":
                strays.append(f"{path}:{node.lineno} overrides save")
    assert not strays


def test_pure_rooms_import_only_the_standard_library_and_the_listed_libraries():
    # which parts of the standard library: the import contract `pure` in pyproject.toml
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    allowed = set(settings["tool"]["addressee"]["pure_libraries"]) | set(sys.stdlib_module_names) | {"addressee"}
    strays = []
    for path in MODULES:
        if room_of(path) not in PURE_ROOMS:
            continue
        for node in ast.walk(parsed(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            strays += [f"{path}:{node.lineno} {name}" for name in names if name.partition(".")[0] not in allowed]
    assert not strays


def normal(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def test_every_library_imported_is_asked_for_by_name():
    # what another library happens to bring may be gone with its next version
    asked = (ROOT / "requirements" / "core.in").read_text(encoding="utf-8").splitlines()
    names = {normal(re.split(r"[=\[<>]", line)[0]) for line in asked}
    brought_by = packages_distributions()
    strays = []
    for path in MODULES:
        for node in ast.walk(parsed(path)):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported = [node.module or ""]
            for top in {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names) - {"addressee"}:
                if not names & {normal(name) for name in brought_by.get(top, [])}:
                    strays.append(f"{path}:{node.lineno} {top}")
    assert not strays


def test_every_library_asked_for_is_used():
    # Django loads psycopg, and Python tzdata, by name and unseen
    asked = (ROOT / "requirements" / "core.in").read_text(encoding="utf-8").splitlines()
    names = {normal(re.split(r"[=\[<>]", line)[0]) for line in asked} - {"psycopg", "tzdata"}
    modules = {top: {normal(name) for name in brought} for top, brought in packages_distributions().items()}
    source = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    imported = re.compile(
        r"^ *(?:import|from) (\w+)|\"(\w+)[\".]", re.MULTILINE
    )  # or named as a string, as in settings
    tops = {top for pair in imported.findall(source) for top in pair}
    used = {name for top, brought in modules.items() if top in tops for name in brought}
    assert not names - used


def test_pure_rooms_are_given_the_time_and_every_random_id():
    strays = [
        f"{path}:{node.lineno} {dotted(node.func)}()"
        for path in MODULES
        if room_of(path) in PURE_ROOMS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and called_name(node) in IMPURE_CALLS
    ]
    assert not strays


def test_every_smtp_reply_agrees_with_itself_and_with_its_class():
    # RFC 3463 2: the first digit of both codes is the class; 4 = try again, 5 = give up
    from addressee.core import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 3
    for kind in kinds:
        basic, enhanced = kind.reply.split()
        assert basic[0] == enhanced[0], kind
        assert (basic[0] == "5") == issubclass(kind, errors.Refused), kind


def test_every_reason_has_a_sentence_and_no_two_have_the_same():
    from addressee.core.reasons import SENTENCES, Reason

    assert set(SENTENCES) == set(Reason)
    assert len(set(SENTENCES.values())) == len(Reason)
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in SENTENCES.values())


def test_no_package_index_no_machine_path_and_no_uv_lock_in_the_tree():
    # built from pieces, so that this file does not find itself
    index_hosts = ["pypi" + ".org", "python" + "hosted", "index" + "-url http", "find" + "-links", "/sim" + "ple"]
    machine_paths = ["/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/", "/opt" + "/", ".py" + "env"]
    strays = []
    for path in tracked_files():
        assert path.name != "uv" + ".lock", "uv.lock holds index hosts: requirements/*.txt are the pins"
        text = (ROOT / path).read_bytes().decode("utf-8", "replace")
        strays += [f"{path}: {word}" for word in index_hosts + machine_paths if word in text]
    assert not strays


def test_every_pin_has_a_hash():
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert [lock.stem for lock in locks] == ["build", "core", "dev", "uv"]
    for lock in locks:
        text = lock.read_text(encoding="utf-8")
        pins = re.findall(r"^[A-Za-z0-9][\w.\[\],-]*==.*$", text, re.MULTILINE)
        assert pins, lock
        assert all(pin.endswith("\\") for pin in pins), f"{lock}: a pin without a hash"
        assert not re.findall(r"^--?\w", text, re.MULTILINE), f"{lock}: an option line"


def test_every_pile_of_tests_is_run_by_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    chosen = re.search(r"^CHOSEN := (.*)$", makefile, re.MULTILINE)[1].split()
    on_postgres = re.search(r"^ON_POSTGRES := (.*)$", makefile, re.MULTILINE)[1].split()
    # every folder is in `make test` unless it is chosen by a target of its own, which .ci/run calls
    assert chosen == ["tests/real", "tests/corpus"]
    for folder in chosen + on_postgres:
        assert list((ROOT / folder).glob("test_*.py")), f"{folder} holds no test"
    assert not list((ROOT / "tests").glob("test_*.py")), "a test stands in no pile"


def test_every_test_file_has_a_name_of_its_own_and_says_whose_conftest_it_means():
    # pytest imports both by their bare name, so the second of two would be the first
    files = sorted((ROOT / "tests").rglob("*.py"))
    named = Counter(path.name for path in files if path.name.startswith("test_"))
    assert not [name for name, count in named.items() if count > 1]
    bare = "from conf" + "test import"
    assert not [path for path in files if bare in path.read_text(encoding="utf-8")]
