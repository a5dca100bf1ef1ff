"""A small firm for the pages' tests: its setup, its people, and mail in every state, put straight into the rows."""

from __future__ import annotations

import tomllib
import uuid
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import transaction

from addressee.mail.models import Communication, Delivery, File, Message, OutboxItem, RawMessage
from addressee.mail.peek import message_id_hash
from addressee.people import rows as people
from addressee.people.models import Person
from addressee.records import files, index
from addressee.records.models import Correspondent, Record, Revision
from addressee.setup import store

PASSWORD = "correct horse 7"
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f00050001ff"
    "4a3f9c0a0000000049454e44ae426082"
)

SETUP = Path(__file__).with_name("firm.toml")


def found() -> None:
    """The setup and the people, each with PASSWORD; the guest person too, to show that it does not help him."""
    tree = tomllib.loads(SETUP.read_text(encoding="utf-8"))
    persons = tree.pop("people")
    with transaction.atomic():
        store.save(tree, by="operator")
        people.save(persons, by="operator", applied=True)
    Person.objects.update(password=_hashed())


@cache
def _hashed() -> str:
    """Hashing takes its time on purpose: once for all tests."""
    return make_password(PASSWORD)


def record(table: str, title: str, number: int | None = None, at: datetime = NOW, **said: Any) -> Record:
    """One record with its index rows. `said` holds columns; what is no column is a value."""
    columns = {"team", "account", "assignee", "created_by", "unverified", "deleted_at", "version"}
    values = {"name": title, **{key: value for key, value in said.items() if key not in columns}}
    if said.get("assignee"):
        values["owner"] = said["assignee"]
    made = Record.objects.create(
        uuid=uuid.uuid5(uuid.NAMESPACE_URL, f"{table}/{number}/{title}"),
        table=table,
        title=title,
        number=number,
        values=values,
        created_at=at,
        updated_at=at,
        **{key: value for key, value in said.items() if key in columns},
    )
    if made.deleted_at is None:
        index.insert(index.rows_of(str(made.uuid), table, values, store.current()))
    return made


def raw(text: str, at: datetime = NOW) -> RawMessage:
    content = text.replace("\n", "\r\n").encode()
    return RawMessage.objects.create(
        sha256=sha256(content).hexdigest(), size_bytes=len(content), bytes=content, received_at=at
    )


def message(author: str, subject: str, text: str, at: datetime = NOW, **said: Any) -> Message:
    """A message that was read, with raw bytes that agree with it as far as the pages look."""
    message_id = said.pop("message_id", f"{abs(hash((author, subject, text))):x}@mail.example")
    identity = sha256(f"{author}{subject}{text}{message_id}".encode()).hexdigest()[:40]
    shown = "".join(c for c in subject if c >= " ")
    source = f"From: {author}\nTo: support@example.test\nSubject: {shown}\nMessage-ID: <{message_id}>\n\n{text}\n"
    return Message.objects.create(
        identity=identity,
        message_id=message_id,
        message_id_hash=message_id_hash(message_id),
        raw=raw(source, at),
        author=author,
        subject=subject,
        date=at,
        received_at=at,
        text=text,
        new_text=said.pop("new_text", text),
        data={"to": [["Support", "support@example.test"]], **said.pop("data", {})},
        **said,
    )


def delivery(of: Message, disposition: str = "accept", reason: str = "done", **said: Any) -> Delivery:
    """A delivery of a message as the pipeline settles it, or (disposition "") one that waits."""
    settled = bool(disposition)
    at = said.pop("at", of.received_at)
    trace = said.pop("trace", TRACE)
    result = {"trace": trace, "assurance": "E3", "account": "support", "actor": None, **said.pop("result", {})}
    return Delivery.objects.create(
        raw=of.raw,
        recipient=said.pop("recipient", "support@example.test"),
        envelope={"transport": "lmtp", "sender": of.author},
        seed=b"0" * 16,
        received_at=at,
        message_id=of.message_id,
        message_id_hash=of.message_id_hash,
        due_at=None if settled else at,
        disposition=disposition,
        reason=reason if settled else "",
        settled_at=at if settled else None,
        identity=of.identity if settled else "",
        author=of.author if settled else "",
        subject=of.subject if settled else "",
        target=said.pop("target", ""),
        result=result if settled else {},
        **said,
    )


def post(on: Record, of: Message | None = None, text: str = "", at: datetime = NOW, **said: Any) -> Communication:
    columns: dict[str, Any] = {"kind": "mail" if of else "comment", "visibility": "public" if of else "internal"}
    return Communication.objects.create(
        uuid=uuid.uuid4(),
        record=on,
        message=of,
        at=at,
        author=of.author if of else "",
        text=text or (of.new_text if of else ""),
        **{**columns, **said},
    )


def attach(content: bytes, name: str, kind: str, of: Message, position: int, **said: Any) -> File:
    return File.objects.create(
        message=of, position=position, name=name, type=kind, size_bytes=len(content), sha256=files.put(content), **said
    )


def revision(on: Record, version: int, kind: str, at: datetime, by: str = "", of: Message | None = None, **fields: Any):
    pairs = {key: {"before": before, "after": after} for key, (before, after) in fields.items()}
    return Revision.objects.create(
        record=on, version=version, kind=kind, at=at, actor=by, message=of.identity if of else "",
        author=of.author if of else "", fields=pairs, hash="0" * 64,
    )  # fmt: skip


