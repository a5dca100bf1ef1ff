"""Who is speaking, and how sure are we? From + evidence + token -> Actor and assurance (DESIGN section 4). Pure."""

from __future__ import annotations

from dataclasses import dataclass

from addressee.core.addresses import normal
from addressee.core.authorise import has_role
from addressee.core.message import AuthenticationResults, Envelope, Message
from addressee.core.setup import Account, Setup
from addressee.core.values import Actor, Assurance, Person, Snapshot, Step, TokenState


@dataclass(frozen=True, slots=True)
class Evidence:
    """Is the author aligned, by what, or why not."""

    aligned: bool
    why: str


def believed(message: Message, envelope: Envelope, setup: Setup) -> AuthenticationResults | None:
    """The one Authentication-Results header that counts, or None.

    The topmost of a configured authserv-id, where our own MTA stands between, and only above our border's
    Received: the lowest whose `by` is one of ours; where there is none, above every Received (RFC 8601 5).
    """
    ids = {name.lower() for name in setup.site.authserv_ids}
    if not envelope.trusted or not ids:
        return None
    ours = [r.position for r in message.received if r.by in ids]
    border = max(ours) if ours else min((r.position for r in message.received), default=1 << 30)
    mine = [a for a in message.authentication if a.authserv_id.lower() in ids]
    top = min(mine, key=lambda a: a.position, default=None)
    return top if top is not None and top.position < border else None


def aligned(message: Message, envelope: Envelope, setup: Setup) -> Evidence:
    """Does evidence of our own server tie the message to exactly its one From domain (RFC 7489 3.1)?"""
    author = message.author
    if author is None:
        return Evidence(False, "there is no single author")
    top = believed(message, envelope, setup)
    if top is None:
        if not message.authentication:
            return Evidence(False, "no Authentication-Results came with it")
        if not envelope.trusted:
            return Evidence(False, "Authentication-Results of a direct peer are not believed")
        return Evidence(False, "no Authentication-Results of our own server stands where ours would stand")
    domain = author.rpartition("@")[2]
    verdicts = {(method, result) for method, result, _ in top.results}
    if any(method == "dmarc" and result not in ("pass", "none", "bestguesspass") for method, result in verdicts):
        return Evidence(False, f"{top.authserv_id} says DMARC did not pass")
    for method, result, pairs in top.results:
        if result != "pass":
            continue
        said = {name: value.strip().strip('"').lower().rstrip(".") for name, value in pairs}
        if len(said) != len(pairs):
            continue  # one property twice: an outsider's text may have got into it
        why = _aligns(method, said, author, domain)
        if why:
            return Evidence(True, f"{top.authserv_id} says {why}")
    return Evidence(False, f"{top.authserv_id} says nothing that is aligned with {domain}")


def _aligns(method: str, said: dict[str, str], author: str, domain: str) -> str:
    if method == "dmarc" and _domain(said.get("header.from", domain)) == domain:
        return f"dmarc=pass for {domain}"
    if method == "spf" and _domain(said.get("smtp.mailfrom", "")) == domain:
        return f"spf=pass for {domain}"
    if method == "dkim" and _domain(said.get("header.d") or said.get("header.i", "")) == domain:
        return f"dkim=pass for {domain}"
    if method == "auth" and author in (said.get("smtp.auth"), said.get("smtp.mailfrom")):
        return f"auth=pass for {author}"
    return ""


def _domain(said: str) -> str:
    """The domain of an address or a bare one, as A-labels (verdicts write international ones in either form)."""
    domain = said.rpartition("@")[2]
    known = normal(f"x@{domain}")
    return known[2:] if known else domain


@dataclass(frozen=True, slots=True)
class Identity:
    """The actor, and the same author with the account's guest rights (None where it takes no guests)."""

    actor: Actor
    guest: Actor | None
    steps: tuple[Step, ...]


def policy_of(setup: Setup, account: Account | None) -> str:
    return (account.policy if account else None) or setup.site.policy


def identify(
    message: Message,
    envelope: Envelope,
    token: TokenState | None,
    known: bool,
    account: Account | None,
    setup: Setup,
    snapshot: Snapshot,
) -> Identity:
    """token: the honoured reply token of the record the message is about; known: we know the author's address."""
    author = message.author or ""
    person = snapshot.persons.get(snapshot.person_by_address.get(author, ""))
    if person is not None and (person.guest or not person.active):
        person = None
    level, why = _level(message, envelope, token, known or person is not None, setup, person)
    proven = level >= Assurance.E3
    if author and policy_of(setup, account) == "open" and level < Assurance.E3:
        level, why = Assurance.E3, f"the policy is open: an unambiguous From counts as E3 ({why})"
    own_token = token.hash if token is not None and author and token.address == author else None
    lender = snapshot.persons.get(account.guest) if account and account.guest else None
    on_file = bool(author) and (known or person is not None)
    guest = Actor(lender, author, level, lent=True, proven=proven, on_file=on_file, token=own_token) if lender else None
    if has_role(person):
        actor = Actor(person, author, level, proven=proven, on_file=on_file, token=own_token)
        who = f"{author} is {person.name or person.key}" if person else author
    else:
        actor = guest or Actor(None, author, level, proven=proven, on_file=on_file, token=own_token)
        who = f"{author or 'nobody'} has no role here"
        if guest:
            who += f"; rights are those of the guest {lender.key if lender else ''}"
    return Identity(actor, guest, (Step("identify", f"E{int(level)}", f"{who}: {why}"),))


def _level(
    message: Message, envelope: Envelope, token: TokenState | None, known: bool, setup: Setup, person: Person | None
) -> tuple[Assurance, str]:
    author = message.author
    if author is None:
        if token is not None:
            return Assurance.E2, f"a reply token was used, but the author is ambiguous ({message.author_doubt})"
        return Assurance.E0, f"no usable author ({message.author_doubt or 'no From'})"
    if envelope.login:
        if person is not None and person.key == envelope.login:
            return Assurance.E6, f"signed in by SMTP AUTH as {envelope.login}"
        reason = f"signed in as {envelope.login}, but {author} is not an address of that person"
    else:
        evidence = aligned(message, envelope, setup)
        if evidence.aligned:
            if token is not None and token.address == author:
                return Assurance.E4, f"{evidence.why}, and the reply token was issued to this address"
            return Assurance.E3, evidence.why
        reason = evidence.why
    if token is not None:
        whose = "issued to this address" if token.address == author else "issued to another address"
        return Assurance.E2, f"a reply token {whose} was used; {reason}"
    if known:
        return Assurance.E1, f"a known address, unproven: {reason}"
    return Assurance.E0, f"an unknown address, unproven: {reason}"
