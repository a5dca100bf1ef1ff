"""Writes down what was decided: records, messages, communications, files, outbox, limits, deliveries; all in bulk.

Called by pipeline/process within its transaction. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from addressee.core.attachments import unjudged
from addressee.core.contract import contract_value, name_of, reference
from addressee.core.message import Message
from addressee.core.setup import Setup
from addressee.core.values import (
    Appointment,
    Asks,
    CommunicationDraft,
    Correspondent,
    Decision,
    Delivery,
    Disposition,
    Effect,
    FileDecision,
    OutboxDraft,
    Override,
    Snapshot,
    TokenState,
)
from addressee.jobs import rows as jobs
from addressee.mail import codes, notices, outbox, spool
from addressee.mail import models as mail
from addressee.mail.peek import message_id_hash
from addressee.records import bulk, writer


@dataclass(frozen=True, slots=True)
class Work:
    """A delivery's row, the message that was read from its bytes, and what the scanner found (sha256 -> name)."""

    row: spool.Taken
    message: Message
    infected: Mapping[str, str] = field(default_factory=dict)


Decided = tuple[Work, Delivery, Decision]
_ANSWERS = ("receipt", "auto_reply", "confirmation")


def write(decided: Sequence[Decided], snapshot: Snapshot, setup: Setup, now: datetime, worker: str | None) -> None:
    """All rows of a batch, in a number of statements that does not depend on its size."""
    _messages(decided, now)
    taken = (d.used_token for _, _, d in decided if d.disposition is Disposition.ACCEPT)
    used = [snapshot.tokens[token] for token in taken if token]
    write_effects([(d, delivery.message.identity, delivery.override) for _, delivery, d in decided], setup, now, used)
    _files(decided)
    spool.settle([_settled(delivery, d, snapshot, setup) for _, delivery, d in decided], now, worker)
    codes.confirm([d.confirms for _, _, d in decided if d.confirms is not None], now)


def write_effects(
    decisions: Sequence[tuple[Decision, str, Override | None]],
    setup: Setup,
    now: datetime,
    used: Sequence[TokenState] = (),
) -> None:
    """What mailed and web posts have in common: records, communications, outbox, tokens, limits (law 19).

    decisions  each with the identity of its message ("" for a web post) and what a person said of it
    used       the tokens by which accepted ones came
    """
    _records(decisions, setup, now)
    bulk.insert([_communication(draft, now) for d, _, _ in decisions for draft in d.communications])
    outbox.write([(draft, d.delivery or None) for d, _, _ in decisions for draft in d.outbox], setup, now, used)
    _jobs(decisions, now)
    undone = [d for d, _, _ in decisions if d.undoes]
    if undone:
        outbox.cancel({d.undoes for d in undone}, {change.record for d in undone for change in d.changes})
    notices.gather([notice for d, _, _ in decisions for notice in d.gathered], now)
    bulk.insert([mark for d, _, _ in decisions for mark in _marks(d, now)])


def _jobs(decisions: Sequence[tuple[Decision, str, Override | None]], now: datetime) -> None:
    """Jobs that are started, and jobs that waited for this answer."""
    drafts = [
        (draft, jobs.Cause(d.actor, d.account, identity, d.delivery or None, d.right))
        for d, identity, _ in decisions
        for draft in d.jobs
    ]
    jobs.write(drafts, now)
    for d, _, _ in decisions:
        jobs.wake(d.wakes, now)


def _messages(decided: Sequence[Decided], now: datetime) -> None:
    """One row for each message, whoever holds it and however often it comes."""
    rows: dict[str, mail.Message] = {}
    for work, delivery, _ in decided:  # the first copy is the one that stands, as it would be from batch to batch
        if delivery.message.identity not in rows:
            rows[delivery.message.identity] = _message(delivery.message, work.row)
    bulk.insert(list(rows.values()), "ON CONFLICT DO NOTHING")


def _message(message: Message, row: spool.Taken) -> mail.Message:
    return bulk.new(
        mail.Message,
        identity=message.identity,
        message_id=message.message_id,
        message_id_hash=message_id_hash(message.message_id),
        raw_id=row.raw_id,
        author=(message.author or "")[:320],
        author_name=message.author_name,
        subject=message.subject,
        date=message.date,
        received_at=row.received_at,
        text=message.text,
        html=message.html,
        new_text=message.new_text,
        data={
            "senders": [[m.name, m.address] for m in message.senders],
            "to": [[m.name, m.address] for m in message.to],
            "cc": [[m.name, m.address] for m in message.cc],
            "reply_to": [[m.name, m.address] for m in message.reply_to],
            "in_reply_to": list(message.in_reply_to),
            "references": list(message.references),
            "author_doubt": message.author_doubt,
            "nature": message.nature.value,
            "importance": message.importance,
            "quoted_text": message.quoted_text,
            "signature": message.signature,
            "defects": list(message.defects),
            "size_bytes": message.size_bytes,
        },
    )


