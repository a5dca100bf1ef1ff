"""The author's own new text: quotes, signature and forwarded mail told apart (law 14). Called by core.parse.

Works line by line, and looks only at the first few hundred characters of a line: the time is linear in the text.
What is not new text is folded into the other fields, never thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass

from addressee.core import clients
from addressee.core.message import Forward

MARKER = "--- Please write your answer above this line ---"

MOST_LINES = 20_000  # beyond this a text is a log, not a letter: its tail stays where its head is
LOOK_AHEAD = 4  # lines over which a client may wrap "On <date>, <name> wrote:"
SIGNATURE_LINES = 16


@dataclass(frozen=True, slots=True)
class Split:
    """A text taken apart; the four together hold all of it but blank lines at the seams."""

    new_text: str
    quoted_text: str
    signature: str
    forward: Forward | None


def split(text: str) -> Split:
    """Tell the author's new text from what his program added or repeated.

    text  with "\\n" as line end. Never raises; a text of one line that is no quote is all new text.
    """
    stripped = text.strip()
    if not stripped or not clients.SIGNS.search(stripped):
        return Split(_tidy(text), "", "", None)
    lines = [line.rstrip() for line in text.split("\n")]
    written = [line for line in lines if line]
    if len(written) == 1 and not written[0].lstrip().startswith(">"):
        return Split(written[0].strip(), "", "", None)
    head, quoted, forward_at = _without_quotes(lines)
    new, signature = _without_signature(head)
    new_text = _tidy("\n".join(new))
    signature_text = _tidy("\n".join(signature))
    if not new_text and signature_text and not quoted:
        new_text, signature_text = signature_text, ""
    forward = None
    if forward_at is not None:
        embedded = _tidy("\n".join(lines[forward_at:]))
        forward = Forward(new_text, embedded)
    return Split(new_text, _tidy("\n".join(quoted)), signature_text, forward)


def _tidy(text: str) -> str:
    return text.strip("\n\r\t ").replace("\n\n\n\n", "\n\n\n")


def _without_quotes(lines: list[str]) -> tuple[list[str], list[str], int | None]:
    """(lines the author may have written, lines quoted, index where a forwarded mail begins or None)."""
    kept: list[str] = []
    quoted: list[str] = []
    at, size = 0, min(len(lines), MOST_LINES)
    while at < size:
        line = lines[at]
        if _is_marker(lines, at):
            quoted.extend(lines[at:])
            return kept, quoted, None
        if line.lstrip().startswith(">"):
            quoted.append(line)
            at += 1
            continue
        if line and not line.isspace():
            length = attribution(lines, at)
            if length:
                after = _next_written(lines, at + length)
                if any(kept) and not (after < size and lines[after].lstrip().startswith(">")):
                    quoted.extend(lines[at:])  # what follows is a quote that nobody marked
                    return kept, quoted, None
                quoted.extend(lines[at : at + length])
                at += length
                continue
            start = _separator(lines, at)
            if start is not None:
                forwarded = start >= at and _forwarded(lines, at)
                quoted.extend(lines[at:])
                return kept, quoted, start if forwarded else None
        kept.append(line)
        at += 1
    kept.extend(lines[size:])
    return kept, quoted, None


def _is_marker(lines: list[str], at: int) -> bool:
    """Our own marker line; quoted, wrapped or set between other marks."""
    line = lines[at][:200].lower()
    if "please" not in line:
        return False
    joined = " ".join(" ".join(lines[at : at + 2]).lower().replace(">", " ").replace("|", " ").split())
    return clients.MARKER_WORDS in joined


def _next_written(lines: list[str], at: int) -> int:
    most = min(len(lines), at + 5)
    while at < most and not lines[at].strip():
        at += 1
    return at


def attribution(lines: list[str], at: int) -> int:
    """How many lines an introduction of a quote ("On <date>, <name> wrote:") takes here; 0 where there is none."""
    first = lines[at][:400].strip("*_ \t\u200e\u200f")
    if not first:
        return 0
    joined = first
    starts = clients.INTRODUCTION.match(first) is not None
    for count in range(1, LOOK_AHEAD + 1):
        if joined[-1:] in ":：" or clients.VERB_AT_END.search(joined[-40:]):
            if clients.wrote(joined, starts):
                return count
            if count == 1:
                return 1 if _bare_introduction(lines, at, joined) else 0
        if not starts and count > 1:
            break
        if at + count >= len(lines):
            break
        following = lines[at + count][:400].strip("*_ \t")
        if not following or following.startswith(">"):
            break
        joined = f"{joined} {following}"
    if _bare_introduction(lines, at, first):
        return 1
    return 0


def _bare_introduction(lines: list[str], at: int, line: str) -> bool:
    """A line with a date or an address directly above a quote: old Gmail, some lists."""
    following = lines[at + 1] if at + 1 < len(lines) else ""
    if not following and at + 2 < len(lines):
        following = lines[at + 2]
    return following.lstrip().startswith(">") and clients.NAMES_SENDER.search(line) is not None


def _separator(lines: list[str], at: int) -> int | None:
    """Where the mail that begins at this line has its header block or text; None where no mail begins here."""
    line = lines[at][:300]
    if clients.ORIGINAL.match(line) or clients.FORWARDED.match(line):
        return min(_next_written(lines, at + 1), len(lines) - 1) if at + 1 < len(lines) else at
    if clients.RULE.match(line):
        after = _next_written(lines, at + 1)
        return after if after < len(lines) and header_block(lines, after) else None
    return at if header_block(lines, at) else None


def _forwarded(lines: list[str], at: int) -> bool:
    line = lines[at][:300]
    return clients.FORWARDED.match(line) is not None


def header_block(lines: list[str], at: int) -> bool:
    """A mail's fields shown as text: From first, and two more of them within a few lines."""
    if not clients.FROM.match(lines[at][:300].replace("\u200b", "")):
        return False
    others = 0
    for line in lines[at + 1 : at + 10]:
        if clients.OTHER_FIELD.match(line[:300]):
            others += 1
    return others >= 2 or (others == 1 and clients.NAMES_SENDER.search(lines[at][:300]) is not None)


def _without_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    """(new text, signature): the block below a dashes line, or the lines a program adds at the end."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    for at in range(end - 1, -1, -1):
        line = lines[at]
        if len(line) < 200 and clients.DASHES.match(line) and end - at <= SIGNATURE_LINES + 1:
            if any(lines[:at]) and not _is_table_rule(lines, at):
                return _program_lines(lines[:at], lines[at:])
        if end - at > SIGNATURE_LINES + 20:
            break
    return _program_lines(lines[:end], [])


def _is_table_rule(lines: list[str], at: int) -> bool:
    return False


def _program_lines(lines: list[str], signature: list[str]) -> tuple[list[str], list[str]]:
    """Take "Sent from my phone" and disclaimers off the end too."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    cut = end
    written = 0
    for at in range(end - 1, -1, -1):
        line = lines[at].strip()
        if not line:
            continue
        written += 1
        if clients.SENT_FROM.match(line[:200]) or (clients.DISCLAIMER.match(line[:200])):
            if any(other.strip() for other in lines[:at]):
                cut = at
        if written >= SIGNATURE_LINES:
            break
    return lines[:cut], lines[cut:end] + signature


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
