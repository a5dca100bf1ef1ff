"""What a message or a post of a page caused, read for undo: its revisions, and the mails that followed. Read-only.

Called by pipeline/process where a batch holds an `undo`, and by the pages and the command. A number of statements that
does not depend on how many are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Q

from addressee.core.contract import links_in
from addressee.core.setup import Setup
from addressee.core.undo import by_record
from addressee.core.values import Revised, Sent, Snapshot, Wanted
from addressee.core.wants import unique_keys
from addressee.mail.models import OutboxItem
from addressee.mail.peek import message_id_hash
from addressee.records import snapshot as records
from addressee.records.models import Revision

_RECEIPTS = ("receipt", "auto_reply")  # an answer to a notice means the author's own message, not that of the notice


def fill(snapshot: Snapshot, asked: Mapping[tuple[str, str], set[str]], setup: Setup) -> None:
    """Read what authors may mean by `undo` of a record: (record, author) -> the ids of the mails they answer,
    and the hashes of the tokens they use.

    record "": of no record; then an answer to the receipt alone says which
    """
    answered = {each for ids in asked.values() for each in ids}
    about = [UUID(record) for record, _ in asked if record]
    by_id = Q(message_id_hash__in=[message_id_hash(each) for each in sorted(answered)])
    rows = OutboxItem.objects.filter(by_id | Q(record__in=about, token_hash__in=sorted(answered)), kind__in=_RECEIPTS)
    for message_id, token, to, cause in rows.values_list("message_id", "token_hash", "to", "message"):
        if cause:
            snapshot.receipt_of[message_id, to] = snapshot.receipt_of[token, to] = cause
    own = Revision.objects.filter(record__in=about, message__gt="")
    authors = {author for _, author in asked}
    latest = own.filter(author__in=sorted(authors)).order_by("record", "version")
    for record, author, cause in latest.values_list("record_id", "author", "message"):
        snapshot.last_cause[str(record), author] = cause
    fill_causes(snapshot, {*snapshot.receipt_of.values(), *snapshot.last_cause.values()}, setup)


def fill_causes(snapshot: Snapshot, causes: Iterable[str], setup: Setup) -> None:
    """Read the revisions of these causes, the records as they stand, and the mails that went out."""
    wanted = sorted(set(causes))
    if not wanted:
        return
    most = setup.option("undo_changes")
    rows = Revision.objects.filter(message__in=wanted).order_by("pk")[: (most + 1) * len(wanted)]
    found: set[str] = set()
    for record, kind, pairs, cause in rows.values_list("record_id", "kind", "fields", "message"):
        found.add(str(record))
        snapshot.revised.setdefault(cause, []).append(Revised(str(record), kind, pairs))
    records.read_records(snapshot, found)
    records.read_linked(snapshot, found, setup)
    records.read_records(snapshot, _links_before(snapshot, wanted, setup))
    records.fill(snapshot, Wanted(unique=_unique(snapshot, wanted, setup)), setup)
    sent = OutboxItem.objects.filter(record__in=[UUID(record) for record in sorted(found)], message__in=wanted)
    for to, kind, at, cause in sent.order_by("pk").values_list("to", "kind", "sent_at", "message"):
        snapshot.sent.setdefault(cause, []).append(Sent(to, kind, at))


def _links_before(snapshot: Snapshot, causes: Iterable[str], setup: Setup) -> set[str]:
    """The records that were linked before: they are linked again, and told by name."""
    found: set[str] = set()
    for revision in (each for cause in causes for each in snapshot.revised.get(cause, ())):
        table = setup.tables[snapshot.records[revision.record].table]
        found |= links_in({name: pair.get("before") for name, pair in revision.fields.items()}, table)
    return found


def _unique(snapshot: Snapshot, causes: Iterable[str], setup: Setup) -> set[tuple[str, str, str]]:
    """The keys of values that would come back: another record may have them now."""
    found: set[tuple[str, str, str]] = set()
    for cause in causes:
        for uuid, own in by_record(snapshot.revised.get(cause, ())).items():
            record = snapshot.records[uuid]
            found |= unique_keys(record.table, record.values, setup)
            for revision in own:
                before = {name: pair.get("before") for name, pair in revision.fields.items()}
                found |= unique_keys(record.table, before, setup)
    return found
