"""Could the author of a message have any right where it is sent? Asked while he is there (site.strangers). Pure."""

from __future__ import annotations

from addressee.core.authorise import has_role
from addressee.core.message import Message
from addressee.core.route import Kind, route
from addressee.core.setup import Setup
from addressee.core.threads import record_at, referenced, tokens_in
from addressee.core.tokens import digest
from addressee.core.values import Snapshot


def could_have_right(message: Message, recipient: str, snapshot: Snapshot, setup: Setup) -> bool:
    """False only where it is certain: no person, no known address, no token or mail of ours, and no guests there.

    message   as its headers tell; proofs are not asked, because what may be forged may be true as well
    snapshot  with tokens, messages by Message-ID, persons, contacts and who was written to
    """
    found = route(recipient, setup)
    if found.kind not in (Kind.TABLE, Kind.RECORD):
        return True  # a reply address answers for itself; a person's mailbox is open to everybody
    author = message.author or ""
    person = snapshot.persons.get(snapshot.person_by_address.get(author, ""))
    if person is not None and person.active and not person.guest and has_role(person):
        return True
    if author and (snapshot.contacts.get(author) or author in snapshot.written_to):
        return True
    if any(digest(token) in snapshot.tokens for _, token in tokens_in(message, found)):
        return True
    if any(known.ours for each in referenced(message) for known in snapshot.messages.get(each, ())):
        return True
    record = snapshot.records.get(record_at(found, snapshot))
    table = found.table or (record.table if record is not None else "")
    account = setup.accounts.get(found.account or setup.default_account.get(table, ""))
    return account is not None and bool(account.guest)
