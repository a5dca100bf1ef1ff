"""What `addressee demo` does once its home is ready: move in, start, send, show, stay. Called by ops.demo_command."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from addressee.host.home import home
from addressee.mail import spool
from addressee.ops import demo_home, places
from addressee.ops.demo_mails import Sample, samples
from addressee.ops.demo_post import PostOffice, Stuck, Walked
from addressee.ops.demo_serving import NotReady, NotStarted, Serving
from addressee.ops.demo_shown import JsonLines, Terminal
from addressee.ops.main import CONFIG, FAULT, TRY_AGAIN
from addressee.pipeline.places import join_place, split_place

DEFAULTS = {"http": places.HTTP, "smtp": places.SMTP, "lmtp": places.LMTP, "policy": places.POLICY}
SIGN_IN = "ada"


def run(args: argparse.Namespace) -> int:
    """0 when all went well, 69 when a mail became something else than it should, 75 and 78 as for every command."""
    show = JsonLines() if args.json else Terminal()
    for number in (signal.SIGINT, signal.SIGTERM):  # also where a shell in the background had it ignore Ctrl-C
        signal.signal(number, _interrupt)
    try:
        with demo_home.alone():
            return Demo(args, show).run()
    except demo_home.NotOurs as error:
        sys.stderr.write(f"addressee demo: {error}\n")
        return CONFIG
    except (demo_home.Busy, NotReady, Stuck) as error:
        sys.stderr.write(f"addressee demo: {error}\n")
        return TRY_AGAIN
    except NotStarted as error:
        return error.code


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Demo:
    """One run."""

    def __init__(self, args: argparse.Namespace, show: Terminal | JsonLines) -> None:
        self.args, self.show = args, show
        self.samples = samples()
        self.passwords: dict[str, str] = {}

    def run(self) -> int:
        show = self.show
        show.say(f"Wheelhouse Cycles, a bicycle workshop, in {demo_home.shown(home())}")
        count = demo_home.move_in()
        told = f"{count} things applied: tables, people, roles …" if count else "stands since an earlier run"
        show.say(f"  setup      {told}")
        self.passwords = demo_home.passwords()
        kept = demo_home.shown(home() / "demo.json")
        show.say(f"  people     ada, ben and cleo may sign in; passwords in {kept}, for you alone to read")
        show.say(f"  outgoing   {demo_home.shown(demo_home.outgoing())}, one .eml a mail: nothing leaves this machine")
        chosen = self._places()
        show.say("  starting   pages, SMTP, LMTP, policy service, worker …")
        with Serving(chosen, show.part) as serving:
            show.serving(serving.places)
            demo_home.stand_at(f"http://{serving.places['web']}")
            walked = self._send(serving) if not self.args.no_mail else []
            self._tell_end(serving, walked)
            if not self.args.exit:
                self._stay(serving)
        return FAULT if any(not each.as_expected for each in walked) else 0

    def _places(self) -> dict[str, str]:
        """Where each part listens: as told; else the usual place, or a free port where that is taken."""
        chosen = {}
        for part, default in DEFAULTS.items():
            given = getattr(self.args, part)
            chosen[part] = given or default
            if not given and not _is_free(default):
                host, port = split_place(default)
                chosen[part] = join_place(host, 0)
                self.show.say(f"  port       {port} ({part}) is taken, so another one is used")
        return chosen

    # ---- the mails

    def _send(self, serving: Serving) -> list[Walked]:
        known = demo_home.refused()
        with PostOffice(self.samples, self.passwords, serving.places["smtp"], serving.places["lmtp"]) as office:
            fresh = [each for each in self.samples if each.key not in known and not office.was_sent(each)]
            if not fresh:
                self.show.say(f"  mail       all {len(self.samples)} sample mails were sent by an earlier run")
            return [self._walk(office, each) for each in fresh]

    def _walk(self, office: PostOffice, sample: Sample) -> Walked:
        walked = office.send(sample)
        if walked.refusal:
            demo_home.note_refused(sample.key)
        self.show.walked(walked, self.samples.index(sample) + 1, len(self.samples))
        return walked

    # ---- the end

    def _tell_end(self, serving: Serving, walked: Sequence[Walked]) -> None:
        counts = spool.ledger()
        url = f"http://{serving.places['web']}"
        password = self.passwords[SIGN_IN]
        right = demo_home.is_right(SIGN_IN, password)
        address = "ada@wheelhouse.example"
        self.show.end(
            {
                "url": url, "sign_in": address, "password": password if right else None,
                "outgoing": str(demo_home.outgoing()), "sent": len(walked), "ledger": counts,
            }
        )  # fmt: skip
        say = self.show.say
        say()
        if walked:
            say(_summary(walked))
        say(_ledger(counts))
        say()
        say(f"  Pages      {url}")
        say(f"  Sign in    {address}   (ben@ and cleo@ see less)")
        say(f"  Password   {password if right else 'the one you set; the demo does not know it'}")
        say()
        for line in _next(url, serving.places["smtp"]):
            say(f"  {line}")

    def _stay(self, serving: Serving) -> None:
        self.show.say()
        self.show.say("Everything runs until you press Ctrl-C.")
        try:
            serving.process.wait()
        except KeyboardInterrupt:
            self.show.say("\nEnding …")
            return
        raise NotStarted(serving.process.returncode or TRY_AGAIN)


def _is_free(place: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(split_place(place))
        except OSError:
            return False
    return True


def _summary(walked: Sequence[Walked]) -> str:
    seconds = sum(each.took_seconds for each in walked)
    wrong = [each.sample.key for each in walked if not each.as_expected]
    verdict = (
        f"these became something else than they should: {', '.join(wrong)}" if wrong else "each became what it should"
    )
    return f"{len(walked)} mails in {seconds:.1f} s; {verdict}."


def _ledger(counts: Mapping[str, Any]) -> str:
    names = ("applied", "held", "rejected", "discarded", "redirected", "waiting")
    told = " + ".join(f"{counts[name]} {name}" for name in names)
    return (
        f"The ledger {'adds up' if counts['adds_up'] else 'DOES NOT add up'}: {counts['accepted']} accepted = {told}."
    )


def _spool_id(key: str) -> str:
    """The id of a sample's delivery; its Message-ID where it was not sent yet."""
    sample = next(each for each in samples() if each.key == key)
    found = spool.find(sample.message_id)
    return str(found[0].pk) if found else sample.message_id


def _next(url: str, smtp: str) -> list[str]:
    """What to try, with the command as it was called."""
    called = sys.argv[0]
    command = demo_home.shown(Path(called)) if os.sep in called and not called.endswith(".py") else "addressee"
    tries = [
        ("held", "what waits for a person; `release ID` lets one through"),
        (f"trace {_spool_id('brakes_wrong')}", "why Ben's typing error changed nothing"),
        ("record case CASE-1", "the first case, with all that was written"),
        ("raw 1 | " + command + " explain", "what the first mail would do if it came now"),
        ("outbox", "what was sent to whom"),
    ]
    width = max(len(what) for what, _ in tries)
    return [
        "Try next, in another terminal:",
        *(f"  {command} {what:<{width}}   {why}" for what, why in tries),
        f"or look at the first case, {url}/tables/case/CASE-1/, or at what waits, {url}/held/,",
        f"or write to workshop@wheelhouse.example yourself by SMTP at {smtp}.",
    ]
