"""The parse pool: what kills, hangs or exhausts a child is known by name, and the others are read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import connection

from addressee.core.reasons import Reason
from addressee.core.setup import Setup, Site
from addressee.pipeline.reading import Failed, Parsed, RawRef, Reader, ReadingLimits
from addressee.records import files

MEGABYTE = 1024 * 1024


def mail(number: int, wish: str = "", text: str = "Hello") -> bytes:
    asked = f"X-Addressee-Test: {wish}\r\n" if wish else ""
    return f"From: Mallory <m@example.test>\r\nMessage-ID: <m{number}@x>\r\n{asked}\r\n{text} {number}\r\n".encode()


def ref(raw: bytes) -> RawRef:
    return RawRef(sha256(raw).hexdigest(), raw)


def with_file(content: bytes) -> bytes:
    encoded = b64encode(content)
    lines = b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76))
    return (
        b'From: Ada <ada@example.test>\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nSee the file.\r\n'
        b'--b\r\nContent-Type: application/pdf; name="plan.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + lines
        + b"\r\n--b--\r\n"
    )


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADDRESSEE_FILES_URL", f"file:{tmp_path}/files")


@pytest.fixture
def reader():
    limits = ReadingLimits(seconds=3, memory_bytes=256 * MEGABYTE)
    with Reader(workers=2, limits=limits) as pool:
        yield pool


def children(reader: Reader) -> list[int]:
    return list(reader._pool._pool_manager.worker_manager.workers)


def test_messages_are_read_in_the_order_given(reader: Reader):
    found = reader.read_many([ref(mail(number)) for number in range(40)])
    assert [result.message.message_id for result in found] == [f"m{number}@x" for number in range(40)]
    assert found[7].message.new_text == "Hello 7"
    assert all(result.seconds < 1 for result in found)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ("kill", "reading it ended the process (SIGKILL)"),
        ("hang", "reading it was stopped after 3 seconds"),
        ("eat", "reading it took more than 256 MB of memory"),
        ("raise", "the parser failed: RecursionError: asked for by the message"),
    ],
)
def test_a_poisonous_message_harms_no_other(reader: Reader, wish: str, why: str):
    # given one that kills, hangs or exhausts its child, in the midst of others
    batch = [ref(mail(number, wish if number == 5 else "")) for number in range(20)]
    # when the batch is read
    began = time.monotonic()
    found = reader.read_many(batch)
    # then it alone fails, and is named; nobody waited for long
    assert [number for number, result in enumerate(found) if isinstance(result, Failed)] == [5]
    assert found[5] == Failed(Reason.POISON, why)
    assert time.monotonic() - began < 15
    # and the pool works on
    assert isinstance(reader.read(ref(mail(99))), Parsed)


def test_many_poisonous_messages_in_a_row_are_each_named(reader: Reader):
    wishes = ["kill", "kill", "", "raise", "kill", "eat", "", "kill"]
    found = reader.read_many([ref(mail(number, wish)) for number, wish in enumerate(wishes)])
    assert [isinstance(result, Failed) for result in found] == [bool(wish) for wish in wishes]


def test_a_child_that_dies_while_idle_is_replaced(reader: Reader):
    reader.read(ref(mail(1)))
    for child in children(reader):
        os.kill(child, signal.SIGKILL)
    time.sleep(0.3)
    found = reader.read_many([ref(mail(number)) for number in range(10)])
    assert all(isinstance(result, Parsed) for result in found)


def test_the_same_bytes_are_read_once(reader: Reader):
    first, again = reader.read_many([ref(mail(1)), ref(mail(1))])
    assert first is again


def test_files_are_in_the_store_and_do_not_come_through_the_pipe(reader: Reader):
    # given a large message that stands in the file store
    content = os.urandom(3 * MEGABYTE)
    sha = files.put(with_file(content))
    # when it is read by its hash alone
    result = reader.read(RawRef(sha))
    # then its file is in the store, byte for byte, and the message names it
    [attachment] = result.message.attachments
    assert (attachment.name, attachment.size_bytes) == ("plan.pdf", len(content))
    assert files.path(attachment.sha256).read_bytes() == content
    assert not list((files.root() / "new").iterdir())


def test_every_folder_with_a_new_file_is_synced_before_the_messages_are_handed_on(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
):
    files.root()
    synced: list[str] = []
    real = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: (synced.append(os.readlink(f"/proc/self/fd/{handle}")), real(handle))
    )
    found = reader.read_many([ref(with_file(bytes([number]) * 100)) for number in range(6)])
    names = {attachment.sha256 for result in found for attachment in result.message.attachments}
    assert sorted(synced) == sorted({str(files.path(name).parent) for name in names})


def test_a_message_whose_bytes_are_gone_is_unreadable(reader: Reader):
    result = reader.read(RawRef("0" * 64))
    assert result == Failed(Reason.UNREADABLE, "its raw bytes are missing in the file store")


def test_a_store_that_takes_no_files_is_nobodys_fault(reader: Reader):
    # given a folder that cannot be written to, as when the disk is gone
    raw = with_file(b"content")
    place = files.path(sha256(b"content").hexdigest()).parent
    place.rmdir()
    place.write_text("in the way")
    # when a message with a file is read / then it is to be tried again, and that is no try
    assert reader.read(ref(raw)).reason is Reason.TRY_AGAIN


def test_a_large_message_leaves_little_in_the_worker(reader: Reader):
    raw = with_file(os.urandom(8 * MEGABYTE))
    sha = files.put(raw)
    del raw
    reader.read(ref(mail(1)))
    before = _peak_bytes()
    assert isinstance(reader.read(RawRef(sha)), Parsed)
    assert _peak_bytes() - before < MEGABYTE


def _peak_bytes() -> int:
    """Memory of our own, not counting what children took."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


