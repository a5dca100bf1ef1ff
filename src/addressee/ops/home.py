"""Migrate the home's database when it is behind, one program at a time; refuse when it is ahead. Called by main."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader

from addressee.host.home import home

TRY_AGAIN, CONFIG = 75, 78


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """A lock file in the home; on PostgreSQL an advisory lock too, for homes on several machines."""
    with open(home() / "migrate.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if connection.vendor != "postgresql":
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(4180001)")
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(4180001)")


def bring_up_to_date() -> int:
    """0 when the schema is this program's; 75 when it is newer (upgrade the program); 78 when it can't be opened."""
    try:
        state = _compare()
        if state == "behind":
            with _one_at_a_time():
                if _compare() == "behind":
                    call_command("migrate", verbosity=0, interactive=False)
            state = _compare()
    except OperationalError as error:
        sys.stderr.write(f"addressee: the database can't be opened: {error}. See ADDRESSEE_DATABASE_URL.\n")
        return CONFIG
    if state == "ahead":
        sys.stderr.write("addressee: the database was written by a newer program. Upgrade addressee.\n")
        return TRY_AGAIN
    return 0


def _compare() -> str:
    loader = MigrationLoader(connection)
    ours, applied = set(loader.disk_migrations), set(loader.applied_migrations)
    apps = {app for app, _ in ours}
    if any(app in apps for app, _ in applied - ours):
        return "ahead"
    return "behind" if ours - applied else "level"
