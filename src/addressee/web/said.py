"""What became of a request, as a sentence: from the contract's result line or an error. Called by the views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from addressee.core.errors import AddresseeError
from addressee.core.reasons import SENTENCES, Reason

# One word a disposition, for badges and sentences.
DISPOSITIONS = {
    "accept": "Accepted",
    "hold": "Held",
    "reject": "Rejected",
    "discard": "Discarded",
    "redirect": "Redirected",
    "defer": "Waiting",
    "": "Waiting",
}
_PROBLEMS = {
    "not-held": "It is no longer held: someone has decided meanwhile.",
    "no-such-delivery": "The message is not there.",
    "no-such-table": "There is no such table.",
}


@dataclass(frozen=True, slots=True)
class Said:
    """`applied`: it has its effect. `records`: (table, name) of what it was done to."""

    disposition: str
    reason: str
    sentence: str
    applied: bool
    records: tuple[tuple[str, str], ...]


def said(line: Mapping[str, Any]) -> Said:
    """The sentence for one result line (DESIGN section 5)."""
    disposition, reason = str(line.get("disposition") or ""), str(line.get("reason") or "")
    named = {(str(e["table"]), str(e["record"])): None for e in line.get("effects") or [] if e.get("record")}
    named |= {(str(c["table"]), str(c["record"])): None for c in line.get("communications") or [] if c.get("record")}
    return Said(disposition, reason, sentence_of(reason), disposition == "accept", tuple(named))


def sentence_of(reason: str) -> str:
    """The sentence of a reason slug; the slug itself where this program does not know it."""
    try:
        return SENTENCES[Reason(reason)]
    except ValueError:
        return reason


def problem(error: AddresseeError) -> str:
    """An error of the pipeline as a sentence; what it knows of the cause comes after it."""
    sentence = _PROBLEMS.get(error.slug) or sentence_of(error.slug)
    if sentence == error.slug:
        sentence = error.slug.replace("-", " ").capitalize() + "."
    detail = error.data.get("why") or error.data.get("detail")
    return f"{sentence} {detail}" if detail else sentence
