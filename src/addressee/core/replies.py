"""Which mails follow from a decision, to whom, and what they say (laws 10, 11, 13 and 16; RFC 3834). Pure.

To the author one automatic answer at most: the account's auto-reply where he has no role, else a receipt.
To staff a notice of a correspondent's message. To the correspondents what staff wrote in public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from addressee.core.action import Request, communication
from addressee.core.attachments import SENTENCES as FILE_SENTENCES
from addressee.core.authorise import field_access, has_role, reaches
from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading
from addressee.core.message import Message, Nature
from addressee.core.present import heading, name_of, url_of
from addressee.core.reasons import SENTENCES, Reason
from addressee.core.registry import fields
from addressee.core.setup import Account, Setup
from addressee.core.templates import render
from addressee.core.values import (
    Actor,
    Assurance,
    CommunicationDraft,
    Decision,
    Disposition,
    Fresh,
    LineFault,
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
    notes: tuple[str, ...]
    faults: tuple[LineFault, ...]
    fresh: Fresh
    reading: Reading
    released: bool

    @property
    def account(self) -> Account | None:
        return self.setup.accounts.get(self.account_key)

    @property
    def actor(self) -> Actor:
        return self.decision.actor


def linked(request: Request, record: str, kind: str) -> CommunicationDraft:
    """The message linked to a record and nothing else: history, bounces, vacation mail."""
    return communication(request, record, kind=kind)


def write(telling: Telling) -> tuple[list[OutboxDraft], list[tuple[str, str]]]:
    """The mails, and (result, why) notes for the trace."""
    drafts: list[OutboxDraft] = []
    notes: list[tuple[str, str]] = []
    _to_author(telling, drafts, notes)
    if telling.decision.disposition is Disposition.ACCEPT and telling.decision.communications:
        _to_staff(telling, drafts, notes)
        _to_correspondents(telling, drafts, notes)
    return drafts, notes


def with_notices(decision: Decision, telling: Telling) -> Decision:
    """A web post with what follows from it: the author needs no receipt, staff and correspondents are told."""
    drafts: list[OutboxDraft] = []
    notes: list[tuple[str, str]] = []
    _to_staff(telling, drafts, notes)
    _to_correspondents(telling, drafts, notes)
    return replace(decision, outbox=tuple(drafts), trace=(*decision.trace, *(Step("answer", *n) for n in notes)))


# ---------------------------------------------------------------- the author


def _to_author(telling: Telling, drafts: list[OutboxDraft], notes: list[tuple[str, str]]) -> None:
    why_not = _unanswerable(telling)
    if why_not:
        notes.append(("none", why_not))
        return
    to = telling.actor.address
    over = _over_limit(telling, to)
    if over:
        notes.append(("held back", over))
        return
    kind, subject, text = _answer(telling, notes)
    record = telling.record
    drafts.append(
        OutboxDraft(
            kind=kind,
            to=to,
            subject=subject,
            text=_with_held_back(telling, to, text),
            account=telling.account_key,
            record=record.uuid if record is not None and not record.deleted else None,
            token=telling.fresh.token() if record is not None and not record.deleted else None,
            table=record.table if record is not None else "",
            seed=telling.fresh.uuid(),
            in_reply_to=telling.message.message_id,
            references=(*telling.message.references[-20:], telling.message.message_id)
            if telling.message.message_id
            else (),
            message=telling.message.identity or None,
        )
    )
    notes.append((kind, f"to {to}"))


def _unanswerable(telling: Telling) -> str:
    """Why the author gets no answer, or "" (RFC 3834 2, laws 11 and 14)."""
    decision, actor, message = telling.decision, telling.actor, telling.message
    if message.nature is not Nature.PERSON:
        return f"{message.nature.value} mail is never answered"
    if message.author is None or not actor.address:
        return "there is no single author to answer"
    if decision.reason in _SILENT or decision.disposition is Disposition.REDIRECT:
        return "nobody is told"
    if telling.released and decision.disposition is not Disposition.ACCEPT:
        return "it was released and waits again"
    sure = actor.level >= Assurance.E3 or (actor.level is Assurance.E2 and actor.token is not None)
    if not sure:
        return "the author is not proven, so he is not answered (law 11)"
    account = telling.setup.accounts.get(telling.setup.account_by_address.get(actor.address, ""))
    if actor.address.startswith(_SILENT_AUTHORS) or (account is not None and account.kind == "group"):
        return f"{actor.address} is no person's address"
    if actor.address in telling.snapshot.suppressed:
        return f"{actor.address} gets no mail: {telling.snapshot.suppressed[actor.address]}"
    return ""


def _over_limit(telling: Telling, to: str) -> str:
    counts, setup = telling.snapshot.count(to), telling.setup
    if has_role(telling.actor.person):
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
    return f"{text}\n\n{missed} earlier answers to you were held back by a limit." if missed else text


def _answer(telling: Telling, notes: list[tuple[str, str]]) -> tuple[str, str, str]:
    """(kind, subject, text): the auto-reply where the account has one and the author has no role, else the receipt."""
    account = telling.account
    template = telling.setup.templates.get(account.auto_reply) if account and account.auto_reply else None
    accepted = telling.decision.disposition is Disposition.ACCEPT
    if template is not None and accepted and not has_role(telling.actor.person) and not telling.faults:
        values = _template_values(telling)
        try:
            subject, text = render(template.subject, values), render(template.text, values)
            return "auto_reply", " ".join(subject.split()) or _re(telling.message.subject), text
        except BadValue as fault:
            notes.append(("template", f"{account.auto_reply if account else ''}: {fault.data['expected']}"))
    return "receipt", _re(telling.message.subject), receipt(telling)


def _re(subject: str) -> str:
    clean = " ".join(subject.split())
    return clean if clean[:3].lower() == "re:" else f"Re: {clean}".strip()


def _template_values(telling: Telling) -> Mapping[str, Any]:
    record, site = telling.record, telling.setup.site
    told: dict[str, Any] = {}
    if record is not None:
        told = dict(visible_texts(record, telling.actor, telling))
        told["number"] = name_of(record, telling.setup) if record.number is not None else ""
        told["url"] = url_of(record, telling.setup)
    name = telling.message.author_name or telling.actor.address
    return {
        "record": told,
        "recipient": {"name": " ".join(name.split()), "address": telling.actor.address},
        "site": {"name": site.name, "url": site.url},
        "sender": {"name": site.name},
    }


# ---------------------------------------------------------------- the receipt


def may_read(actor: Actor, record: RecordState, telling: Telling) -> bool:
    bound = dict(telling.snapshot.correspondents.get(record.uuid, {}))
    for (uuid, address), new in telling.decision.correspondents.items():
        if uuid == record.uuid:
            bound[address] = new
    return bool(reaches(actor, Right.READ, record, telling.setup, bound, telling.snapshot.records))


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
        what = heading(record, setup) if reads else name_of(record, setup)
    lines = [_first_line(decision, what)]
    if decision.disposition is Disposition.ACCEPT:
        lines += _done(telling, reads)
    if decision.reason not in (Reason.DONE, Reason.UNVERIFIED):
        lines += ["", SENTENCES[decision.reason]]
        lines += [f"  {_settle_why(decision)}"] if _settle_why(decision) != SENTENCES[decision.reason] else []
    if telling.faults:
        lines += ["", "Not done:", *(f"  {fault_sentence(fault)}" for fault in telling.faults)]
    if telling.notes:
        lines += ["", *telling.notes]
    left_out = [f for f in decision.files if not f.stored]
    if left_out:
        lines += ["", "Files left out:"]
        lines += [f"  {f.attachment.name} ({FILE_SENTENCES.get(f.reason, f.reason)})" for f in left_out]
    if telling.answer:
        lines += ["", telling.answer]
    if record is not None and reads and not record.deleted:
        lines += ["", url_of(record, setup)]
    return "\n".join(lines)


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


def fault_sentence(fault: LineFault) -> str:
    """Line, value and the form expected."""
    where = f"line {fault.line}: " if fault.line else ""
    if fault.slug == "no-such-field":
        near = f" Did you mean {fault.expected}?" if fault.expected else ""
        return f"{where}there is no field {fault.field!r}.{near}"
    if fault.slug == "one-alternative":
        return f"{fault.field}: a line that sets it stands in only one of the text and HTML forms of the message."
    if fault.slug == "set-twice":
        return f"{fault.field} is set twice to different values."
    value = f"{fault.text[:80]!r} is not taken; " if fault.text else ""
    return f"{where}{fault.field}: {value}expected is {fault.expected}. {fault.hint}".rstrip()


# ---------------------------------------------------------------- staff and correspondents


def _to_staff(telling: Telling, drafts: list[OutboxDraft], notes: list[tuple[str, str]]) -> None:
    """A notice to assignee and followers, else to the team, of what a correspondent wrote; of staff's to the former."""
    record = telling.record
    post = next((c for c in telling.decision.communications if record and c.record == record.uuid), None)
    if record is None or post is None or not (post.text.strip() or post.files):
        return
    outsider = not has_role(telling.actor.person)
    addressed = {m.address.lower() for m in (*telling.message.to, *telling.message.cc)}
    for person in staff_of(record, telling.account if outsider else None, telling.snapshot, telling.setup):
        to = person.addresses[0]
        bystander = not outsider and person.key != record.assignee and not _follows(person, record, telling)
        if bystander or telling.actor.address in person.addresses or addressed & set(person.addresses):
            continue
        actor = Actor(person, to, Assurance.E6)
        if not may_read(actor, record, telling):
            notes.append(("no notice", f"{person.key} may not read the record"))
            continue
        if telling.snapshot.count(to).notices_hour >= telling.setup.option("notices_per_hour"):
            notes.append(("held back", f"notice to {to}: the limit of notices an hour"))
            continue
        drafts.append(_notice(telling, record, post, to, outsider))
        notes.append(("notification", f"to {to}"))