def _records(decisions: Sequence[tuple[Decision, str, Override | None]], setup: Setup, now: datetime) -> None:
    changes: list[writer.Written] = []
    entries: list[writer.Audited] = []
    bound: dict[tuple[str, str], Correspondent] = {}
    turns: dict[str, str] = {}
    following: dict[tuple[str, str], bool] = {}
    appointments: dict[str, Appointment] = {}
    for d, identity, override in decisions:
        actor, author, delivery, right = d.actor.key or "", d.author or "", d.delivery or None, d.right[:200]
        for change in d.changes:
            changes.append(writer.Written(change, now, actor, author, identity, delivery, right))
        changed = {change.record for change in d.changes}
        for draft in d.communications:
            if draft.record not in changed:
                entries.append(
                    writer.Audited("comment", now, actor, author, identity, delivery, record=draft.record, right=right)
                )
        if override is not None:
            said = {"disposition": d.disposition.value, "actor": actor}
            entries.append(writer.Audited(override.kind, now, override.by, author, identity, delivery, data=said))
        for key, binding in d.correspondents.items():
            _bind(bound, key, binding)
        for out in d.outbox:
            if out.record and out.kind != "webhook":
                _bind(bound, (out.record, out.to), Correspondent(sent=True, written_to=out.kind == "composed"))
        turns.update(d.turns)
        following.update(d.following)
        appointments.update((each.key, each) for each in d.appointments)
    writer.write(
        changes,
        setup,
        entries=entries,
        correspondents=bound,
        following=following,
        appointments=list(appointments.values()),
        turns=turns,
    )


def _bind(bound: dict[tuple[str, str], Correspondent], key: tuple[str, str], new: Correspondent) -> None:
    old = bound.get(key, Correspondent())
    bound[key] = Correspondent(
        wrote_first=old.wrote_first or new.wrote_first,
        wrote=old.wrote or new.wrote,
        written_to=old.written_to or new.written_to,
        sent=old.sent or new.sent,
    )


def _communication(draft: CommunicationDraft, now: datetime) -> mail.Communication:
    return bulk.new(
        mail.Communication,
        uuid=draft.uuid,
        record_id=draft.record,
        message_id=draft.message,
        kind=draft.kind,
        visibility=draft.visibility.value,
        at=now,
        actor=draft.actor or "",
        author=draft.author,
        text=draft.text,
        unverified=draft.unverified,
        withheld=draft.withheld,
    )


def _files(decided: Sequence[Decided]) -> None:
    """Every attachment of every message, once a message; what a later decision took or left out is noted on it.

    A decision that never came to the files (a duplicate, a refusal before) says nothing about them.
    """
    new: dict[tuple[str, int], mail.File] = {}
    judged: dict[tuple[str, int], mail.File] = {}
    for _, delivery, d in decided:
        message = delivery.message
        for position, decision in enumerate(d.files):
            judged[message.identity, position] = _file_row(message, position, decision)
        if not d.files:
            for position, decision in enumerate(unjudged(message, delivery.infected)):
                new.setdefault((message.identity, position), _file_row(message, position, decision))
    bulk.insert([row for place, row in new.items() if place not in judged], "ON CONFLICT DO NOTHING")
    bulk.insert(
        list(judged.values()),
        "ON CONFLICT (message_id, position) WHERE message_id IS NOT NULL "
        "DO UPDATE SET stored = excluded.stored, reason = excluded.reason, "
        "name = excluded.name, type = excluded.type, inline = excluded.inline",
    )


def _file_row(message: Message, position: int, decision: FileDecision) -> mail.File:
    attachment = decision.attachment
    return bulk.new(
        mail.File,
        message_id=message.identity,
        position=position,
        name=attachment.name,
        type=attachment.type[:255],
        size_bytes=attachment.size_bytes,
        sha256=attachment.sha256,
        inline=attachment.inline,
        content_id=attachment.content_id[:255],
        stored=decision.stored,
        reason=decision.reason,
        within=attachment.within,
        author_domain=(message.author or "").rpartition("@")[2][:255] if attachment.picture else "",
    )


