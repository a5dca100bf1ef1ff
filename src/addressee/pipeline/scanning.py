"""The files of a batch shown to the virus scanner, where the site names one. Called by pipeline/process, before hop 5.

What is found is an argument of the decision. A scanner that is away puts messages with files off, never the others,
and never for longer than `scan_seconds` a batch; an author's later messages wait with his first (law 7).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from addressee.core.setup import Setup
from addressee.host import scanner
from addressee.pipeline.commit import Work
from addressee.records import files


@dataclass(slots=True)
class Scanned:
    """ready  to be decided; waiting  put off, and `why`"""

    ready: list[Work] = field(default_factory=list)
    waiting: list[Work] = field(default_factory=list)
    why: str = ""


def scanned(work: Sequence[Work], setup: Setup, before: Callable[[], None] = lambda: None) -> Scanned:
    """before  called once before anything is scanned (a worker renews its claims)"""
    if not setup.site.scanner or not any(one.message.files for one in work):
        return Scanned(ready=list(work))
    before()
    until = time.monotonic() + setup.option("scan_seconds")
    known: dict[str, str] = {}
    out = Scanned()
    behind: set[str] = set()  # authors of whom a message waits
    for one in work:
        author = one.message.author or ""
        wanted = {attachment.sha256 for attachment in one.message.files}
        if out.why and (wanted - known.keys() or (author and author in behind)):
            out.waiting.append(one)
            behind.add(author)
            continue
        try:
            for sha in sorted(wanted - known.keys()):
                with files.open(sha) as content:
                    known[sha] = scanner.scan(setup.site.scanner, content, until)
        except (scanner.ScannerAway, OSError) as error:
            out.why = f"the virus scanner does not answer: {error}"
            out.waiting.append(one)
            behind.add(author)
            continue
        found = {sha: known[sha] for sha in wanted if known[sha]}
        out.ready.append(replace(one, infected=found) if found else one)
    return out
