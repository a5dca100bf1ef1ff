"""One message for many notices: what is told of each, and to whom no more (laws 10, 13). Pure; for pipeline/digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from addressee.core.authorise import reaches
from addressee.core.language import Language, language, saying
from addressee.core.present import heading, url_of
from addressee.core.setup import Setup
from addressee.core.values import Actor, Assurance, OutboxDraft, Person, RecordState, Right, Snapshot

EXCERPT_CHARS = 300
MOST_TOLD = 200  # notices with author and text; of the others the number, for each record


@dataclass(frozen=True, slots=True)
class Told:
    """One gathered notice: the post that it tells of."""

    id: int
    record: str
    account: str
    at: datetime
    author: str
    subject: str
    text: str
    unverified: bool


def readable(person: Person, to: str, notices: Sequence[Told], snapshot: Snapshot, setup: Setup) -> list[Told]:
    """The notices that may still be told: he is at work here, gets mail, and may read their records as they stand."""
    if not person.active or person.guest or to not in person.addresses or to in snapshot.suppressed:
        return []
    actor = Actor(person, to, Assurance.E6)

    def reads(record: RecordState | None) -> bool:
        if record is None or record.deleted or record.table not in setup.live_tables:
            return False
        bound = snapshot.correspondents.get(record.uuid, {})
        return bool(reaches(actor, Right.READ, record, setup, bound, snapshot.records))

    return [notice for notice in notices if reads(snapshot.records.get(notice.record))]


def digest(person: Person, to: str, notices: Sequence[Told], snapshot: Snapshot, setup: Setup) -> OutboxDraft:
    """The one message. `notices` are readable ones, at least one, in their order; the first of them names it."""
    zone = ZoneInfo(person.time_zone or setup.site.time_zone)
    by_record: dict[str, list[Told]] = {}
    for notice in notices:
        by_record.setdefault(notice.record, []).append(notice)
    say = language(person.language, setup.site.language)
    lines = [
        say("receipt.held-back", count=len(notices)) + " " + say("digest.limit", most=setup.option("notices_per_hour")),
        say("digest.no-reply"),
    ]
    room = MOST_TOLD
    for uuid, told in by_record.items():
        record = snapshot.records[uuid]
        lines += ["", heading(record, setup, person), url_of(record, setup)]
        for notice in told[:room]:
            lines += ["", *_lines(notice, zone, say)]
        if len(told) > room:
            lines += ["", "  " + say("digest.more", count=len(told) - room)]
        room = max(0, room - len(told))
    return OutboxDraft(
        kind="notification",
        to=to,
        subject=say(
            "digest.subject",
            messages=saying("digest.messages", count=len(notices)),
            records=saying("digest.records", count=len(by_record)),
        ),
        language=say.tag,
        text="\n".join(lines),
        account=notices[-1].account,
        seed=f"digest {notices[0].id} {to}",
        no_reply=True,
    )


def _lines(notice: Told, zone: ZoneInfo, say: Language) -> list[str]:
    who = " ".join(notice.author.split()) or say("notice.somebody")
    who = say("digest.unverified", who=who) if notice.unverified else who
    about = f": {' '.join(notice.subject.split())}" if notice.subject.strip() else ""
    text = " ".join(notice.text.split())
    excerpt = text if len(text) <= EXCERPT_CHARS else text[: EXCERPT_CHARS - 1] + "…"
    at = notice.at.astimezone(zone)
    return [f"  {at:%Y-%m-%d %H:%M}  {who}{about}", *([f"    {excerpt}"] * bool(text))]
