"""`addressee password PERSON`: set a password from stdin, or make one and print it."""

from __future__ import annotations

import argparse
import json
import sys

from addressee.ops.main import DATA, NO_INPUT

HELP = (
    "Set a person's password: the first line of stdin, or, where stdin is a terminal or empty, a new one, "
    "which is printed once. Sessions signed in with the old one end."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person", metavar="PERSON", help="a person's key or address")
    parser.add_argument("--json", action="store_true", help="print {person, password}; password null when it was given")


def run(args: argparse.Namespace) -> int:
    from addressee.audit import entries
    from addressee.host.clock import now
    from addressee.ops.person_argument import find_person
    from addressee.people.sign_in import PASSWORD_LENGTH_MOST, make_a_password, set_password

    person = find_person("password", args.person)
    if person is None:
        return NO_INPUT
    given = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if len(given) > PASSWORD_LENGTH_MOST:
        sys.stderr.write(f"addressee password: a password has at most {PASSWORD_LENGTH_MOST} characters.\n")
        return DATA
    password = given or make_a_password()
    set_password(person, password)
    entries.write("password", [{"person": person.key}], at=now(), actor="operator")
    if args.json:
        sys.stdout.write(json.dumps({"person": person.key, "password": None if given else password}) + "\n")
    elif given:
        sys.stderr.write(f"The password of {person.key} is set.\n")
    else:
        sys.stdout.write(password + "\n")
        sys.stderr.write(f"This is the new password of {person.key}. It is not shown again.\n")
    return 0
