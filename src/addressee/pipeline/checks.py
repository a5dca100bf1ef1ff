"""Is everything well? One function a check, each with its cause and its cure. Asked by `check` and the health page."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from urllib.parse import urlsplit

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max

from addressee.audit.models import Entry
from addressee.core import trace_headers
from addressee.core.headers import scan
from addressee.core.setup import Setup
from addressee.host import listening, scanner
from addressee.host.clock import now
from addressee.host.home import HomeUnusable, home
from addressee.mail import outbox, spool
from addressee.mail.models import Delivery, OutboxItem
from addressee.pipeline import contents
from addressee.pipeline.deliver import NoWay, open_sender, way_out
from addressee.pipeline.places import split_place
from addressee.pipeline.worker import ALIVE_SECONDS, seconds_since_life
from addressee.records import files
from addressee.records.chain import broken
from addressee.records.models import Revision
from addressee.setup import store

FREE_BYTES = 500 * 1024 * 1024
PATIENCE = timedelta(minutes=2)  # mail that waits longer is told
CLOCK_SLACK = timedelta(minutes=5)
LOOKED_AT = 1000  # revisions, newest first
CONTENTS = 2000  # raw messages and attachments, newest first of each
MAILS = 20  # messages that our own mail server handed over last
CHAINS = 100  # records changed last
CONNECT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. `ok` with a cause is a remark: nothing is broken, but the operator should know."""

    name: str
    ok: bool
    cause: str = ""
    cure: str = ""


def run(whole: bool = False, told: Callable[[int], None] = lambda count: None) -> Iterator[Check]:
    """Every check in turn; without a database the others can't be asked.

    whole  look for every content that a row names, not for the newest only; `told` gets how many were looked for
    """
    first = _asked("database", _database)
    yield first
    if not first.ok:
        return
    setup = store.current()
    checks: dict[str, Callable[[], Check | None]] = {
        "files": _files,
        "contents": lambda: _contents(None if whole else CONTENTS, told),
        "disk": _disk,
        "clock": _clock,
        "worker": _worker,
        "listeners": _listeners,
        "accounts": lambda: _accounts(setup),
        "dns": lambda: _names(setup),
        "outbox": _outbox,
        "ledger": _ledger,
        "audit": _audit,
        "policy": lambda: _policy(setup),
        "border": lambda: _border(setup),
    }
    if setup.site.scanner:
        checks["scanner"] = lambda: _scanner(setup)
    for name, check in checks.items():
        yield _asked(name, check)


def _asked(name: str, check: Callable[[], Check | None]) -> Check:
    try:
        return check() or Check(name, True)
    except (DatabaseError, InterfaceError) as error:
        return Check(
            name, False, f"The database does not answer: {error}", "See ADDRESSEE_DATABASE_URL and its server."
        )
    except (OSError, HomeUnusable) as error:
        return Check(name, False, str(error), "See that the home can be read and written by this user.")


def _scanner(setup: Setup) -> Check | None:
    try:
        scanner.ping(setup.site.scanner)
    except scanner.ScannerAway as error:
        cause = f"The virus scanner does not answer ({error}), so mail with files waits."
        return Check("scanner", False, cause, "Start clamd, or take site.scanner out of the setup.")
    return None


def _database() -> Check | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        if connection.vendor != "sqlite":
            return None
        cursor.execute("PRAGMA journal_mode")
        mode = cursor.fetchone()[0]
    if mode == "wal":
        return None
    return Check(
        "database",
        False,
        f"SQLite's journal is {mode!r}, not WAL: readers and the writer get in each other's way.",
        "Keep the home on a local disk; network file systems can't do it.",
    )


def _files() -> Check | None:
    root = files.root()
    with tempfile.TemporaryFile(dir=root) as probe:
        probe.write(b"x")
        probe.flush()
        os.fsync(probe.fileno())
    return None


def _contents(most: int | None, told: Callable[[int], None]) -> Check | None:
    gone = contents.missing(most, told)
    if not gone:
        return None
    return Check(
        "contents",
        False,
        f"{len(gone)} raw messages or attachments are not in the file store, or cut: {', '.join(gone[:3])}.",
        "Put them back from a backup; the names are their SHA-256.",
    )


def _border(setup: Setup) -> Check | None:
    """Does our own mail server stamp what comes in? Without its stamp a forged one is above every header (DESIGN 4)."""
    ids = {name.lower() for name in setup.site.authserv_ids}
    newest = Delivery.objects.select_related("raw").order_by("-pk")[:MAILS] if ids else []
    handed = [row for row in newest if row.envelope.get("transport") in ("lmtp", "receive")]
    if not handed or any(_is_stamped(spool.raw_bytes(row), ids) for row in handed):
        return None
    return Check(
        "border",
        True,
        f"None of the last {len(handed)} messages bears a Received or Authentication-Results of "
        f"{', '.join(sorted(ids))}: whoever writes such a line himself would be believed.",
        "Have the mail server in front stamp its mail and drop forged stamps, or mend authserv_ids.",
    )


def _is_stamped(raw: bytes, ids: set[str]) -> bool:
    headers, _ = scan(raw, 0, len(raw))
    results = (each.authserv_id.lower() for each in trace_headers.authentication(headers))
    return any(each.by in ids for each in trace_headers.received(headers)) or any(name in ids for name in results)


def _disk() -> Check | None:
    for place in {home(), files.root()}:
        free = shutil.disk_usage(place).free
        if free < FREE_BYTES:
            return Check(
                "disk",
                False,
                f"{free // 1024**2} MB are free at {place}; without room mail is refused for now.",
                "Make room, or move the home.",
            )
    return None


