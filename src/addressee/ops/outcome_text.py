"""The contract's line about a delivery as a person reads it: one line, or all its steps. For receive, work, trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from addressee.core.reasons import SENTENCES, Reason

_VERBS = {
    None: "waits",
    "accept": "accepted",
    "hold": "held",
    "reject": "rejected",
    "discard": "discarded",
    "redirect": "redirected",
    "defer": "put off",
}


def short(line: Mapping[str, Any]) -> str:
    """`12  case@example.org  accepted: created CASE-17; answered ada@example.org`."""
    told = [_effect(effect) for effect in line["effects"]]
    told += [f"answered {reply['to']}" for reply in line["replies"]]
    if line["reason"] and line["reason"] != Reason.DONE:
        told.insert(0, f"{line['reason']}. {_sentence(line['reason'])}")
    verb = _VERBS.get(line["disposition"], line["disposition"])
    whom = "-" if line["spool_id"] is None else line["spool_id"]  # explain keeps nothing
    head = f"{whom}  {line['recipient'] or '(no recipient)'}  {verb}"
    return f"{head}: {'; '.join(told)}" if told else head


def steps(line: Mapping[str, Any]) -> str:
    """Everything about a delivery: what it is, each step of the walk with its result and why, and what came of it."""
    facts = {
        "message": line["message_id"] and f"<{line['message_id']}>",
        "file": line["file"],
        "author": line["author"] and f"{line['author']} ({line['assurance'] or '?'}, as {line['actor'] or 'nobody'})",
        "account": line["account"],
        "duplicate of": line["duplicate_of"],
    }
    out = [short(line), *(f"    {name}: {value}" for name, value in facts.items() if value)]
    trace = line["trace"]
    width = max((len(step["step"]) for step in trace), default=0)
    for place, step in enumerate(trace):
        corner = "└─" if place == len(trace) - 1 else "├─"
        why = f"  ({step['why']})" if step.get("why") else ""
        out.append(f"  {corner} {step['step']:<{width}}  {step['result']}{why}")
    for effect in line["effects"]:
        for name, change in effect.get("fields", {}).items():
            out.append(f"    {name}: {_shown(change.get('before'))} → {_shown(change.get('after'))}")
    for file in line["attachments"]:
        note = f", {'' if file['stored'] else 'left out: '}{file['reason']}" if file.get("reason") else ""
        out.append(f"    file {file['name']} ({file['size_bytes']:,} bytes{note})")
    return "\n".join(out)


def _effect(effect: Mapping[str, Any]) -> str:
    fields = ", ".join(effect.get("fields", ()))
    return f"{effect['kind']} {effect['table']} {effect['record'] or '(new)'}" + (f" ({fields})" if fields else "")


def _sentence(reason: str) -> str:
    try:
        return SENTENCES[Reason(reason)].rstrip(".")
    except ValueError:  # of a newer version
        return ""


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)