def _marks(decision: Decision, now: datetime) -> list[mail.LimitMark]:
    """What the limits of an hour count: a guest's creates, unknown tokens, answers held back."""
    author = decision.author or "(no author)"
    marks: list[mail.LimitMark] = []
    if decision.guest_create and decision.disposition is Disposition.ACCEPT:
        keys = (author, "@" + author.rpartition("@")[2])
        marks += [bulk.new(mail.LimitMark, key=key, what="create", at=now) for key in keys]
    if decision.bad_token:
        marks.append(bulk.new(mail.LimitMark, key=author, what="bad-token", at=now))
    marks += [bulk.new(mail.LimitMark, key=address, what="held-back", at=now) for address in decision.held_back]
    return marks


# ---------------------------------------------------------------- the contract's line


def empty_result(trace: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The result of a delivery that was never decided."""
    return {
        "actor": None,
        "assurance": "E0",
        "account": None,
        "duplicate_of": None,
        "verified": False,
        "effects": [],
        "communications": [],
        "replies": [],
        "attachments": [],
        "trace": list(trace),
    }


def _settled(delivery: Delivery, decision: Decision, snapshot: Snapshot, setup: Setup) -> spool.Settled:
    message = delivery.message
    return spool.Settled(
        id=decision.delivery,
        disposition=decision.disposition,
        reason=decision.reason.value,
        identity=message.identity,
        target=decision.target,
        author=decision.author or "",
        subject=message.subject,
        result=result_of(decision, snapshot, setup),
    )


def result_of(decision: Decision, snapshot: Snapshot, setup: Setup) -> dict[str, Any]:
    """What the contract tells of a decision beside the delivery's own columns (DESIGN section 5)."""
    return {
        "actor": decision.actor.key,
        "assurance": decision.actor.level.name,
        "account": decision.account or None,
        "duplicate_of": decision.duplicate_of,
        "verified": decision.verified,
        "setup_version": setup.version,
        "effects": [_effect(e, snapshot, setup) for e in decision.effects],
        "communications": [_told(c, snapshot, setup) for c in decision.communications],
        "replies": [_reply(o) for o in decision.outbox if o.kind in _ANSWERS],
        "attachments": [_file(f) for f in decision.files],
        "trace": [{"step": s.step, "result": s.result, "why": s.why} for s in decision.trace],
        **({"confirms": decision.confirms.delivery} if decision.confirms is not None else {}),
        **({"asks": _asks(decision.asks, snapshot, setup)} if decision.asks is not None else {}),
    }


def _asks(asks: Asks, snapshot: Snapshot, setup: Setup) -> dict[str, Any]:
    """What waits for a confirmation, as its page shows it."""
    return {
        "verb": asks.verb,
        "shown": asks.shown,
        "effects": [_effect(effect, snapshot, setup) for effect in asks.effects],
    }


def _effect(effect: Effect, snapshot: Snapshot, setup: Setup) -> dict[str, Any]:
    table = setup.tables[effect.table]
    if not effect.record:  # of a batch: its job tells what becomes of each record
        return {"kind": effect.kind, "table": effect.table, "record": None, "fields": {}}
    record = snapshot.records.get(effect.record)  # none yet, of what would be made

    def linked(uuid: str) -> dict[str, str] | None:
        state = snapshot.records.get(uuid)
        return reference(setup, state) if state is not None else None

    def told(name: str, value: Any) -> Any:  # what is no field of the table (`following`) is a plain value
        return contract_value(value, table.fields[name], linked) if name in table.fields else value

    return {
        "kind": effect.kind,
        "table": effect.table,
        "record": name_of(setup, record.table, record.number, record.uuid) if record is not None else None,
        "fields": {
            name: {when: told(name, value) for when, value in pair.items()} for name, pair in effect.fields.items()
        },
    }


def _told(draft: CommunicationDraft, snapshot: Snapshot, setup: Setup) -> dict[str, Any]:
    record = snapshot.records[draft.record]
    return {
        "table": record.table,
        "record": name_of(setup, record.table, record.number, record.uuid),
        "visibility": draft.visibility.value,
    }


def _reply(draft: OutboxDraft) -> dict[str, str]:
    return {"to": draft.to, "subject": draft.subject}


def _file(decision: FileDecision) -> dict[str, Any]:
    return {
        "name": decision.attachment.name,
        "size_bytes": decision.attachment.size_bytes,
        "stored": decision.stored,
        "inline": bool(decision.attachment.place),
        "reason": decision.reason or None,
        "type": decision.attachment.type,
        "within": decision.attachment.within or None,
    }