TRACE = [
    {"step": "rules", "result": "passed", "why": "no loop, no spam mark, not on the block list"},
    {"step": "route", "result": "table", "why": "support@example.test is an address of account support, table case"},
    {"step": "identify record", "result": "none", "why": "no address, token, reference or number names a record"},
    {"step": "identify", "result": "E3", "why": "jane@harbour.example: DMARC pass by mx.example.test"},
    {"step": "command", "result": "none", "why": "the subject is no command word"},
    {"step": "authorise", "result": "create", "why": "the guest portal may create in case"},
    {"step": "settle", "result": "accept: done", "why": "Done."},
]
HELD_TRACE = [
    *TRACE[:3],
    {"step": "identify", "result": "E1", "why": "ben@example.test: nothing proves the author"},
    {"step": "command", "result": "update", "why": "the subject is this word alone"},
    {"step": "authorise", "result": "not proven", "why": "update asks for E3"},
    {"step": "settle", "result": "hold: not-proven", "why": "Nothing proves that the author is who the message says."},
]


def mail() -> dict[str, Any]:
    """A case with its mail, and a few more of everything. What the tests ask for is named in the answer."""
    jane = record("contact", "Jane Harbour", email=["jane@harbour.example"])
    case = record(
        "case", "The door of the boat house does not close", 17, version=2, team="support", account="support", assignee="ben",
        status="Open", priority=4, due="2026-11-27", contact=str(jane.uuid), refund="120.50",
        website="https://harbour.example/boats", notes="Ring before coming.\nThe dog is friendly.",
        log=[{"at": "2026-11-20T09:30:00Z", "actor": "jane@harbour.example", "text": "The upper hinge came loose."}],
    )  # fmt: skip
    first = message(
        "jane@harbour.example", "The door of the boat house does not close",
        "Hello,\n\nsince the storm the door does not close. The upper hinge came loose.\n\n-- \nJane", NOW,
        new_text="Hello,\n\nsince the storm the door does not close. The upper hinge came loose.",
        author_name="Jane Harbour",
        html='<p>Hello,</p><p>since the storm <b>the door</b> does not close.</p><img src="cid:hinge@mail" alt="hinge">',
    )  # fmt: skip
    effects = [{"kind": "create", "table": "case", "record": "CASE-17", "fields": {
        "name": {"before": None, "after": case.title}, "refund": {"before": None, "after": "120.50"}}}]  # fmt: skip
    made_by = delivery(
        first, target="table:case",
        result={"effects": effects, "replies": [{"to": "jane@harbour.example", "subject": "CASE-17: we have it"}]},
    )  # fmt: skip
    post(case, first)
    picture = attach(PIXEL, "hinge.png", "image/png", first, 0, inline=True, content_id="hinge@mail")
    page = attach(b"<script>alert(1)</script>", "offer.html", "text/html", first, 1)
    attach(b"x", "huge.bin", "application/octet-stream", first, 2, stored=False, reason="too-large")
    Record.objects.filter(pk=case.pk).update(
        values={**case.values, "files": [
            {"name": "offer.html", "type": "text/html", "size_bytes": 25, "sha256": page.sha256}]}
    )  # fmt: skip
    post(case, None, "Rang her: Thursday at ten.", NOW + timedelta(minutes=40), actor="cleo")
    answer = message(
        "jane@harbour.example", "Re: The door of the boat house does not close",
        "Thursday is fine.\n\nOn Friday support wrote:\n> When may we come?", NOW + timedelta(hours=1),
        new_text="Thursday is fine.", author_name="Jane Harbour", data={"quoted_text": "> When may we come?"},
    )  # fmt: skip
    delivery(answer, target=f"record:{case.uuid}")
    post(case, answer, at=NOW + timedelta(hours=1), unverified=True)
    revision(case, 1, "create", NOW, of=first, name=(None, case.title), status=(None, "New"), refund=(None, "120.50"))
    revision(
        case, 2, "update", NOW + timedelta(minutes=30), by="ben", status=("New", "Open"), refund=("0.00", "120.50")
    )
    Correspondent.objects.create(record=case, address="jane@harbour.example", wrote_first=True, wrote=True)
    for number, (title, status, owner) in enumerate(
        [
            ("Paint the railing", "New", ""),
            ("Quote for the new awning", "On hold", "cleo"),
            ("Lost key", "Closed", "ben"),
        ]
    ):
        record("case", title, 18 + number, NOW - timedelta(days=3 * number + 1), assignee=owner, status=status)
    deleted = record("case", "Sent twice", 11, NOW - timedelta(days=9), status="New", deleted_at=NOW)
    secret = record("secret", "Merger with the pier company")
    forged = message("ben@example.test", "update", "priority: 5\nCASE-17 please", NOW + timedelta(hours=2))
    held = delivery(
        forged, "hold", "not-proven", trace=HELD_TRACE, target=f"record:{case.uuid}", result={"assurance": "E1"},
    )  # fmt: skip
    board = message("mallory@evil.example", "Board minutes", "Please sign.", NOW + timedelta(hours=2))
    board_held = delivery(
        board, "hold", "stranger", recipient="board@example.test", target="table:secret", result={"account": "board"}
    )
    spam = delivery(
        message("win@spam.example", "You have won", "Click here."), "hold", "spam", result={"assurance": "E0"}
    )
    loop = delivery(message("robot@example.test", "Out of office", "Away."), "discard", "loop")
    waiting = delivery(message("late@example.test", "Not read yet", "Soon."), "")
    OutboxItem.objects.create(
        kind="receipt", to="gone@nowhere.example", sender="support@example.test", message_id="x@y", record=case,
        message_id_hash="0" * 40, created_at=NOW, state="failed", last_error="550 5.1.1 no such user",
    )  # fmt: skip
    return {
        "jane": jane, "case": case, "deleted": deleted, "secret": secret, "first": made_by, "picture": picture,
        "page": page, "held": held, "board": board_held, "spam": spam, "loop": loop, "waiting": waiting,
        "answer": answer,
    }  # fmt: skip
