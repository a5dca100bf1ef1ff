"""Roundup as a contender: its mail gateway in one process, the classic tracker on SQLite, nosy mail to a file.

python -m bench.peers.roundup HOME        run with .state/peers/bin/python
"""

from __future__ import annotations

import argparse
import email
import functools
import io
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.contender import answer
from bench.mail import Mail


def tracker(home: Path) -> Path:
    """A classic tracker that anybody may mail to."""
    admin = [str(Path(sys.executable).with_name("roundup-admin")), "-i", str(home)]
    subprocess.run([*admin, "install", "classic", "sqlite"], check=True, stdout=sys.stderr)
    settings = home / "config.ini"
    told = settings.read_text(encoding="utf-8")
    for name, value in (("domain", "in.example.test"), ("host", "localhost"), ("web", "http://localhost/bench/")):
        told = re.sub(rf"^#?{name} =.*$", f"{name} = {value}", told, count=1, flags=re.MULTILINE)
    settings.write_text(told, encoding="utf-8")
    schema = home / "schema.py"
    allow = "\ndb.security.addPermissionToRole('Anonymous', 'Email Access')\n"
    for right in ("Create", "Edit", "View"):
        for each in ("issue", "msg", "file", "keyword", "user"):
            allow += f"db.security.addPermissionToRole('Anonymous', '{right}', '{each}')\n"
    schema.write_text(schema.read_text(encoding="utf-8") + allow, encoding="utf-8")
    subprocess.run([*admin, "initialise", "bench"], check=True, stdout=sys.stderr)
    return home


class Gateway:
    def __init__(self, home: Path) -> None:
        import roundup.instance
        from roundup import mailgw

        for name in ("message_from_bytes", "message_from_string", "message_from_file", "message_from_binary_file"):
            setattr(email, name, functools.partial(getattr(email, name), _class=mailgw.RoundupMessage))
        self.mailgw, self.tracker = mailgw, roundup.instance.open(str(tracker(home)))
        options = argparse.Namespace(default_class="issue", set_value=[], issue_re="", subject_prefix="")
        self.gateway = self.tracker.MailGW(self.tracker, options)
        self.gateway.trapExceptions = 0

    def prepare(self, mails: Sequence[Mail]) -> None:
        self.raws = [mail.raw for mail in mails]

    def work(self) -> None:
        for raw in self.raws:
            try:
                mail = self.mailgw.message_from_binary_file(io.BytesIO(raw), self.mailgw.RoundupMessage)
                self.gateway.handle_Message(mail)
            except Exception as error:  # noqa: BLE001  a peer that refuses a message goes on with the next
                sys.stderr.write(f"{type(error).__name__}: {str(error)[:200]}\n")

    def told(self) -> dict[str, int]:
        database = self.tracker.open("admin")
        try:
            return {"records": len(database.issue.list()), "messages": len(database.msg.list())}
        finally:
            database.close()


if __name__ == "__main__":
    folder = Path(sys.argv[1]).absolute()
    os.environ["SENDMAILDEBUG"] = f"{folder}.sent"
    answer(Gateway(folder))
