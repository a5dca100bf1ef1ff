"""Addressee as a contender: the spool and the worker as they run, in a home of their own.

python -m bench.ours HOME single|batch
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.mail import DESK, DOMAIN, Mail

_RECORD_ADDRESS = re.compile(rb"case\.(\d+)\.[a-z2-7]{16}@" + re.escape(DOMAIN).encode())
_UPDATE = re.compile(rb"^Subject: update\r$", re.MULTILINE)


class Desk:
    """A home with the benchmark's setup."""

    def __init__(self, home: Path, batch: int = 100) -> None:
        os.environ |= {"ADDRESSEE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "addressee.config.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        from addressee.host import clock
        from addressee.pipeline import worker
        from addressee.pipeline.apply import apply

        call_command("migrate", verbosity=0, skip_checks=True)
        applied = apply(Path(__file__).with_name("firm.toml").read_bytes(), now=clock.now())
        if applied.faults:
            raise RuntimeError(f"the setup of the benchmark was refused: {applied.faults}")
        worker.BATCH = batch
        self.worker = worker.Worker()

    def prepare(self, mails: Sequence[Mail]) -> None:
        """Accept the mails: durable, waiting."""
        from addressee.core.message import Envelope
        from addressee.host import clock
        from addressee.mail import spool

        given = readdressed(mails, self._addresses())
        envelope = Envelope("receive", trusted=True)
        spool.accept_many([spool.Incoming(envelope, (to,), raw) for to, raw in given], clock.now())

    def work(self) -> None:
        self.worker.work_until_idle()

    def told(self) -> dict[str, int]:
        from addressee.mail.models import Communication, Delivery, OutboxItem
        from addressee.records.models import Record

        waiting = Delivery.objects.exclude(disposition="accept").count()
        return {
            "records": Record.objects.count(),
            "messages": Communication.objects.filter(message__isnull=False).count(),
            "answers": OutboxItem.objects.count(),
            "not accepted": waiting,
        }

    def _addresses(self) -> dict[tuple[int, str], str]:
        """(record's number, author or "") -> the address of the record, as that author was told it."""
        from addressee.mail.models import OutboxItem
        from addressee.records.models import Record

        records: dict[Any, int] = dict(Record.objects.values_list("uuid", "number"))
        found = {(number, ""): f"case.{uuid}@{DOMAIN}" for uuid, number in records.items()}
        for record, to, content in OutboxItem.objects.values_list("record_id", "to", "content"):
            if record and content["reply_to"]:
                found[records[record], to] = content["reply_to"]
        return found


def readdressed(mails: Iterable[Mail], known: Mapping[tuple[int, str], str]) -> Iterator[tuple[str, bytes]]:
    """Recipient and bytes of each, with the addresses that people know; who knows none answers to the desk.

    known  (record's number, author or "") -> address
    """
    for mail in mails:
        if mail.makes_record:
            yield DESK, mail.raw
            continue
        to = known.get((mail.record, mail.author)) or known.get((mail.record, "")) or DESK
        raw = _RECORD_ADDRESS.sub(to.encode(), mail.raw, count=1)
        yield to, _UPDATE.sub(b"Subject: update CASE-%d\r" % mail.record, raw, count=1)


def fill(count: int, slice_of: int = 2000) -> None:
    """Make records as mail would: each with its revision, audit entry, index rows and correspondents."""
    from uuid import UUID, uuid5

    from django.db import transaction

    from addressee.core.values import Correspondent, RecordChange, RecordState
    from addressee.host import clock
    from addressee.records import writer
    from addressee.setup import store

    setup, now = store.current(), clock.now()
    for start in range(1, count + 1, slice_of):
        changes, bound = [], {}
        for number in range(start, min(start + slice_of, count + 1)):
            uuid = str(uuid5(UUID(int=7), str(number)))
            entry = {"at": now.isoformat(), "actor": "portal", "text": f"What came of case {number}. " * 20}
            values = {"name": f"Case {number}", "status": "open", "priority": "normal", "log": [entry]}
            state = RecordState(
                uuid=uuid, table="case", title=values["name"], values=values, number=number, created_at=now
            )
            changes.append(writer.Written(RecordChange("create", "case", uuid, {}, values, state), now))
            bound[uuid, f"customer{number}@acme.test"] = Correspondent(wrote_first=True, wrote=True)
        with transaction.atomic():
            writer.write(changes, setup, correspondents=bound)


if __name__ == "__main__":
    from bench.contender import answer

    desk = Desk(Path(sys.argv[1]), batch=1 if sys.argv[2] == "single" else 100)
    if len(sys.argv) > 3:
        fill(int(sys.argv[3]))
    answer(desk)
    from addressee.pipeline import reading

    if reading._shared is not None:
        reading._shared.close()
