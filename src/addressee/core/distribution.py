"""Whose turn is it? The assignee of a new record by the account's distribution (U-88 to U-91). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from addressee.core.action import Request
from addressee.core.values import Person


def assignee_for(request: Request) -> tuple[str, dict[str, str]]:
    """The person, "" for none, and the turn to remember: {turn name: person}."""
    how = request.account.distribution if request.account else None
    if how is None:
        return "", {}
    if how.how == "direct":
        person = request.snapshot.persons.get(how.person)
        return (how.person if person is not None and person.active else ""), {}
    return next_person(how.how, how.team, turn_name(request.account_key), request.table, request)


def next_person(
    how: str, team_key: str, turn: str, table: str, request: Request, laid: Mapping[str, str] | None = None
) -> tuple[str, dict[str, str]]:
    """The next (round_robin) or least busy person of a team who is there, "" for none, and the turn to remember.

    laid  turns that were taken since the snapshot
    """
    persons, team = request.snapshot.persons, request.setup.teams.get(team_key)
    here = [key for key in team.members if _present(persons.get(key), request.now.date())] if team else []
    if not here or team is None:
        return "", {}
    last = (laid or {}).get(turn) or request.snapshot.turns.get(turn, "")
    candidates = [key for key in _after(list(team.members), last) if key in here]
    if how == "least_busy":
        load = request.snapshot.open_counts
        candidates.sort(key=lambda key: load.get((table, key), 0))  # stable: ties stay in turn
    return candidates[0], {turn: candidates[0]}


def turn_name(account: str) -> str:
    return f"account:{account}"


def _after(members: list[str], last: str) -> list[str]:
    """The members, beginning after the one who had the last turn."""
    start = members.index(last) + 1 if last in members else 0
    return members[start:] + members[:start]


def _present(person: Person | None, today: date) -> bool:
    if person is None or not person.active or person.guest:
        return False
    return not any(_within(interval, today) for interval in person.away)


def _within(interval: str, today: date) -> bool:
    first, _, last = interval.partition("/")
    try:
        return date.fromisoformat(first) <= today <= date.fromisoformat(last or first)
    except ValueError:
        return False
