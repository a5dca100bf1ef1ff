"""Mailboxes in address fields (RFC 5322 3.4): a strict reading of From, a tolerant one of To, Cc and Reply-To.

Called by core.parse. The strict one answers "who claims to have written this?" and says nothing where two
readers could answer differently (CVE-2023-27043 and its family); the tolerant one never gives identity.
"""

from __future__ import annotations

import re

from addressee.core.addresses import normal
from addressee.core.headers import decode_words, printable
from addressee.core.limits import DEFAULT, Limits
from addressee.core.message import Mailbox

_TOKEN = re.compile(
    r"""(?P<quoted>"(?:[^"\\]|\\.)*(?:"|\Z))|(?P<open>\()|(?P<close>\))|(?P<angle><[^<>]*(?:>|(?=<)|\Z))"""
    r"""|(?P<comma>[,;])|(?P<colon>:)|(?P<text>(?:[^"(),;:<>\\]|\\.)+|>|\\)""",
    re.DOTALL,
)
_BIDI = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_COMMENT = re.compile(r"\([^()]*\)")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ADDRESS_IN_TEXT = re.compile(r"(?<![^\s@])[^\s@]+@[^\s@]+")

# The strict grammar. Words of a name: quoted strings, or atoms (encoded words are atoms); never a special.
_SIMPLE_ADDRESS = r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]{1,128}@[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]{1,255}"
_ATOM = r"[^\s\x00-\x1f\x7f\"(),:;<>@\[\\\]]"
_BARE = re.compile(rf"({_SIMPLE_ADDRESS})(?:[ \t]+\(([^()<>@,:;\"\\\[\]\x00-\x1f\x7f]*)\))?")
# "Ben (Acme) <ben@example.org>": a comment between the words, without anything that could be an address.
_COMMENT_IN_NAME = r"\([^()<>@,:;\"\\\[\]\x00-\x1f\x7f]*+\)"
_NAMED = re.compile(
    rf"((?:{_ATOM}++|\"(?:[^\"\\\x00-\x1f\x7f]|\\[ -~])*+\"|{_COMMENT_IN_NAME}|[ \t]++)*+)<({_SIMPLE_ADDRESS})>"
)
# Most address fields: one mailbox without anything that needs a parser.
_PLAIN = re.compile(r"(?:([\w .'-]{0,100})<)?([\w.+/=&'-]{1,100}@[\w.-]{1,100})(?(1)>)", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def name(text: str) -> str:
    """A display name as cleaned text: encoded words decoded, one line, no marks that turn the direction."""
    return _BIDI.sub("", printable(decode_words(text))).strip()


def author(values: list[str]) -> tuple[str | None, str, str]:
    """Who the From fields say wrote the message: (address, display name, doubt).

    values  the unfolded text of every From field, encoded words still encoded

    The address is in the form of `addresses.normal`, or None where there is any doubt; then `doubt` is a slug.
    """
    if not values:
        return None, "", "no-from"
    if len(values) > 1:
        return None, "", "several-from"
    value = values[0].strip(" \t")
    if not value:
        return None, "", "empty-from"
    if len(value) > 2_000:
        return None, "", "from-too-long"
    if _CONTROLS.search(value):
        return None, "", "control-characters"
    found = _NAMED.fullmatch(value)
    if found:
        words, address = found[1], found[2]
    else:
        bare = _BARE.fullmatch(value)
        if bare is None:
            return None, "", _doubt(value)
        words, address = bare[2] or "", bare[1]
    if "=?" in address:
        return None, "", "encoded-address"
    known = normal(address)
    if known is None:
        return None, "", "no-address"
    return known, name(_unquoted(words)), ""


def _doubt(value: str) -> str:
    """The slug for a From that the strict grammar refuses. Only a reason for a person: the refusal stands."""
    boxes = mailboxes(value)
    if len([box for box in boxes if box.address]) > 1:
        return "several-mailboxes"
    if value.endswith(";") or re.match(r"[^<@\"]*:", value):
        return "group"
    if "@" not in value:
        return "no-address"
    if "(" in value or ")" in value:
        return "comment"
    return "unquoted-trick"


def mailboxes(value: str, limits: Limits = DEFAULT) -> list[Mailbox]:
    """Every mailbox of an address list, read generously: groups opened, comments as names, what is broken kept.

    value  the unfolded text, encoded words still encoded. At most `limits.addresses`, one more shows there were more.
    """
    plain = _PLAIN.fullmatch(value)
    if plain and "=?" not in value:
        return [Mailbox(" ".join((plain[1] or "").split()), plain[2])]
    found: list[Mailbox] = []
    reader = _Reader()
    at, size, most = 0, len(value), limits.addresses + 1
    while at < size and len(found) < most:
        token = _TOKEN.match(value, at)
        if token is None:  # cannot be: the tokens cover every character
            break
        kind, text, at = token.lastgroup or "", token[0], token.end()
        if kind == "quoted" and len(text) > 1 and not text.endswith('"') and "," in text:
            # A quote that is never closed would swallow the rest of the list.
            kind, text, at = "text", '"', token.start() + 1
            value = value[:at] + value[at:].replace('"', " ")
            size = len(value)
        reader.take(kind, text, found)
    reader.finish(found)
    return found[:most]


class _Reader:
    """What was read of the mailbox that is not finished yet."""

    def __init__(self) -> None:
        self.depth = 0
        self.clear()

    def clear(self) -> None:
        self.words: list[str] = []
        self.comment: list[str] = []
        self.address: str | None = None
        self.quoted = False

    def take(self, kind: str, text: str, found: list[Mailbox]) -> None:
        if kind == "open" or (kind == "close" and self.depth):
            self.depth += 1 if kind == "open" else -1
        elif self.depth:
            self.comment.append(text)
        elif kind == "comma":
            self.finish(found)
        elif kind == "colon":
            if any("@" in word for word in self.words):
                self.words.append(text)
            else:
                self.clear()  # the name of a group
        elif kind == "angle":
            if self.address is not None:
                self.finish(found)
            self.address = _COMMENT.sub("", text.strip("<>")).strip()
        elif kind == "quoted":
            self.quoted = True
            self.words.append(text)
        elif self.address is None or text.strip():
            self.words.append(text)

    def finish(self, found: list[Mailbox]) -> None:
        words = "".join(self.words).strip()
        address = self.address
        comment = " ".join("".join(self.comment).split())
        quoted = self.quoted
        self.clear()
        if address is None and not words:
            return
        if address is None:
            words, address = _bare(words, quoted)
        if ":" in address and address.startswith("@"):  # RFC 5322 4.4: a route, to be ignored
            address = address.rpartition(":")[2]
        shown = name(_unquoted(words)) or name(comment)
        cleaned = printable(_BIDI.sub("", address if "@" in address else decode_words(address)))
        if cleaned or shown:
            found.append(Mailbox(shown, "".join(cleaned.split()) if '"' not in cleaned else cleaned))


def _bare(words: str, quoted: bool) -> tuple[str, str]:
    """A mailbox without angle brackets: (name, address)."""
    if quoted or "@" not in words:
        inside = _ADDRESS_IN_TEXT.search(words.replace('"', " ")) if quoted and "@" in words else None
        if inside and words.count("@") == 1 and words.rpartition("@")[0].endswith('"'):
            return "", words  # a quoted local part
        if inside:
            return words.replace(inside[0], ""), inside[0]
        return (words, "") if quoted or " " in words else ("", words)
    if " " not in words:
        return "", words
    words = " ".join(words.split())
    joined = re.sub(r" ?([@.]) ?", r"\1", words) if words.count("@") == 1 else words
    inside = _ADDRESS_IN_TEXT.search(joined)
    if inside is None:
        return words, ""
    return joined[: inside.start()] + joined[inside.end() :], inside[0]


def _unquoted(words: str) -> str:
    """The text of a phrase: quotation marks off, white space between words kept single."""
    if '"' not in words:
        return " ".join(words.split())
    return " ".join(_ESCAPED.sub(r"\1", words.replace('\\"', "\0").replace('"', "")).replace("\0", '"').split())
