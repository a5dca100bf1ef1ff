"""What a receipt says: what was done, what was not and why, what can be done about it, and where to look (U-95)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from addressee.core.authorise import field_access, has_role
from addressee.core.language import Saying, english, saying
from addressee.core.letter import Block, Link, Listed, Said, Values, Verbatim
from addressee.core.outgoing import reply_address
from addressee.core.present import heading, message_url, name_of, url_of
from addressee.core.reasons import Reason
from addressee.core.registry import actions, fields
from addressee.core.replies.telling import Reader, Telling, may_read
from addressee.core.values import Decision, Disposition, Effect, LineFault

_DONE = {"create": "receipt.created", "delete": "receipt.deleted", "restore": "receipt.restored"}
_MOST_CHARS = 200  # of a value before or after; the record's page has all of it


def receipt(told: Reader, telling: Telling, token: str | None, left_out: tuple[Saying, ...] = ()) -> list[Block]:
    """The receipt for its author.

    token     of the answer's own address, where it has one
    left_out  who in Cc was not told, and why
    """
    decision = telling.decision
    blocks: list[Block] = [Said(_first_line(decision, _what(told, telling), told), head=True)]
    if decision.disposition is Disposition.ACCEPT:
        blocks += _done(told, telling)
    blocks += not_done(told, telling, left_out)
    blocks += asked_for(told, telling)
    blocks += _undo(told, telling, token)
    return [*blocks, *_links(told, telling)]


def copy(told: Reader, telling: Telling, answer: str) -> list[Block]:
    """The same for somebody in Cc who may read the record: what was done and asked for, by his own rights."""
    words = told.words
    author = " ".join((telling.message.author_name or telling.actor.address).split())
    blocks: list[Block] = [Said(_first_line(telling.decision, _what(told, telling), told), head=True)]
    blocks += _done(told, telling)
    blocks += [Verbatim(answer, form=True)] if answer else []
    blocks.append(Said(words("copy.why", author=author)))
    return [*blocks, *_links(told, telling)]


def asked_for(told: Reader, telling: Telling) -> list[Block]:
    return [Verbatim(telling.answer, form=True)] if telling.answer else []


def not_done(
    told: Reader, telling: Telling, left_out: tuple[Saying, ...] = (), silent: frozenset[str] = frozenset()
) -> list[Block]:
    """Why not all was done, each wrong line, what was shortened, files left out: in every answer, whatever its kind.

    silent  why files were left out that nobody misses
    """
    decision, words = telling.decision, told.words
    blocks: list[Block] = []
    if decision.reason not in (Reason.DONE, Reason.UNVERIFIED):
        why = [words(f"reason.{decision.reason}"), *([words.say(decision.why)] if decision.why else [])]
        blocks.append(Said("\n".join(why)))
    if telling.faults:
        faults = tuple(words.say(fault_sentence(fault)) for fault in telling.faults)
        blocks.append(Listed(words("receipt.not-done"), faults))
    if english().has(f"cure.{decision.reason}"):
        blocks.append(Said(words("receipt.cure", cure=saying(f"cure.{decision.reason}"))))
    blocks += [Said(words.say(note)) for note in telling.notes]
    files = [f for f in decision.files if not f.stored and f.reason not in silent]
    if files:
        named = tuple(words("receipt.file-left-out", name=f.attachment.name, why=_why(f.reason)) for f in files)
        blocks.append(Listed(words("receipt.files-left-out"), named))
    if left_out:
        blocks.append(Listed(words("copy.left-out"), tuple(words.say(each) for each in left_out)))
    return blocks


def _why(reason: str) -> Saying | str:
    return saying(f"file.{reason}") if english().has(f"file.{reason}") else reason


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


# ---------------------------------------------------------------- what was done


def _what(told: Reader, telling: Telling) -> str:
    """The record as its reader may call it, "" for none."""
    record = telling.record
    if record is None:
        return ""
    if may_read(told.actor, record, telling):
        return heading(record, telling.setup, told.actor.person)
    return name_of(record, telling.setup)


def _first_line(decision: Decision, what: str, told: Reader) -> str:
    words = told.words
    if decision.disposition is Disposition.HOLD:
        return words("receipt.held")
    if decision.disposition is Disposition.REJECT:
        return words("receipt.rejected")
    kinds = [e.kind for e in decision.effects if e.record and e.kind != "link"]
    if not what:
        return words("receipt.received")
    done = next((slug for kind, slug in _DONE.items() if kind in kinds), "")
    if done or "update" in kinds:
        return words(done or "receipt.changed", what=what)
    own = told.actor.address == decision.actor.address
    return words("receipt.part" if kinds and own else "receipt.about", what=what)


def _done(told: Reader, telling: Telling) -> list[Block]:
    """Values before and after, of what the reader may read."""
    record, words = telling.record, told.words
    rows: list[tuple[str, str, str]] = []
    if record is not None and may_read(told.actor, record, telling):
        for happened in telling.decision.effects:
            if happened.record == record.uuid:
                rows += _rows(happened, told, telling)
    kept = [f.attachment.name for f in telling.decision.files if f.stored and not f.attachment.inline]
    if kept and told.actor.address == telling.actor.address:
        rows.append((words("receipt.files"), "", ", ".join(kept)))
    return [Values(tuple(rows))] if rows else []


def _rows(happened: Effect, told: Reader, telling: Telling) -> Iterator[tuple[str, str, str]]:
    table = telling.setup.tables[happened.table]
    for name, pair in happened.fields.items():
        definition = table.live_fields.get(name)
        if definition is None or field_access(told.actor.person, happened.table, name, telling.setup) == "none":
            continue
        kind = fields[definition.type]
        if not kind.by_text or kind.appends:  # what was appended is the author's own text
            continue
        before, after = (kind.shown(pair[when], definition, told.reading) for when in ("before", "after"))
        yield definition.label or name, _short(before), _short(after)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _MOST_CHARS else flat[: _MOST_CHARS - 1] + "…"


# ---------------------------------------------------------------- where to go on


def _undo(told: Reader, telling: Telling, token: str | None) -> list[Block]:
    """How to take it back, where something changed, and the word is there."""
    if not token or not telling.decision.changes or "undo" not in actions:
        return []
    words, address = told.words, reply_address(token, telling.account, telling.setup)
    url = f"mailto:{quote(address)}?subject=undo"
    return [Link(words("receipt.undo", word="undo"), words("receipt.undo-link"), url)]


def _links(told: Reader, telling: Telling) -> list[Block]:
    record, setup, words = telling.record, telling.setup, told.words
    links: list[Block] = []
    if record is not None and not record.deleted and may_read(told.actor, record, telling):
        url = url_of(record, setup)
        links.append(Link(words("receipt.record", url=url), words("receipt.record-link"), url))
    own = told.actor.address == telling.actor.address
    if own and has_role(told.actor.person) and telling.decision.delivery:
        url = message_url(telling.decision.delivery, setup)
        links.append(Link(words("receipt.message", url=url), words("receipt.message-link"), url))
    return links
