"""Notices to staff of what a correspondent wrote; the first line says where an answer goes (law 16)."""

from __future__ import annotations

from addressee.core.authorise import has_role
from addressee.core.letter import Block, Link, Said, Verbatim, as_text
from addressee.core.present import heading, url_of
from addressee.core.replies.onward import correspondents_of
from addressee.core.replies.telling import Answers, Reader, Telling, addressed, held_back, may_read, re, reader
from addressee.core.setup import Account, Setup
from addressee.core.values import (
    Actor,
    Assurance,
    CommunicationDraft,
    NoticeDraft,
    OutboxDraft,
    Person,
    RecordState,
    Snapshot,
)


def to_staff(telling: Telling, answers: Answers) -> None:
    """A notice to assignee and followers, else to the team, of what a correspondent wrote; of staff's to the former."""
    record = telling.record
    post = next((c for c in telling.decision.communications if record and c.record == record.uuid), None)
    if record is None or post is None or not (post.text.strip() or post.files):
        return
    outsider = not has_role(telling.actor.person)
    already = addressed(telling)
    for person in staff_of(record, telling.account if outsider else None, telling.snapshot, telling.setup):
        to = person.addresses[0]
        bystander = not outsider and person.key != record.assignee and not _follows(person, record, telling)
        if bystander or telling.actor.address in person.addresses or already & set(person.addresses):
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
        answers.add(_notice(reader(actor, telling), telling, record, post, outsider))


def _follows(person: Person, record: RecordState, telling: Telling) -> bool:
    return person.key in telling.snapshot.followers.get(record.uuid, ())


def _notice(
    told: Reader, telling: Telling, record: RecordState, post: CommunicationDraft, outsider: bool
) -> OutboxDraft:
    setup, account, words = telling.setup, telling.account, told.words
    called = heading(record, setup, told.actor.person)
    public = outsider and (account is None or account.staff_replies == "public")
    goes_on_to = ", ".join(correspondents_of(record, telling))
    author = telling.message.author_name or telling.actor.address or words("notice.somebody")
    first = words("notice.public", whom=goes_on_to) if public and goes_on_to else words("notice.internal")
    wrote = "notice.unverified" if post.unverified else "notice.wrote"
    blocks: list[Block] = [Said(first), Said(words(wrote, who=" ".join(author.split()), what=called))]
    blocks += [Verbatim(post.text.strip())] if post.text.strip() else []
    files = tuple(f.name for f in post.files if not f.inline)
    blocks += [Said(words("notice.files", files=files))] if files else []
    url = url_of(record, setup)
    blocks.append(Link(words("receipt.record", url=url), words("receipt.record-link"), url))
    blocks += [Said(each) for each in held_back(told.to, words, telling)]
    return OutboxDraft(
        kind="notification",
        to=told.to,
        subject=re(called),
        text=as_text(blocks, words),
        language=words.tag,
        account=telling.account_key,
        record=record.uuid,
        table=record.table,
        seed=telling.fresh.uuid(),
        token=telling.fresh.token(),
        notice=public,
        message=telling.message.identity or None,
    )


def staff_of(record: RecordState, account: Account | None, snapshot: Snapshot, setup: Setup) -> list[Person]:
    """Who is told of what happens to a record: assignee and followers, else the members of its team."""
    keys = [*((record.assignee,) if record.assignee else ()), *snapshot.followers.get(record.uuid, ())]
    if not keys:
        team = setup.teams.get(record.team or (account.team if account else ""))
        keys = list(team.members) if team else []
    persons = (snapshot.persons.get(key) for key in dict.fromkeys(keys))
    return [p for p in persons if p is not None and p.active and not p.guest and p.addresses]
