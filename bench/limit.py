"""The bare limit: what is physically left of the job on raw SQLite, without setup, rules, trace or a framework.

    python -m bench.limit HOME own|compat32 single|batch

A message is parsed (by our parser, or by the standard library's compat32 with a plain cut of quotes), its address
proved, its files kept by content, and the twelve statements that no such program can do without are run: known
before?, sender, right, parent, message, record, communication, files, audit, outbox. WAL, synchronous FULL.
"""

from __future__ import annotations

import email
import email.policy
import hmac
import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.utils import parseaddr
from hashlib import sha256
from pathlib import Path

import nh3

from addressee.core.parse import parse
from bench.contender import answer
from bench.mail import DOMAIN, Mail, record_address

_TABLES = """
CREATE TABLE record(id INTEGER PRIMARY KEY, title TEXT, body TEXT, version INT);
CREATE TABLE message(id INTEGER PRIMARY KEY, message_id TEXT UNIQUE, sender TEXT, subject TEXT, digest TEXT);
CREATE TABLE communication(id INTEGER PRIMARY KEY, record INT, message INT, body TEXT, html TEXT);
CREATE INDEX by_record ON communication(record);
CREATE INDEX by_message ON communication(message);
CREATE TABLE person(id INTEGER PRIMARY KEY, address TEXT UNIQUE);
CREATE TABLE member(person INT, right TEXT, UNIQUE(person, right));
CREATE TABLE file(id INTEGER PRIMARY KEY, communication INT, name TEXT, type TEXT, digest TEXT, size INT);
CREATE TABLE audit(id INTEGER PRIMARY KEY, record INT, what TEXT, after TEXT);
CREATE TABLE outbox(id INTEGER PRIMARY KEY, recipient TEXT, body TEXT, state INT);
"""
_QUOTE = re.compile(r"^(>|On .* wrote:$|-- $)", re.MULTILINE)


@dataclass
class Read:
    author: str
    to: str
    subject: str
    message_id: str
    answers: str
    text: str
    html: str
    files: list[tuple[str, str, str, bytes]]  # name, type, digest, content
    digest: str


def read_own(raw: bytes) -> Read:
    read = parse(raw)
    m = read.message
    files = [(a.name, a.type, a.sha256, read.contents[a.sha256]) for a in m.attachments]
    answers = m.in_reply_to[0] if m.in_reply_to else ""
    to = m.to[0].address if m.to else ""
    return Read(m.author or "", to, m.subject, m.message_id, answers, m.new_text, m.html, files, m.identity)


def read_compat32(raw: bytes) -> Read:
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    text, html, files = "", "", []
    for part in mail.walk():
        if part.is_multipart():
            continue
        content, name, kind = part.get_payload(decode=True), part.get_filename(), part.get_content_type()
        if name is None and kind.startswith("text/"):
            shown = content.decode(part.get_content_charset() or "utf-8", "replace")
            text, html = (text, html + shown) if kind == "text/html" else (text + shown, html)
        else:
            files.append((name or "", kind, sha256(content).hexdigest(), content))
    found = _QUOTE.search(text)
    return Read(
        parseaddr(mail["from"] or "")[1],
        parseaddr(mail["to"] or "")[1],
        str(make_header(decode_header(mail["subject"] or ""))),
        mail["message-id"] or "",
        mail["in-reply-to"] or "",
        text[: found.start()] if found else text,
        nh3.clean(html) if html else "",
        files,
        sha256(raw).hexdigest(),
    )


class Limit:
    def __init__(self, home: Path, read: Callable[[bytes], Read], batch: int) -> None:
        self.files = home / "files"
        self.files.mkdir(parents=True)
        self.read, self.batch, self.people = read, batch, dict[str, int]()
        self.database = sqlite3.connect(home / "limit.sqlite3", isolation_level=None)
        self.execute = self.database.execute
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=FULL")
        self.database.executescript(_TABLES)

    def prepare(self, mails: Sequence[Mail]) -> None:
        self.raws = [mail.raw for mail in mails]
        for author in {mail.author for mail in mails} - set(self.people):
            self.people[author] = self._insert("person(address)", author)
            self.execute("INSERT INTO member VALUES (?, 'write')", (self.people[author],))

    def work(self) -> None:
        for start in range(0, len(self.raws), self.batch):
            read = [self.read(raw) for raw in self.raws[start : start + self.batch]]
            self._keep([(digest, content) for each in read for _, _, digest, content in each.files])
            self.execute("BEGIN IMMEDIATE")
            for each in read:
                self._write(each)
            self.execute("COMMIT")

    def told(self) -> dict[str, int]:
        return {each: self._one(f"SELECT count(*) FROM {each[:-1]}") for each in ("records", "messages")}

    def _keep(self, files: Sequence[tuple[str, bytes]]) -> None:
        """Durable by name before the commit that refers to them."""
        for digest, content in files:
            handle = os.open(self.files / digest, os.O_CREAT | os.O_WRONLY, 0o600)
            os.write(handle, content)
            os.fdatasync(handle)
            os.close(handle)
        if files:
            handle = os.open(self.files, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)

    def _write(self, read: Read) -> None:
        if self._one("SELECT 1 FROM message WHERE message_id = ?", read.message_id):
            return
        person = self._one("SELECT id FROM person WHERE address = ?", read.author)
        self._one("SELECT 1 FROM member WHERE person = ? AND right = 'write'", person)
        if read.answers:
            self._one("SELECT id FROM message WHERE message_id = ?", read.answers)
        columns = "message(message_id, sender, subject, digest)"
        message = self._insert(columns, read.message_id, read.author, read.subject, read.digest)
        record = self._record(read.to)
        if record and self._one("SELECT id FROM record WHERE id = ?", record):
            self.execute("UPDATE record SET version = version + 1 WHERE id = ?", (record,))
        else:
            record = self._insert("record(title, body, version)", read.subject, read.text, 1)
        entry = self._insert("communication(record, message, body, html)", record, message, read.text, read.html)
        for name, kind, digest, content in read.files:
            self._insert("file(communication, name, type, digest, size)", entry, name, kind, digest, len(content))
        self._insert("audit(record, what, after)", record, "comment", json.dumps({"text": read.text}))
        self._insert("outbox(recipient, body, state)", read.author, read.subject, 0)

    def _record(self, to: str) -> int:
        """The number in a record's address, when it is genuine; else 0."""
        parts = to.removesuffix(f"@{DOMAIN}").split(".")
        genuine = len(parts) == 3 and parts[1].isdigit() and hmac.compare_digest(to, record_address(int(parts[1])))
        return int(parts[1]) if genuine else 0

    def _one(self, sql: str, *values: object) -> int:
        found = self.execute(sql, values).fetchone()
        return found[0] if found else 0

    def _insert(self, columns: str, *values: object) -> int:
        marks = ", ".join("?" * len(values))
        return self.execute(f"INSERT INTO {columns} VALUES ({marks})", values).lastrowid or 0


if __name__ == "__main__":
    home, parser, lane = sys.argv[1:]
    how = {"own": read_own, "compat32": read_compat32}[parser]
    answer(Limit(Path(home), how, batch=1 if lane == "single" else 100))
