"""The site, and who may do what: roles, teams, people. Do the names agree, are the addresses ones? By setup/check."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from datetime import date
from functools import cache
from ipaddress import ip_network
from urllib.parse import urlsplit

from addressee.core.addresses import normal
from addressee.core.fieldtype import whole
from addressee.core.options import OPTIONS
from addressee.core.registry import actions
from addressee.core.route import Kind, route
from addressee.core.setup import Grant, PersonItem, SetupFile
from addressee.core.values import OPERATOR
from addressee.core.words import built_in
from addressee.setup.check_values import dangling, each_dangling, language_tag, twice
from addressee.setup.document import Fault, nearest
from addressee.setup.lines import Path
from addressee.setup.shape import shown

_HEADER = re.compile(r"[!-9;-~]+:\s*\S.*")  # RFC 5322 2.2
_SCANNER = re.compile(r"tcp://([\w.-]+|\[[0-9a-fA-F:.]+\]):[1-9]\d{0,4}|unix:/[^\s?#]+")  # host/scanner
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]{0,19}")
NAME_LENGTH = 200  # characters; what a person's row can hold


def site_faults(setup: SetupFile) -> Iterator[Fault]:
    site = setup.site
    if site.namespace and not _NAMESPACE.fullmatch(site.namespace):
        yield Fault(("site", "namespace"), f"{shown(site.namespace)}: small letters, digits and _, at most 20.")
    if normal(f"x@{site.domain}") is None:
        yield Fault(("site", "domain"), f"{shown(site.domain)} is no domain.")
    yield from _catch_all(setup)
    if not _is_url(site.url):
        yield Fault(("site", "url"), f"{shown(site.url)} is no web address: http://… or https://… is expected.")
    yield from _zone(("site", "time_zone"), site.time_zone or " ")
    yield from language_tag(("site", "language"), site.language or " ")
    if site.spam_header and not (_HEADER.fullmatch(site.spam_header) and site.spam_header.isprintable()):
        yield Fault(("site", "spam_header"), 'a header is expected: "Name: value".')
    for position, text in enumerate(site.authserv_ids):
        if not text or not text.isprintable() or set(text) & set(' ;"@'):
            yield Fault(("site", "authserv_ids", position), f"{shown(text)} is no authserv-id (RFC 8601 2.5).")
    for position, text in enumerate(site.trusted_peers):
        yield from _peer(("site", "trusted_peers", position), text)
    for position, text in enumerate(site.block):
        if not text or any(letter.isspace() or not letter.isprintable() for letter in text):
            what = f"{shown(text)}: an address, a part of one with *, or a domain is expected."
            yield Fault(("site", "block", position), what)
    if site.scanner and not _SCANNER.fullmatch(site.scanner):
        what = f"{shown(site.scanner)}: tcp://127.0.0.1:3310 or unix:/run/clamav/clamd.ctl is expected."
        yield Fault(("site", "scanner"), what)
    yield from _limits(setup)
    yield from _words(setup)


def _words(setup: SetupFile) -> Iterator[Fault]:
    """The site's own words for commands: one meaning each, and none that the subject of an answer could be."""
    meant = {word: action for _, word, action in built_in()} | {name: name for name in actions}
    for action, words in setup.site.words.items():
        if action not in actions:
            yield Fault(("site", "words", action), f"{action} is no command of mail.", nearest(action, actions))
            continue
        for position, text in enumerate(words):
            path, word = ("site", "words", action, position), whole(text)
            if not word or not word.isprintable() or set(word) & set(":：[]#") or len(word) > 60:
                yield Fault(path, f"{shown(text)}: a word or a few are expected, without a colon or brackets.")
            elif word in setup.process_by_word:
                yield Fault(path, f"{shown(text)} means the process {setup.process_by_word[word]} already.")
            elif meant.setdefault(word, action) != action:
                yield Fault(path, f"{shown(text)} means `{meant[word]}` already.")


def _catch_all(setup: SetupFile) -> Iterator[Fault]:
    """What is redirected leaves for people: to an address of ours it would come back, and be redirected again."""
    text = setup.site.catch_all
    address = normal(text)
    domain = (normal(f"x@{setup.site.domain}") or "").partition("@")[2]
    if text and address is None:
        yield Fault(("site", "catch_all"), f"{shown(text)} is no email address.")
    elif address is not None and route(address, setup).kind is not Kind.NONE:
        yield Fault(("site", "catch_all"), f"{address} is an address of ours: what is redirected would come back.")
    elif address is not None and address.rpartition("@")[2] == domain:
        what = f"every address at {domain}, the domain of the records, is ours or nobody's: name one elsewhere."
        yield Fault(("site", "catch_all"), what)


