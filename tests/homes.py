"""Homes for tests that run the real `addressee` command: each its own folder, and on PostgreSQL its own database."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_numbers = itertools.count(1)


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

    def run(self, *args: str, stdin: bytes = b"", env: dict[str, str] | None = None, **more) -> Ran:
        """Run one command of `addressee` in this home and wait for it."""
        done = subprocess.run(
            self.command(*args), input=stdin, capture_output=True, timeout=120, env=self.environment(env), **more
        )
        return Ran(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def start(self, *args: str, env: dict[str, str] | None = None, **more) -> subprocess.Popen:
        """Start one command and leave it running; the caller ends it."""
        return subprocess.Popen(self.command(*args), env=self.environment(env), **more)

    def environment(self, more: dict[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "ADDRESSEE_HOME": str(self.folder), "ADDRESSEE_TEST": "1", **self.env, **(more or {})}

    def copy(self, folder: Path) -> Home:
        """The same home again, nothing shared: what a test may spoil."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("wake"))
        return Home(folder, _database(self.env.get("ADDRESSEE_DATABASE_URL")))


def make(folder: Path, setup: Path) -> Home:
    """A home with a setup applied."""
    folder.mkdir(parents=True)
    home = Home(folder, _database(None))
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
