"""What a draft becomes when it goes out: sender, ids, headers. Pure; called by mail/outbox.

The token of a message stands in four places, so that an answer finds its record whatever a mail program drops:
the reply address, the Message-ID, our own header and the subject (DESIGN section 4, E2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from html import escape

from addressee.core import form
from addressee.core.addresses import normal
from addressee.core.assemble import clean
from addressee.core.language import Language, language
from addressee.core.letter import document
from addressee.core.setup import Account, Setup
from addressee.core.tokens import IN_SUBJECT, digest, for_subject
from addressee.core.values import OutboxDraft

TOKEN_HEADER = "X-Addressee-Token"  # noqa: S105
LOOP_HEADER = "X-Addressee-Loop"  # our domain: mail that carries it came from us
# RFC 3834 5: what a program sends in answer to a message, and what it sends of its own accord.
_REPLIED = {"receipt", "auto_reply", "confirmation"}
_GENERATED = {"notification", "redirect"}
MOST_REFERENCES = 40
MOST_ID_CHARS = 250


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message as it will be sent, in clear text; core.assemble makes the bytes.

    envelope_sender  "" for the null reverse-path
    reply_to         "" where the sender's address takes the answer
    message_id       without brackets, as are in_reply_to and references
    headers          our own and the standard ones beside the usual
    """

    to: str
    sender: str
    sender_name: str
    envelope_sender: str
    reply_to: str
    message_id: str
    subject: str
    in_reply_to: str
    references: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str = ""
    language: str = ""


def compose(draft: OutboxDraft, setup: Setup, seed: str) -> Outgoing:
    """What goes out for one draft.

    seed  unique text from which the Message-ID is made where the draft brings neither token nor seed

    Never raises. An address of the recipient that is none is left as it is written, cleaned: it can't be sent to.
    """
    account = setup.accounts.get(draft.account)
    sender = _sender(draft, account, setup)
    token = draft.token if draft.record or draft.confirms else None
    reply_to = reply_address(token, account, setup) if token else ""
    if draft.no_reply:
        reply_to = f"noreply@{_domain(setup.site.domain)}"
    words = language(draft.language, setup.site.language)
    marked = bool(token) and draft.kind != "redirect"
    carries_token = bool(token and token in reply_to)
    words = language(draft.language, setup.site.language)
    draft = _with_form(draft, token, words)
    return Outgoing(
        to=draft.to if draft.kind == "webhook" else normal(draft.to) or clean(draft.to, 320),
        sender=sender,
        sender_name=_name(draft.sender_name, setup.site.name),
        envelope_sender=_envelope_sender(draft, reply_to if carries_token else "", sender),
        reply_to="" if reply_to == sender else reply_to,
        message_id=_message_id(token, draft.seed or seed, setup.site.domain),
        subject=_subject(draft, token, account),
        in_reply_to=_fit_id(draft.in_reply_to),
        references=_references(draft),
        headers=tuple(_headers(draft, token, setup)),
        text=_marked(draft.kind, draft.text, words.marker_line) if marked else draft.text,
        html=_document(draft, words, marked),
        language=words.tag,
    )


def _with_form(draft: OutboxDraft, token: str | None, words: Language) -> OutboxDraft:
    """The values to be edited stand at the end, between lines that bear the token's mark."""
    if not draft.form or not token:
        return draft
    told = draft.form, draft.form_name, form.mark_of(digest(token))
    how = words(draft.form_how) if draft.form_how else ""
    text = "\n\n".join(filter(None, [draft.text.rstrip(), how, form.as_text(*told)]))
    html = f"{draft.html}\n<p>{escape(how)}</p>\n{form.as_html(*told)}" if draft.html else ""
    return replace(draft, text=text, html=html)


def compose_address(to: str) -> str:
    """An address as the outbox keeps it."""
    return (normal(to) or clean(to, 320))[:320]


def _marked(kind: str, text: str, marker: str) -> str:
    """The text below our marker; of a notice the first line stands above it: where an answer goes (law 16)."""
    if kind == "notification":
        first, _, rest = text.partition("\n")
        return f"{first}\n\n{marker}\n{rest}"
    return f"{marker}\n\n{text}"


