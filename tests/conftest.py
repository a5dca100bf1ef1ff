"""What every test run needs before the first test: a home of its own, and the settings. Loaded by pytest.

ADDRESSEE_DATABASE_URL chooses the database (tests/postgres.py sets it); without it the tests run on SQLite.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

import django
import pytest
from hypothesis import HealthCheck, settings

# One home a process, so that workers of pytest-xdist share nothing. It must stand before the settings are
# read, so it is made here and not in a fixture.
_HOME = tempfile.mkdtemp(prefix="addressee-test-")
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
os.environ["ADDRESSEE_HOME"] = _HOME
os.environ["ADDRESSEE_TEST"] = "1"  # DESIGN section 5: allows ADDRESSEE_NOW and ADDRESSEE_FAULT
for _name in (
    "ADDRESSEE_NOW",
    "ADDRESSEE_FAULT",
    "ADDRESSEE_SMTP_URL",
    "ADDRESSEE_FILES_URL",
    "ADDRESSEE_KEY_FILE",
):
    os.environ.pop(_name, None)  # nothing of the caller's own installation leaks in
os.environ["DJANGO_SETTINGS_MODULE"] = "addressee.config.settings"
django.setup()  # pytest-django looked for the settings before this file named them

# The same examples on every run, and no deadline: this machine may be busy, times belong to the benchmark.
settings.register_profile(
    "house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("house")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite tests in a file, as it runs for real: WAL, FULL and BEGIN IMMEDIATE mean nothing in memory."""
    from django.db import connection

    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = f"{_HOME}/test.sqlite3"


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A suite is chosen by its folder, never skipped: a skipped or excused test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    missed = [report for kind in ("skipped", "xfailed") for report in reporter.stats.get(kind, [])]
    reporter.ensure_newline()
    for report in missed:
        reporter.write_line(f"NOT RUN: {report.nodeid}: {report.longrepr}", red=True)
    if missed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
