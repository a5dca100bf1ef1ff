"""`addressee raw`: the bytes of a stored message, as they came. Called by ops.main."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from base64 import b64encode

NO_ID = 66

HELP = "Write the bytes of a stored message to standard output, exactly as they arrived."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a spool id or a Message-ID")
    parser.add_argument("--json", action="store_true", help="an object with the bytes in base64 instead")


def run(args: argparse.Namespace) -> int:
    from addressee.mail import spool
    from addressee.records import files

    found = spool.find(args.id)
    if not found:
        sys.stderr.write(f"addressee raw: no message {args.id!r}. `addressee trace` and `addressee held` list ids.\n")
        return NO_ID
    raw = found[0].raw
    try:
        if args.json:
            content = spool.raw_bytes(found[0])
            line = {"spool_id": found[0].pk, "sha256": raw.sha256, "size_bytes": raw.size_bytes}
            sys.stdout.write(json.dumps({**line, "base64": b64encode(content).decode("ascii")}) + "\n")
        elif raw.bytes is not None:
            sys.stdout.buffer.write(raw.bytes)
        else:
            with files.open(raw.sha256) as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
    except FileNotFoundError:
        sys.stderr.write(f"addressee raw: the file store has lost {raw.sha256}. Restore it from a backup.\n")
        return NO_ID
    sys.stdout.flush()
    return 0
