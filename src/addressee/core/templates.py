"""Templates and conditions of the setup: Liquid with limits, over plain values that the reader may see. Pure.

The one place that knows the language. `faults_in` is what `apply` refuses; `render` and `holds` are what runs.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from addressee.core.errors import BadValue

# Words of the `for` tag alone, which the engine takes for its own everywhere; a parameter may well be called so.
_TAKEN = re.compile(r"""("[^"]*"|'[^']*')|(\.?)\b(limit|offset|cols|reversed|required)\b(?!\s*:)""")
_LOOPS = ("for", "tablerow")


def _freed(expression: str) -> str:
    """limit -> ["limit"], record.limit -> record["limit"]: the same variable, written so that it can be read."""
    return _TAKEN.sub(lambda found: found[1] or f'["{found[3]}"]', expression)


@lru_cache(maxsize=1)
def _environment() -> Any:
    from liquid import Environment  # slow to import, and most mail needs no template
    from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG, Token

    class Limited(Environment):
        def tokenizer(self) -> Callable[[str], Iterator[Token]]:
            read, tag = super().tokenizer(), ""

            def tokens(source: str) -> Iterator[Token]:
                nonlocal tag
                for token in read(source):
                    if token.kind != TOKEN_EXPRESSION:
                        tag = token.value if token.kind == TOKEN_TAG else ""
                    elif tag not in _LOOPS:
                        token = Token(token.kind, _freed(token.value), token.start_index, token.source)
                    yield token

            return tokens

        loop_iteration_limit = 10_000
        output_stream_limit = 200_000
        local_namespace_limit = 50_000
        context_depth_limit = 20

    return Limited()


@lru_cache(maxsize=512)
def _parsed(source: str) -> Any:
    return _environment().from_string(source)


def is_template(text: str) -> bool:
    return "{{" in text or "{%" in text


def render(source: str, values: Mapping[str, Any]) -> str:
    """The text of a template. Raises BadValue("template") with the engine's own words, line and column."""
    from liquid.exceptions import LiquidError

    if not is_template(source):
        return source
    try:
        return str(_parsed(source).render(**values))
    except (LiquidError, RecursionError) as fault:
        raise BadValue("template", text=source[:80], expected=_said(fault)) from fault


def holds(condition: str, values: Mapping[str, Any]) -> bool:
    """Is a condition true: `record.priority > 3 and reason != ""`? Raises BadValue("template")."""
    return render(_as_template(condition), values) == "yes"


def _as_template(condition: str) -> str:
    return f"{{% if {condition} %}}yes{{% endif %}}"


def _said(fault: Exception) -> str:
    return str(fault).split("\n", 1)[0].rstrip(".") or type(fault).__name__


def lone_variable(source: str) -> tuple[str, ...]:
    """("record", "due") of "{{ record.due }}", () where there is more: such a value is passed on as it is."""
    text = source.strip()
    if not (text.startswith("{{") and text.endswith("}}")) or text.count("{{") != 1:
        return ()
    parts = tuple(text[2:-2].strip().split("."))
    return parts if all(part.isidentifier() for part in parts) else ()


@dataclass(frozen=True, slots=True)
class TemplateFault:
    """What is wrong with a template, as a sentence, and the nearest name that would be right."""

    what: str
    near: str | None = None


def faults_in(source: str, names: Mapping[str, Iterable[str] | None]) -> Iterator[TemplateFault]:
    """What `apply` refuses: no template, a filter or tag that does not exist, a variable that nothing fills.

    names  each variable there is -> the names within it, None where it is a text or any name may follow
    """
    from liquid.exceptions import LiquidError

    try:
        template = _parsed(source)
        found = template.analyze()
    except (LiquidError, RecursionError) as fault:
        yield TemplateFault(f"this is no template: {_said(fault)}.")
        return
    known = _environment().filters
    for name in found.filters:
        if name not in known:
            yield TemplateFault(f"there is no filter “{name[:40]}”.", _nearest(name, known))
    seen: set[str] = set()
    for used in found.globals.values():
        for variable in used:
            parts = [str(part) for part in variable.segments]
            called = ".".join(parts[:2])
            if called in seen:
                continue
            seen.add(called)
            yield from _unknown(parts, called, names)


def _unknown(parts: list[str], called: str, names: Mapping[str, Iterable[str] | None]) -> Iterator[TemplateFault]:
    if parts[0] not in names:
        yield TemplateFault(f"nothing fills “{called[:60]}”: it would be empty.", _nearest(parts[0], names))
        return
    within = names[parts[0]]
    if within is not None and len(parts) > 1 and parts[1] not in set(within):
        near = _nearest(parts[1], within)
        yield TemplateFault(
            f"nothing fills “{called[:60]}”: it would be empty.", f"{parts[0]}.{near}" if near else None
        )


def condition_faults(condition: str, names: Mapping[str, Iterable[str] | None]) -> Iterator[TemplateFault]:
    """The same for a condition."""
    if not condition.strip() or "%}" in condition or "{" in condition:
        yield TemplateFault('a condition is expected: record.priority > 3 and reason != "".')
        return
    yield from faults_in(_as_template(condition), names)


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, [str(each) for each in known], 1)), None)
