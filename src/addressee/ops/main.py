"""The `addressee` command: finds the subcommand's file, readies the home, and turns errors into exit codes.

A subcommand is one module `addressee.ops.<name>_command` with `HELP`, `add_arguments(parser)` and
`run(args) -> int`. Exit codes are those of DESIGN section 5 (sysexits.h).
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import NoReturn

from addressee.host.home import HomeUnusable, home_path

USAGE, DATA, NO_INPUT, NO_ADDRESS, FAULT, TRY_AGAIN, CONFIG = 64, 65, 66, 67, 69, 75, 78

# name -> (one line of help, needs the home and its database)
COMMANDS: dict[str, tuple[str, bool]] = {
    "demo": ("a small firm with sample mail, everything running", True),
    "serve": ("pages, listeners, worker and scheduler by one command", True),
    "web": ("the pages alone", True),
    "worker": ("the worker alone", True),
    "smtp": ("the SMTP, LMTP and policy listeners alone", True),
    "apply": ("make the setup equal to a file", True),
    "dump": ("write the setup as a file", True),
    "password": ("set a person's password from stdin, or make one", True),
    "key": ("make or revoke a person's API key", True),
    "receive": ("take messages from files, a Maildir, an mbox or stdin", True),
    "work": ("work off what waits, then stop", True),
    "parse": ("what we read in a message; nothing decided, nothing written", False),
    "explain": ("what a message would do, and why; nothing written", True),
    "trace": ("why a stored message did what it did", True),
    "raw": ("the bytes of a stored message", True),
    "held": ("what waits for a person's decision", True),
    "release": ("let a held message through", True),
    "route": ("send a held message to a table or record", True),
    "reject": ("refuse a held message", True),
    "replay": ("decide a held message again", True),
    "undo": ("take back what a message changed", True),
    "records": ("the records of a table", True),
    "record": ("one record, with its stream and revisions", True),
    "address": ("the addresses of a record: list, rotate, revoke", True),
    "outbox": ("what is to be sent and was sent", True),
    "jobs": ("jobs and batches: how far they are, stop, go on", True),
    "deliver": ("send what is due", True),
    "ledger": ("do the counts add up?", True),
    "check": ("is everything well? each fault with its cause and cure", True),
}
LATER = {"backup": "issue: backup", "restore": "issue: backup"}


class Parser(argparse.ArgumentParser):
    """argparse with the exit code of sysexits.h for wrong usage."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(argv: list[str] | None = None) -> int:
    """Run one subcommand and return its exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview())
        return 0 if argv else USAGE
    if argv[0] == "--version":
        from addressee import __version__

        sys.stdout.write(f"addressee {__version__}\n")
        return 0
    name = argv[0]
    if name not in COMMANDS:
        return _unknown(name)
    help_line, needs_home = COMMANDS[name]
    module = importlib.import_module(f"addressee.ops.{name}_command")
    parser = Parser(prog=f"addressee {name}", description=getattr(module, "HELP", help_line))
    module.add_arguments(parser)
    args = parser.parse_args(argv[1:])
    try:
        ready = prepare_home(takes_mail=name == "receive") if needs_home or not _home_stands() else 0
        return ready or int(module.run(args) or 0)
    except HomeUnusable as error:
        sys.stderr.write(f"addressee: {error}\n")
        return CONFIG
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader went away, as with `| head`
        return 0


def overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, (text, _) in COMMANDS.items()]
    return "usage: addressee COMMAND [--json] …\n\n" + "\n".join(lines) + "\n\naddressee COMMAND --help tells more.\n"


def _unknown(name: str) -> int:
    import difflib

    if name in LATER:
        sys.stderr.write(f"addressee: {name} is not available yet.\n")
        return USAGE
    near = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    sys.stderr.write(f"addressee: there is no command {name!r}.{hint} addressee --help lists them.\n")
    return USAGE


def _home_stands() -> bool:
    """Was a home made here? Every command makes it, those that do not read it too."""
    return os.path.exists(os.environ.get("ADDRESSEE_KEY_FILE") or home_path() / "key")


def prepare_home(*, takes_mail: bool = False) -> int:
    """Load Django and bring the home's database up to date. 0, or the exit code of what stands in the way.

    Raises HomeUnusable.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "addressee.config.settings")
    import django

    django.setup()
    from addressee.ops.home import bring_up_to_date

    return bring_up_to_date(takes_mail=takes_mail)


if __name__ == "__main__":
    sys.exit(main())
