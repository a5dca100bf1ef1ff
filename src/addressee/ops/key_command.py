"""`addressee key PERSON`: make an API key and print it once, or end the keys a person has."""

from __future__ import annotations

import argparse
import json
import sys

from addressee.ops.main import NO_INPUT

HELP = "Make an API key (Authorization: Bearer) with a person's rights. It is printed once: only its hash is kept."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person", metavar="PERSON", help="a person's key or address")
    parser.add_argument("--revoke", action="store_true", help="end every key of the person instead")
    parser.add_argument("--json", action="store_true", help="print {person, key}, or {person, revoked}")


def run(args: argparse.Namespace) -> int:
    from addressee.audit import entries
    from addressee.host.clock import now
    from addressee.ops.person_argument import find_person
    from addressee.people.sign_in import make_key, revoke_keys

    person = find_person("key", args.person)
    if person is None:
        return NO_INPUT
    at = now()
    if args.revoke:
        count = revoke_keys(person, at)
        entries.write("key-revoked", [{"person": person.key, "keys": count}], at=at, actor="operator")
        if args.json:
            sys.stdout.write(json.dumps({"person": person.key, "revoked": count}) + "\n")
        else:
            sys.stderr.write(f"{count} key{'' if count == 1 else 's'} of {person.key} revoked.\n")
        return 0
    key = make_key(person, at)
    entries.write("key", [{"person": person.key}], at=at, actor="operator")
    if args.json:
        sys.stdout.write(json.dumps({"person": person.key, "key": key}) + "\n")
    else:
        sys.stdout.write(key + "\n")
        sys.stderr.write(f"This key has the rights of {person.key}. It is not shown again.\n")
    return 0
