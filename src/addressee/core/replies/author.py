"""The one automatic answer to the author: whether he gets one, and which (laws 10, 11 and 14; RFC 3834)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addressee.core import confirmation
from addressee.core.attachments import OF_SIGNATURES
from addressee.core.authorise import field_access, has_role
from addressee.core.errors import BadValue
from addressee.core.invited import invitation_to
from addressee.core.letter import Block, Said, Verbatim, as_html, as_text
from addressee.core.message import Nature
from addressee.core.present import name_of, url_of
from addressee.core.process import said_in, spoken
from addressee.core.reasons import Reason
from addressee.core.registry import fields
from addressee.core.replies.copies import Copies, to_those_in_copy
from addressee.core.replies.receipt import asked_for, not_done, receipt
from addressee.core.replies.telling import (
    Answers,
    Reader,
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
from addressee.core.templates import render
from addressee.core.values import Assurance, Disposition, OutboxDraft, RecordState, Right

# Holds that are no answer to anything the author asked: telling him would only tell spammers that we read.
_SILENT = frozenset(
    {Reason.SPAM, Reason.INBOUND_OFF, Reason.NO_RECIPIENT, Reason.BAD_TOKENS, Reason.POISON, Reason.UNREADABLE}
)
_WANTS_NO_ANSWER = {"all", "autoreply"}  # [MS-OXCMAIL] 2.2.3.1.14: what programs of many makers set


def to_author(telling: Telling, answers: Answers) -> None:
    """His answer, and after it those of whom he named in Cc."""
    why_not = _unanswerable(telling)
    if why_not:
        answers.notes.append(("none", why_not))
        return
    to = telling.actor.address
    over = over_limit(to, telling, firm=has_role(telling.actor.person) and telling.actor.proven)
    if over:
        answers.hold_back(to, "the answer", over)
        return
    told = reader(telling.actor, telling)
    if telling.decision.asks is not None:
        answers.add(_confirmation(told, telling))
        return
    copies = to_those_in_copy(telling)
    answers.add(_answer(told, telling, copies, answers))
    answers.drafts += copies.drafts
    answers.notes += copies.notes
    answers.held_back += copies.held_back


def _answer(told: Reader, telling: Telling, copies: Copies, answers: Answers) -> OutboxDraft:
    message, record = telling.message, telling.record if _opens_record(telling) else None
    token = telling.fresh.token() if record is not None else None
    kind, subject, blocks = _what(told, telling, token, copies, answers)
    values, how = form_in(told, telling, record, telling.form)
    blocks += [Said(each) for each in held_back(told.to, told.words, telling)]
    return OutboxDraft(
        kind=kind,
        to=told.to,
        subject=subject,
        text=as_text(blocks, told.words),
        html=as_html(blocks, told.words),
        language=told.words.tag,
        account=telling.account_key,
        record=record.uuid if record is not None else None,
        token=token,
        calendar=_calendar(told, telling),
        table=telling.record.table if telling.record is not None else "",
        seed=telling.fresh.uuid(),
        in_reply_to=message.message_id,
        references=(*message.references[-20:], message.message_id) if message.message_id else (),
        message=message.identity or None,
        form=values,
        form_name=name_of(record, telling.setup) if record is not None else "",
        form_how=how,
    )


def _confirmation(told: Reader, telling: Telling) -> OutboxDraft:
    """The mail that asks its author to confirm, with a code that counts once."""
    record, asks, message = telling.record, telling.decision.asks, telling.message
    code = confirmation.new_code(telling)
    reads = record is not None and may_read(told.actor, record, telling)
    subject, text = confirmation.message(telling, code, told.words, reads=reads)
    return OutboxDraft(
        kind="confirmation",
        to=told.to,
        subject=subject,
        text="\n\n".join([text, *held_back(told.to, told.words, telling)]),
        language=told.words.tag,
        account=telling.account_key,
        record=record.uuid if record is not None else None,
        token=code,
        confirms=telling.decision.delivery,
        shown=asks.shown if asks is not None else "",
        table=record.table if record is not None else "",
        seed=telling.fresh.uuid(),
        in_reply_to=message.message_id,
        references=(*message.references[-20:], message.message_id) if message.message_id else (),
        message=message.identity or None,
    )


def _calendar(told: Reader, telling: Telling) -> str:
    """The invitation to an event of ours that the author made or changed; one that he sent us is his own."""
    known = (*telling.snapshot.appointments.values(), *telling.decision.appointments)
    theirs = {each.record for each in known}
    actor, name = told.actor, telling.message.author_name
    if telling.decision.disposition is not Disposition.ACCEPT:
        return ""
    for change in telling.decision.changes:
        if change.record in theirs or not may_read(actor, change.state, telling):
            continue
        found = invitation_to(told.to, name, change, actor.person, telling.setup, telling.snapshot.now)
        if found:
            return found
    return ""


def _opens_record(telling: Telling) -> bool:
    """May an answer to the author lead back to the record? A token is a right to comment: a refusal gives none."""
    record, decision = telling.record, telling.decision
    if record is None or (record.deleted and not any(change.record == record.uuid for change in decision.changes)):
        return False
    if decision.disposition is Disposition.ACCEPT:
        return any(each.record == record.uuid for each in decision.communications)
    return decision.disposition is Disposition.HOLD and (
        telling.actor.token is not None or reaching(telling.actor, Right.COMMENT, record, telling)
    )


# ---------------------------------------------------------------- whether


def _unanswerable(telling: Telling) -> str:
    """Why the author gets no answer, or "" (RFC 3834 2, laws 11 and 14)."""
    decision, actor, message = telling.decision, telling.actor, telling.message
    if message.nature is not Nature.PERSON:
        return f"{message.nature.value} mail is never answered"
    if telling.null_sender or message.headers.get("return-path", "").strip() == "<>":
        return "its envelope names no sender, as that of reports"
    if _WANTS_NO_ANSWER & set(message.headers.get("x-auto-response-suppress", "").lower().replace(" ", "").split(",")):
        return "it asks for no automatic answer (X-Auto-Response-Suppress)"
    if decision.reason in _SILENT or decision.disposition is Disposition.REDIRECT:
        return "nobody is told"
    if telling.marked:
        return f"a message that is marked ({telling.marked}) is not answered"
    if message.author is None or not actor.address:
        return "there is no single author to answer"
    if telling.released and decision.disposition is Disposition.HOLD:
        return "it was released and waits again"
    if decision.reason is Reason.CONFIRMED:
        return "what it confirmed is answered"
    sure = actor.level >= Assurance.E3 or (actor.level is Assurance.E2 and actor.token is not None)
    sure = sure or (decision.asks is not None and actor.on_file and actor.level >= Assurance.E1)
    if not sure:
        return "the author is not proven, so he is not answered (law 11)"
    if is_no_person(actor.address, telling.setup):
        return f"{actor.address} is no person's address"
    if actor.address in telling.snapshot.suppressed:
        return f"{actor.address} gets no mail: {telling.snapshot.suppressed[actor.address]}"
    if message.identity in telling.snapshot.answered and _goes_without_saying(telling):
        return "the message has its answer already (law 10)"
    return ""


def _goes_without_saying(telling: Telling) -> bool:
    """One message has one answer, but what was asked for or refused elsewhere is told all the same."""
    decision = telling.decision
    plain = decision.disposition is Disposition.ACCEPT and decision.reason in (Reason.DONE, Reason.UNVERIFIED)
    return plain and not telling.faults and not telling.answer and not telling.form and not telling.confirmed


# ---------------------------------------------------------------- which


def _what(
    told: Reader, telling: Telling, token: str | None, copies: Copies, answers: Answers
) -> tuple[str, str, list[Block]]:
    """(kind, subject, blocks): the auto-reply, where the account has one and the author no role; else the receipt."""
    account = telling.account
    template = telling.setup.templates.get(account.auto_reply) if account and account.auto_reply else None
    accepted = telling.decision.disposition is Disposition.ACCEPT
    if template is not None and accepted and not has_role(telling.actor.person):
        values = _template_values(told, telling)
        try:
            subject, text = render(template.subject, values), render(template.text, values)
        except BadValue as fault:
            answers.notes.append(("template", f"{account.auto_reply if account else ''}: {fault.data['expected']}"))
        else:
            # It goes to people who never asked for a record: it says nothing of the pictures in their signature.
            missed = not_done(told, telling, copies.left_out, OF_SIGNATURES)
            blocks = [Verbatim(text.rstrip()), *missed, *asked_for(told, telling)]
            return "auto_reply", " ".join(subject.split()) or re(telling.message.subject), blocks
    return "receipt", re(telling.message.subject), receipt(told, telling, token, copies.left_out)


def _template_values(told: Reader, telling: Telling) -> Mapping[str, Any]:
    record = telling.record
    values: dict[str, Any] = {}
    if record is not None:
        values = _visible_texts(record, told, telling)
        values["number"] = name_of(record, telling.setup) if record.number is not None else ""
        values.setdefault("title", values.get(telling.setup.tables[record.table].title, ""))
        values["url"] = url_of(record, telling.setup)
    name = telling.message.author_name or telling.actor.address
    return {
        **spoken(values, telling.actor, said_in(telling.message), telling.setup, telling.snapshot.now),
        "recipient": {"name": " ".join(name.split()), "address": telling.actor.address},
        "sender": {"name": telling.setup.site.name},
    }


def _visible_texts(record: RecordState, told: Reader, telling: Telling) -> dict[str, Any]:
    """field -> text of what the reader may read; nothing without a read right (law 13)."""
    if not may_read(told.actor, record, telling):
        return {}
    table = telling.setup.tables[record.table]
    return {
        name: fields[definition.type].shown(record.values.get(name), definition, told.reading)
        for name, definition in table.live_fields.items()
        if field_access(told.actor.person, record.table, name, telling.setup) != "none"
    }