def _follows(person: Person, record: RecordState, telling: Telling) -> bool:
    return person.key in telling.snapshot.followers.get(record.uuid, ())


def _notice(telling: Telling, record: RecordState, post: CommunicationDraft, to: str, outsider: bool) -> OutboxDraft:
    setup, account = telling.setup, telling.account
    public = outsider and (account is None or account.staff_replies == "public")
    goes_on_to = ", ".join(correspondents_of(record, telling))
    author = telling.message.author_name or telling.actor.address or "Somebody unknown"
    first = (
        f"An answer to this notice is public and goes on to {goes_on_to}. "
        "Begin it with the line `note` to keep it among staff."
        if public and goes_on_to
        else "An answer to this notice stays among staff."
    )
    doubt = " (unverified: nothing proves that it is the author's)" if post.unverified else ""
    lines = [first, "", f"{' '.join(author.split())}{doubt} wrote on {heading(record, setup)}:", "", post.text.strip()]
    if post.files:
        lines += ["", "Files: " + ", ".join(f.name for f in post.files if not f.inline)]
    lines += ["", url_of(record, setup)]
    return OutboxDraft(
        kind="notification",
        to=to,
        subject=_re(heading(record, setup)),
        text="\n".join(lines),
        account=telling.account_key,
        record=record.uuid,
        table=record.table,
        seed=telling.fresh.uuid(),
        token=telling.fresh.token(),
        notice=public,
        message=telling.message.identity or None,
    )


