"""What the demo keeps in its home: the firm's setup, the passwords it made, what it sent. Called by demo_command."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from addressee.audit import entries
from addressee.core.values import OPERATOR
from addressee.host.clock import now
from addressee.host.home import home
from addressee.ops.demo_mails import firm
from addressee.people import rows
from addressee.people.sign_in import make_a_password, set_password, verify_password
from addressee.pipeline.apply import apply
from addressee.setup import store
from addressee.setup.document import Document, read

PEOPLE = ("ada", "ben", "cleo")  # who sign in: the pages, and SMTP AUTH


class NotOurs(Exception):
    """The home can't be the demo's; the sentence says why and what to do."""


class Busy(Exception):
    """A demo of this home runs already; the sentence says so."""


@contextmanager
def alone() -> Iterator[None]:
    """One demo a home. Raises Busy."""
    with open(home() / "demo.lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(f"A demo of {shown(home())} is running. End it with Ctrl-C, or set ADDRESSEE_HOME.") from error
        yield


def move_in() -> int:
    """Apply the firm where there is no setup yet; how many tables, accounts and so on it has now, 0 if it stood.

    Raises NotOurs for a home or a database with another setup: sample mail has no business there.
    """
    site = _document()["site"]
    stands = store.current()
    if stands.version:
        if stands.site.domain != site["domain"]:
            raise NotOurs(
                f"{shown(home())} holds “{stands.site.name}”, and the demo's mail does not belong there. Give the demo "
                "a home of its own: ADDRESSEE_HOME=./demo (and, on PostgreSQL, an empty database)."
            )
        return 0
    return len(_applied(firm()))


def _document() -> Document:
    return read(firm()).document


def _applied(file: bytes) -> tuple[Any, ...]:
    outcome = apply(file, now=now())
    if outcome.faults:
        raise NotOurs("The demo's setup is refused: " + " ".join(fault.text("firm.toml") for fault in outcome.faults))
    return outcome.changes


def stand_at(url: str) -> None:
    """Let the links in mail lead to where the pages are now, unless someone gave the site an address of its own."""
    stands = store.current().site.url
    if stands != url and stands.startswith("http://127.0.0.1:"):
        _applied(f"[site]\nurl = {json.dumps(url)}\n".encode())


def outgoing() -> Path:
    """Where mail that leaves is laid down, one .eml a message: nothing leaves the machine."""
    return home() / "out"


def outgoing_url() -> str:
    return "file://" + quote(str(outgoing()))


# ---- what must be remembered ------------------------------------------------------------------------------


def _file() -> Path:
    return home() / "demo.json"


def _kept() -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return kept


def _keep(kept: dict[str, Any]) -> None:
    """Whole or not at all, and for the owner's eyes only: there are passwords in it."""
    fresh = _file().with_suffix(".part")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=2)
    fresh.replace(_file())


def passwords() -> dict[str, str]:
    """person -> password: made by the first run and the same in the next ones."""
    kept = _kept()
    if "passwords" not in kept:
        made = {key: make_a_password() for key in PEOPLE}
        _keep({**kept, "passwords": made})  # first: a crash after it sets them again
    said: dict[str, str] = _kept()["passwords"]
    for key, password in said.items():
        person = rows.find(key)
        if person is not None and not person.has_usable_password():
            set_password(person, password)
            entries.write("password", [{"person": key}], at=now(), actor=OPERATOR)
    return said


def is_right(person: str, password: str) -> bool:
    """Is it still the password, or did someone set another one?"""
    return verify_password(person, password) is not None


def refused() -> set[str]:
    """Samples that were refused in the session: they left no trace in the spool."""
    return set(_kept().get("refused", ()))


def note_refused(key: str) -> None:
    _keep({**_kept(), "refused": sorted({*refused(), key})})


def shown(path: Path) -> str:
    """A path as a person would type it from where he is."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
