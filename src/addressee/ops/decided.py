"""ID arguments and answers of the commands by which a person decides about a held message."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from addressee.core.errors import AddresseeError
from addressee.ops import outcome_text
from addressee.ops.main import NO_INPUT

if TYPE_CHECKING:
    from addressee.mail.models import Delivery


def add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="a spool id or a Message-ID, with or without brackets")
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery")


def each(command: str, args: argparse.Namespace, act: Callable[[Delivery], dict[str, Any]], *, held: bool) -> int:
    """Act on every delivery that the ID names (of those that are held, if `held`), and tell each outcome."""
    from addressee.mail import spool
    from addressee.pipeline.request import NotFound, NotHeld, NothingToUndo

    found = spool.find(args.id)
    if not found:
        return _say(command, f"no message {args.id!r}. `addressee held` lists what waits.")
    waiting = [row for row in found if row.disposition == "hold"] if held else found
    if not waiting:
        return _say(command, f"{args.id} is not held: it was settled as {found[0].disposition or 'waiting'}.")
    try:
        for row in waiting:
            line = act(row)
            sys.stdout.write((json.dumps(line, ensure_ascii=False) if args.json else outcome_text.steps(line)) + "\n")
    except NotHeld:
        return _say(command, f"{args.id} is not held any more.")
    except NothingToUndo:
        return _say(command, f"{args.id} changed nothing that could be taken back.")
    except NotFound as error:
        return _say(
            command, f"there is no such table or record: {error.data.get('table') or error.data.get('record')}."
        )
    except AddresseeError as error:
        return _say(command, f"{error.slug}.")
    return 0


def _say(command: str, sentence: str) -> int:
    sys.stderr.write(f"addressee {command}: {sentence}\n")
    return NO_INPUT
