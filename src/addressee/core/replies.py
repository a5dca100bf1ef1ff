"""Which mails follow from a decision, to whom, and what they say (laws 10, 11, 13 and 16; RFC 3834). Pure.

To the author one automatic answer at most: the account's auto-reply where he has no role, else a receipt.
To staff a notice of a correspondent's message. To the correspondents what staff wrote in public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from addressee.core import confirmation
from addressee.core.action import Request, communication
from addressee.core.addresses import normal
from addressee.core.attachments import OF_SIGNATURES
from addressee.core.attachments import SENTENCES as FILE_SENTENCES
from addressee.core.authorise import field_access, has_role, is_staff, reaches
from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading
from addressee.core.form import form_of
from addressee.core.invited import invitation_to
from addressee.core.language import Saying, english, language, saying
from addressee.core.message import Attachment, Message, Nature
from addressee.core.present import file_url, heading, name_of, url_of
from addressee.core.process import said_in, spoken
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import fields
from addressee.core.route import Kind, route
from addressee.core.setup import Account, Setup
from addressee.core.templates import render
from addressee.core.values import (
    Actor,
    Assurance,
    CommunicationDraft,
    Correspondent,
    Decision,
    Disposition,
    Fresh,
    LineFault,
    NoticeDraft,
    OutboxDraft,
    Person,
    RecordState,
    Right,
    Snapshot,
    Step,
    Visibility,
)

# Holds that are no answer to anything the author asked: telling him would only tell spammers that we read.
_SILENT = frozenset(
    {Reason.SPAM, Reason.INBOUND_OFF, Reason.NO_RECIPIENT, Reason.BAD_TOKENS, Reason.POISON, Reason.UNREADABLE}
)
_WANTS_NO_ANSWER = {"all", "autoreply"}  # [MS-OXCMAIL] 2.2.3.1.14: what programs of many makers set
_SILENT_AUTHORS = ("mailer-daemon@", "postmaster@", "noreply@", "no-reply@", "bounce@", "bounces@")


@dataclass(frozen=True, slots=True)
class Telling:
    """A decision and all that its mails are made of."""

    decision: Decision
    message: Message
    setup: Setup
    snapshot: Snapshot
    account_key: str
    record: RecordState | None
    visibility: Visibility
    answer: str
    notes: tuple[Saying, ...]
    faults: tuple[LineFault, ...]
    fresh: Fresh
    reading: Reading
    released: bool
    form: tuple[tuple[str, str], ...] = ()  # values asked for, to be edited in the answer
    marked: str = ""  # a rule marked the message: nobody is answered
    confirmed: bool = False  # its author confirmed it
    null_sender: bool = False  # the envelope names no one to answer (RFC 3834 2)

    @property
    def account(self) -> Account | None:
        return self.setup.accounts.get(self.account_key)

    @property
    def actor(self) -> Actor:
        return self.decision.actor


def linked(request: Request, record: str, kind: str) -> CommunicationDraft:
    """The message linked to a record and nothing else: history, bounces, vacation mail."""
    return communication(request, record, kind=kind)


@dataclass(slots=True)
class Answers:
    """The mails that follow, (result, why) notes for the trace, and the addresses that a limit kept one from."""

    drafts: list[OutboxDraft] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    held_back: list[str] = field(default_factory=list)
    gathered: list[NoticeDraft] = field(default_factory=list)

    def add(self, draft: OutboxDraft) -> None:
        self.drafts.append(draft)
        self.notes.append((draft.kind, f"to {draft.to}"))

    def hold_back(self, to: str, what: str, limit: str) -> None:
        self.held_back.append(to)
        self.notes.append(("held back", f"{what} to {to}: {limit}"))


def write(telling: Telling) -> Answers:
    """All that follows from a mailed post."""
    answers = Answers()
    _to_author(telling, answers)
    decision = telling.decision
    if decision.confirms is not None:
        return answers
    if telling.message.nature in (Nature.AUTO_REPLIED, Nature.BOUNCE, Nature.FEEDBACK):
        return answers  # a notice of it could set off the next (law 10)
    if decision.disposition is Disposition.ACCEPT and decision.communications:
        _to_staff(telling, answers)
        _to_correspondents(telling, answers)
    return answers


def added(decision: Decision, answers: Answers) -> Decision:
    """The decision with what follows from it."""
    return replace(
        decision,
        outbox=(*decision.outbox, *answers.drafts),
        trace=(*decision.trace, *(Step("answer", *note) for note in answers.notes)),
        held_back=(*decision.held_back, *answers.held_back),
        gathered=(*decision.gathered, *answers.gathered),
    )


def with_notices(decision: Decision, telling: Telling) -> Decision:
    """A web post with what follows from it: the author needs no receipt, staff and correspondents are told."""
    answers = Answers()
    _to_staff(telling, answers)
    _to_correspondents(telling, answers)
    return added(decision, answers)


# ---------------------------------------------------------------- the author


def _to_author(telling: Telling, answers: Answers) -> None:
    why_not = _unanswerable(telling)
    if why_not:
        answers.notes.append(("none", why_not))
        return
    to = telling.actor.address
    over = _over_limit(telling, to)
    if over:
        answers.hold_back(to, "the answer", over)
        return
    if telling.decision.asks is not None:
        answers.add(_confirmation(telling, to))
        return
    kind, subject, text = _answer(telling, answers)
    record = telling.record if _opens_record(telling) else None
    message = telling.message
    values, how = _form(telling, record)
    answers.add(
        OutboxDraft(
            kind=kind,
            to=to,
            subject=subject,
            text=_with_held_back(telling, to, text),
            language="en",
            account=telling.account_key,
            record=record.uuid if record is not None else None,
            token=telling.fresh.token() if record is not None else None,
            calendar=_calendar(telling, to),
            table=telling.record.table if telling.record is not None else "",
            seed=telling.fresh.uuid(),
            in_reply_to=message.message_id,
            references=(*message.references[-20:], message.message_id) if message.message_id else (),
            message=message.identity or None,
            form=values,
            form_name=name_of(record, telling.setup) if record is not None else "",
            form_how=how,
        )
    )


def _form(telling: Telling, record: RecordState | None) -> tuple[tuple[tuple[str, str], ...], str]:
    """The values that the author can edit in his answer (U-28), asked for or his to set; and how an edit counts."""
    if record is None or telling.decision.disposition is not Disposition.ACCEPT:
        return (), ""
    account, actor = telling.account, telling.actor
    updates = bool(_reaches(actor, Right.UPDATE, record, telling)) and may_read(actor, record, telling)
    by_quote = account is not None and account.field_updates and account.replies == "update"
    how = "" if not updates else "form.how" if by_quote else "form.how-by-word"
    if telling.form or not (updates and by_quote and has_role(actor.person)):
        return telling.form, how
    return form_of(record, actor.person, telling.setup, telling.reading, whole=False), how


def _confirmation(telling: Telling, to: str) -> OutboxDraft:
    """The mail that asks its author to confirm, with a code that counts once."""
    record, asks, message = telling.record, telling.decision.asks, telling.message
    code = confirmation.new_code(telling)
    reads = record is not None and may_read(telling.actor, record, telling)
    person = telling.actor.person if not telling.actor.lent else None
    words = language(person.language if person else "", telling.setup.site.language)
    subject, text = confirmation.message(telling, code, words, reads=reads)
    return OutboxDraft(
        kind="confirmation",
        to=to,
        subject=subject,
        text=_with_held_back(telling, to, text),
        language=words.tag,
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


def _calendar(telling: Telling, to: str) -> str:
    """The invitation to an event of ours that the author made or changed; one that he sent us is his own."""
    known = (*telling.snapshot.appointments.values(), *telling.decision.appointments)
    theirs = {each.record for each in known}
    actor, name = telling.actor, telling.message.author_name
    if telling.decision.disposition is not Disposition.ACCEPT:
        return ""
    for change in telling.decision.changes:
        if change.record in theirs or not may_read(actor, change.state, telling):
            continue
        found = invitation_to(to, name, change, actor.person, telling.setup, telling.snapshot.now)
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
        telling.actor.token is not None or _reaches(telling.actor, Right.COMMENT, record, telling)
    )


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
    if actor.address.startswith(_SILENT_AUTHORS) or _is_ours(actor.address, telling.setup):
        return f"{actor.address} is no person's address"
    if actor.address in telling.snapshot.suppressed:
        return f"{actor.address} gets no mail: {telling.snapshot.suppressed[actor.address]}"
    if message.identity in telling.snapshot.answered and _goes_without_saying(telling):
        return "the message has its answer already (law 10)"
    return ""


def _is_ours(address: str, setup: Setup) -> bool:
    """A table, record, reply or group address of ours: to answer it would be to write to ourselves."""
    found = route(address, setup)
    account = setup.accounts.get(found.account)
    return found.kind is not Kind.NONE and not (found.kind is Kind.ACCOUNT and account and account.kind == "personal")


def _goes_without_saying(telling: Telling) -> bool:
    """One message has one answer, but what was asked for or refused elsewhere is told all the same."""
    decision = telling.decision
    plain = decision.disposition is Disposition.ACCEPT and decision.reason in (Reason.DONE, Reason.UNVERIFIED)
    return plain and not telling.faults and not telling.answer and not telling.form and not telling.confirmed


def _over_limit(telling: Telling, to: str) -> str:
    counts, setup = telling.snapshot.count(to), telling.setup
    if has_role(telling.actor.person) and telling.actor.proven:
        most = setup.option("answers_per_hour")
        return f"{most} answers an hour to one person" if counts.answers_hour >= most else ""
    hour, day = setup.option("automatic_per_hour"), setup.option("automatic_per_day")
    if counts.automatic_hour >= hour:
        return f"{hour} automatic messages an hour to one address without a role"
    if counts.automatic_day >= day:
        return f"{day} automatic messages a day to one address without a role"
    return ""


def _with_held_back(telling: Telling, to: str, text: str) -> str:
    missed = telling.snapshot.count(to).held_back
    if not missed:
        return text
    what = "message to you was" if missed == 1 else "messages to you were"
    return f"{text}\n\n{missed} earlier {what} held back by a limit of this server."


def _answer(telling: Telling, answers: Answers) -> tuple[str, str, str]:
    """(kind, subject, text): the auto-reply where the account has one and the author has no role, else the receipt."""
    account = telling.account
    template = telling.setup.templates.get(account.auto_reply) if account and account.auto_reply else None
    accepted = telling.decision.disposition is Disposition.ACCEPT
    if template is not None and accepted and not has_role(telling.actor.person):
        values = _template_values(telling)
        try:
            subject, text = render(template.subject, values), render(template.text, values)
            text = "\n".join([text.rstrip(), *_not_done(telling, "auto_reply"), *_asked_for(telling)])
            return "auto_reply", " ".join(subject.split()) or _re(telling.message.subject), text
        except BadValue as fault:
            answers.notes.append(("template", f"{account.auto_reply if account else ''}: {fault.data['expected']}"))
    return "receipt", _re(telling.message.subject), receipt(telling)


def _re(subject: str) -> str:
    clean = " ".join(subject.split())
    return clean if clean[:3].lower() == "re:" else f"Re: {clean}".strip()


def _template_values(telling: Telling) -> Mapping[str, Any]:
    record = telling.record
    told: dict[str, Any] = {}
    if record is not None:
        told = dict(visible_texts(record, telling.actor, telling))
        told["number"] = name_of(record, telling.setup) if record.number is not None else ""
        told.setdefault("title", told.get(telling.setup.tables[record.table].title, ""))
        told["url"] = url_of(record, telling.setup)
    name = telling.message.author_name or telling.actor.address
    return {
        **spoken(told, telling.actor, said_in(telling.message), telling.setup, telling.snapshot.now),
        "recipient": {"name": " ".join(name.split()), "address": telling.actor.address},
        "sender": {"name": telling.setup.site.name},
    }


# ---------------------------------------------------------------- the receipt


def may_read(actor: Actor, record: RecordState, telling: Telling) -> bool:
    return _reaches(actor, Right.READ, record, telling)


def _reaches(actor: Actor, right: Right, record: RecordState, telling: Telling) -> bool:
    return bool(reaches(actor, right, record, telling.setup, _bound(record, telling), telling.snapshot.records))


def _bound(record: RecordState, telling: Telling) -> dict[str, Correspondent]:
    """The correspondents of a record as they will be when the decision is written."""
    bound = dict(telling.snapshot.correspondents.get(record.uuid, {}))
    for (uuid, address), new in telling.decision.correspondents.items():
        if uuid == record.uuid:
            bound[address] = bound[address].joined(new) if address in bound else new
    return bound


def visible_texts(record: RecordState, actor: Actor, telling: Telling) -> list[tuple[str, str]]:
    """(field, text) of what the actor may read; nothing without a read right (law 13)."""
    if not may_read(actor, record, telling):
        return []
    table = telling.setup.tables[record.table]
    return [
        (name, fields[definition.type].format(record.values.get(name), definition, telling.reading))
        for name, definition in table.live_fields.items()
        if field_access(actor.person, record.table, name, telling.setup) != "none"
    ]


def receipt(telling: Telling) -> str:
    """What was done, values before and after, what was not done and why, files left out, links."""
    decision, record, setup = telling.decision, telling.record, telling.setup
    reads = record is not None and may_read(telling.actor, record, telling)
    what = ""
    if record is not None:
        what = heading(record, setup, telling.actor.person) if reads else name_of(record, setup)
    lines = [_first_line(decision, what)]
    if decision.disposition is Disposition.ACCEPT:
        lines += _done(telling, reads)
    lines += _not_done(telling)
    lines += _asked_for(telling)
    if record is not None and reads and not record.deleted:
        lines += ["", url_of(record, setup)]
    return "\n".join(lines)


def _asked_for(telling: Telling) -> list[str]:
    return ["", telling.answer] if telling.answer else []


def _not_done(telling: Telling, kind: str = "receipt") -> list[str]:
    """Why not all was done, each wrong line, what was shortened, files left out: in every answer, whatever its kind.

    An auto-reply goes to people who never asked for a record: it says nothing of the pictures in their signature.
    """
    decision, lines = telling.decision, []
    if decision.reason not in (Reason.DONE, Reason.UNVERIFIED):
        lines += ["", SENTENCES[decision.reason]]
        lines += [f"  {_settle_why(decision)}"] if _settle_why(decision) != SENTENCES[decision.reason] else []
    if telling.faults:
        lines += ["", "Not done:", *(f"  {english().say(fault_sentence(fault))}" for fault in telling.faults)]
    if telling.notes:
        lines += ["", *map(english().say, telling.notes)]
    silent = OF_SIGNATURES if kind == "auto_reply" else frozenset()
    left_out = [f for f in decision.files if not f.stored and f.reason not in silent]
    if left_out:
        lines += ["", "Files left out:"]
        lines += [f"  {f.attachment.name} ({FILE_SENTENCES.get(f.reason, f.reason)})" for f in left_out]
    return lines


def _settle_why(decision: Decision) -> str:
    last = next((step for step in reversed(decision.trace) if step.step == "settle"), None)
    return last.why if last is not None else ""


def _first_line(decision: Decision, what: str) -> str:
    if decision.disposition is Disposition.HOLD:
        return "Your message is kept and waits for a person to decide."
    if decision.disposition is Disposition.REJECT:
        return "Your message was kept, but nothing was done with it."
    kinds = [e.kind for e in decision.effects if e.record and e.kind != "link"]
    if not what:
        return "Your message was received."
    if "create" in kinds:
        return f"{what} was made."
    if "delete" in kinds:
        return f"{what} was deleted. It can be restored."
    if "update" in kinds:
        return f"{what} was changed."
    return f"Your message is now part of {what}." if kinds else f"About {what}:"


def _done(telling: Telling, reads: bool) -> list[str]:
    """Values before and after, of what the actor may read."""
    lines: list[str] = []
    for happened in telling.decision.effects:
        if not reads or telling.record is None or happened.record != telling.record.uuid:
            continue
        table = telling.setup.tables[happened.table]
        for name, pair in happened.fields.items():
            definition = table.live_fields.get(name)
            if definition is None or field_access(telling.actor.person, happened.table, name, telling.setup) == "none":
                continue
            kind = fields[definition.type]
            if not kind.by_text or kind.appends:  # what was appended is the author's own text
                continue
            before = kind.format(pair["before"], definition, telling.reading)
            after = kind.format(pair["after"], definition, telling.reading)
            label = definition.label or name
            lines.append(f"  {label}: {_short(before)} → {_short(after)}" if before else f"  {label}: {_short(after)}")
    kept = [f.attachment.name for f in telling.decision.files if f.stored and not f.attachment.inline]
    if kept:
        lines += [f"  files: {', '.join(kept)}"]
    return ["", *lines] if lines else []


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 200 else flat[:199] + "…"


def fault_sentence(fault: LineFault) -> Saying:
    """Line, value and the form expected."""
    told: Saying
    if fault.slug in ("no-such-field", "one-alternative", "set-twice"):
        told = saying(f"fault.{fault.slug}", field=fault.field)
    elif fault.text:
        text = " ".join(fault.text[:80].split())
        told = saying("fault.value", field=fault.field, text=text, expected=fault.expected or "")
    else:
        told = saying("fault.no-value", field=fault.field, expected=fault.expected or "")
    if fault.hint is not None:
        told = saying("fault.hinted", fault=told, hint=fault.hint)
    return saying("fault.line", line=fault.line, fault=told) if fault.line else told


# ---------------------------------------------------------------- staff and correspondents


def _to_staff(telling: Telling, answers: Answers) -> None:
    """A notice to assignee and followers, else to the team, of what a correspondent wrote; of staff's to the former."""
    record = telling.record
    post = next((c for c in telling.decision.communications if record and c.record == record.uuid), None)
    if record is None or post is None or not (post.text.strip() or post.files):
        return
    outsider = not has_role(telling.actor.person)
    addressed = _addressed(telling)
    for person in staff_of(record, telling.account if outsider else None, telling.snapshot, telling.setup):
        to = person.addresses[0]
        bystander = not outsider and person.key != record.assignee and not _follows(person, record, telling)
        if bystander or telling.actor.address in person.addresses or addressed & set(person.addresses):
            continue
        actor = Actor(person, to, Assurance.E6)
        if not may_read(actor, record, telling):
            answers.notes.append(("no notice", f"{person.key} may not read the record"))
            continue
        if to in telling.snapshot.suppressed:
            answers.notes.append(("no notice", f"{to} gets no mail: {telling.snapshot.suppressed[to]}"))
            continue
        most = telling.setup.option("notices_per_hour")
        if telling.snapshot.count(to).notices_hour >= most:
            answers.hold_back(to, "a notice", f"{most} notices an hour to one person; it comes in a digest")
            answers.gathered.append(NoticeDraft(person.key, to, record.uuid, post.uuid, telling.account_key))
            continue
        answers.add(_notice(telling, record, post, person, outsider))