def _limits(setup: SetupFile) -> Iterator[Fault]:
    for name, figure in setup.site.limits.items():
        path: Path = ("site", "limits", name)
        option = OPTIONS.get(name)
        if option is None:
            yield Fault(path, f"there is no limit {shown(name)}.", nearest(name, OPTIONS))
        elif not option.least <= figure <= option.most:
            yield Fault(path, f"{figure} {option.unit}: from {option.least} to {option.most} is expected.")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0 and text.isprintable()
        )
    except ValueError:
        return False


def _peer(path: Path, text: str) -> Iterator[Fault]:
    try:
        ip_network(text)
    except ValueError:
        try:
            near = str(ip_network(text, strict=False))
        except ValueError:
            near = None
        yield Fault(path, f"{shown(text)} is no IP address and no network such as 10.0.0.0/8.", near)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(path: Path, text: str) -> Iterator[Fault]:
    if text and text not in _zones():
        city = [zone for zone in _zones() if zone.rpartition("/")[2].lower() == text.rpartition("/")[2].lower()]
        near = city[0] if len(city) == 1 else nearest(text, sorted(_zones()))
        yield Fault(path, f"there is no time zone {shown(text)}.", near)


# ---- roles, teams, people ----------------------------------------------------------------------------------------


def people_faults(setup: SetupFile) -> Iterator[Fault]:
    for key, role in setup.roles.items():
        for table, grant in role.grants.items():
            yield from _grant(("roles", key, "grants", table), table, grant, setup)
    for key, team in setup.teams.items():
        path: Path = ("teams", key, "members")
        yield from each_dangling(path, team.members, setup.people, "person")
        yield from twice(path, team.members)
        for position, name in enumerate(team.members):
            if name in setup.people and setup.people[name].guest:
                yield Fault((*path, position), f"{name} is a guest person and can't be in a team.")
    taken: dict[str, Path] = {}
    for key, person in setup.people.items():
        if key == OPERATOR:
            yield Fault(("people", key), f"{OPERATOR} is what the command line is called. Give the person another key.")
        yield from _person(("people", key), key, person, setup, taken)


def _grant(path: Path, table: str, grant: Grant, setup: SetupFile) -> Iterator[Fault]:
    yield from dangling(path, table, setup.tables, "table")
    if table not in setup.tables:
        return
    for name in grant.fields:
        yield from dangling((*path, "fields", name), name, setup.tables[table].fields, f"field of {table}")
    yield from each_dangling((*path, "actions"), grant.actions, setup.processes, "process")
    for position, name in enumerate(grant.actions):
        if name in setup.processes and setup.processes[name].table not in ("", table):
            what = f"the process {name} is for the table {setup.processes[name].table}, not for {table}."
            yield Fault((*path, "actions", position), what)


def _person(path: Path, key: str, person: PersonItem, setup: SetupFile, taken: dict[str, Path]) -> Iterator[Fault]:
    if len(person.name) > NAME_LENGTH:
        yield Fault((*path, "name"), f"a name has at most {NAME_LENGTH} characters.")
    for position, written in enumerate(person.addresses):
        place: Path = (*path, "addresses", position)
        address = normal(written)
        if address is None:
            yield Fault(place, f"{shown(written)} is no email address.")
        elif address in taken:
            other = taken[address]
            who = f"{other[1]} and {key}" if other[1] != key else f"{key}, twice"
            yield Fault(place, f"{address} would be an address of {who}.", clash=other)
        else:
            taken[address] = place
    if person.active:  # who was pruned keeps his name and history, though his role is gone
        yield from each_dangling((*path, "roles"), person.roles, setup.roles, "role")
    yield from twice((*path, "roles"), person.roles)
    for position, name in enumerate(person.roles):
        if person.guest and name in setup.roles and setup.roles[name].everything:
            yield Fault((*path, "roles", position), f"a guest person lends his rights to strangers: not {name}.")
    yield from _zone((*path, "time_zone"), person.time_zone)
    yield from language_tag((*path, "language"), person.language)
    for position, text in enumerate(person.away):
        if not _is_interval(text):
            what = f'{shown(text)} is no span of days: "2026-12-24/2027-01-02" is expected.'
            yield Fault((*path, "away", position), what)


def _is_interval(text: str) -> bool:
    first, _, last = text.partition("/")
    try:
        return date.fromisoformat(first) <= date.fromisoformat(last or first)
    except ValueError:
        return False
