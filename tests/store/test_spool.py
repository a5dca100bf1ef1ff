"""The spool: accepted mail is durable, claimed in order, settled once, and the counts add up."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext

from addressee.core.errors import Refused, TooLarge, TryAgainLater
from addressee.core.message import Envelope
from addressee.core.setup import Setup, Site
from addressee.core.values import Disposition
from addressee.host import checkpoints
from addressee.mail import spool
from addressee.mail.models import Delivery, RawMessage
from addressee.records import files

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LARGE = 300 * 1024
SETUP = Setup()


def mail(author: str = "ada", number: int = 1, size: int = 0) -> bytes:
    head = f"From: {author.title()} <{author}@example.test>\r\nMessage-ID: <m{number}@example.test>\r\n"
    return head.encode() + b"Subject: Hello\r\n\r\n" + (b"x" * 70 + b"\r\n") * (size // 72 + 1)


def incoming(author: str = "ada", number: int = 1, *, size: int = 0, to: tuple[str, ...] = ("case@x.test",)):
    return spool.Incoming(Envelope("smtp", sender=f"{author}@example.test"), to, mail(author, number, size))


def accept(author: str = "ada", number: int = 1, at: datetime = NOON) -> int:
    [found] = spool.accept(incoming(author, number), at, SETUP)
    return found


def claim(worker: str = "one", most: int = 100, at: datetime = NOON, only=None) -> spool.Claim:
    return spool.claim(worker, most, at, only, setup=SETUP)


def settle(*ids: int, disposition: Disposition = Disposition.ACCEPT, worker: str | None = None) -> None:
    spool.settle([spool.Settled(found, disposition, "done") for found in ids], NOON, worker)


@contextmanager
def statements():
    """The SQL statements run inside, without those that only begin and end a transaction."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield found
    found += [query["sql"] for query in captured if query["sql"].split()[0] not in ("BEGIN", "COMMIT", "SAVEPOINT")]


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file store of its own for each test: what is there already is not written again."""
    monkeypatch.setenv("ADDRESSEE_FILES_URL", f"file:{tmp_path}/files")


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch):
    def make(what: str) -> None:
        monkeypatch.setenv("ADDRESSEE_FAULT", what)
        checkpoints._passed.clear()

    return make


class Syncs:
    """Counts what our own code asks the disk to sync; a commit of SQLite is one more, in its own code."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = Counter()
        for name in ("fsync", "fdatasync"):
            real = getattr(os, name)
            monkeypatch.setattr(
                os, name, lambda handle, name=name, real=real: (self.count.update([name]), real(handle))
            )


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    files.root()  # made before it is counted
    return Syncs(monkeypatch)


# ---- Taking mail ------------------------------------------------------------------------------------------


def test_what_was_accepted_comes_back_byte_for_byte():
    # given a small message and a large one, for two and for no recipients
    small, large = incoming(to=("a@x.test", "b@x.test")), incoming("ben", 2, size=LARGE, to=())
    # when both are accepted
    ids = spool.accept_many([small, large], NOON)
    # then each recipient has its delivery, and without one there is one all the same
    rows = {row.pk: row for row in Delivery.objects.select_related("raw")}
    assert [[rows[found].recipient for found in group] for group in ids] == [["a@x.test", "b@x.test"], [""]]
    assert [spool.raw_bytes(rows[group[0]]) for group in ids] == [small.raw, large.raw]
    # and the large one stands in the file store alone
    assert [rows[group[0]].raw.bytes is None for group in ids] == [False, True]
    assert files.exists(rows[ids[1][0]].raw.sha256)


def test_a_batch_is_one_transaction_of_two_statements(syncs: Syncs):
    many = [incoming("ada", number) for number in range(100)]
    with CaptureQueriesContext(connection) as captured:
        spool.accept_many(many, NOON, SETUP)
    words = [query["sql"].split()[0] for query in captured]
    assert words == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    # then nothing but that commit was synced
    assert not syncs.count


