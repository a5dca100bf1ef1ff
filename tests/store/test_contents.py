"""Do the file store and the rows agree? What is missing is found; what a crash left is swept, and nothing else."""

from __future__ import annotations

import os
import time
import uuid
from hashlib import sha256
from pathlib import Path

import pytest

from addressee.core.message import Envelope
from addressee.host.clock import now
from addressee.mail import spool
from addressee.mail.models import Delivery, File, RawMessage
from addressee.pipeline import contents
from addressee.records import files
from addressee.records.models import Record

pytestmark = pytest.mark.django_db

LARGE = b"From: g@x.test\r\nSubject: large\r\n\r\n" + b"x" * spool.IN_ROW_BYTES
SHA = sha256(LARGE).hexdigest()
DAY = 86_400


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADDRESSEE_FILES_URL", f"file:{tmp_path}/store")
    return tmp_path / "store"


def aged(sha: str, seconds: float = 2 * DAY) -> None:
    then = time.time() - seconds
    os.utime(files.path(sha), (then, then))


def sweep(sha: str = SHA) -> list[str]:
    return contents.sweep(int(sha[:2], 16))


def test_given_a_crash_before_the_row_when_a_day_is_over_then_the_content_is_swept():
    # given what accept writes before its rows, and no row (killed at K3)
    with files.Batch(raw=True) as batch:
        batch.put_known(SHA, LARGE)
    assert files.exists(SHA)
    # when it is young, then it stays; when it is old, then it goes, once
    assert sweep() == []
    aged(SHA)
    assert contents.sweep((int(SHA[:2], 16) + 1) % 256) == []
    assert sweep() == [SHA]
    assert not files.exists(SHA)
    assert sweep() == []
    assert list((files.root() / "new").iterdir()) == []


def test_given_a_content_that_a_row_names_when_swept_then_it_stays(transactional_db):
    spool.accept(spool.Incoming(Envelope("smtp"), ("case@x.test",), LARGE), now())
    aged(SHA)
    assert sweep() == []
    assert spool.raw_bytes(Delivery.objects.select_related("raw").get()) == LARGE


def test_given_a_content_named_by_an_attachment_or_a_value_only_when_swept_then_it_stays():
    files.put(LARGE)
    aged(SHA)
    file = File.objects.create(name="a.bin", type="x/y", size_bytes=len(LARGE), sha256=SHA)
    assert sweep() == []
    file.delete()
    value = {"files": [{"name": "a.bin", "type": "x/y", "size_bytes": len(LARGE), "sha256": SHA}]}
    record = Record.objects.create(uuid=uuid.uuid4(), table="case", values=value, created_at=now(), updated_at=now())
    assert sweep() == []
    record.delete()
    assert sweep() == [SHA]


def test_given_a_content_that_is_used_again_while_it_is_removed_then_it_is_put_back():
    files.put(LARGE)
    aged(SHA)

    def used_meanwhile(sha: str) -> bool:
        return False  # its row came

    assert not files.remove(SHA, DAY, used_meanwhile)
    assert files.exists(SHA)
    files.put(LARGE)  # makes it young
    assert not files.remove(SHA, DAY, lambda sha: True)
    assert files.exists(SHA)


def test_given_a_small_content_when_swept_then_it_is_none_of_our_business():
    sha = files.put(b"small")
    aged(sha)
    assert sweep(sha) == []
    assert files.exists(sha)


def test_given_contents_that_are_gone_or_cut_when_asked_then_each_is_named():
    here, cut, gone = (sha256(text).hexdigest() for text in (b"here", b"cut short", b"gone"))
    files.put(b"here")
    files.put(b"cut short")
    files.path(cut).write_bytes(b"cut")
    for sha, size in ((here, 4), (cut, 9), (gone, 4)):
        RawMessage.objects.create(sha256=sha, size_bytes=size, received_at=now())
    seen: list[int] = []

    assert sorted(contents.missing(told=seen.append)) == sorted([cut, gone])
    assert contents.missing(most=1) == [gone]