def _addressed(telling: Telling) -> set[str]:
    """Who got the message itself, by To and Cc."""
    return {normal(m.address) or m.address for m in (*telling.message.to, *telling.message.cc)}


def _follows(person: Person, record: RecordState, telling: Telling) -> bool:
    return person.key in telling.snapshot.followers.get(record.uuid, ())


def _notice(
    telling: Telling, record: RecordState, post: CommunicationDraft, person: Person, outsider: bool
) -> OutboxDraft:
    setup, account, to = telling.setup, telling.account, person.addresses[0]
    called = heading(record, setup, person)
    public = outsider and (account is None or account.staff_replies == "public")
    goes_on_to = ", ".join(correspondents_of(record, telling))
    author = telling.message.author_name or telling.actor.address or "Somebody unknown"
    first = english()("notice.public", whom=goes_on_to) if public and goes_on_to else english()("notice.internal")
    doubt = " (unverified: nothing proves that it is the author's)" if post.unverified else ""
    lines = [first, "", f"{' '.join(author.split())}{doubt} wrote on {called}:", "", post.text.strip()]
    if post.files:
        lines += ["", "Files: " + ", ".join(f.name for f in post.files if not f.inline)]
    lines += ["", url_of(record, setup)]
    return OutboxDraft(
        kind="notification",
        to=to,
        subject=_re(called),
        text=_with_held_back(telling, to, "\n".join(lines)),
        language="en",
        account=telling.account_key,
        record=record.uuid,
        table=record.table,
        seed=telling.fresh.uuid(),
        token=telling.fresh.token(),
        notice=public,
        message=telling.message.identity or None,
    )


