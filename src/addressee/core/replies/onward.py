"""What goes on: staff's public answers to the correspondents (law 16), and whole messages to the catch-all."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from addressee.core.authorise import has_role, is_staff
from addressee.core.language import language, saying
from addressee.core.message import Attachment, Message
from addressee.core.present import file_url, name_of
from addressee.core.replies.telling import Answers, Telling, addressed, bound_to, language_of, re
from addressee.core.setup import Setup
from addressee.core.values import CommunicationDraft, Decision, Fresh, OutboxDraft, RecordState, Visibility


def to_correspondents(telling: Telling, answers: Answers) -> None:
    """Law 16: what staff wrote in public goes on to the correspondents, from the account's address."""
    record = telling.record
    if record is None or telling.visibility is not Visibility.PUBLIC or not has_role(telling.actor.person):
        return
    post = next((c for c in telling.decision.communications if c.record == record.uuid), None)
    if post is None or not (post.text.strip() or post.files):
        return
    already = addressed(telling)
    for address in correspondents_of(record, telling):
        if address in already:
            continue
        if address in telling.snapshot.suppressed:
            answers.notes.append(("not sent", f"{address} gets no mail: {telling.snapshot.suppressed[address]}"))
            continue
        answers.add(_composed(telling, record, post, address))


def correspondents_of(record: RecordState, telling: Telling) -> list[str]:
    """The addresses without a role that wrote to the record or were written to from it by a person."""
    wrote = (address for address, each in bound_to(record, telling).items() if each.corresponds)
    return sorted(address for address in wrote if not is_staff(address, telling.snapshot))


def _composed(telling: Telling, record: RecordState, post: CommunicationDraft, to: str) -> OutboxDraft:
    name = telling.actor.person.name if telling.actor.person else ""
    text = f"{post.text.strip()}\n\n{name}".rstrip()
    last = telling.snapshot.last_message.get(record.uuid, "")
    words = language(language_of(to, None, telling.account, telling.snapshot, telling.setup))
    files = tuple(f for f in post.files if not f.inline)
    links: tuple[tuple[Attachment, str], ...] = ()
    if sum(f.size_bytes for f in files) > telling.setup.option("attached_size_bytes"):
        links = tuple((each, telling.fresh.token()) for each in files)
        files = ()
        until = (telling.snapshot.now + timedelta(days=telling.setup.option("link_days"))).astimezone(
            ZoneInfo(telling.setup.site.time_zone)
        )
        urls = (f"{f.name}: {file_url(token, telling.setup)}" for f, token in links)
        text = "\n".join([text, "", words("mail.links", date=f"{until:%Y-%m-%d}"), *urls])
    return OutboxDraft(
        kind="composed",
        to=to,
        subject=re(record.title or name_of(record, telling.setup)),
        text=text,
        language=words.tag,
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
    decision: Decision, message: Message, record: RecordState | None, setup: Setup, fresh: Fresh
) -> OutboxDraft:
    """The whole message to the site's catch_all, with the number and the reason."""
    words = language(setup.site.language)
    number = name_of(record, setup) if record is not None else ""
    subject = f"{' '.join(message.subject.split())} {f'({number})' if number else ''}".strip()
    lines = [
        words("redirect.text", why=saying(f"reason.{decision.reason}")),
        *([words("redirect.about", number=number)] if number else []),
        words("redirect.from", author=decision.author or saying("redirect.nobody")),
        words("redirect.reason", slug=decision.reason.value),
    ]
    return OutboxDraft(
        kind="redirect",
        to=setup.site.catch_all,
        subject=words("redirect.subject", subject=subject),
        text="\n".join(lines),
        language=words.tag,
        account=decision.account,
        message=message.identity,
        attach_raw=True,
        table=record.table if record is not None else "",
        seed=fresh.uuid(),
    )
