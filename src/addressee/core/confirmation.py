"""A confirmation: what would change, as it is shown and as a digest; is an answer a yes? Pure; by decide and replies.

DESIGN section 4: a one-time code, sent to the address on file and answered from it, or a button on a signed-in page.
The walk of a command that lacks its level is planned to the end, and the plan is shown instead of written.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from addressee.core.authorise import field_access, has_role
from addressee.core.present import heading, name_of
from addressee.core.reasons import Reason
from addressee.core.registry import fields
from addressee.core.tokens import encode
from addressee.core.values import Effect, Snapshot

if TYPE_CHECKING:
    from addressee.core.language import Language
    from addressee.core.replies import Telling
    from addressee.core.threads import Found

# Words by which an answer begins that says yes. Anything else does not: the author may never have asked for it.
_YES = frozenset(
    """
    yes y yep yeah ok okay sure confirm confirmed confirming agreed approved approve accept accepted go do please
    ja jawohl oui si sí sim da tak igen bestätigt bestätige confirmo confirmado confirme confirmé confermo bekræft
    bekräfta bevestig potwierdzam
    """.split()  # noqa: SIM905
)
_NO = frozenset(
    "no not never don't dont didn't stop cancel wrong nein nicht kein non pas não nao nie niet geen".split()  # noqa: SIM905
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LONGEST = 200  # characters of a value that are shown
# What may be shown to an address that did not prove that it wrote it: nothing that an outsider could word (law 11).
_OUR_WORDS = frozenset(
    ["boolean", "choice", "date", "datetime", "decimal", "integer", "link", "multi_choice", "person"]
)


def essence(effects: Iterable[Effect], snapshot: Snapshot) -> str:
    """What would change, as a digest: the same whenever the same is asked of records that stand the same.

    Of what is added to a list only the addition counts, and not when: others may add to it meanwhile. A record that
    would be made has no name yet; one that stands counts with its title, which the reader knows it by.
    """
    told: list[Any] = []
    for effect in effects:
        record = snapshot.records.get(effect.record) if effect.kind != "create" else None
        which = [effect.record, record.title] if record is not None else []
        told.append([effect.kind, effect.table, which, {name: _pair(pair) for name, pair in effect.fields.items()}])
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _pair(pair: Any) -> Any:
    before, after = pair.get("before"), pair.get("after")
    if isinstance(after, list) and any(isinstance(entry, dict) for entry in after):
        had = before if isinstance(before, list) else []
        return [_bare(entry) for entry in after if entry not in had]
    return [before, after]


def _bare(entry: Any) -> Any:
    return {key: value for key, value in entry.items() if key != "at"} if isinstance(entry, dict) else entry


def answer_to(found: Found, author: str | None, text: str) -> Reason:
    """What an answer with a code of ours comes to: confirmed, or why not."""
    code = found.code
    assert code is not None  # noqa: S101  asked only then
    if author != code.address or any(each != code.hash for each in found.typed):
        return Reason.WRONG_CODE
    if code.used or not code.waiting:
        return Reason.CODE_USED
    if code.expired:
        return Reason.CODE_EXPIRED
    return Reason.CONFIRMED if code.hash in found.typed or says_yes(text) else Reason.NOT_CONFIRMED


def says_yes(text: str) -> bool:
    """Does the first line say yes? Nothing written at all does: the answer itself was asked for."""
    words = [word.casefold() for word in _WORD.findall(text.strip().partition("\n")[0])]
    if not words:
        return not text.strip()
    agrees = words[0] in _YES or (words[0] in ("i", "we") and len(words) > 1 and words[1] in _YES)
    return agrees and not _NO & set(words) and "?" not in text.strip().partition("\n")[0]


def new_code(telling: Telling) -> str:
    """A code: made of the delivery's own random bytes, and another one each time the delivery is decided."""
    random = f"{telling.fresh.token()} {telling.snapshot.now.isoformat()}"
    return encode(hashlib.sha256(random.encode()).digest()[:13])


def page_of(delivery: int, telling: Telling) -> str:
    return f"{telling.setup.site.url.rstrip('/')}/confirm/{delivery}/"


def message(telling: Telling, code: str, words: Language, *, reads: bool) -> tuple[str, str]:
    """(subject, text) of the mail that asks; `reads`: the address may read the record (law 13)."""
    asks = telling.decision.asks
    assert asks is not None  # noqa: S101  asked only then
    record, setup = telling.record, telling.setup
    if record is not None:
        name = name_of(record, setup)
        what = heading(record, setup, telling.actor.person) if reads else name
    else:
        table = setup.tables.get(asks.effects[0].table) if asks.effects else None
        name = what = (table.label if table else "") or (asks.effects[0].table if asks.effects else "")
        if asks.about is not None:
            name = what = words.say(asks.about)
    lines = [words("confirm.subject", what=f"{asks.verb} {what}".rstrip())]
    if asks.again:
        lines += ["", words("confirm.again")]
    changes = _changes(telling, words) if reads else []
    if changes:
        lines += ["", words("confirm.changes"), *(f"  {change}" for change in changes)]
    further = len({effect.record for effect in asks.effects if record is None or effect.record != record.uuid})
    if record is not None and further:
        lines += ["", words("confirm.further", count=further)]
    lines += [
        "",
        words("confirm.how"),
        "",
        f"  {code}",
        "",
        words("confirm.valid", count=setup.option("confirm_hours")),
    ]
    if has_role(telling.actor.person):
        lines += ["", words("confirm.page"), page_of(telling.decision.delivery, telling)]
    lines += ["", words("confirm.not-you")]
    return words("confirm.subject", what=f"{asks.verb} {name}".rstrip()), "\n".join(lines)


def _changes(telling: Telling, words: Language) -> list[str]:
    """What would change of the record, of what the actor may read."""
    asks, record = telling.decision.asks, telling.record
    reading = telling.reading(telling.actor)
    lines: list[str] = []
    for effect in asks.effects if asks is not None else ():
        if record is None or effect.record != record.uuid:
            continue
        for name, pair in effect.fields.items():
            definition = telling.setup.tables[effect.table].live_fields.get(name)
            access = field_access(telling.actor.person, effect.table, name, telling.setup)
            if definition is None or access == "none":
                continue
            kind, label = fields[definition.type], definition.label or name
            if kind.appends:
                lines.append(words("confirm.text-added", field=label))
            elif not kind.by_text:
                lines.append(words("confirm.files-added", field=label))
            elif telling.decision.verified or definition.type in _OUR_WORDS:
                before, after = (kind.shown(pair[side], definition, reading) for side in ("before", "after"))
                nothing = words("confirm.nothing")
                lines.append(f"{label}: {_short(before) or nothing} → {_short(after) or nothing}")
            else:
                size = len(kind.format(pair["after"], definition, reading))
                lines.append(words("confirm.other-text", field=label, size=size))
    return lines


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _LONGEST else flat[: _LONGEST - 1] + "…"