def _to_correspondents(telling: Telling, answers: Answers) -> None:
    """Law 16: what staff wrote in public goes on to the correspondents, from the account's address."""
    record = telling.record
    if record is None or telling.visibility is not Visibility.PUBLIC or not has_role(telling.actor.person):
        return
    post = next((c for c in telling.decision.communications if c.record == record.uuid), None)
    if post is None or not (post.text.strip() or post.files):
        return
    addressed = _addressed(telling)
    for address in correspondents_of(record, telling):
        if address in addressed:
            continue
        if address in telling.snapshot.suppressed:
            answers.notes.append(("not sent", f"{address} gets no mail: {telling.snapshot.suppressed[address]}"))
            continue
        answers.add(composed(telling, record, post, address))


def correspondents_of(record: RecordState, telling: Telling) -> list[str]:
    """The addresses without a role that wrote to the record or were written to from it by a person."""
    wrote = (address for address, each in _bound(record, telling).items() if each.corresponds)
    return sorted(address for address in wrote if not is_staff(address, telling.snapshot))


def composed(telling: Telling, record: RecordState, post: CommunicationDraft, to: str) -> OutboxDraft:
    name = telling.actor.person.name if telling.actor.person else ""
    text = f"{post.text.strip()}\n\n{name}".rstrip()
    last = telling.snapshot.last_message.get(record.uuid, "")
    files = tuple(f for f in post.files if not f.inline)
    links: tuple[tuple[Attachment, str], ...] = ()
    if sum(f.size_bytes for f in files) > telling.setup.option("attached_size_bytes"):
        links = tuple((each, telling.fresh.token()) for each in files)
        files = ()
        until = (telling.snapshot.now + timedelta(days=telling.setup.option("link_days"))).astimezone(
            ZoneInfo(telling.setup.site.time_zone)
        )
        urls = (f"{f.name}: {file_url(token, telling.setup)}" for f, token in links)
        text = "\n".join([text, "", english()("mail.links", date=f"{until:%Y-%m-%d}"), *urls])
    return OutboxDraft(
        kind="composed",
        to=to,
        subject=_re(record.title or name_of(record, telling.setup)),
        text=text,
        account=telling.account_key,
        record=record.uuid,
        table=record.table,
        seed=telling.fresh.uuid(),
        sender_name=name,
        token=telling.fresh.token(),
        in_reply_to=last,
        references=(last,) if last else (),
        automatic=False,
        message=telling.message.identity or None,
        files=files,
        links=links,
    )