def test_large_messages_cost_one_sync_each_and_one_a_folder(syncs: Syncs):
    many = [incoming("ada", number, size=LARGE) for number in range(4)]
    spool.accept_many(many, NOON, SETUP)
    folders = {row.sha256[:2] for row in RawMessage.objects.all()}
    assert syncs.count == {"fdatasync": 4, "fsync": len(folders)}


def test_the_envelope_comes_back_as_it_was():
    given = Envelope("imap", "a@x.test", "192.0.2.1", "mx.x.test", "ada", True, True, True, NOON)
    [found] = spool.accept(replace(incoming(), envelope=given), NOON)
    assert spool.envelope_of(Delivery.objects.get(pk=found).envelope) == given


def test_bytes_that_no_database_takes_are_cleaned_in_what_is_asked_for():
    # given NUL and half characters in the envelope, in the file's name and in the Message-ID
    given = replace(
        incoming(to=("a\0\udc80@x.test",)),
        envelope=Envelope("smtp", sender="\udcff\0@x.test"),
        raw=b"From: \xff\0 <a@x.test>\nMessage-ID: <\0\xff@x>\n\nhi\n",
        file="\udc80.eml",
    )
    # when it is accepted
    [found] = spool.accept(given, NOON)
    # then it is kept whole, and the texts are such as every store can keep
    row = Delivery.objects.get(pk=found)
    assert spool.raw_bytes(row) == given.raw
    for text in (row.recipient, row.file, row.message_id, spool.envelope_of(row.envelope).sender):
        assert "\0" not in text
        assert text.encode()


@pytest.mark.parametrize(
    ("raw", "error", "slug"), [(b"", Refused, "empty"), (b"From: a@x.test\n\n" + b"x" * 2000, TooLarge, "too-large")]
)
def test_what_may_not_be_taken_is_refused_and_nothing_of_its_batch_is_kept(raw, error, slug):
    strict = Setup(site=Site(limits={"message_size_bytes": 1000}))
    with pytest.raises(error) as refused:
        spool.accept_many([incoming(), replace(incoming(), raw=raw)], NOON, strict)
    assert refused.value.slug == slug
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("point", ["raw-written", "raw-synced"])
def test_a_full_disk_is_told_and_nothing_is_kept(fault, point: str):
    # given a disk that is full when a large message is written
    fault(f"{point}:1:enospc")
    # when it comes in / then the peer is told to try again
    with pytest.raises(TryAgainLater) as told:
        spool.accept(incoming(size=LARGE), NOON, SETUP)
    assert "No space left" in told.value.data["cause"]
    # and neither rows nor half a file are left
    assert not RawMessage.objects.exists()
    assert not list((files.root() / "new").iterdir())
    # and when there is room again, the same message is taken
    assert spool.accept(incoming(size=LARGE), NOON, SETUP)


@pytest.mark.parametrize("failing", ['INSERT INTO "mail_rawmessage"', 'INSERT INTO "mail_delivery"'])
def test_a_database_that_is_away_is_told_and_nothing_is_kept(failing: str):
    def away(execute, sql, params, many, context):
        if sql.startswith(failing):
            raise OperationalError("the server closed the connection")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(away), pytest.raises(TryAgainLater):
        spool.accept(incoming(), NOON, SETUP)
    assert not RawMessage.objects.exists()
    assert accept()


# ---- Order and claims -------------------------------------------------------------------------------------


def test_deliveries_are_claimed_in_the_order_of_acceptance_and_once():
    ids = [accept(author, number) for number, author in enumerate(["ada", "ben", "ada", "gus"])]
    assert claim("one", 2).ids == ids[:2]
    # then Ada is in the first worker's hand, so the second passes her over
    assert claim("two").ids == [ids[3]]
    assert not claim("three")


def test_a_claim_is_one_statement_or_two_where_workers_share_a_server():
    accept()
    with statements() as found:
        claim()
    assert len(found) == {"sqlite": 1, "postgresql": 2}[connection.vendor]


