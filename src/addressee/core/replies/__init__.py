"""Which mails follow from a decision, to whom, and what they say (laws 10, 11, 13 and 16; RFC 3834). Pure.

To the author one automatic answer at most: the account's auto-reply where he has no role, else a receipt; of a command
a copy for each in Cc who may read the record. To staff a notice of a correspondent's message. To the correspondents
what staff wrote in public.
"""

from __future__ import annotations

from dataclasses import replace

from addressee.core.message import Nature
from addressee.core.replies.author import to_author
from addressee.core.replies.notices import to_staff
from addressee.core.replies.onward import redirect, to_correspondents
from addressee.core.replies.receipt import fault_sentence
from addressee.core.replies.telling import Answers, Telling, language_of, linked
from addressee.core.values import Decision, Disposition, Step

__all__ = [
    "Answers",
    "Telling",
    "added",
    "fault_sentence",
    "language_of",
    "linked",
    "redirect",
    "with_notices",
    "write",
]


def write(telling: Telling) -> Answers:
    """All that follows from a mailed post."""
    answers = Answers()
    to_author(telling, answers)
    decision = telling.decision
    if decision.confirms is not None:
        return answers
    if telling.message.nature in (Nature.AUTO_REPLIED, Nature.BOUNCE, Nature.FEEDBACK):
        return answers  # a notice of it could set off the next (law 10)
    if decision.disposition is Disposition.ACCEPT and decision.communications:
        to_staff(telling, answers)
        to_correspondents(telling, answers)
    return answers


def added(decision: Decision, answers: Answers) -> Decision:
    """The decision with what follows from it."""
    return replace(
        decision,
        outbox=(*decision.outbox, *answers.drafts),
        trace=(*decision.trace, *(Step("answer", *note) for note in answers.notes)),
        held_back=(*decision.held_back, *answers.held_back),
        gathered=(*decision.gathered, *answers.gathered),
    )


def with_notices(decision: Decision, telling: Telling) -> Decision:
    """A web post with what follows from it: the author needs no receipt, staff and correspondents are told."""
    answers = Answers()
    to_staff(telling, answers)
    to_correspondents(telling, answers)
    return added(decision, answers)