def _to_correspondents(telling: Telling, drafts: list[OutboxDraft], notes: list[tuple[str, str]]) -> None:
    """Law 16: what staff wrote in public goes on to the correspondents, from the account's address."""
    record = telling.record
    if record is None or telling.visibility is not Visibility.PUBLIC or not has_role(telling.actor.person):
        return
    post = next((c for c in telling.decision.communications if c.record == record.uuid), None)
    if post is None or not (post.text.strip() or post.files):
        return
    addressed = {m.address.lower() for m in (*telling.message.to, *telling.message.cc)}
    for address in correspondents_of(record, telling):
        if address in addressed or address in telling.snapshot.suppressed:
            continue
        drafts.append(composed(telling, record, post, address))
        notes.append(("composed", f"to {address}"))


def correspondents_of(record: RecordState, telling: Telling) -> list[str]:
    """The addresses without a role that wrote to the record or were written to from it by a person."""
    snapshot = telling.snapshot
    bound = dict(snapshot.correspondents.get(record.uuid, {}))
    for (uuid, address), new in telling.decision.correspondents.items():
        if uuid == record.uuid:
            bound[address] = new
    wrote = (address for address, each in bound.items() if each.wrote or each.wrote_first or each.written_to)
    staff = {a for a, key in snapshot.person_by_address.items() if has_role(snapshot.persons.get(key))}
    return sorted(set(wrote) - staff)


def composed(telling: Telling, record: RecordState, post: CommunicationDraft, to: str) -> OutboxDraft:
    name = telling.actor.person.name if telling.actor.person else ""
    text = f"{post.text.strip()}\n\n{name}".rstrip()
    last = telling.snapshot.last_message.get(record.uuid, "")
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
        files=tuple(f for f in post.files if not f.inline),
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
