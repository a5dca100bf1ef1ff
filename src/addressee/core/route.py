"""What an address of ours leads to: the grammar of local parts (DESIGN section 4, FEATURES U-01 to U-06).

At the site's domain a local part is, in this order: a table (key, namespace_key or alias), a reply token,
a record (uuid, or table.uuid), a reserved name. An account's own address leads to its table; after a plus sign
it may carry any of the former, for a site that has a single mailbox. All of it case-insensitive.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from enum import StrEnum

from addressee.core.addresses import normal
from addressee.core.setup import RESERVED_LOCAL_PARTS, Setup
from addressee.core.tokens import is_token


class Kind(StrEnum):
    TABLE = "table"
    RECORD = "record"
    TOKEN = "token"  # noqa: S105
    ACCOUNT = "account"  # of a person, or one that names no table
    RESERVED = "reserved"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Route:
    """Where an address leads, as far as its text and the setup tell; records and tokens are looked up later."""

    kind: Kind
    address: str
    table: str = ""
    record: str = ""  # uuid
    token: str = ""
    account: str = ""
    tag: str = ""
    withdrawn: bool = False  # by a local part of the table that is no longer in use


def route(address: str, setup: Setup) -> Route:
    """The route of one recipient address; Kind.NONE for what is not ours by its text."""
    known = normal(address) or address.strip().lower()
    none = Route(Kind.NONE, known)
    local, at, domain = known.rpartition("@")
    if not at:
        return none
    account = setup.account_by_address.get(known)
    if account is not None:
        return _of_account(account, known, "", setup)
    base, plus, tag = local.partition("+")
    account = setup.account_by_address.get(f"{base}@{domain}") if plus else None
    if account is not None:
        inner = _of_local_part(tag, known, setup)
        if inner.kind in (Kind.NONE, Kind.RESERVED):
            return _of_account(account, known, tag, setup)
        return replace(inner, account=account, tag=tag)
    if domain != (normal("x@" + setup.site.domain) or "x@" + setup.site.domain.lower())[2:]:
        return none
    found = _of_local_part(local, known, setup)
    if found.kind is Kind.NONE and plus:
        found = replace(_of_local_part(base, known, setup), tag=tag)
        if found.kind is Kind.TOKEN:
            return none
    return found


def _of_account(key: str, address: str, tag: str, setup: Setup) -> Route:
    account = setup.accounts[key]
    if account.kind == "group" and account.table in setup.live_tables:
        return Route(Kind.TABLE, address, table=account.table, account=key, tag=tag)
    return Route(Kind.ACCOUNT, address, account=key, tag=tag)


def _of_local_part(local: str, address: str, setup: Setup) -> Route:
    table = _table(local, setup)
    if table:
        account, withdrawn = setup.default_account.get(table, ""), local in setup.withdrawn_local_parts
        return Route(Kind.TABLE, address, table=table, account=account, withdrawn=withdrawn)
    if is_token(local):
        return Route(Kind.TOKEN, address, token=local)
    before, dot, last = local.rpartition(".")
    record = _uuid(last if dot else local)
    if record:
        named = _table(before, setup) if dot else ""
        if not dot or named:
            withdrawn = before in setup.withdrawn_local_parts
            return Route(Kind.RECORD, address, table=named, record=record, withdrawn=withdrawn)
    if local in RESERVED_LOCAL_PARTS:
        return Route(Kind.RESERVED, address)
    return Route(Kind.NONE, address)


def _table(local: str, setup: Setup) -> str:
    """The table that a local part means, or meant once."""
    return setup.table_by_local_part.get(local) or setup.withdrawn_local_parts.get(local, "")


def _uuid(text: str) -> str:
    """The dashed form of a uuid written with or without dashes, else ""."""
    if len(text) not in (32, 36):
        return ""
    try:
        found = uuid.UUID(text)
    except ValueError:
        return ""
    return str(found) if text in (str(found), found.hex) else ""


def record_addresses(table: str, part: str, setup: Setup) -> tuple[str, ...]:
    """Every address of a record: table.uuid@, alias.uuid@ and uuid@ (FEATURES U-02).

    part  the uuid in its address: its own, until the address was rotated
    """
    domain = setup.site.domain
    definition = setup.tables.get(table)
    names = [table, *(definition.local_parts if definition else ())]
    return (*(f"{name}.{part}@{domain}" for name in names), f"{part}@{domain}")


def table_addresses(table: str, setup: Setup) -> tuple[str, ...]:
    """Every address of a table: its accounts' first, then its local parts at the site's domain."""
    accounts = [a.address for a in setup.accounts.values() if a.kind == "group" and a.table == table]
    definition = setup.tables.get(table)
    names = [table, *(definition.local_parts if definition else ())]
    return (*accounts, *(f"{name}@{setup.site.domain}" for name in names))
