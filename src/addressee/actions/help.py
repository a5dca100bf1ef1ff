"""help: what may be said to this address, made from the shelf and the author's rights."""

from __future__ import annotations

from addressee.core import process
from addressee.core.action import Action, Changeset, Request, Target, action, communication
from addressee.core.authorise import extent, field_access, has_everything, may_run
from addressee.core.registry import actions, fields
from addressee.core.setup import FieldDef
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
        lines += _processes(request)
        lines += ["", words("help.fields", table=request.definition.label or request.table), ""]
        for name, definition in request.definition.live_fields.items():
            kind = fields[definition.type]
            if kind.by_text and field_access(request.actor.person, request.table, name, request.setup) == "write":
                lines.append(f"  {name}: {words.say(kind.expected(definition))}")
        linked = (communication(request, request.record.uuid, text=request.prose),) if request.record else ()
        return Changeset(communications=linked, answer="\n".join(lines))


def _processes(request: Request) -> list[str]:
    """The processes that he may run here by mail; who may do everything is told of each other why not (U-56)."""
    setup, person, words = request.setup, request.actor.person, request.reading.words
    offered, kept = list[str](), list[str]()
    for key, definition in setup.processes.items():
        if definition.table not in ("", request.table) or not may_run(person, key, request.table, setup):
            continue
        why_not = process.not_offered(key, setup)
        if why_not is None:
            parameters = "".join(
                f"  {name}: {_expected(each, request)}" for name, each in definition.parameters.items()
            )
            offered.append(f"  {key:<8} {definition.label}{parameters}".rstrip())
        elif has_everything(person, setup):
            kept.append(f"  {words.say(why_not)}")
    lines = ["", words("help.processes"), "", *offered] if offered else []
    return [*lines, *([""] if kept else []), *kept]


def _expected(definition: FieldDef, request: Request) -> str:
    return request.reading.words.say(fields[definition.type].expected(definition))


def _docstring(entry: Action) -> str:
    return (entry.__doc__ or "").strip().partition("\n")[0]