def test_a_claim_does_not_wait_for_the_disk_and_all_else_does():
    accept()
    claim()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL again
            assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    else:
        with connection.cursor() as cursor:
            cursor.execute("SHOW synchronous_commit")
            assert cursor.fetchone() == ("on",)


def test_a_new_display_name_makes_no_new_author():
    # given two mails by Ada, the second from her telephone
    first = accept("ada", 1)
    other = b"From: ADA@example.test\nMessage-ID: <2@x>\n\nhi\n"
    spool.accept(replace(incoming(), raw=other), NOON, SETUP)
    named = b'From: "Ada (mobile)"\n <ada@EXAMPLE.test>\nMessage-ID: <3@x>\n\nhi\n'
    spool.accept(replace(incoming(), raw=named), NOON, SETUP)
    # when a worker has the first in hand / then no other gets the later ones
    assert claim("one", 1).ids == [first]
    assert not claim("two")


def test_mails_without_an_author_wait_for_nobody():
    for number in range(2):
        spool.accept(replace(incoming(), raw=f"Subject: {number}\n\nhi\n".encode()), NOON, SETUP)
    assert len(claim("one", 1).ids) == len(claim("two", 1).ids) == 1


def test_a_deferred_mail_holds_the_later_ones_back_for_five_minutes_at_most():
    # given Ada's first mail is put off for an hour, and she writes again
    first = accept("ada", 1)
    claim()
    spool.defer([first], NOON + timedelta(hours=1), "try-again")
    second = accept("ada", 2, NOON + timedelta(minutes=1))
    other = accept("ben", 3, NOON + timedelta(minutes=1))
    # when a worker asks in the meantime / then Ben is served, Ada's second mail waits for her first
    assert claim(at=NOON + timedelta(minutes=2)).ids == [other]
    settle(other)
    assert not claim(at=NOON + timedelta(minutes=5, seconds=59))
    # but not longer than order_wait_seconds
    assert claim(at=NOON + timedelta(minutes=6)).ids == [second]


def test_a_deferred_mail_that_is_due_again_goes_before_the_later_ones():
    first = accept("ada", 1)
    claim()
    spool.defer([first], NOON + timedelta(minutes=2), "try-again")
    second = accept("ada", 2, NOON + timedelta(minutes=1))
    assert claim(at=NOON + timedelta(minutes=2), most=1).ids == [first]
    assert not claim("two", at=NOON + timedelta(minutes=2))
    settle(first)
    assert claim(at=NOON + timedelta(minutes=3)).ids == [second]


def test_a_mail_deferred_in_a_batch_takes_the_later_ones_of_its_author_out_of_it():
    # given a worker with two mails by Ada and one by Ben in its hand
    first, second, other = accept("ada", 1), accept("ada", 2), accept("ben", 3)
    assert claim().ids == [first, second, other]
    # when Ada's first one is put off, if only for a moment
    spool.defer([first], NOON, "try-again", failed=True, worker="one")
    # then her second one can't be settled by that batch, Ben's can
    with pytest.raises(spool.ClaimLost):
        settle(second, worker="one")
    settle(other, worker="one")
    # and they come again in their order, one after the other
    assert claim().ids == [first]
    assert not claim("two")
    settle(first)
    assert claim().ids == [second]


def test_a_claim_for_certain_deliveries_takes_the_earlier_ones_of_their_authors_along():
    # given mail that waits, and two that somebody wants done now
    ids = [accept(author, number) for number, author in enumerate(["ada", "ben", "gus", "ada", "gus", "ada"])]
    # when they alone are claimed / then what Ada wrote before comes first, the rest stays
    assert claim(only=[ids[3]]).ids == [ids[0], ids[3]]
    assert claim("two", only=[ids[1], ids[4]]).ids == [ids[1], ids[2], ids[4]]


