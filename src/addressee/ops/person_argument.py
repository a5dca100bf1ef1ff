"""PERSON on a command line: a key or an address. Called by the password and key commands."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from addressee.people.models import Person


def find_person(command: str, text: str) -> Person | None:
    """The person who may sign in by this key or address; else None, and stderr says why."""
    from addressee.people import rows
    from addressee.people.sign_in import may_sign_in

    person = rows.find(text)
    if person is None:
        known = [name for one in rows.all_persons() if not one.guest for name in (one.key, *one.addresses)]
        near = get_close_matches(text.lower(), known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        sys.stderr.write(f"addressee {command}: there is no person {text!r}.{hint}\n")
    elif not may_sign_in(person):
        why = "a guest, whose rights strangers borrow, and" if person.guest else "inactive and"
        sys.stderr.write(f"addressee {command}: {person.key} is {why} may not sign in.\n")
        return None
    return person