def redirect(
    decision: Decision, message: Message, record: RecordState | None, setup: Setup, why: str, fresh: Fresh
) -> OutboxDraft:
    """The whole message to the site's catch_all, with the number and the reason."""
    number = name_of(record, setup) if record is not None else ""
    about = f"It is about {number}.\n" if number else ""
    text = f"This message was not applied: {why}\n{about}It came from {decision.author or 'no single author'}."
    return OutboxDraft(
        kind="redirect",
        to=setup.site.catch_all,
        subject=f"Redirected: {' '.join(message.subject.split())} {f'({number})' if number else ''}".strip(),
        text=f"{text}\nReason: {decision.reason}",
        account=decision.account,
        message=message.identity,
        attach_raw=True,
        table=record.table if record is not None else "",
        seed=fresh.uuid(),
    )


def staff_of(record: RecordState, account: Account | None, snapshot: Snapshot, setup: Setup) -> list[Person]:
    """Who is told of what happens to a record: assignee and followers, else the members of its team."""
    keys = [*((record.assignee,) if record.assignee else ()), *snapshot.followers.get(record.uuid, ())]
    if not keys:
        team = setup.teams.get(record.team or (account.team if account else ""))
        keys = list(team.members) if team else []
    persons = (snapshot.persons.get(key) for key in dict.fromkeys(keys))
    return [p for p in persons if p is not None and p.active and not p.guest and p.addresses]
