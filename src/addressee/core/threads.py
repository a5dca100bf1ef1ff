"""Which record is a message about? One fixed search order; the first step that finds one decides. Pure.

    1 the reply address or record address it was sent to     4 In-Reply-To and References of mail we know
    2 the token in our own header                            5 the number of a record in the subject
    3 the token in the subject                               6 none: the way of a new record

A later step that names another record is told as a conflict; it never wins (FEATURES U-09).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from addressee.core.command import mask_pattern
from addressee.core.form import mark_of
from addressee.core.message import Message
from addressee.core.reasons import Reason
from addressee.core.route import Kind, Route
from addressee.core.setup import Setup
from addressee.core.tokens import LIKE_TOKEN, digest, in_subject, is_token
from addressee.core.values import Code, RecordState, Snapshot, Step, TokenState

_REFERENCE = "In-Reply-To or References"
TOKEN_HEADER = "x-addressee-token"  # noqa: S105
_MOST_REFERENCES = 100
_CODE_LINES = 5


@dataclass(frozen=True, slots=True)
class Found:
    """The record a message is about, if any, and what led to it.

    token     the honoured token of that record, wherever in the message it stood
    conflict  another record or token was named too (law 15: then no command)
    trouble   why the address or token leads nowhere, where it does not
    dead      the token or address that led to the record has expired or was withdrawn
    bad       a token that was never issued stood in it
    code      a one-time code that we sent stood in it
    typed     codes in the first lines of its text, by hash
    """

    record: str = ""
    how: str = ""
    token: TokenState | None = None
    account: str = ""
    conflict: bool = False
    trouble: Reason | None = None
    bad: bool = False
    dead: Reason | None = None
    code: Code | None = None
    typed: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    how: str
    record: str
    token: TokenState | None
    account: str = ""
    dead: Reason | None = None


def codes_in(message: Message) -> list[str]:
    """What has the form of a one-time code in the first lines that the author wrote."""
    if not LIKE_TOKEN.search(message.new_text):
        return []
    lines = [line for line in message.new_text.split("\n") if line.strip()][:_CODE_LINES]
    words = (word.strip(".,;:!?\"'()[]<>#*").lower() for line in lines for word in line.split())
    return list(dict.fromkeys(word for word in words if is_token(word)))


def tokens_in(message: Message, route: Route) -> Iterator[tuple[str, str]]:
    """(where, token) of everything in a message that has the form of a token of ours, in search order."""
    if route.token:
        yield "reply address", route.token
    header = message.headers.get(TOKEN_HEADER, "").strip()
    if is_token(header):
        yield "header", header.lower()
    for token in in_subject(message.subject):
        yield "subject", token
    for message_id in referenced(message):
        local = message_id.partition("@")[0].partition(".")[0].lower()
        if is_token(local):
            yield _REFERENCE, local


def referenced(message: Message) -> list[str]:
    """In-Reply-To first, then References from the nearest back; without doubles."""
    ids = [*message.in_reply_to, *reversed(message.references[-_MOST_REFERENCES:])]
    return list(dict.fromkeys(ids))


def numbers_in(message: Message, route: Route, setup: Setup) -> list[tuple[str, int]]:
    """(table, number) for each number mask of the addressed table that the subject holds; old masks count."""
    table = setup.live_tables.get(route.table)
    if table is None:
        return []
    found: list[tuple[str, int]] = []
    for mask in (table.number, *table.number_was):
        if mask:
            found += [(route.table, int(digits)) for digits in mask_pattern(mask).findall(message.subject)]
    return list(dict.fromkeys(found))


def other_numbers(subject: str, record: RecordState, setup: Setup) -> bool:
    """Does a subject hold the number of another record than this one, of whatever table?"""

    def without_own(found: re.Match[str]) -> str:
        return " " if int(found[1]) == record.number else found[0]

    own = setup.tables[record.table]
    for mask in filter(None, (own.number, *own.number_was)):
        subject = mask_pattern(mask).sub(without_own, subject)
    return any(mask_pattern(mask).search(subject) for mask in setup.number_masks)


def is_number(text: str, setup: Setup) -> bool:
    """Is a text the number of a record and nothing else?"""
    return any(mask_pattern(mask).fullmatch(text.strip()) for mask in setup.number_masks)


def find(message: Message, route: Route, snapshot: Snapshot, setup: Setup, *, one_per_thread: bool) -> Found:
    """Walk the search order and say what was found, and what contradicts it."""
    steps: list[Step] = []
    trouble, bad = _address_trouble(route, snapshot), False
    candidates: list[Candidate] = []
    typed = tuple(map(digest, codes_in(message)))
    code = next((snapshot.codes[each] for each in typed if each in snapshot.codes), None)
    if route.kind is Kind.RECORD and trouble is None:
        ended = record_ended(route, snapshot)
        if ended:
            steps.append(Step("identify record", "address not honoured", "the record's address was withdrawn"))
        dead = Reason.ADDRESS_WITHDRAWN if ended else None
        candidates.append(Candidate("record address", record_at(route, snapshot), None, dead=dead))
    for where, text in tokens_in(message, route):
        state = snapshot.tokens.get(digest(text))
        sent = snapshot.codes.get(digest(text))
        if sent is not None:
            answered = where != _REFERENCE or (sent.live and any(text in each.lower() for each in message.in_reply_to))
            code = code or (sent if answered else None)
            continue
        if state is None:
            bad = bad or where != _REFERENCE
            if where != _REFERENCE:
                steps.append(Step("identify record", "token unknown", f"the token in the {where} was never issued"))
            continue
        dead = Reason.TOKEN_REVOKED if state.revoked else Reason.TOKEN_EXPIRED if state.expired else None
        if dead is not None:
            fault = "has expired" if dead is Reason.TOKEN_EXPIRED else "was withdrawn"
            steps.append(Step("identify record", "token not honoured", f"the token in the {where} {fault}"))
            trouble = trouble or dead
        honoured = None if dead else state
        candidates.append(Candidate(f"token in the {where}", state.record, honoured, state.account, dead))
    if code is not None and code.record:
        candidates.insert(0, Candidate("code of a confirmation", code.record, None))
    candidates += _by_reference(message, snapshot, one_per_thread)
    candidates += [
        Candidate("number in the subject", snapshot.numbered[number], None)
        for number in numbers_in(message, route, setup)
        if number in snapshot.numbered
    ]
    candidates = [c for c in candidates if c.record in snapshot.records]
    if not candidates:
        for table, number in numbers_in(message, route, setup):
            steps.append(Step("identify record", "no such number", f"{table} has no number {number}"))
        steps.append(Step("identify record", "none", "no address, token, reference or number names a record"))
        return Found(trouble=trouble, bad=bad, code=code, typed=typed, steps=tuple(steps))
    first = candidates[0]
    token = next((c.token for c in candidates if c.token and c.record == first.record), None)
    conflict = _conflict(candidates, first)
    title = snapshot.records[first.record].table
    steps.append(Step("identify record", title, f"by the {first.how}"))
    if conflict:
        steps.append(Step("identify record", "conflict", conflict))
    account = next((c.account for c in candidates if c.account and c.record == first.record), "")
    return Found(
        first.record,
        first.how,
        token,
        account,
        bool(conflict),
        trouble,
        bad,
        None if token else first.dead,
        code,
        typed,
        tuple(steps),
    )


def record_at(route: Route, snapshot: Snapshot) -> str:
    """The uuid of the record that a record address leads to, "" for any other route."""
    state = snapshot.addresses.get(route.record)
    return state.record if state is not None else route.record


def record_ended(route: Route, snapshot: Snapshot) -> bool:
    """Was this address of the record withdrawn?"""
    state = snapshot.addresses.get(route.record)
    return state is not None and state.ended


def quoted_form(
    message: Message, route: Route, record: RecordState | None, author: str, snapshot: Snapshot
) -> TokenState | None:
    """The token, issued to the author for this record, of the form of ours that the message quotes."""
    if record is None:
        return None
    for _, text in tokens_in(message, route):
        token = snapshot.tokens.get(digest(text))
        if token is None or not token.form or token.expired or token.revoked:
            continue
        mark = f"({mark_of(token.hash)})"
        if token.record == record.uuid and token.address == author and (mark in message.text or mark in message.html):
            return token
    return None


def _address_trouble(route: Route, snapshot: Snapshot) -> Reason | None:
    if route.kind is Kind.TOKEN:
        known = digest(route.token)
        return None if known in snapshot.tokens or known in snapshot.codes else Reason.TOKEN_UNKNOWN
    if route.kind is Kind.RECORD:
        record = snapshot.records.get(record_at(route, snapshot))
        if record is None or (route.table and record.table != route.table):
            return Reason.NO_SUCH_RECORD
    return None


def _by_reference(message: Message, snapshot: Snapshot, one_per_thread: bool) -> list[Candidate]:
    found: list[Candidate] = []
    for message_id in referenced(message):
        for known in snapshot.messages.get(message_id, ()):
            if known.ours or one_per_thread:
                whose = "mail of ours" if known.ours else "a message of the thread"
                found += [
                    Candidate(f"reference to {whose}", record, None, known.account if known.ours else "")
                    for record in known.records
                ]
    return found


def _conflict(candidates: list[Candidate], first: Candidate) -> str:
    """A different record named by an address, token or number; an older mail of the thread is no contradiction."""
    for other in candidates[1:]:
        if other.record != first.record and not other.how.startswith(("reference", "token in the In-Reply-To")):
            return f"the {other.how} names another record; the {first.how} comes first"
    return ""
