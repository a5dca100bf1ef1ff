"""The author's own new text: quotes, signature and forwarded mail told apart (law 14). Called by core.parse.

Every line gets one Kind, so nothing can be lost: what is not new text is folded into the other fields. Looks at the
first few hundred characters of a line and at a few lines around it: the time is linear in the text.

Order: our own marker, what HTML says of itself (core.html), then the words and marks of mail programs (core.clients).
Own rules, not a library: docs/decisions/0012-own-readers.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from addressee.core import clients, language
from addressee.core.message import Forward

MOST_LINES = 20_000  # beyond this a text is a log, not a letter: only marked quotes are looked for
LOOK_BACK = 4  # lines over which a program may wrap "On <date>, <name> wrote:"
FIELD_LINES = 10  # lines within which the fields of a mail stand
SIGNATURE_LINES = 16
ADDED_LINES = 100  # that disclaimers and footers may take
MOST_PASSES = 8


class Kind(Enum):
    """What a line is to the author: his own, another's, or his program's."""

    NEW = "new"
    QUOTED = "quoted"
    SIGNATURE = "signature"
    CUT = "cut"  # only as a hint of core.html: from here on all is quoted


@dataclass(frozen=True, slots=True)
class Split:
    """A text taken apart; the parts together hold all of it but blank lines at the seams."""

    new_text: str
    quoted_text: str
    signature: str
    forward: Forward | None


NOTHING_KNOWN: Mapping[int, Kind] = {}


def split(text: str, known: Mapping[int, Kind] = NOTHING_KNOWN) -> Split:
    """Tell the author's new text from what his program added or repeated.

    text   with "\n" as line end
    known  lines of which the structure of HTML says what they are, by number
    Never raises. A text of one line that is no quote is all new text.
    """
    if "\n" not in text.strip() and not _is_quoted(text):
        return Split(text.strip(), "", "", None)
    lines = [line.rstrip() for line in text.split("\n")]
    kinds, forward_at = label(lines, known)
    new_text, quoted_text, signature = (
        _tidy("\n".join([line for line, its in zip(lines, kinds, strict=True) if its is kind]))
        for kind in (Kind.NEW, Kind.QUOTED, Kind.SIGNATURE)
    )
    forward = None
    if forward_at is not None:
        embedded = lines[forward_at:]
        if _is_quoted(embedded[0]):
            embedded = [line.removeprefix(">").removeprefix(" ") for line in embedded]
        forward = Forward(new_text, _tidy("\n".join(embedded)))
    return Split(new_text, quoted_text, signature, forward)


def label(lines: Sequence[str], known: Mapping[int, Kind] = NOTHING_KNOWN) -> tuple[list[Kind], int | None]:
    """The kind of each line, and the number of the one where a forwarded mail begins, or None.

    Repeated over what is left until nothing more is found, so that the new text of a new text is itself.
    """
    kinds = [Kind.NEW] * len(lines)
    seen = [clients.seen(line) for line in lines]
    left = list(range(len(lines)))
    forward_at, dashed = None, False
    marked = _holds_marker("\n".join(seen).lower())
    quoted = [_is_quoted(line) for line in seen]
    telling = [marked or _may_tell(line) for line in seen]
    for _ in range(MOST_PASSES if len(lines) <= MOST_LINES else 1):
        written = [at for at in left if lines[at]]
        if len(written) <= 1 and not any(quoted[at] or at in known for at in written):
            break
        hints = {number: known[at] for number, at in enumerate(left) if at in known} if known else known
        one = _Pass(
            [seen[at] for at in left],
            hints,
            quoted=[quoted[at] for at in left],
            telling=[telling[at] for at in left],
            marked=marked,
            dashed=dashed,
        )
        one.read()
        dashed = one.dashed
        if one.forward_at is not None and forward_at is None:
            forward_at = left[one.forward_at]
        for at, kind in zip(left, one.kinds, strict=True):
            kinds[at] = kind
        rest = [at for at, kind in zip(left, one.kinds, strict=True) if kind is Kind.NEW]
        if len(rest) == len(left):
            break
        left, known = rest, NOTHING_KNOWN
    if not any(
        line and kind is not Kind.SIGNATURE and not clients.ORNAMENT.match(line)
        for line, kind in zip(seen, kinds, strict=True)
    ):
        kinds = [Kind.NEW] * len(lines)  # nothing but a signature: then that is what he wrote
    return kinds, forward_at


def _tidy(text: str) -> str:
    return text.strip("\n\r\t ")


def _is_quoted(line: str) -> bool:
    if ">" not in line:
        return False
    bare = line.lstrip(" \t\xa0")
    return bare.startswith(">") and not bare.startswith(">=")


def _may_tell(line: str) -> bool:
    """May the line begin, introduce or part a quote, or be dashes? Most may not, and no pattern need be tried.

    All that `_Pass._own_line` and `_Pass._dashes` look for has one of these signs, or ends an address begun above.
    """
    return ":" in line or ">" in line or "@" in line or "：" in line or line.lstrip()[:1] in _FIRST or line[-1:] == "*"


_FIRST = frozenset("-_*=–—─|»›┃│12")


def _holds_marker(lowered: str) -> bool:
    """Are there words of a marker, ours or another system's, in a text? In an ASCII one only ASCII words are sought."""
    return clients.holds(lowered, _ascii_signs() if lowered.isascii() else _signs())