@pytest.mark.django_db(transaction=True)
def test_children_leave_the_database_connection_alone(reader: Reader):
    # given a connection of ours, and children that are forked and killed again and again
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mine (number integer)")
        for number in range(6):
            cursor.execute("INSERT INTO mine VALUES (%s)", [number])
            reader.read_many([ref(mail(number, "kill")), ref(mail(number + 100))])
        # then the connection is the same as before, with its temporary table
        cursor.execute("SELECT count(*) FROM mine")
        assert cursor.fetchone() == (6,)
        cursor.execute("DROP TABLE mine")


def test_options_of_the_site_are_the_limits():
    limits = ReadingLimits.of(Setup(site=Site(limits={"hard_seconds": 12, "attempts": 4, "part_count": 7})))
    # all tries together take hard_seconds at most, so others wait no longer for it
    assert limits.seconds == 3
    assert limits.message.parts == 7


ORPHAN = """
import os, sys
import django
django.setup()
from addressee.pipeline.reading import RawRef, Reader, ReadingLimits
reader = Reader(workers=1, limits=ReadingLimits(seconds=60))
reader.read(RawRef("a" * 64, b"From: a@x.test\\n\\nhi\\n"))
print(list(reader._pool._pool_manager.worker_manager.workers)[0], flush=True)
reader.read(RawRef("b" * 64, b"X-Addressee-Test: hang\\n\\nhi\\n"))
"""


def test_children_die_with_their_worker(tmp_path: Path):
    # given a worker whose child hangs
    env = {**os.environ, "ADDRESSEE_HOME": str(tmp_path / "home")}
    worker = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, env=env)
    with worker.stdout as out:
        child = int(out.readline())
        assert Path(f"/proc/{child}").exists()
        time.sleep(0.3)
        # when the worker is killed / then the child is gone with it
        worker.kill()
        worker.wait()
    assert _gone(child)


def _gone(pid: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_a_stopped_machine_does_not_cost_a_message_a_try(reader: Reader):
    # given children that read, and a SIGTERM to the whole group, as an init system sends it
    reader.read(ref(mail(1)))
    for child in children(reader):
        os.kill(child, signal.SIGTERM)
    # when the batch in hand is read to its end / then no message is blamed
    assert all(isinstance(result, Parsed) for result in reader.read_many([ref(mail(n)) for n in range(20)]))
