"""TABLE on a command line: a key, an alias or a label. Called by the commands records and record."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from addressee.core.setup import Setup


def find_table(command: str, text: str, setup: Setup) -> str | None:
    """The key of the table that the text names in any case; else None, and stderr says why."""
    wanted = text.strip().lower()
    if wanted in setup.tables:
        return wanted
    if wanted in setup.table_by_local_part:
        return setup.table_by_local_part[wanted]
    by_label = {table.label.lower(): key for key, table in setup.tables.items() if table.label}
    if wanted in by_label:
        return by_label[wanted]
    if not setup.tables:
        why = " The setup has no tables yet; `addressee apply FILE` makes some."
    else:
        near = get_close_matches(wanted, [*setup.tables, *setup.table_by_local_part, *by_label], 1)
        why = f" Did you mean {near[0]}?" if near else f" There are: {', '.join(setup.tables)}."
    sys.stderr.write(f"addressee {command}: there is no table {text!r}.{why}\n")
    return None
