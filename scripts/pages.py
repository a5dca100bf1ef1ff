"""Writes the pages made from the code: CHANGELOG.md and parts of docs/reference/. Run by `make docs`.

tests/docs/test_generated_pages.py renders them again and compares, so they cannot fall behind.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel

ROOT = Path(__file__).resolve().parent.parent
KINDS = {"breaking": "Breaking", "security": "Security", "added": "Added", "fixed": "Fixed"}
GENERATED = "<!-- Made by `make docs` from {source}. Edit that, not this. -->\n\n"
RFC = re.compile(r"RFC (\d{3,5})(?: (?:section )?(\d[\d.]*\d|\d))?")


class BadFragment(ValueError):
    """A file in changes/ that is not a change fragment; the message says what is missing."""


def fragment(path: Path) -> tuple[str, str]:
    """Kind and Markdown of one change: `kind:`, `files:` and `upgrade:`, an empty line, a sentence."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    keys = dict(re.findall(r"^(\w+): *(.*)$", head, re.MULTILINE))
    missing = [key for key in ("kind", "files", "upgrade") if key not in keys]
    if missing or keys["kind"] not in KINDS or not body.strip():
        kinds = ", ".join(KINDS)
        raise BadFragment(f"{path}: wants kind ({kinds}), files, upgrade, an empty line and a sentence")
    text = f"- {' '.join(body.split())}"
    if keys["upgrade"] != "none":
        text += f" *To upgrade:* {keys['upgrade']}"
    return keys["kind"], f"{text} ({keys['files']})\n"


def changelog() -> str:
    """CHANGELOG.md: what stands in changes/ is not released yet, changes/<version>/ is."""
    releases = [("Not released", ROOT / "changes")]
    folders = [path for path in (ROOT / "changes").iterdir() if path.is_dir()]
    releases += [(path.name, path) for path in sorted(folders, reverse=True)]
    text = "# Changes\n\n" + GENERATED.format(source="changes/")
    for title, folder in releases:
        entries = [fragment(path) for path in sorted(folder.glob("*.md"))]
        if not entries:
            continue
        text += f"## {title}\n"
        for kind, heading in KINDS.items():
            lines = [line for its_kind, line in entries if its_kind == kind]
            if lines:
                text += f"\n### {heading}\n\n" + "".join(lines)
        text += "\n"
    return text.rstrip() + "\n"


def reasons() -> str:
    """Every reason slug with its sentence."""
    from addressee.core.reasons import SENTENCES, Reason

    rows = "".join(f"| `{reason}` | {SENTENCES[reason]} |\n" for reason in Reason)
    return (
        "# Reasons\n\n"
        + GENERATED.format(source="src/addressee/core/reasons.py")
        + "Every delivery ends with one of these. The slug stands in traces and `--json` lines and does not "
        "change;\nthe sentence is what a person reads.\n\n| Reason | Sentence |\n|---|---|\n" + rows
    )


def options() -> str:
    """Every limit of `[site.limits]` with default and unit."""
    from addressee.core.options import OPTIONS

    rows = "".join(f"| `{name}` | {o.default:,} | {o.unit} | {o.doc} |\n" for name, o in OPTIONS.items())
    return (
        "# Options\n\n"
        + GENERATED.format(source="src/addressee/core/options.py")
        + "Set them under `[site.limits]` of the setup file.\n\n"
        "| Option | Default | Unit | What it limits |\n|---|--:|---|---|\n" + rows
    )


