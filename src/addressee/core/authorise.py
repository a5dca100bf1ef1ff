"""May this actor do this here? Pure. Asked by mail, pages and commands alike; without a grant the answer is no."""

from __future__ import annotations

from collections.abc import Mapping

from addressee.core.addresses import normal
from addressee.core.setup import Grant, Setup
from addressee.core.values import Actor, Assurance, Correspondent, Person, RecordState, Right, Snapshot

EXTENTS = ("none", "own", "team", "all")
ACCESS = ("none", "read", "write")


def grants(person: Person | None, table: str, setup: Setup) -> list[tuple[str, Grant]]:
    """(role, grant) of each role of the person that names the table."""
    if person is None or not person.active:
        return []
    roles = ((key, setup.roles[key]) for key in person.roles if key in setup.roles)
    return [(key, role.grants[table]) for key, role in roles if table in role.grants]


def has_everything(person: Person | None, setup: Setup) -> bool:
    return (
        person is not None
        and person.active
        and any(setup.roles[key].everything for key in person.roles if key in setup.roles)
    )


def settled_places(person: Person | None, setup: Setup) -> tuple[frozenset[str], frozenset[str]]:
    """(accounts, targets) whose held mail a person may release, route or reject; who has everything may all of it.

    Those of the group accounts whose table he may update or in whose team he is, and of the tables he may update.
    """
    if not has_role(person) or person is None:
        return frozenset(), frozenset()
    teams = setup.teams_of(person.key)
    tables = {key for key in setup.live_tables if extent(person, Right.UPDATE, key, setup) != "none"}
    accounts = {
        key
        for key, account in setup.accounts.items()
        if account.kind == "group" and (account.table in tables or account.team in teams)
    }
    return frozenset(accounts), frozenset(f"table:{key}" for key in tables)


def may_settle(person: Person | None, account: str, target: str, setup: Setup) -> bool:
    """May this person decide about a held delivery of an account that was about to lead to a target?"""
    accounts, targets = settled_places(person, setup)
    return has_everything(person, setup) or account in accounts or target in targets


def has_role(person: Person | None) -> bool:
    """Is this somebody of the firm? Guests and persons without a role are correspondents."""
    return person is not None and person.active and not person.guest and bool(person.roles)


def is_staff(address: str, snapshot: Snapshot) -> bool:
    """Is this an address of somebody with a role? Of the persons whom the snapshot holds."""
    return has_role(snapshot.persons.get(snapshot.person_by_address.get(address, "")))


def extent(person: Person | None, right: Right, table: str, setup: Setup) -> str:
    """How far a right of a person reaches on a table: none, own, team or all (each holds what stands before it)."""
    if has_everything(person, setup):
        return "all"
    best = "none"
    for _role, grant in grants(person, table, setup):
        if right is Right.CREATE:
            found = "all" if grant.create else "none"
        elif right is Right.ACTIONS:
            found = "all" if grant.actions else "none"
        else:
            found = getattr(grant, right.value)
        best = max(best, found, key=EXTENTS.index)
    return best


def may_run(person: Person | None, process: str, table: str, setup: Setup) -> bool:
    """Does a role of the person name the process among the actions on the table?"""
    if has_everything(person, setup):
        return True
    return any(process in grant.actions for _role, grant in grants(person, table, setup))


def field_access(person: Person | None, table: str, field: str, setup: Setup) -> str:
    """none, read or write: what the person's roles leave of one field, beside the right on its record."""
    best = "none"
    for key in person.roles if person is not None and person.active else ():
        role = setup.roles.get(key)
        if role is not None and role.everything:
            return "write"
        if role is not None and table in role.grants:
            best = max(best, role.grants[table].fields.get(field, "write"), key=ACCESS.index)
    return best


def owns(
    actor: Actor,
    record: RecordState,
    setup: Setup,
    correspondents: Mapping[str, Correspondent],
    records: Mapping[str, RecordState],
) -> bool:
    """DESIGN section 4, `own`: by the actor's own addresses, never by the guest person whose rights he borrows."""
    addresses = {actor.address} if actor.address else set()
    if actor.person and not actor.lent:
        addresses |= set(actor.person.addresses)
        if actor.person.key in (record.assignee, record.created_by):
            return True
    bound = (correspondents.get(address) for address in addresses)
    if any(c.wrote_first or c.written_to for c in bound if c is not None):
        return True
    return bool(addresses & linked_addresses(record, setup, records))


def linked_addresses(record: RecordState, setup: Setup, records: Mapping[str, RecordState]) -> set[str]:
    """The addresses of the contacts that a record links to by its table's mail.links, normalised."""
    table = setup.tables.get(record.table)
    found: set[str] = set()
    for name in table.mail.links if table else ():
        linked = records.get(str(record.values.get(name) or ""))
        if linked is not None and not linked.deleted:
            found |= addresses_of(linked, setup)
    return found


def addresses_of(contact: RecordState, setup: Setup) -> set[str]:
    """The normalised addresses of a record in a table with a `person` mapping."""
    table = setup.tables.get(contact.table)
    if table is None or table.person is None:
        return set()
    value = contact.values.get(table.person.address)
    texts = value if isinstance(value, list) else [value] if value else []
    return {known for text in texts if (known := normal(str(text)))}


def in_team(person: Person, record: RecordState, setup: Setup) -> bool:
    """The assignee or the record's team is one of the person's teams."""
    teams = setup.teams_of(person.key)
    return record.team in teams or any(record.assignee in setup.teams[team].members for team in teams)


def reaches(
    actor: Actor,
    right: Right,
    record: RecordState,
    setup: Setup,
    correspondents: Mapping[str, Correspondent],
    records: Mapping[str, RecordState],
) -> str:
    """The extent by which the actor has the right on this record ("own", "team", "all"), or ""."""
    far = extent(actor.person, right, record.table, setup)
    if far == "all":
        return far
    if far == "team" and actor.person and not actor.lent and in_team(actor.person, record, setup):
        return "team"
    if far in ("own", "team") and owns(actor, record, setup, correspondents, records):
        return "own"
    return ""


def needed(level: Assurance, policy: str) -> Assurance:
    """The level that a line of the table asks under a policy: `strict` asks one step more."""
    return Assurance(min(level + 1, Assurance.E6)) if policy == "strict" else level
