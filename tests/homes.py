"""Homes for tests that run the real `addressee` command: each its own folder, and on PostgreSQL its own database."""

from __future__ import annotations

import atexit
import itertools
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_numbers = itertools.count(1)

# What every command loads and what does not ask for settings: those are read anew in each process.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "addressee.core.decide", "addressee.core.parse", "addressee.core.setup", "addressee.host.checkpoints",
        "addressee.ops.main", "addressee.pipeline.mail_files", "django.core.management", "django.db.models",
        "django.db.migrations.loader", "django.contrib.auth.hashers", "django.http", "django.template", "django.urls",
        "django.db.backends.sqlite3.base", "django.db.backends.postgresql.base", "pebble",
    ]
)  # fmt: skip


def _command(args: list[str], folder: str, env: dict[str, str], file_bytes: int) -> None:
    """In the forked process: become the command."""
    from addressee.ops.main import main

    os.environ.clear()
    os.environ.update(env)
    for handle, name, how in (
        (0, "in", os.O_RDONLY),
        (1, "out", os.O_WRONLY | os.O_CREAT),
        (2, "err", os.O_WRONLY | os.O_CREAT),
    ):
        opened = os.open(f"{folder}/{name}", how)
        os.dup2(opened, handle)
        os.close(opened)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    if file_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    try:
        code = main(args)
    except SystemExit as wrong_usage:
        code = wrong_usage.code
    sys.stdout.flush()
    sys.stderr.flush()
    atexit._run_exitfuncs()  # as at the end of Python; a process of multiprocessing leaves it out
    os._exit(code)


@dataclass
class Ran:
    """How a command ended."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[dict]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Home:
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "addressee.ops.main", *map(str, args)]

    def run(self, *args: str | Path, stdin: bytes = b"", env: dict[str, str] | None = None, file_bytes: int = 0) -> Ran:
        """Run one command of `addressee` in this home and wait for it.

        It is a process of its own, forked from one that has the libraries loaded: starting Python costs more than
        most commands. file_bytes: no file may grow larger, as if the disk were full.
        """
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            (place / "in").write_bytes(stdin)
            told = [str(each) for each in args]
            process = _FORKS.Process(target=_command, args=(told, folder, self.environment(env), file_bytes))
            process.start()
            process.join(120)
            code = process.exitcode
            if code is None:
                process.kill()
                raise AssertionError(f"addressee {told} did not end")
            return Ran(code, (place / "out").read_bytes(), (place / "err").read_text("utf-8", "replace"))

    def start(self, *args: str, env: dict[str, str] | None = None, **more) -> subprocess.Popen:
        """Start one command and leave it running; the caller ends it."""
        return subprocess.Popen(self.command(*args), env=self.environment(env), **more)

    def environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "ADDRESSEE_HOME": str(self.folder), "ADDRESSEE_TEST": "1", **self.env, **(more or {})}

    def copy(self, folder: Path) -> Home:
        """The same home again, nothing shared: what a test may spoil."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("wake"))
        return Home(folder, _database(self.env.get("ADDRESSEE_DATABASE_URL")))


def empty(folder: Path) -> Home:
    """A home in which nothing ever ran."""
    folder.mkdir(parents=True)
    return Home(folder, _database(None))


def make(folder: Path, setup: Path) -> Home:
    """A home with a setup applied."""
    home = empty(folder)
    done = home.run("apply", str(setup))
    assert done.code == 0, done.err
    return home


def _database(template: str | None) -> dict[str, str]:
    """On PostgreSQL a new database, empty or a copy of another; on SQLite the home has it."""
    server = os.environ.get("ADDRESSEE_DATABASE_URL")
    if not server:
        return {}
    import psycopg
    from psycopg import sql

    parts = urlsplit(server)
    name = f"home_{os.getpid()}_{next(_numbers)}"
    source = urlsplit(template).path.lstrip("/") if template else "template1"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(source))
        )
    return {"ADDRESSEE_DATABASE_URL": urlunsplit(parts._replace(path=f"/{name}"))}
