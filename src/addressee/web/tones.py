"""The colour in which a disposition or the result of a trace step is drawn. Called by templates (filter `tone`)."""

from __future__ import annotations

_EXACT = {
    "accept": "good", "done": "good", "yes": "good", "allowed": "good", "permitted": "good", "pass": "good",
    "hold": "wait", "defer": "wait", "redirect": "wait", "waiting": "wait", "confirm": "wait",
    "reject": "bad", "discard": "bad", "no": "bad", "refused": "bad", "fail": "bad", "failed": "bad",
    "sent": "good", "queued": "", "deferred": "wait", "held_back": "wait",
    "E0": "bad", "E1": "wait", "E2": "wait", "E3": "good", "E4": "good", "E5": "good", "E6": "good",
}  # fmt: skip
# the first word of a result that tells its tone: "not permitted", "hold: confirm"
_BEGINS = {
    "not": "bad", "no": "bad", "conflict": "bad", "bad": "bad", "refused": "bad", "unknown": "bad", "blocked": "bad",
    "loop": "bad", "duplicate": "bad", "missing": "bad", "forged": "bad",
    "accept": "good", "reject": "bad", "discard": "bad", "redirect": "wait", "defer": "wait", "denied": "bad",
    "text": "wait", "left": "wait", "passed": "good", "refuse": "bad",
    "hold": "wait", "held": "wait", "too": "wait", "unverified": "wait", "ambiguous": "wait", "unproven": "wait",
    "created": "good", "updated": "good", "commented": "good", "found": "good", "allowed": "good", "ok": "good",
    "create": "good", "update": "good", "comment": "good", "attach": "good",
}  # fmt: skip


def of(result: str) -> str:
    """good, wait, bad, or "" for what is neither."""
    if result in _EXACT:
        return _EXACT[result]
    words = result.replace("-", " ").split()
    return _BEGINS.get(words[0].strip(":,("), "") if words else ""
