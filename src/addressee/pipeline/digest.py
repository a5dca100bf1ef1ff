"""Sends the digests that are due: gathered notices become one message each. Run by the worker and by deliver.

One transaction: the message is in the outbox and its notices are noted as told, or neither; after a crash they wait
as before. On PostgreSQL a lock for each address keeps two workers from telling the same notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from addressee.core.digest import Told, digest, readable
from addressee.core.outgoing import compose
from addressee.core.setup import Setup
from addressee.core.values import OutboxDraft, Snapshot, Wanted
from addressee.host import clock
from addressee.host.checkpoints import reached
from addressee.mail import notices, outbox, threads
from addressee.mail.models import GatheredNotice
from addressee.pipeline import process
from addressee.records import snapshot as records


def send_what_is_due(setup: Setup) -> int:
    """Put a digest into the outbox for everybody whose time has come; how many. One statement where there is none."""
    now = clock.now()
    to = notices.due(now, setup.option("notices_per_hour"))
    if not to:
        return 0
    with transaction.atomic():
        process.lock(sorted(f"digest {each}" for each in to))
        rows = notices.waiting(to)  # read under the lock: another worker may have told them meanwhile
        drafts = _drafts(rows, setup, now)
        outbox.write([(draft, None) for draft, _ in drafts], setup, now)
        reached("written")
        for draft, told in drafts:
            notices.done(told, now, compose(draft, setup, "").message_id)
        left = {row.pk for row in rows} - {row.pk for _, told in drafts for row in told}
        notices.done([row for row in rows if row.pk in left], now)  # nothing of these may be told to him any more
    return len(drafts)


def _drafts(
    rows: Sequence[GatheredNotice], setup: Setup, now: datetime
) -> list[tuple[OutboxDraft, list[GatheredNotice]]]:
    """Each message with the rows that it tells; whom nothing may be told any more gets none."""
    snapshot = _snapshot(rows, setup, now)
    drafts = []
    for to in dict.fromkeys(row.to for row in rows):
        own = {row.pk: row for row in rows if row.to == to}
        person = snapshot.persons.get(next(iter(own.values())).person)
        told = readable(person, to, [_told(row) for row in own.values()], snapshot, setup) if person else []
        if person is not None and told:
            drafts.append((digest(person, to, told, snapshot, setup), [own[each.id] for each in told]))
    return drafts


def _snapshot(rows: Sequence[GatheredNotice], setup: Setup, now: datetime) -> Snapshot:
    snapshot = Snapshot(now)
    wanted = Wanted(uuids={str(row.communication.record_id) for row in rows}, person_keys={row.person for row in rows})
    records.fill(snapshot, wanted, setup)
    process.fill_persons(snapshot, wanted, setup)
    threads.fill_recipients(snapshot, ())
    return snapshot


def _told(row: GatheredNotice) -> Told:
    post = row.communication
    message = post.message
    return Told(
        id=row.pk,
        record=str(post.record_id),
        account=row.account,
        at=post.at,
        author=(message.author_name if message else "") or post.author,
        subject=message.subject if message else "",
        text=post.text,
        unverified=post.unverified,
    )
