"""Laying a decision over the snapshot: what the next delivery of the batch sees of it. Pure; called by process."""

from __future__ import annotations

from dataclasses import replace

from addressee.core.attachments import pictures_of
from addressee.core.authorise import addresses_of
from addressee.core.fieldtype import fold
from addressee.core.message import Message
from addressee.core.registry import fields
from addressee.core.setup import Setup
from addressee.core.values import (
    Correspondent,
    Decision,
    Delivery,
    Disposition,
    KnownMessage,
    OutboxDraft,
    Past,
    RecordState,
    Revised,
    Snapshot,
    Visibility,
)

# What the limits of law 10 count: mail that a program writes, and that names what was held back before.
AUTOMATIC_KINDS = ("receipt", "auto_reply", "confirmation", "notification")
MOST_TOLD = 5  # earlier messages that `why` tells


def lay(decision: Decision, delivery: Delivery, snapshot: Snapshot, setup: Setup) -> None:
    """Make the snapshot what it will be when the decision is written, so that the next delivery sees it."""
    settled = decision.disposition in (Disposition.ACCEPT, Disposition.REJECT, Disposition.REDIRECT)
    message = delivery.message
    if decision.disposition is Disposition.HOLD and decision.target:
        snapshot.held.setdefault((message.identity, decision.target), decision.delivery)
    if settled and decision.target:
        snapshot.applied.setdefault((message.identity, decision.target), decision.delivery)
    _lay_confirmation(decision, snapshot)
    lay_effects(decision, snapshot, setup)
    for draft in decision.communications:
        if draft.message:
            # 0, as mail/threads reads it from the communication, which names no delivery
            snapshot.applied.setdefault((draft.message, f"record:{draft.record}"), 0)
    _lay_kept(message, snapshot)
    if decision.communications and message.message_id:
        _lay_message(decision, message.message_id, snapshot)
    _lay_cause(decision, message.identity, snapshot)
    _lay_past(decision, delivery, snapshot)
    author = decision.author or "(no author)"
    if decision.guest_create and decision.disposition is Disposition.ACCEPT:
        snapshot.count(author).creates_hour += 1
        snapshot.count("@" + author.rpartition("@")[2]).creates_hour += 1
    if decision.bad_token:
        snapshot.count(author).bad_tokens_hour += 1


def lay_effects(decision: Decision, snapshot: Snapshot, setup: Setup) -> None:
    """What a decision does to records and mail, whichever door it came by."""
    for change in decision.changes:
        _lay_change(change.state, change.kind, snapshot, setup)
    for (record, address), bound in decision.correspondents.items():
        _bind(snapshot, record, address, bound)
    for out in decision.outbox:
        _lay_outbox(out, snapshot)
    for address in decision.held_back:
        snapshot.count(address).held_back += 1
    snapshot.turns.update(decision.turns)
    snapshot.appointments.update((each.key, each) for each in decision.appointments)
    for (record, person), on in decision.following.items():
        others = set(snapshot.followers.get(record, ())) - {person}
        snapshot.followers[record] = tuple(sorted(others | {person} if on else others))
    lay_jobs(decision, snapshot)


def _lay_confirmation(decision: Decision, snapshot: Snapshot) -> None:
    """Its delivery waits no more: another code of it counts as little as the same one again."""
    if decision.confirms is None:
        return
    for code in list(snapshot.codes.values()):
        if code.delivery == decision.confirms.delivery:
            snapshot.codes[code.hash] = replace(code, used=code.hash == decision.confirms.code, waiting=False)


def lay_jobs(decision: Decision, snapshot: Snapshot) -> None:
    """What waits for an answer from now on, and what no longer does."""
    for job in decision.jobs:
        if job.waits_for and job.record:
            snapshot.waiting[job.record] = (*snapshot.waiting.get(job.record, ()), (job.uuid, job.waits_for))
    for record, waiting in list(snapshot.waiting.items()) if decision.wakes else ():
        snapshot.waiting[record] = tuple(each for each in waiting if each[0] not in decision.wakes)


def _lay_kept(message: Message, snapshot: Snapshot) -> None:
    """What is known of a message whatever became of it."""
    for picture in pictures_of(message):
        snapshot.pictures.setdefault(picture, set()).add(message.identity)
    if message.message_id:
        snapshot.same_id.setdefault(message.message_id, set()).add(message.identity)