def _document(draft: OutboxDraft, words: Language, marked: bool) -> str:
    if not draft.html:
        return ""
    body = _marked(draft.kind, draft.html, f"<p>{escape(words.marker_line)}</p>") if marked else draft.html
    return document(body, draft.subject, words)


def _name(person: str, site: str) -> str:
    return clean(f"{person} ({site})" if person and site else person or site, 120)


def _sender(draft: OutboxDraft, account: Account | None, setup: Setup) -> str:
    """The account's address; without one the table's, at the site's domain."""
    if account:
        return normal(account.address) or account.address
    local = draft.table if draft.table in setup.live_tables else "noreply"
    return f"{local}@{_domain(setup.site.domain)}"


def _domain(domain: str) -> str:
    address = normal(f"x@{domain}")
    return address[2:] if address else "localhost"


def reply_address(token: str, account: Account | None, setup: Setup) -> str:
    """Where an answer goes (the account's `reply_address`): TOKEN@site, local+TOKEN@account, or the account itself."""
    how = account.reply_address if account else "domain"
    if account is None or how == "domain":
        return f"{token}@{_domain(setup.site.domain)}"
    address = normal(account.address) or account.address
    if how == "plain":
        return address
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}"


def _envelope_sender(draft: OutboxDraft, token_address: str, sender: str) -> str:
    """Where bounces go: to the address that tells the record; else nowhere for a program's mail, so that it can't loop.

    RFC 3834 3.3 asks automatic mail for a null reverse-path or an address that makes loops unlikely. Bounces to a
    reply address are shown on its record and never answered (law 14).
    """
    return token_address or ("" if draft.automatic else sender)


def _message_id(token: str | None, seed: str, domain: str) -> str:
    """TOKEN.something@domain, or something@domain; the same for the same draft on every attempt."""
    something = sha256(f"{token or ''} {seed}".encode()).hexdigest()[:24]
    host = _domain(domain)[-120:].lstrip(".-")
    return f"{token}.{something[:12]}@{host}" if token else f"{something}@{host}"


def _subject(draft: OutboxDraft, token: str | None, account: Account | None) -> str:
    """Tokens of other messages are taken out: they were issued to other people."""
    subject = clean(IN_SUBJECT.sub(" ", draft.subject), 400)
    if token and draft.subject_token and (account is None or account.subject_token):
        return f"{subject} {for_subject(token)}".strip()
    return subject


def _fit_id(message_id: str) -> str:
    """A message id that can stand in a header of ours, else "": an outsider chose its characters."""
    bare = message_id.strip().strip("<>")
    fit = bare.isascii() and bare.isprintable() and not set(bare) & set(" <>") and len(bare) <= MOST_ID_CHARS
    return bare if fit else ""


def _references(draft: OutboxDraft) -> tuple[str, ...]:
    """RFC 5322 3.6.4: the thread so far and the message answered; the first and the nearest where there are many."""
    ids = [fit for each in (*draft.references, draft.in_reply_to) if (fit := _fit_id(each))]
    unique = list(dict.fromkeys(reversed(ids)))[::-1]
    if len(unique) > MOST_REFERENCES:
        unique = [unique[0], *unique[-MOST_REFERENCES + 1 :]]
    return tuple(unique)


def _headers(draft: OutboxDraft, token: str | None, setup: Setup) -> list[tuple[str, str]]:
    found = []
    kind = "auto-replied" if draft.kind in _REPLIED else "auto-generated"
    if draft.kind in _REPLIED | _GENERATED or draft.automatic:
        found.append(("Auto-Submitted", kind))
        # [MS-OXCMAIL], all but NDR: vacation notes and read receipts are not wanted, bounces are.
        # No Precedence: RFC 3834 3.1.8 recommends neither the field nor any value of it.
        found.append(("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply"))
    found.append((LOOP_HEADER, _domain(setup.site.domain)))
    if token:
        found.append((TOKEN_HEADER, token))
    return found
