"""Answers to those in Cc of a command: one each, with what that person may read, and who was left out (U-47, U-48)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from addressee.core.addresses import normal
from addressee.core.authorise import has_role
from addressee.core.language import Saying, english, saying
from addressee.core.letter import Said, as_html, as_text
from addressee.core.present import name_of
from addressee.core.reasons import Reason
from addressee.core.replies.receipt import copy
from addressee.core.replies.telling import (
    Telling,
    form_in,
    held_back,
    is_no_person,
    may_read,
    over_limit,
    re,
    reaching,
    reader,
)
from addressee.core.values import Actor, Assurance, Disposition, OutboxDraft, RecordState, Right

# What happened is the author's affair alone: a comment went to those in Cc with the message itself.
_OWN_AFFAIR = frozenset({"comment", "attach", "link", "follow"})


@dataclass(slots=True)
class Copies:
    """left_out: for the author, those who were not told, and why."""

    drafts: list[OutboxDraft] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)
    left_out: tuple[Saying, ...] = ()


def to_those_in_copy(telling: Telling) -> Copies:
    """The answers to those in Cc; only of a command that was done, and only where its author is answered."""
    copies, record = Copies(), telling.record
    if record is None or not _concerns_others(telling):
        return copies
    for actor in _those_in_copy(telling):
        why_not = _why_not(actor, record, telling)
        over = "" if why_not else over_limit(actor.address, telling, firm=has_role(actor.person))
        if over:
            why_not = saying("copy.limit", address=actor.address)
            copies.held_back.append(actor.address)
        if why_not is not None:
            copies.left_out += (why_not,)
            copies.notes.append(("no copy", english().say(why_not)))
            continue
        draft = _draft(actor, record, telling)
        copies.drafts.append(draft)
        copies.notes.append((draft.kind, f"to {draft.to}, in Cc"))
    return copies


def _concerns_others(telling: Telling) -> bool:
    decision = telling.decision
    if not telling.commanded or decision.disposition is not Disposition.ACCEPT or decision.reason is not Reason.DONE:
        return False
    return any(telling.shown(telling.actor)) or any(e.kind not in _OWN_AFFAIR for e in decision.effects)


def _those_in_copy(telling: Telling) -> Iterator[Actor]:
    """Each person or address in Cc once, as `identify` would take an author; never the author, never ourselves."""
    snapshot, author = telling.snapshot, telling.actor
    met = {author.address, *(author.person.addresses if author.person and not author.lent else ())}
    account = telling.account
    lender = snapshot.persons.get(account.guest) if account and account.guest else None
    for mailbox in telling.message.cc:
        address = normal(mailbox.address)
        if address is None or address in met or is_no_person(address, telling.setup):
            continue
        person = snapshot.persons.get(snapshot.person_by_address.get(address, ""))
        if person is not None and has_role(person):
            met |= set(person.addresses)
            yield Actor(person, address, Assurance.E1)
        else:
            met.add(address)
            yield Actor(lender, address, Assurance.E1, lent=lender is not None)


def _why_not(actor: Actor, record: RecordState, telling: Telling) -> Saying | None:
    most = telling.setup.option("copy_count")
    if actor.address not in {normal(mailbox.address) for mailbox in telling.message.cc[:most]}:
        return saying("copy.too-many", address=actor.address, most=most)
    if not may_read(actor, record, telling):
        return saying("copy.no-right", address=actor.address)
    if actor.address in telling.snapshot.suppressed:
        return saying("copy.no-mail", address=actor.address)
    return None


def _draft(actor: Actor, record: RecordState, telling: Telling) -> OutboxDraft:
    """A receipt in his language. Its token is his own; none where he may not comment, for a token is that right."""
    told, message = reader(actor, telling), telling.message
    opens = not record.deleted and (has_role(actor.person) or reaching(actor, Right.COMMENT, record, telling))
    answer, asked = telling.shown(actor)
    form, how = form_in(told, telling, record if opens else None, asked)
    if not opens:  # without a token of his own there is nothing to send back: he only reads
        answer = "\n".join([*(f"{key}: {text}".rstrip() for key, text in asked), *([answer] if answer else [])])
    blocks = [*copy(told, telling, answer), *(Said(each) for each in held_back(told.to, told.words, telling))]
    return OutboxDraft(
        kind="receipt",
        to=told.to,
        subject=re(message.subject),
        text=as_text(blocks, told.words),
        html=as_html(blocks, told.words),
        language=told.words.tag,
        account=telling.account_key,
        record=record.uuid if opens else None,
        token=telling.fresh.token() if opens else None,
        table=record.table,
        seed=telling.fresh.uuid(),
        in_reply_to=message.message_id,
        references=(*message.references[-20:], message.message_id) if message.message_id else (),
        message=message.identity or None,
        form=form,
        form_name=name_of(record, telling.setup) if opens else "",
        form_how=how,
    )