def _lay_change(state: RecordState, kind: str, snapshot: Snapshot, setup: Setup) -> None:
    before = snapshot.records.get(state.uuid)
    snapshot.records[state.uuid] = state
    if kind == "create" and state.number is not None:
        snapshot.next_number[state.table] = state.number + 1
        snapshot.numbered[(state.table, state.number)] = state.uuid
    _lay_contact(before, state, snapshot, setup)
    _lay_title(before, state, snapshot)
    _lay_unique(before, state, snapshot, setup)
    for each, by in ((before, -1), (state, 1)):
        if each is not None and _is_open(each, setup):
            load = (each.table, each.assignee)
            snapshot.open_counts[load] = snapshot.open_counts.get(load, 0) + by


def _is_open(state: RecordState, setup: Setup) -> bool:
    """As records/lookup counts: assigned, standing, and in one of the workflow's open states."""
    workflow = setup.tables[state.table].workflow
    if workflow is None or not state.assignee or state.deleted:
        return False
    return fold(str(state.values.get(workflow.field) or "")) in {fold(each) for each in workflow.open}


def _lay_contact(before: RecordState | None, state: RecordState, snapshot: Snapshot, setup: Setup) -> None:
    if setup.tables[state.table].person is None:
        return
    for address in addresses_of(before, setup) if before is not None else ():
        holders = snapshot.contacts.get(address, [])
        if state.uuid in holders:
            holders.remove(state.uuid)
    for address in addresses_of(state, setup) if not state.deleted else ():
        holders = snapshot.contacts.setdefault(address, [])
        if state.uuid not in holders:
            holders.append(state.uuid)


def _lay_title(before: RecordState | None, state: RecordState, snapshot: Snapshot) -> None:
    if before is not None and before.title == state.title:
        return
    if before is not None and before.title:
        old = snapshot.named.get((state.table, fold(before.title)), [])
        if state.uuid in old:
            old.remove(state.uuid)
    if state.title:
        snapshot.named.setdefault((state.table, fold(state.title)), []).append(state.uuid)


def _lay_unique(before: RecordState | None, state: RecordState, snapshot: Snapshot, setup: Setup) -> None:
    for name, definition in setup.tables[state.table].live_fields.items():
        if definition.unique and (before is None or before.values.get(name) != state.values.get(name)):
            shelf = fields[definition.type]
            for key in shelf.keys(before.values.get(name)) if before is not None else ():
                if snapshot.unique.get((state.table, name, key)) == state.uuid:
                    del snapshot.unique[(state.table, name, key)]
            for key in shelf.keys(state.values.get(name)):
                snapshot.unique.setdefault((state.table, name, key), state.uuid)


def _lay_message(decision: Decision, message_id: str, snapshot: Snapshot) -> None:
    known = snapshot.messages.setdefault(message_id, [])
    for draft in decision.communications:
        known.append(KnownMessage(message_id, ours=False, records=(draft.record,)))
        if draft.visibility is Visibility.PUBLIC:
            snapshot.last_message[draft.record] = message_id


def _lay_cause(decision: Decision, cause: str, snapshot: Snapshot) -> None:
    """What an undo later in the batch finds."""
    for change in decision.changes:
        pairs = {name: {"before": change.before.get(name), "after": value} for name, value in change.after.items()}
        snapshot.revised.setdefault(cause, []).append(Revised(change.record, change.kind, pairs))
        if decision.author:
            snapshot.last_cause[change.record, decision.author] = cause


def _lay_past(decision: Decision, delivery: Delivery, snapshot: Snapshot) -> None:
    """What `why` tells later in the batch."""
    kind, _, record = decision.target.partition(":")
    if kind != "record" or not decision.author:
        return
    key = (record, decision.author)
    reason = decision.reason.value
    past = Past(delivery.received_at, delivery.message.subject, decision.disposition.value, reason, decision.trace)
    snapshot.told[key] = (past, *snapshot.told.get(key, ()))[:MOST_TOLD]


def _lay_outbox(out: OutboxDraft, snapshot: Snapshot) -> None:
    if out.kind == "webhook":
        return
    counts = snapshot.count(out.to)
    snapshot.written_to.add(out.to)
    if out.kind in AUTOMATIC_KINDS:
        counts.held_back = 0  # named in this one
    if out.kind == "notification":
        counts.notices_hour += 1
    elif out.kind in AUTOMATIC_KINDS:
        counts.answers_hour += 1
        counts.automatic_hour += 1
        counts.automatic_day += 1
        if out.message:
            snapshot.answered.add(out.message)
    if out.record:
        _bind(snapshot, out.record, out.to, Correspondent(sent=True, written_to=out.kind == "composed"))


def _bind(snapshot: Snapshot, record: str, address: str, bound: Correspondent) -> None:
    have = snapshot.correspondents.setdefault(record, {})
    have[address] = have[address].joined(bound) if address in have else bound
