"""What `addressee receive` does once its home is ready. Called by ops.receive_command."""

from __future__ import annotations

import argparse
import json
import sys

from django.db import DatabaseError, InterfaceError

from addressee.core.addresses import normal
from addressee.core.errors import TryAgainLater
from addressee.mail import spool
from addressee.mail.models import Delivery
from addressee.mail.threads import address_exists
from addressee.ops import outcome_text
from addressee.ops.progress import Progress
from addressee.pipeline import outcome
from addressee.pipeline.intake import How, Intake
from addressee.pipeline.mail_files import Found, Source, look, messages, single
from addressee.setup import store

NO_BYTES, NO_FILE, NO_ADDRESS, NOT_KEPT = 65, 66, 67, 75


def receive(args: argparse.Namespace) -> int:
    """0 every message kept, 65 one without any bytes, 66 no such file, 67 no address of ours, 75 not kept."""
    try:
        return _receive(args)
    except TryAgainLater as error:
        _say(
            f"not kept: {error.data.get('cause', error.slug)}. Try again later; what was kept before counts only once."
        )
    except (DatabaseError, InterfaceError) as error:
        _say(f"not kept, the database does not answer: {error}. Try again later.")
    return NOT_KEPT


def _receive(args: argparse.Namespace) -> int:
    setup = store.current()
    strangers = [address for address in args.recipient if not address_exists(address)]
    if strangers:
        _say(f"no address of ours: {', '.join(strangers)}. Nothing was kept.")
        return NO_ADDRESS
    try:
        sources = [look(name) for name in args.files]
    except OSError as error:
        _say(f"{error.filename}: {error.strerror}. Nothing was kept.")
        return NO_FILE
    recipients = tuple(dict.fromkeys(normal(address) or address for address in args.recipient))
    how = How(args.sender, recipients, args.queue_only, args.history)
    most_bytes = spool.most_bytes(setup, "receive")
    found = messages(sources, most_bytes) if sources else iter([_standard_input(most_bytes)])
    with Progress("messages", _total(sources)) as progress:
        intake = Intake(how, setup, told=progress.reach)
        try:
            for rows in intake.take(found):
                for row in rows:
                    _tell(row, as_json=args.json)
        except OSError as error:
            _say(f"{error.filename}: {error.strerror}. What lay before it was kept.")
            return NO_FILE
    return _verdict(intake, most_bytes)


def _standard_input(most_bytes: int) -> Found:
    return single(sys.stdin.buffer, "", most_bytes)


def _total(sources: list[Source]) -> int | None:
    counts = [source.count for source in sources]
    return None if None in counts else sum(count for count in counts if count)


def _tell(row: Delivery, *, as_json: bool) -> None:
    line = outcome.line(row)
    sys.stdout.write((json.dumps(line, ensure_ascii=False) if as_json else outcome_text.short(line)) + "\n")
    sys.stdout.flush()


def _verdict(intake: Intake, most_bytes: int) -> int:
    code = 0
    for refused in intake.refused:
        where = refused.file or "standard input"
        if refused.slug == "empty":
            _say(f"{where}: no bytes at all, so there is no message to keep.")
            code = code or NO_BYTES
        else:
            _say(f"{where}: over {most_bytes:,} bytes (four times the option message_size_bytes), so it was not kept.")
            code = NOT_KEPT
    return code


def _say(sentence: str) -> None:
    sys.stderr.write(f"addressee receive: {sentence}\n")
