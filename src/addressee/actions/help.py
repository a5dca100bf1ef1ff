"""help: what may be said to this address, made from the shelf and the author's rights."""

from __future__ import annotations

from addressee.core.action import Action, Changeset, Request, Target, action, communication
from addressee.core.authorise import extent, field_access
from addressee.core.registry import actions, fields
from addressee.core.values import Assurance


@action("help", needs=None, target=Target.ANY, least=Assurance.E3)
class Help(Action):
    """You get a list of what you may say here."""

    def plan(self, request: Request) -> Changeset:
        words = request.reading.words
        lines = [words("help.words"), ""]
        for name, entry in sorted(actions.items()):
            fits = entry.target is Target.ANY or (entry.target is Target.RECORD) == (request.record is not None)
            may = (
                entry.needs is None or extent(request.actor.person, entry.needs, request.table, request.setup) != "none"
            )
            if fits and may:
                lines.append(f"  {name:<8} {words.own(f'action.{name}', _docstring(entry))}")
        lines += ["", words("help.fields", table=request.definition.label or request.table), ""]
        for name, definition in request.definition.live_fields.items():
            kind = fields[definition.type]
            if kind.by_text and field_access(request.actor.person, request.table, name, request.setup) == "write":
                lines.append(f"  {name}: {words.say(kind.expected(definition))}")
        linked = (communication(request, request.record.uuid, text=request.prose),) if request.record else ()
        return Changeset(communications=linked, answer="\n".join(lines))


def _docstring(entry: Action) -> str:
    return (entry.__doc__ or "").strip().partition("\n")[0]