def mentions() -> Iterator[tuple[int, str, str, int]]:
    """(RFC number, section, file, line) for each place in the code that names a standard."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            for rfc, section in RFC.findall(line):
                yield int(rfc), section, path.relative_to(ROOT).as_posix(), number


def by_number(section: str) -> list[int]:
    """Sort key: section 4.10 comes after 4.9."""
    return [int(part) for part in section.split(".")]


def standards() -> str:
    """Which RFC is followed where: the comments that quote one, gathered."""
    text = (
        "# Standards\n\n"
        + GENERATED.format(source="the comments in src/ that name an RFC")
        + "Which standard the code follows, and in which file.\n\n"
        "| RFC | Sections named | Where |\n|---|---|---|\n"
    )
    for rfc, group in groupby(sorted(mentions()), key=lambda mention: mention[0]):
        found = list(group)
        sections = sorted({section for _, section, _, _ in found if section}, key=by_number)
        files = sorted({file for _, _, file, _ in found})
        where = ", ".join(f"[{file.removeprefix('src/addressee/')}](../../{file})" for file in files)
        text += f"| {rfc} | {', '.join(sections) or '-'} | {where} |\n"
    return text


def replies() -> str:
    """Every way to say no at SMTP time, with its reply code."""
    from addressee.core import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    rows = "".join(f"| `{k.__name__}` | `{k.reply}` | {' '.join((k.__doc__ or '').split())} |\n" for k in kinds)
    return (
        "# SMTP replies\n\n"
        + GENERATED.format(source="src/addressee/core/errors.py")
        + "What a peer is told when something is refused (RFC 5321, RFC 3463). 4xx: kept by the peer, who tries again; "
        "5xx: trying again will not help.\n\n| Error | Reply | When |\n|---|---|---|\n" + rows
    )


def in_words(kind: Any) -> str:
    """A type of the setup file as a person would say it."""
    origin, arguments = get_origin(kind), [a for a in get_args(kind) if a is not type(None) and a is not Ellipsis]
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in arguments)
    if origin is Annotated:
        return in_words(arguments[0])
    if origin is tuple:
        return f"list of {in_words(arguments[0])}"
    if origin is dict:
        return f"table of {in_words(arguments[1])}"
    if arguments:
        return " or ".join(dict.fromkeys(in_words(argument) for argument in arguments))
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value"}
    return names.get(kind, "any value")


def reachable(model: type[BaseModel], seen: dict[type[BaseModel], None]) -> dict[type[BaseModel], None]:
    """The models that a setup file may hold, in the order in which a reader meets them."""
    seen[model] = None
    waiting = [field.annotation for field in model.model_fields.values()]
    while waiting:
        kind = waiting.pop(0)
        waiting += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
            reachable(kind, seen)
    return seen


def setup_keys() -> str:
    """Every key of the setup file with its type and default."""
    from addressee.core.setup import SetupFile

    text = (
        "# Setup file\n\n"
        + GENERATED.format(source="src/addressee/core/setup.py")
        + "The keys that `addressee apply` takes. An unknown key, a wrong type or a dangling name is refused whole, "
        "with its line.\n"
    )
    for model in reachable(SetupFile, {}):
        text += f"\n## {model.__name__}\n\n"
        if model is not SetupFile and model.__doc__ and not model.__doc__.startswith("Frozen"):
            text += " ".join(model.__doc__.split()) + "\n\n"
        text += "| Key | Value | Default |\n|---|---|---|\n"
        for name, field in model.model_fields.items():
            if name == "version":
                continue  # counted by the program, not written by a person
            default = "required" if field.is_required() else said(field.get_default(call_default_factory=True))
            text += f"| `{field.alias or name}` | {in_words(field.annotation)} | {default} |\n"
    return text


def said(default: object) -> str:
    """A default value as TOML says it; "-" for none."""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return "`[" + ", ".join(f'"{item}"' for item in default) + "]`" if default else "-"
    if default in (None, "") or isinstance(default, dict | BaseModel):
        return "-"
    return f"`{default:_}`" if isinstance(default, int) else f"`{default}`"


def field_types() -> str:
    """Every field type on the shelf."""
    from addressee.core.registry import fields

    rows = ""
    for name, kind in sorted(fields.items()):
        takes = ", ".join(f"`{option}`" for option in sorted(kind.options)) or "-"
        by_text = "" if kind.by_text else " Not set by a field line."
        rows += f"| `{name}` | {first_line(kind)} {one_line(kind)}{by_text} | {takes} |\n"
    return (
        "# Field types\n\n"
        + GENERATED.format(source="src/addressee/fields/")
        + "The `type` of a field. Every type also takes `label`, `required`, `index`, `sensitive` and `default`.\n\n"
        "| Type | What it reads and keeps | Options of its own |\n|---|---|---|\n" + rows
    )


def mail_commands() -> str:
    """Every action on the shelf: the word in a mail, its right and the assurance it needs."""
    from addressee.core.registry import actions

    rows = ""
    for name, verb in sorted(actions.items()):
        right = f"`{verb.needs}`" if verb.needs else "-"
        rows += f"| `{name}` | {one_line(verb)} | {right} | {verb.target} | {verb.least.name} |\n"
    return (
        "# Commands in a mail\n\n"
        + GENERATED.format(source="src/addressee/actions/")
        + "The word stands in the subject; the body holds lines `field: value` and prose.\n\n"
        "| Word | What it does | Right | Acts on | Least assurance |\n|---|---|---|---|---|\n" + rows
    )


def what_you_can_say() -> str:
    """The grammar of a mail to us; tests/flow/test_what_you_can_say.py runs each example on it."""
    from addressee.core.language import english
    from addressee.core.registry import actions, fields
    from addressee.core.setup import FieldDef
    from addressee.core.words import WORDS

    spoken = ("de", "fr", "es", "pt")
    words = f"| Word | {' | '.join(spoken)} | What it does |\n|{'---|' * (len(spoken) + 2)}\n"
    for name, action in sorted(actions.items()):
        others = " | ".join(", ".join(WORDS.get(name, {}).get(each, ())) for each in spoken)
        words += f"| `{name}` | {others} | {one_line(action)} |\n"
    types = "| Type | A line says |\n|---|---|\n"
    for name, kind in sorted(fields.items()):
        example = FieldDef(type=name, choices=("New", "Open"), table="case")
        types += f"| `{name}` | {english().say(kind.expected(example))} |\n"
    text = (ROOT / "scripts" / "what-you-can-say.md").read_text(encoding="utf-8")
    made = GENERATED.format(source="scripts/what-you-can-say.md and the shelves")
    return text.replace("{made}\n", made).replace("{words}", words).replace("{types}", types)


def modules() -> str:
    """Every module and the first line of its docstring, room by room."""
    text = "# Modules\n\n" + GENERATED.format(source="the first line of every module")
    files = [path for path in sorted((ROOT / "src" / "addressee").rglob("*.py")) if "migrations" not in path.parts]
    for folder, group in groupby(files, key=lambda path: path.parent):
        lines = [(path, ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "") for path in group]
        about = next((doc for path, doc in lines if path.name == "__init__.py"), "")
        text += f"## {folder.relative_to(ROOT / 'src').as_posix()}\n\n{about.partition(chr(10))[0]}\n\n"
        for path, doc in lines:
            if path.name != "__init__.py":
                text += f"- [{path.stem}](../../{path.relative_to(ROOT).as_posix()}): {without_name(doc)}\n"
        text += "\n"
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


def rules() -> str:
    """Every rule on the shelf, in the order in which they are asked."""
    from addressee.core.registry import rules as shelf

    in_order = sorted(shelf.items(), key=lambda entry: entry[1].order)
    rows = "".join(f"| `{name}` | {f'{first_line(rule)} {one_line(rule)}'.strip()} |\n" for name, rule in in_order)
    return (
        "# Rules\n\n"
        + GENERATED.format(source="src/addressee/rules/")
        + "Each may settle a delivery before anything else is asked.\n\n| Rule | When |\n|---|---|\n"
        + rows
    )


def commands() -> str:
    """Every command with its arguments."""
    from addressee.ops.main import COMMANDS

    text = (
        "# Commands\n\n"
        + GENERATED.format(source="src/addressee/ops/")
        + "`addressee COMMAND --help` says the same. With `--json` each writes one JSON object a line on standard "
        "output,\nand nothing else there.\n"
    )
    for name, (about, _) in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"addressee {name}", add_help=False)
        importlib.import_module(f"addressee.ops.{name}_command").add_arguments(parser)
        text += f"\n## {name}\n\n{about[:1].upper()}{about[1:]}.\n\n"
        rows = "".join(argument(action) for action in parser._actions)
        text += "| Argument | Meaning |\n|---|---|\n" + rows if rows else ""
    return text


def argument(action: argparse.Action) -> str:
    """One row: how the argument is written, and what it means."""
    value = action.metavar or action.dest.upper()
    written = ", ".join(action.option_strings) or str(value)
    if action.option_strings and action.nargs != 0:
        written += f" {value}"
    return f"| `{written}` | {(action.help or '').replace('|', chr(92) + '|').replace('%%', '%')} |\n"


def one_line(plugin: object) -> str:
    """What a plug-in's class says of it, in one table cell."""
    return " ".join((type(plugin).__doc__ or "").split()).replace("|", "\\|")


def first_line(plugin: object) -> str:
    """What the plug-in's file says it is, without its name."""
    return without_name(sys.modules[type(plugin).__module__].__doc__ or "")


def without_name(doc: str) -> str:
    """The first line of a docstring; of a plug-in's without its name, which stands beside it."""
    line = re.sub(r"^[a-z_]+: ", "", doc.partition("\n")[0])
    return line[:1].upper() + line[1:]


PAGES: dict[str, Callable[[], str]] = {
    "CHANGELOG.md": changelog,
    "docs/howto/what-you-can-say.md": what_you_can_say,
    "docs/reference/commands.md": commands,
    "docs/reference/field-types.md": field_types,
    "docs/reference/mail-commands.md": mail_commands,
    "docs/reference/modules.md": modules,
    "docs/reference/reasons.md": reasons,
    "docs/reference/rules.md": rules,
    "docs/reference/options.md": options,
    "docs/reference/setup.md": setup_keys,
    "docs/reference/smtp-replies.md": replies,
    "docs/reference/standards.md": standards,
}


def main() -> None:
    for name, render in PAGES.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = render()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