def _clock() -> Check | None:
    newest = Delivery.objects.aggregate(at=Max("received_at"))["at"]
    if newest is None or newest <= now() + CLOCK_SLACK:
        return None
    return Check(
        "clock",
        False,
        f"The newest message came at {newest:%Y-%m-%d %H:%M} UTC, and now it is {now():%Y-%m-%d %H:%M}.",
        "Set the machine's clock, and let a time service keep it.",
    )


def _worker() -> Check | None:
    silent = seconds_since_life()
    waiting = Delivery.objects.filter(due_at__lte=now() - PATIENCE).count()
    if silent is not None and silent <= ALIVE_SECONDS:
        if not waiting:
            return None
        return Check("worker", True, f"{waiting} deliveries wait longer than they should.", "See `addressee ledger`.")
    cause = "No worker runs" if silent is None else f"The worker gave no sign of life for {silent:.0f} s"
    cure = "Start `addressee serve`, `addressee worker`, or `addressee work` once."
    if silent is None and not waiting:
        return Check("worker", True, f"{cause}; nothing waits.", cure)
    return Check("worker", False, f"{cause}; {waiting} deliveries wait.", cure)


def _listeners() -> Check | None:
    noted = listening.noted()
    if not noted:
        return Check(
            "listeners", True, "No listener runs in this home.", "Start `addressee serve` to take mail by SMTP."
        )
    silent = []
    for part, place in noted.items():
        try:
            socket.create_connection(split_place(place), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            silent.append(f"{part} at {place} ({error.strerror or error})")
    if not silent:
        return None
    return Check("listeners", False, f"No answer from {', '.join(silent)}.", "Start `addressee serve` again.")


def _ways_out(setup: Setup) -> Iterator[tuple[str, str | NoWay]]:
    """(account, its URL or why there is none), for mail without account ("") and each account with a server."""
    for key in ["", *(key for key, account in setup.accounts.items() if account.smtp)]:
        try:
            url = way_out(key, setup, os.environ.get("ADDRESSEE_SMTP_URL", ""), os.environ)
            open_sender(url, setup.site.domain)
        except NoWay as error:
            yield key, error
        else:
            yield key, url


def _accounts(setup: Setup) -> Check | None:
    for account, way in _ways_out(setup):
        if isinstance(way, NoWay):
            waits = OutboxItem.objects.filter(due_at__isnull=False).exists()
            broken = bool(account) or waits or bool(os.environ.get("ADDRESSEE_SMTP_URL"))
            return Check("accounts", not broken, str(way), "Until then its mail waits in the outbox.")
    return None


def _names(setup: Setup) -> Check | None:
    """Are the servers that mail leaves by known to DNS?"""
    for account, way in _ways_out(setup):
        host = "" if isinstance(way, NoWay) else urlsplit(way).hostname
        if not host:
            continue
        try:
            socket.getaddrinfo(host, None)
        except OSError as error:
            whose = f"of account {account}" if account else "of ADDRESSEE_SMTP_URL"
            return Check(
                "dns",
                False,
                f"The server {host} {whose} is not known: {error.strerror or error}.",
                "Mend the name, or the machine's resolver.",
            )
    return None


def _outbox() -> Check | None:
    since = now() - timedelta(days=1)
    failed = OutboxItem.objects.filter(state="failed", created_at__gte=since).count()
    late = OutboxItem.objects.filter(due_at__lte=now() - PATIENCE).order_by("due_at").first()
    if late is not None:
        why = late.last_error or "No worker takes it."
        count = sum(count for _, count in outbox.left_over(now()))
        return Check(
            "outbox",
            False,
            f"{count} messages wait to be sent, the first to {late.to} since {late.due_at:%Y-%m-%d %H:%M} UTC. {why}",
            "Start `addressee serve`, or `addressee deliver` once; `addressee outbox` tells more.",
        )
    if failed:
        return Check("outbox", True, f"{failed} messages of the last day could not be sent.", "See `addressee outbox`.")
    return None


def _ledger() -> Check | None:
    counts = spool.ledger()
    if counts["adds_up"]:
        return None
    told = ", ".join(f"{name} {count}" for name, count in counts.items() if name != "adds_up")
    return Check("ledger", False, f"The counts do not add up: {told}.", "Keep the home as it is and report it.")


def _audit() -> Check | None:
    """Do the newest revisions stand in the audit trail, and does each record's chain of hashes hold?"""
    hashes = set(Revision.objects.order_by("-pk").values_list("hash", flat=True)[:LOOKED_AT])
    known = set(Entry.objects.filter(revision_hash__in=hashes).values_list("revision_hash", flat=True))
    cause = f"{len(hashes - known)} revisions have no audit entry" if hashes - known else _broken_chain()
    if not cause:
        return None
    cure = "Find out who writes to the database beside this program."
    return Check("audit", False, f"{cause}: rows were changed from outside.", cure)


def _broken_chain() -> str:
    records = set(Revision.objects.order_by("-pk").values_list("record_id", flat=True)[:CHAINS])
    revisions = Revision.objects.filter(record__in=records).order_by("record_id", "version")
    for record, chain in groupby(revisions.iterator(), key=lambda revision: revision.record_id):
        if versions := broken(list(chain)):
            return f"Revision {versions[0]} of record {record} is not what was written"
    return ""


def _policy(setup: Setup) -> Check | None:
    accounts = [key for key, account in setup.accounts.items() if account.policy == "open"]
    where = ["the site", *accounts] if setup.site.policy == "open" else accounts
    if not where:
        return None
    return Check(
        "policy",
        True,
        f"The policy is open for {', '.join(where)}: whoever forges a From line is believed.",
        'Say policy = "standard" in the setup.',
    )
