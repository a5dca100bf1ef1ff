"""What becomes of each file of a message: kept, shown in the text only, or left out and why (U-62 to U-67). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from addressee.core.message import MESSAGES, Attachment, Message
from addressee.core.setup import Account, AttachmentRules, Setup
from addressee.core.sniff import ending_of
from addressee.core.values import FileDecision, Pictures

SENTENCES: Final = {
    "too-many": "more files than one message may bring",
    "too-large": "larger than a file may be",
    "type-not-taken": "a type that is not taken here",
    "not-what-it-says": "not what its name says",
    "infected": "the virus scanner found something in it",
    "signature-picture": "a small picture of a signature or quote",
    "repeated-picture": "a picture that stands in earlier messages of the sender too",
}
# Kept, and no file of its own: told in the trace and on the page of the message only.
NO_FILES: Final = {
    "inline": "shown in the text",
    "unpacked": "what it holds is listed by itself",
    "inside": "within a message that is kept as a file",
}
# Left out of the record because they are no news; the message shows them all the same, and they can be saved.
OF_SIGNATURES: Final = frozenset(["signature-picture", "repeated-picture"])
# Never handed out alone. The raw message holds them; whoever wants that is warned first.
UNSAFE: Final = frozenset(["not-what-it-says", "infected"])
REPEATED: Final = 2  # earlier messages of the sender's domain that hold a picture: then it is part of their letterhead
MOST_REPEATED_BYTES: Final = 262_144  # larger ones are always kept


def sort_files(
    message: Message,
    account: Account | None,
    setup: Setup,
    *,
    seen: Pictures | None = None,
    infected: Mapping[str, str] | None = None,
) -> tuple[FileDecision, ...]:
    """Every file with what becomes of it, in the order of `message.files`.

    seen      pictures -> messages that held them (Snapshot.pictures)
    infected  sha256 -> what the scanner found
    """
    return _Sorter(message, account, setup, seen or {}, infected or {}).sorted()


def unjudged(message: Message, infected: Mapping[str, str]) -> tuple[FileDecision, ...]:
    """The files of a message of which nothing was asked (held, old, automatic): all kept but what is unsafe."""
    return tuple(
        FileDecision(_as_kept(a, a.name, inline=a.inline), False, _unsafe(a, None, infected))
        if _unsafe(a, None, infected)
        else FileDecision(_as_kept(a, a.name, inline=bool(a.place)), True, "inline" if a.place else "")
        for a in message.files
    )


def pictures_of(message: Message) -> list[tuple[str, str]]:
    """(sha256, domain of the author) of each picture that may be part of a signature."""
    domain = (message.author or "").rpartition("@")[2]
    if not domain:
        return []
    return [(a.sha256, domain) for a in message.files if a.picture and a.size_bytes <= MOST_REPEATED_BYTES]


class _Sorter:
    def __init__(
        self, message: Message, account: Account | None, setup: Setup, seen: Pictures, infected: Mapping[str, str]
    ) -> None:
        rules = account.attachments if account else None
        given: Collection[str] = rules.model_fields_set if rules else ()
        self.message, self.rules, self.seen, self.infected = message, rules, seen, infected
        self.count = rules.count if rules and "count" in given else setup.option("attachment_count")
        self.size = rules.size_bytes if rules and "size_bytes" in given else setup.option("attachment_size_bytes")
        self.domain = (message.author or "").rpartition("@")[2]
        self.taken = 0
        self.names: set[str] = set()

    def sorted(self) -> tuple[FileDecision, ...]:
        return tuple(self._one(attachment) for attachment in self.message.files)

    def _one(self, a: Attachment) -> FileDecision:
        left_out = _unsafe(a, self.rules, self.infected) or ("too-large" if a.size_bytes > self.size else "")
        shown_only = "" if left_out else self._shown_only(a)
        if shown_only in OF_SIGNATURES:
            left_out = shown_only
        if not left_out and not shown_only:
            if not type_taken(a, self.rules):
                left_out = "type-not-taken"
            elif not a.place and self.taken >= self.count:
                left_out = "too-many"
        if left_out:
            return FileDecision(_as_kept(a, a.name, inline=a.inline), False, left_out)
        self.taken += not (shown_only or a.place)
        return FileDecision(_as_kept(a, self._name(a.name), inline=bool(shown_only)), True, shown_only)

    def _shown_only(self, a: Attachment) -> str:
        """Why it is no file of its own, or ""."""
        if a.opened and a.type not in MESSAGES:
            return "unpacked"
        if a.inside:
            return "inside"
        if a.picture and self._repeated(a):
            return "repeated-picture"
        if a.picture == "small" and a.place in ("signature", "quote"):
            return "signature-picture"
        if a.place and not (a.place == "text" and a.picture == "large"):
            return "inline"
        return ""  # a screenshot pasted into the text is shown there and a file too

    def _repeated(self, a: Attachment) -> bool:
        if a.size_bytes > MOST_REPEATED_BYTES:
            return False
        return len(self.seen.get((a.sha256, self.domain), frozenset()) - {self.message.identity}) >= REPEATED

    def _name(self, name: str) -> str:
        """The name, or "name (2).pdf" where another file of this message bears it."""
        stem, dot, ending = name.rpartition(".") if "." in name[1:] else (name, "", "")
        found, number = name, 1
        while found.casefold() in self.names:
            number += 1
            tail = f" ({number}){dot}{ending}"
            room = 255 - len(tail.encode())
            found = stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + tail
        self.names.add(found.casefold())
        return found


def _as_kept(a: Attachment, name: str, *, inline: bool) -> Attachment:
    """Under its true type."""
    kind = a.kept_as or a.type
    if (name, kind, inline) == (a.name, a.type, a.inline):
        return a
    return replace(a, name=name, type=kind, inline=inline)


def _unsafe(a: Attachment, rules: AttachmentRules | None, infected: Mapping[str, str]) -> str:
    if a.sha256 in infected:
        return "infected"
    return "not-what-it-says" if a.danger else ""


def type_taken(a: Attachment, rules: AttachmentRules | None) -> bool:
    """Is the ending on the account's list, and the true one too where the bytes say another?"""
    if rules is None or not rules.types:
        return True
    taken = {ending_of(f".{t.lower().lstrip('.')}") for t in rules.types}
    return ending_of(a.name) in taken and (not a.endings or bool(taken & set(a.endings)))
