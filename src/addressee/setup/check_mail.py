"""Accounts, filters and rules: does everything they name exist and fit? Called by setup/check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import re2

from addressee.core.addresses import normal
from addressee.core.mapping import SOURCES
from addressee.core.setup import Account, Filter, Imap, Rule, SetupFile, Smtp
from addressee.setup.check_tables import living
from addressee.setup.check_values import dangling, each_dangling, language_tag, named_value_faults
from addressee.setup.document import Fault, nearest
from addressee.setup.lines import Path
from addressee.setup.shape import shown

FILE_SOURCES = ("attachments", "images")
THEN = ("ignore", "mark_read", "mute", "folder:NAME", "team_folder:NAME")
RULE_SOURCES = ("subject", "text", "from", "to", "header:NAME")
PATTERN_LENGTH = 1000  # characters
_ENDING = re.compile(r"[a-z0-9]{1,10}")
_HEADER_NAME = re.compile(r"[!-9;-~]+")


def mail_faults(setup: SetupFile) -> Iterator[Fault]:
    taken: dict[str, str] = {}
    for key, account in setup.accounts.items():
        yield from _account(("accounts", key), key, account, setup, taken)
    for one in setup.filters:
        yield from _filter(("filters", one.name), one, setup)
    for rule in setup.rules:
        yield from _rule(("rules", rule.name), rule, setup)


# ---- accounts ----------------------------------------------------------------------------------------------------


def _account(path: Path, key: str, account: Account, setup: SetupFile, taken: dict[str, str]) -> Iterator[Fault]:
    address = normal(account.address)
    if address is None:
        yield Fault((*path, "address"), f"{shown(account.address)} is no email address.")
    elif address in taken:
        other: Path = ("accounts", taken[address], "address")
        yield Fault((*path, "address"), f"{address} would be the address of {taken[address]} and {key}.", clash=other)
    else:
        taken[address] = key
    yield from living((*path, "table"), account.table, setup)
    yield from dangling((*path, "guest"), account.guest, setup.people, "person")
    if account.guest in setup.people and not setup.people[account.guest].guest:
        guests = [name for name, person in setup.people.items() if person.guest]
        what = f"{account.guest} is no guest person (guest = true)."
        yield Fault((*path, "guest"), what, nearest(account.guest, guests))
    yield from dangling((*path, "team"), account.team, setup.teams, "team")
    yield from dangling((*path, "auto_reply"), account.auto_reply, setup.templates, "template")
    yield from language_tag((*path, "language"), account.language)
    yield from dangling((*path, "owner"), account.owner, setup.people, "person")
    if account.kind == "personal" and not account.owner:
        yield Fault((*path, "owner"), "a personal account needs an owner.")
    yield from _mapping(path, account, setup)
    yield from _distribution(path, account, setup)
    if account.send_as is not None:
        yield from each_dangling((*path, "send_as", "roles"), account.send_as.roles, setup.roles, "role")
        yield from each_dangling((*path, "send_as", "teams"), account.send_as.teams, setup.teams, "team")
    yield from _figures(path, account)
    if account.imap is not None:
        yield from _server((*path, "imap"), account.imap)
        yield from _since((*path, "imap", "since"), account.imap.since)
    if account.smtp is not None:
        yield from _server((*path, "smtp"), account.smtp)


def _mapping(path: Path, account: Account, setup: SetupFile) -> Iterator[Fault]:
    for name in ("map", "preset"):
        if getattr(account, name) and not account.table:
            yield Fault((*path, name), "this needs a table: which table's fields are meant?")
    table = setup.tables.get(account.table)
    if table is None:
        return
    for name, source in account.map.items():
        place: Path = (*path, "map", name)
        yield from dangling(place, name, table.live_fields, f"field of {account.table}")
        if source not in SOURCES:
            what = f"{shown(source)} is nothing of a mail. Known are {', '.join(SOURCES)}."
            yield Fault(place, what, nearest(source, SOURCES))
        elif name in table.live_fields and (source in FILE_SOURCES) != (table.live_fields[name].type == "files"):
            kind = table.live_fields[name].type
            yield Fault(place, f"{source} can't be put into {name}, a field of type {kind}.")
    yield from named_value_faults((*path, "preset"), account.preset, account.table, setup)


def _distribution(path: Path, account: Account, setup: SetupFile) -> Iterator[Fault]:
    how = account.distribution
    if how is None:
        return
    path = (*path, "distribution")
    yield from dangling((*path, "person"), how.person, setup.people, "person")
    yield from dangling((*path, "team"), how.team, setup.teams, "team")
    if how.how == "direct" and not how.person:
        yield Fault((*path, "person"), "direct needs a person.")
    if how.how != "direct" and not how.team:
        yield Fault((*path, "team"), f"{how.how} needs a team.")
    if account.table in setup.tables and not setup.tables[account.table].assignee:
        yield Fault(path, f"the table {account.table} names no assignee: nobody can be given its records.")


def _figures(path: Path, account: Account) -> Iterator[Fault]:
    for name, most in (("retention_days", 36_525), ("every_minutes", 1_440)):
        if not 0 <= getattr(account, name) <= most:
            yield Fault((*path, name), f"{getattr(account, name)}: from 0 to {most} is expected.")
    if account.parse is not None:
        for name in ("begin", "end"):
            mark = getattr(account.parse, name)
            if not mark.strip() or not mark.isprintable():
                yield Fault((*path, "parse", name), "a line of text is expected.")
        if account.parse.begin.strip() == account.parse.end.strip():
            yield Fault((*path, "parse", "end"), "the two marks are the same.")
    if account.attachments is not None:
        for name in ("count", "size_bytes"):
            if getattr(account.attachments, name) < 0:
                yield Fault((*path, "attachments", name), "this can't be below 0.")
        for position, ending in enumerate(account.attachments.types):
            if not _ENDING.fullmatch(ending):
                near = ending.strip().lower().lstrip("*.")
                what = f"{shown(ending)} is no file type: its ending is expected, in small letters, without the dot."
                yield Fault((*path, "attachments", "types", position), what, near if _ENDING.fullmatch(near) else None)


def _server(path: Path, server: Imap | Smtp) -> Iterator[Fault]:
    if not server.host.strip() or not server.host.isprintable() or " " in server.host:
        yield Fault((*path, "host"), f"{shown(server.host)} is no host name.")
    if not 1 <= server.port <= 65_535:
        yield Fault((*path, "port"), f"{server.port} is no port: from 1 to 65535 is expected.")
    if server.password_env and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", server.password_env):
        what = "the name of an environment variable is expected, never the password itself."
        yield Fault((*path, "password_env"), what)


def _since(path: Path, text: str) -> Iterator[Fault]:
    try:
        date.fromisoformat(text or "2000-01-01")
    except ValueError:
        yield Fault(path, f"{shown(text)} is no date: YYYY-MM-DD is expected.")


# ---- filters, rules ----------------------------------------------------------------------------------------------


def _filter(path: Path, one: Filter, setup: SetupFile) -> Iterator[Fault]:
    kind, colon, name = one.scope.partition(":")
    if kind in ("account", "person") and colon:
        known: Any = setup.accounts if kind == "account" else setup.people
        yield from dangling((*path, "scope"), name or " ", known, kind)
    elif one.scope != "global":
        what = f"{shown(one.scope)} is no scope: global, account:NAME or person:NAME is expected."
        yield Fault((*path, "scope"), what, nearest(one.scope, ("global", "account:", "person:")))
    what, colon, folder = one.then.partition(":")
    if not (one.then in THEN[:3] or (what in ("folder", "team_folder") and folder.strip())):
        sentence = f"{shown(one.then)} can't be done. Known are {', '.join(THEN)}."
        yield Fault((*path, "then"), sentence, nearest(one.then, THEN))
    if not (one.sender or one.to or one.subject or one.body_any or one.body_all):
        yield Fault(path, "this filter would match every mail: from, to, subject, body_any or body_all is missing.")


def _rule(path: Path, rule: Rule, setup: SetupFile) -> Iterator[Fault]:
    kind, colon, header = rule.source.partition(":")
    if not (rule.source in RULE_SOURCES[:4] or (kind == "header" and colon and _HEADER_NAME.fullmatch(header))):
        what = f"{shown(rule.source)} is no part of a mail. Known are {', '.join(RULE_SOURCES)}."
        yield Fault((*path, "source"), what, nearest(rule.source, RULE_SOURCES))
    yield from _pattern((*path, "pattern"), rule.pattern)
    yield from living((*path, "table"), rule.table, setup)
    table = setup.tables.get(rule.table)
    if table is None:
        if not rule.table:
            yield Fault((*path, "table"), "a rule needs a table.")
        return
    if rule.field != "number":
        yield from dangling(
            (*path, "field"), rule.field or " ", [*table.live_fields, "number"], f"field of {rule.table}"
        )
    elif not table.number and "number" not in table.fields:
        yield Fault((*path, "field"), f"the table {rule.table} has no automatic number.")


def _pattern(path: Path, pattern: str) -> Iterator[Fault]:
    if not pattern or len(pattern) > PATTERN_LENGTH:
        yield Fault(path, f"a pattern has 1 to {PATTERN_LENGTH} characters.")
        return
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0] if error.args else "it can't be read"
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        yield Fault(path, f"{shown(pattern)} is no pattern of RE2: {said}.")