def test_the_claim_of_a_dead_worker_is_taken_again_alone_and_after_three_tries_it_is_poison():
    ids = [accept("ada", 1), accept("ben", 2), accept("gus", 3)]
    at = NOON
    assert claim("first", at=at).ids == ids
    for attempts, worker in enumerate(["second", "third"], start=1):
        # given the worker died, and its time has run out
        at += spool.LEASE
        # when the next one comes / then it gets one at a time: the guilty one shows
        assert claim(worker, at=at).ids == [ids[0]]
        assert Delivery.objects.get(pk=ids[0]).attempts == attempts
    at += spool.LEASE
    last = claim("fourth", at=at)
    assert last.poison == [ids[0]]
    assert last.ids == [ids[1]]


def test_the_others_of_a_dead_workers_batch_lose_only_one_try():
    ids = [accept("ada", 1), accept("ben", 2)]
    claim("first")
    later = NOON + spool.LEASE
    for found in ids:
        assert claim("second", at=later).ids == [found]
        settle(found, worker="second")
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


def _claim_and_die(queue) -> None:
    connections.close_all()
    queue.put((spool.worker_name(), claim(spool.worker_name()).ids))
    queue.close()
    queue.join_thread()
    os._exit(0)


def test_the_claims_of_a_process_that_is_gone_need_not_run_out():
    # given a worker process of this machine that claimed and died
    found = accept()
    connections.close_all()
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    process = fork.Process(target=_claim_and_die, args=(queue,))
    process.start()
    name, ids = queue.get(timeout=20)
    process.join()
    assert ids == [found]
    assert not claim("other")
    # when another looks round / then the claim is free at once, and it counts as a try
    assert spool.free_the_dead(NOON) == 1
    assert claim("other").ids == [found]
    assert Delivery.objects.get(pk=found).attempts == 1
    # but the claim of a living process, or of one on another machine, stays
    assert spool.free_the_dead(NOON) == 0
    assert name != spool.worker_name()


def _work(name: str, log: Path) -> None:
    """A worker of the race: claims a few, holds them a moment, settles; notes when it had which."""
    connections.close_all()
    with log.open("w", encoding="ascii") as notes:
        idle = 0
        while idle < 20:
            mine = claim(name, 7)
            began = time.monotonic()
            if not mine:
                idle += 1
                time.sleep(0.01)
                continue
            time.sleep(0.002)
            ended = time.monotonic()  # before settling: afterwards others may have the author
            settle(*mine.ids, worker=name)
            notes.writelines(f"{found} {began} {ended}\n" for found in mine.ids)
    connections.close_all()


