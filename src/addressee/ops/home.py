"""Migrate the home's database when it is behind, one program at a time; refuse when it is ahead. Called by main."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader

from addressee.host.clock import now
from addressee.host.home import home
from addressee.records import files

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


def bring_up_to_date(*, takes_mail: bool) -> int:
    """0 when the schema is this program's; 75 when it is newer (upgrade the program) or busy; 78 when it can't open.

    takes_mail  what can't be kept now is offered again (law 1): 75 where a database server does not answer

    Raises HomeUnusable for a setting of the environment that can't be used.
    """
    now()
    files.check_url(os.environ.get("ADDRESSEE_FILES_URL", ""))
    try:
        state = _compare()
        if state == "behind":
            with _one_at_a_time():
                if _compare() == "behind":
                    call_command("migrate", verbosity=0, interactive=False)
            state = _compare()
    except DatabaseError as error:
        cause = " ".join(str(error).split()).rstrip(".?")
        if "locked" in cause:
            sys.stderr.write("addressee: another program holds the database. Try again later.\n")
            return TRY_AGAIN
        sys.stderr.write(f"addressee: the database can't be opened: {cause}. See ADDRESSEE_DATABASE_URL.\n")
        return TRY_AGAIN if takes_mail and connection.vendor == "postgresql" else CONFIG
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
