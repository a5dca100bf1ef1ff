"""Templates of the setup: Liquid with limits, rendered over plain values that the reader may see. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from addressee.core.errors import BadValue


@lru_cache(maxsize=1)
def _environment() -> Any:
    from liquid import Environment  # slow to import, and most mail needs no template

    class Limited(Environment):
        loop_iteration_limit = 10_000
        output_stream_limit = 200_000
        local_namespace_limit = 50_000
        context_depth_limit = 20

    return Limited()


def render(source: str, values: Mapping[str, Any]) -> str:
    """The text of a template. Raises BadValue("template") with the engine's own words, line and column."""
    from liquid.exceptions import LiquidError

    try:
        return str(_environment().from_string(source).render(**values))
    except (LiquidError, RecursionError) as fault:
        raise BadValue("template", text=source[:80], expected=str(fault)) from fault