def test_two_workers_share_the_mail_and_never_an_author(tmp_path: Path):
    # given 300 mails of 12 authors
    many = [incoming(f"author{number % 12}", number) for number in range(300)]
    ids = [group[0] for group in spool.accept_many(many, NOON, SETUP)]
    authors = dict(Delivery.objects.values_list("pk", "author_hash"))
    connections.close_all()
    # when two workers work them off at the same time
    fork = multiprocessing.get_context("fork")
    logs = [tmp_path / "one", tmp_path / "two"]
    workers = [fork.Process(target=_work, args=(log.name, log)) for log in logs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    # then each mail was had once
    had = []
    for log in logs:
        for line in log.read_text().splitlines():
            found, began, ended = line.split()
            had.append((float(began), float(ended), int(found), log.name))
    assert sorted(found for _, _, found, _ in had) == ids
    assert {name for _, _, _, name in had} == {"one", "two"}
    # and no author by two at a time, or out of order
    for author in set(authors.values()):
        turns = sorted((began, found, ended, name) for began, ended, found, name in had if authors[found] == author)
        assert [found for _, found, _, _ in turns] == sorted(found for _, found, _, _ in turns)
        for (_, _, ended, before), (began, _, _, after) in pairwise(turns):
            assert before == after or began >= ended


def test_a_long_backlog_is_claimed_by_the_index():
    # given 2,000 settled and 500 waiting mails of one author
    rows = spool.accept_many([incoming("ada", number) for number in range(500)], NOON, SETUP)
    for at in range(4):
        settle(*[group[0] for group in rows])
        rows = spool.accept_many([incoming("ada", at * 500 + number) for number in range(500)], NOON, SETUP)
    # when a worker claims / then it gets the first hundred of those that wait
    assert claim().ids == [group[0] for group in rows[:100]]
    if connection.vendor == "sqlite":
        from addressee.mail import claims

        sql, values = claims._question("w", 100, NOON, NOON, None)
        with connection.cursor() as cursor:
            plan = " ".join(row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall())
        assert "spool_waiting" in plan
        assert "spool_by_author" in plan
        assert "spool_claimed" in plan


# ---- Settling and asking ----------------------------------------------------------------------------------


def test_a_batch_is_settled_by_one_statement():
    ids = [accept("ada", number) for number in range(50)]
    mine = claim()
    rows = [
        spool.Settled(
            found,
            Disposition.ACCEPT,
            "done",
            f"identity{found}",
            "table:case",
            "ada@example.test",
            "Ünï",
            {"trace": [found]},
        )
        for found in mine.ids
    ]
    with statements() as found:
        spool.settle(rows, NOON, "one")
    assert len(found) == 1
    row = Delivery.objects.get(pk=ids[7])
    assert (row.disposition, row.reason, row.settled_at, row.due_at) == ("accept", "done", NOON, None)
    assert (row.identity, row.target, row.author, row.subject) == (
        f"identity{row.pk}",
        "table:case",
        "ada@example.test",
        "Ünï",
    )
    assert row.result == {"trace": [row.pk]}
    assert (row.claimed_by, row.claimed_until) == ("", None)


def test_a_worker_whose_claim_ran_out_settles_nothing():
    found = accept()
    claim("slow")
    claim("quick", at=NOON + spool.LEASE)
    with pytest.raises(spool.ClaimLost):
        settle(found, worker="slow")
    settle(found, worker="quick")


def test_a_deferred_delivery_belongs_to_whoever_claimed_it_since():
    found = accept()
    claim("slow")
    claim("quick", at=NOON + spool.LEASE)
    spool.defer([found], NOON + timedelta(days=1), "try-again", worker="slow")
    assert Delivery.objects.get(pk=found).claimed_by == "quick"


def test_the_ledger_adds_up_and_tells_when_mail_is_missing():
    ids = [accept("ada", number) for number in range(7)]
    for found, disposition in zip(
        ids,
        [Disposition.ACCEPT, Disposition.HOLD, Disposition.REJECT, Disposition.DISCARD, Disposition.REDIRECT],
        strict=False,
    ):
        settle(found, disposition=disposition)
    assert spool.ledger() == {
        "accepted": 7, "applied": 1, "held": 1, "rejected": 1, "discarded": 1, "redirected": 1, "waiting": 2, "adds_up": True,
    }  # fmt: skip
    assert spool.waiting_count() == 2
    # all in one statement: mail that comes in while it counts can't make it wrong
    with statements() as found:
        spool.ledger()
    assert len(found) == 1
    # when a delivery is lost / then its message is counted, and the sum is wrong
    Delivery.objects.filter(pk=ids[0]).delete()
    assert spool.ledger()["adds_up"] is False


@pytest.mark.parametrize("asked", ["m2@example.test", "<m2@example.test>", " <m2@example.test>\n"])
def test_a_message_is_found_by_its_message_id(asked: str):
    accept("ada", 1)
    ids = spool.accept(incoming("ben", 2, to=("a@x.test", "b@x.test")), NOON)
    assert [row.pk for row in spool.find(asked)] == ids
    assert [row.pk for row in spool.find(str(ids[1]))] == [ids[1]]
    assert spool.find("m3@example.test") == spool.find("99999999999999999999999") == spool.find("<>") == []


def test_a_held_delivery_waits_again_when_a_person_says_so():
    found = accept()
    claim()
    settle(found, disposition=Disposition.HOLD)
    assert spool.requeue([found], NOON, {"kind": "release", "by": "ada"}) == 1
    assert claim().ids == [found]
    assert Delivery.objects.get(pk=found).override == {"kind": "release", "by": "ada"}
    # but not what was settled for good
    settle(found)
    assert spool.requeue([found], NOON, None) == 0