@lru_cache(maxsize=1)
def _signs() -> tuple[str, ...]:
    return (*language.marker_signs(), *clients.MARKER_SIGNS)


@lru_cache(maxsize=1)
def _ascii_signs() -> tuple[str, ...]:
    return tuple(filter(str.isascii, _signs()))


class _Pass:
    """One reading of lines, from the first to the last; the kinds are found as it goes.

    quoted   which lines have a ">" before them
    telling  which may tell something of quotes (_may_tell)
    marked   a marker stands somewhere
    dashed   dashes say what the signature is: then "Thanks, Ben" above them is meant
    """

    def __init__(
        self,
        lines: list[str],
        known: Mapping[int, Kind],
        *,
        quoted: list[bool],
        telling: list[bool],
        marked: bool,
        dashed: bool,
    ) -> None:
        self.lines = lines
        self.known = known
        self.quoted = quoted
        self.telling = telling
        self.kinds = [Kind.NEW] * len(lines)
        self.forward_at: int | None = None
        self.marked = marked
        self.dashed = dashed
        self.first = next((at for at, line in enumerate(lines) if line), 0)
        self.last_own = next((at for at in range(len(lines) - 1, -1, -1) if lines[at] and not quoted[at]), -1)

    def read(self) -> None:
        """Quotes first, then what stands below the pieces of own text that are left."""
        self._quotes()
        quotes = any(kind is Kind.QUOTED and line for kind, line in zip(self.kinds, self.lines, strict=True))
        pieces = [(start, end, self._programs_end(start, end, quotes)) for start, end in self._pieces()]
        for start, end, at in pieces:
            at = at if self.dashed else self._closing(start, at)
            if at < end:
                self._sign(at, end)
        self._banner()

    # ---- Quotes

    def _quotes(self) -> None:
        kinds, telling, known = self.kinds, self.telling, self.known
        for at, line in enumerate(self.lines):
            if not line or kinds[at] is not Kind.NEW:
                continue
            if not telling[at] and at not in known and (len(line) > 20 or not at or not telling[at - 1]):
                continue  # nor is it the short end of an address that begins in the line above
            hint = self.known.get(at)
            if hint is Kind.CUT:
                self._cut(at, at if self._has_fields(at) else None)
                return
            if hint is not None:
                self._introduction(at) if hint is Kind.QUOTED else None
                self.kinds[at] = hint
                continue
            if self.quoted[at] and not self._closes_address(at) and not self._of_diff(at):
                if at < MOST_LINES and self._quoted_line(at):
                    return
                self.kinds[at] = Kind.QUOTED
                continue
            if at < MOST_LINES and self._own_line(at):
                return

    def _quoted_line(self, at: int) -> bool:
        """A line with ">" before it. True where all below is a quote too."""
        line = self.lines[at]
        if clients.forwards(line.lstrip("> ")):
            self._cut(at, min(self._next_written(at + 1), len(self.lines) - 1))
            return True
        self._introduction(at)
        if line.startswith(">>>"):
            after = self._next_written(at + 1)
            unmarked = after < len(self.lines) and not self.quoted[after]
            if clients.GROUPWISE.match(line) or (unmarked and clients.introduces(line.strip("> ")) == clients.SURELY):
                self._cut(at, None)
                return True
        return False

    def _own_line(self, at: int) -> bool:
        """A line without ">" before it. True where it and all below is a quote."""
        line = self.lines[at]
        if self.marked and self._is_marker(at):
            self._cut(self._above_marker(at), None)
            return True
        start = self._introduces(at)
        if start is not None and self._begins_quote(start, at):
            return True
        if self.kinds[at] is not Kind.NEW:
            return False
        if line[0] in "|»›┃│" and self._barred(at):
            self._introduction(at)
            self._mark_bars(at)
            return False
        if line[-1] == ">" or line[1:5].find(">") >= 0:
            self._initialled(at)
            if self.kinds[at] is not Kind.NEW:
                return False
        mail_at = self._separator(at)
        if mail_at is None:
            return False
        self._cut(at, mail_at if clients.forwards(line) or self._has_fields(mail_at) else None)
        return True

    def _cut(self, at: int, forward_at: int | None) -> None:
        self.kinds[at:] = [Kind.QUOTED] * (len(self.lines) - at)
        self.forward_at = forward_at

    def _begins_quote(self, start: int, end: int) -> bool:
        """An introduction stands in these lines. True where all below is a quote that nobody marked."""
        after = self._next_written(end + 1)
        marked = after < len(self.lines) and (
            self.quoted[after] or after in self.known or self.lines[after][0] in "|»›┃│"
        )
        if not marked:
            if clients.introduces(self._joined(start, end)) != clients.SURELY and not self._is_dated_line(end):
                return False
            if any(self.lines[at] and self.kinds[at] is Kind.NEW for at in range(min(start, 200))):
                self._cut(start, None)
                return True
        self._quote(start, end + 1)
        if marked and self.lines[after][0] in "|»›┃│":
            self._mark_bars(after)
        return False

    def _quote(self, start: int, end: int) -> None:
        self.kinds[start:end] = [Kind.QUOTED] * (end - start)

    def _joined(self, start: int, end: int) -> str:
        return " ".join(self.lines[at].strip(clients.EMPHASIS) for at in range(start, end + 1))[: clients.JOINED_CHARS]

    def _is_dated_line(self, at: int) -> bool:
        line = self.lines[at]
        return (line[0] == "-" and clients.DATED_BAR.match(line) is not None) or (
            line[0] in "12" and clients.GMAIL_DATED.match(line) is not None
        )

    def _introduces(self, end: int) -> int | None:
        """Where the introduction of a quote ("On <date>, <name> wrote:") begins that ends in this line, or None."""
        line = self.lines[end]
        if self._is_dated_line(end):
            return end
        if line.rstrip(clients.EMPHASIS)[-1:] not in clients.COLONS:
            near = line if len(line) > 20 or not end else self.lines[end - 1] + line  # no colon: then an address
            if "@" not in near or not clients.ends_with_verb(line):
                return None
        joined = ""
        for start in range(end, max(-1, end - LOOK_BACK), -1):
            piece = self.lines[start].strip(clients.EMPHASIS)
            if not piece or self.kinds[start] is not Kind.NEW:
                return None
            joined = f"{piece} {joined}".rstrip()
            if clients.introduces(joined):
                return self._first_of(start, joined)
        return None

    def _first_of(self, start: int, joined: str) -> int:
        """The lines above belong to the introduction too when only they open it ("On Monday,\nBen wrote:")."""
        if clients.opens(joined):
            return start
        for above in range(start - 1, max(-1, start - LOOK_BACK), -1):
            line = self.lines[above].strip(clients.EMPHASIS)
            if not line or self.kinds[above] is not Kind.NEW:
                break
            if clients.opens(line) and clients.DIGIT_OR_AT.search(line):
                return above
        return start

    def _introduction(self, at: int) -> None:
        """The line above a marked quote that only names a date, an address or a writer: old Gmail, some lists."""
        above = at - 1
        while above >= max(0, at - 3) and not self.lines[above]:
            above -= 1
        if above < 0 or self.kinds[above] is not Kind.NEW or not self.lines[above] or above in self.known:
            return
        start = self._introduces(above)
        if start is None:
            line = self.lines[above]
            if clients.ends_with_verb(line) and clients.introduces(line + ":"):
                start = above
            elif clients.names_sender(line) or (
                (self.last_own < at or above == self.first) and clients.names_writer(line)
            ):
                start = self._first_of(above, line)
        if start is not None:
            self._quote(start, above + 1)

    def _closes_address(self, at: int) -> bool:
        """A line like ">:" or "> wrote:" is the end of "<address" above, cut by the program, and no quote."""
        line = self.lines[at]
        if at == 0 or len(line) > 60 or line[-1] not in clients.COLONS:
            return False
        above = self.lines[at - 1]
        return above.rfind("<") > above.rfind(">") and not self.quoted[at - 1]

    def _of_diff(self, at: int) -> bool:
        """The right side of a diff the author shows: "> new" below "< old" and a rule, or below "3a4"."""
        above = self.lines[at - 1] if at else ""
        if above.startswith(">"):
            return self.kinds[at - 1] is Kind.NEW
        return clients.DIFF_AT.match(above) is not None or (
            above == "---" and at > 1 and self.lines[at - 2].startswith("<") and self.kinds[at - 1] is Kind.NEW
        )

    def _barred(self, at: int) -> bool:
        """Two lines or more with the same bar before them, that are no table."""
        bar = self.lines[at][0]
        after = self.lines[at + 1] if at + 1 < len(self.lines) else ""
        return after[:1] == bar and bar not in self.lines[at][1:] and bar not in after[1:]

    def _mark_bars(self, at: int) -> None:
        bar = self.lines[at][0]
        end = at
        while end < len(self.lines) and self.lines[end][:1] == bar:
            end += 1
        self._quote(at, end)

    def _initialled(self, at: int) -> None:
        """ "AB> text" on two lines or more: quotes of old programs."""
        found = clients.INITIALS.match(self.lines[at])
        if found is None:
            return
        end = at
        while end < len(self.lines) and self.lines[end].startswith(found[0]):
            end += 1
        if end - at > 1:
            self._introduction(at)
            self._quote(at, end)

    def _next_written(self, at: int) -> int:
        most = min(len(self.lines), at + 5)
        while at < most and not self.lines[at]:
            at += 1
        return at

    # ---- Markers, and mails shown whole

    def _is_marker(self, at: int) -> bool:
        """Our own marker line in any of our languages, quoted, wrapped, set between marks; or another system's."""
        line = self.lines[at]
        lowered = line[:200].lower()
        if clients.holds(lowered, language.marker_signs()):
            joined = " ".join(self.lines[at : at + 2]).lower().replace(">", " ").replace("|", " ")
            joined = " ".join(joined.split())
            if any(words in joined for words in language.marker_words()):
                return True
        return clients.holds(lowered, clients.MARKER_SIGNS) and clients.is_other_marker(line.lstrip("| "))

    def _above_marker(self, at: int) -> int:
        """Where the first line of a notice of ours begins, which stands above the marker, or an introduction."""
        for above in range(at - 1, max(-1, at - 2 - LOOK_BACK), -1):
            line = self.lines[above].lstrip("> |")
            if self.kinds[above] is not Kind.NEW:
                break
            if line.startswith(language.notice_openings()):
                return above
        above = at - 1
        while above > 0 and above > at - 4 and not self.lines[above]:
            above -= 1
        if above > 0 and self.kinds[above] is Kind.NEW and clients.names_sender(self.lines[above]):
            return self._first_of(above, self.lines[above])
        return at

    def _separator(self, at: int) -> int | None:
        """Where the mail that begins at this line has its fields or text; None where no mail begins here."""
        line = self.lines[at]
        ruled = line.lstrip()[0] in "-_*=–—─" or line[-1] in ":：*"
        if not ruled and ":" not in line and "：" not in line:
            return None
        if ruled:
            if clients.ORIGINAL.match(line) or clients.forwards(line):
                return min(self._next_written(at + 1), len(self.lines) - 1)
            if clients.RULE.match(line):
                after = self._next_written(at + 1)
                if after < len(self.lines) and (
                    self._has_fields(after) or (clients.LONG_RULE.match(line) is not None and self._any_fields(after))
                ):
                    return after
                return None
        return at if self._has_fields(at) or self._is_notes(at) else None

    def _has_fields(self, at: int) -> bool:
        """A mail's fields shown as text: who wrote, and two more within a few lines.

        "from: Berlin", "to: Hamburg", "date: ..." may be fields of a record: without an address they are, unless
        there are four, one of them "Sent" or with a time of day.
        """
        first = self.lines[at]
        name = clients.label(first)
        if not name:
            return False
        sender = clients.is_sender(name)
        if not sender and not clients.is_other(name):
            return False
        names, shown = [name], [first]
        for line in self.lines[at + 1 : at + FIELD_LINES]:
            other = clients.label(line)
            if other and (clients.is_other(other) or clients.is_sender(other)):
                names.append(other)
                shown.append(line)
            elif not sender and line and not line.startswith((" ", "\t")):
                break
        if not sender:
            others = [line for its, line in zip(names, shown, strict=True) if clients.is_sender(its)]
            return len(set(names)) > 3 and any(map(clients.has_address, others))
        if len(set(names)) == 2:
            return clients.has_address(first) and first[:1] not in "abcdefghijklmnopqrstuvwxyz"
        if len(set(names)) < 2:
            return False
        if any(map(clients.has_address, shown)):
            return True
        return len(set(names)) > 3 and (any(map(clients.has_time, shown[1:])) or any(map(clients.is_sent, names)))

    def _any_fields(self, at: int) -> bool:
        """Three fields in a row below a rule, the first with an address: a mail in a language we do not know."""
        rows = self.lines[at : at + 3]
        return len(rows) == 3 and all(clients.label(row) for row in rows) and clients.has_address(rows[0])

    def _is_notes(self, at: int) -> bool:
        """Lotus Notes: a line of name and date, and below it "To", "cc", "Subject", each alone on its line."""
        if not clients.is_dated_name(self.lines[at]):
            return False
        return sum(map(clients.is_bare_label, self.lines[at + 1 : at + 2 * FIELD_LINES])) > 1

    # ---- Below the own text

    def _pieces(self) -> list[tuple[int, int]]:
        """The stretches of new text between quotes, as (first line, line after the last)."""
        pieces = []
        start = end = -1
        for at, line in enumerate(self.lines):
            if not line:
                continue
            if self.kinds[at] is Kind.NEW:
                start, end = (at, at + 1) if start < 0 else (start, at + 1)
            elif start >= 0:
                pieces.append((start, end))
                start = -1
        if start >= 0:
            pieces.append((start, end))
        return pieces

    def _sign(self, start: int, end: int) -> None:
        self.kinds[start:end] = [Kind.SIGNATURE] * (end - start)

    def _programs_end(self, start: int, end: int, quotes: bool) -> int:
        """Where the signature below a line of dashes or a rule begins, or what a program adds at the end.

        Where nothing would be left these lines are new text, unless there is a quote that they answer with nothing.
        """
        first = start if quotes else start + 1
        return self._program_lines(start, self._dashes(start, end, first), first)

    def _dashes(self, start: int, end: int, first: int) -> int:
        """The line of dashes, or of a list's footer; else `end`."""
        for at in range(end - 1, max(first, end - SIGNATURE_LINES - 2) - 1, -1):
            if not self.telling[at]:
                continue
            line = self.lines[at]
            if (len(line) < 10 and clients.DASHES.match(line)) or line == clients.PGP_SIGNATURE:
                self.dashed = True
                return self._trimmed(start, at)
            if clients.RULE.match(line) and self._is_signature(at + 1, end, line):
                return self._trimmed(start, at)
        return end

    def _is_signature(self, start: int, end: int, rule: str) -> bool:
        """Below a rule: a few short lines, one of which is a telephone number or an address; or a list's footer."""
        below = [self.lines[at] for at in range(start, end) if self.lines[at]]
        if clients.LIST_FOOTER.match(rule) and len(below) <= 7:
            return True
        return 0 < len(below) <= 8 and all(len(line) <= 80 for line in below) and any(map(clients.is_contact, below))

    def _trimmed(self, start: int, end: int) -> int:
        """The end without blank lines and ornaments."""
        at = end
        while at > start and (not self.lines[at - 1] or clients.ORNAMENT.match(self.lines[at - 1])):
            at -= 1
        return at if at > start else end

    def _closing(self, start: int, end: int) -> int:
        """Without ornaments, a hand-typed "-Name", "Best regards" above a name, a name above its numbers."""
        at = self._trimmed(start, end)
        if at > start + 1 and clients.HAND_TYPED.match(self.lines[at - 1]) and not self.lines[at - 2].startswith("-"):
            return self._trimmed(start, at - 1)
        for above in range(at - 1, max(start, at - 10), -1):
            if clients.is_closing(self.lines[above]) and self._is_name_below(above + 1, at):
                return self._trimmed(start, above)
        return self._contact_block(start, at)

    def _is_name_below(self, start: int, end: int) -> bool:
        below = [self.lines[at].strip() for at in range(start, end) if self.lines[at]]
        return (
            0 < len(below) <= 7
            and clients.NAME_LIKE.match(below[0]) is not None
            and all(len(other) <= 80 for other in below)
        )

    def _contact_block(self, start: int, end: int) -> int:
        """The last paragraph, where it is a name and two or more telephone numbers or addresses."""
        at = end
        while at > start and self.lines[at - 1]:
            at -= 1
        below = [line.strip() for line in self.lines[at:end]]
        above = next((self.lines[index] for index in range(at - 1, start - 1, -1) if self.lines[index]), "")
        fits = 3 <= len(below) <= 8 and clients.NAME_LIKE.match(below[0]) and all(len(line) <= 70 for line in below)
        if not fits or not above or above[-1] in clients.COLONS or sum(map(clients.is_contact, below)) < 2:
            return end
        return self._trimmed(start, at)

    def _program_lines(self, start: int, end: int, first: int) -> int:
        """Without "Sent from my phone", disclaimers and the footers of lists."""
        cut = end
        for at in range(end - 1, max(first, end - ADDED_LINES) - 1, -1):
            if self.lines[at] and clients.added_by_program(self.lines[at]):
                cut = at
        return self._trimmed(start, cut) if cut < end else end

    def _banner(self) -> None:
        """What a gateway writes above mail from outside; and the head of a text signed by PGP."""
        at = self.first
        if at == len(self.lines) or not self.lines[at] or self.kinds[at] is not Kind.NEW:
            return
        end = at
        if self.lines[at] == clients.PGP_SIGNED or clients.is_banner(self.lines[at]):
            while end < len(self.lines) and self.lines[end] and end < at + 6:
                end += 1
        if end > at and any(
            line and kind is Kind.NEW for line, kind in zip(self.lines[end:], self.kinds[end:], strict=True)
        ):
            self._sign(at, end)


def unflow(text: str, delete_space: bool) -> str:
    """RFC 3676 4: lines that end in a space go on in the next one; quoted lines stay as they are."""
    out: list[str] = []
    flowing: list[str] = []
    for line in text.split("\n"):
        content = line[1:] if line.startswith(" ") else line
        flows = content.endswith(" ") and content != "-- " and not line.startswith(">")
        if line.startswith(">") and flowing:
            out.append("".join(flowing).rstrip())
            flowing = []
        if flows:
            flowing.append(content[:-1] if delete_space else content)
            continue
        if flowing and content != "-- ":
            out.append("".join(flowing) + content)
        else:
            out.extend(["".join(flowing).rstrip()] if flowing else [])
            out.append(content)
        flowing = []
    if flowing:
        out.append("".join(flowing).rstrip())
    return "\n".join(out)
