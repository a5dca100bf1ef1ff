"""The lanes beside the bare limit and beside the peers, round by round in turns, CPU a message; and cost by size.

Every contender works off the same hundred mails before the next hundred come. The first round warms up.
"""

from __future__ import annotations

import pickle
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import peers
from bench.contender import ROOT, Contender
from bench.mail import messages
from bench.table import Row

Tell = Callable[[str], None]
TAGS = {"": "", "roundup": "[issue{n}]", "helpdesk": "[support-{n}]"}


def write_rounds(folder: Path, rounds: int, size: int, variants: Sequence[str]) -> list[dict[str, Path]]:
    """The rounds' files, by variant: the same mails, but for the tag in the subject."""
    out: list[dict[str, Path]] = [{} for _ in range(rounds)]
    for variant in variants:
        mails = list(messages(rounds * size, tag=TAGS[variant]))
        for number in range(rounds):
            path = folder / f"round-{variant}{number}"
            path.write_bytes(pickle.dumps(mails[number * size : (number + 1) * size]))
            out[number][variant] = path
    return out


def run(contenders: Sequence[Contender], rounds: Sequence[dict[str, Path]], folder: Path, tell: Tell) -> None:
    """A B C, A B C, ...: what disturbs the machine disturbs all of them."""
    try:
        for contender in contenders:
            tell(f"starting {contender.name}")
            contender.start(folder)
        for number, files in enumerate(rounds):
            for contender in contenders:
                tell(f"round {number + 1}/{len(rounds)}: {contender.name}")
                contender.round(files[contender.variant])
    finally:
        for contender in contenders:
            contender.end()


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def spread(contender: Contender, part: str = "work") -> str:
    found = [each * 1e3 for each in contender.cpu(part)]
    return f"{statistics.median(found):.2f} ms ({min(found):.2f}-{max(found):.2f})"


def lanes(folder: Path, rounds: int, size: int, tell: Tell) -> Iterator[Row]:
    """Rows of the lanes. Raises RuntimeError where a contender did not do the work."""
    ours = {
        lane: Contender(f"ours, {lane}", _python("bench.ours", folder / lane, lane)) for lane in ("batch", "single")
    }
    limits = {
        (parser, lane): Contender(
            f"limit, {parser}, {lane}", _python("bench.limit", folder / f"limit-{parser}-{lane}", parser, lane)
        )
        for parser, lane in (("own", "batch"), ("own", "single"), ("compat32", "batch"))
    }
    rivals = [
        Contender(name, [str(ROOT / peers.python()), "-m", f"bench.peers.{name}", str(folder / name)], variant=name)
        for name in ("roundup", "helpdesk")
        if peers.has(name)
    ]
    contenders = [*ours.values(), *limits.values(), *rivals]
    files = write_rounds(folder, rounds + 1, size, ["", *(each.variant for each in rivals)])
    run(contenders, files, folder, tell)
    _check(contenders)
    fastest = min(rivals, key=lambda each: statistics.median(each.cpu()), default=None)
    for lane, first, goal in (("batch", 8.0, 15.0), ("single", 3.0, 6.0)):
        if fastest is not None:
            note = f"{fastest.name} {spread(fastest)}, ours {spread(ours[lane])}"
            times = ratio(fastest.cpu(), ours[lane].cpu())
            yield Row(f"{lane} lane, times the fastest peer", times, first, goal, least=True, note=note)
    for each in rivals:
        if each is not fastest:
            times = ratio(each.cpu(), ours["batch"].cpu())
            yield Row(f"batch lane, times {each.name}", times, least=True, note=f"{each.name} {spread(each)}")
    for (parser, lane), limit in limits.items():
        asked = (0.4, 0.6) if (parser, lane) == ("own", "batch") else (None, None)
        what = "with the same parser" if parser == "own" else "with the standard library's compat32"
        note = f"limit {spread(limit)}, ours {spread(ours[lane])}"
        share = ratio(limit.cpu(), ours[lane].cpu())
        yield Row(f"{lane} lane, share of the bare limit {what}", share, *asked, least=True, note=note)
    yield Row(
        "accepting a message, ms of CPU (in batches of 100)",
        statistics.median(ours["batch"].cpu("prepare")) * 1e3,
        note="spooled and synced; comes on top of the lanes",
    )


def _check(contenders: Sequence[Contender]) -> None:
    """Everybody made the same records of the same mails, or the comparison is worth nothing."""
    did = {each.name: (each.rounds[-1]["records"], each.rounds[-1]["messages"]) for each in contenders}
    if len(set(did.values())) != 1:
        raise RuntimeError(f"the contenders did not do the same work (records, messages): {did}")


def growth(folder: Path, rounds: int, size: int, records: int, tell: Tell) -> Iterator[Row]:
    """Cost of a message where there are many records, against few."""
    few, many = (
        Contender(f"{count:,} records", _python("bench.ours", folder / str(count), "batch", str(count)))
        for count in (1000, records)
    )
    run([few, many], write_rounds(folder, rounds + 1, size, [""]), folder, tell)
    note = f"{spread(few)}, {spread(many)}; a million by make prove NAME=growth"
    yield Row(f"cost a message at {records:,} records / at 1,000", ratio(many.cpu(), few.cpu()), 1.5, 1.1, note=note)


def _python(module: str, *words: object) -> list[str]:
    return [sys.executable, "-m", module, *map(str, words)]
