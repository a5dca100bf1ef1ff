"""The file store: a name stands for one whole content, or for none."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from addressee.host.home import HomeUnusable
from addressee.records import files

CONTENT = b"a file of the firm\0" * 1000
SHA = sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADDRESSEE_FILES_URL", f"file:{tmp_path}/a store")
    return tmp_path / "a store"


def left_aside() -> list[Path]:
    return list((files.root() / "new").iterdir())


def test_a_content_stands_under_its_hash(store: Path):
    assert files.put(CONTENT) == SHA
    assert files.path(SHA) == store / SHA[:2] / SHA
    with files.open(SHA) as file:
        assert file.read() == CONTENT
    assert files.exists(SHA)
    assert not files.exists("0" * 64)
    assert not left_aside()


def test_what_is_there_is_never_written_again():
    files.put(CONTENT)
    before = files.path(SHA).stat()
    files.put(CONTENT)
    after = files.path(SHA).stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)


def test_half_a_content_under_a_name_is_mended():
    # given a store that something else cut short
    files.put(CONTENT)
    files.path(SHA).write_bytes(CONTENT[:10])
    # when the content comes again / then it is whole again
    files.put(CONTENT)
    assert files.path(SHA).read_bytes() == CONTENT


def test_a_file_is_moved_in(tmp_path: Path):
    source = tmp_path / "upload"
    source.write_bytes(CONTENT)
    files.put_file(source, SHA)
    assert files.path(SHA).read_bytes() == CONTENT
    assert not source.exists()
    source.write_bytes(CONTENT)
    files.put_file(source, SHA)
    assert not source.exists()


def test_a_batch_syncs_each_content_once_and_each_folder_once(monkeypatch: pytest.MonkeyPatch):
    files.root()
    synced: list[str] = []
    real = {name: getattr(os, name) for name in ("fsync", "fdatasync")}
    for name in real:
        monkeypatch.setattr(os, name, lambda handle, name=name: (synced.append(name), real[name](handle)))
    with files.Batch() as batch:
        shas = [batch.put(bytes([number]) * 100) for number in range(20)]
        assert synced == ["fdatasync"] * 20  # no folder yet
    assert len(synced) - 20 == len({sha[:2] for sha in shas})


def test_a_disk_that_is_full_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch):
    files.root()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(OSError, match="No space"):
        files.put(CONTENT)
    assert not files.exists(SHA)
    assert not left_aside()


def test_what_a_crash_left_half_written_is_swept_and_nothing_else():
    files.put(CONTENT)
    old, new = files.root() / "new" / "old", files.root() / "new" / "new"
    old.write_bytes(b"half")
    new.write_bytes(b"being written")
    os.utime(old, (0, 0))
    assert files.sweep() == 1
    assert left_aside() == [new]
    assert files.exists(SHA)


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "A" * 64, SHA + "\n", SHA[:-1]])
def test_only_a_hash_is_a_name(name: str):
    with pytest.raises(ValueError, match="SHA-256"):
        files.path(name)


@pytest.mark.parametrize("url", ["s3://bucket/files", "https://files.example.test", "file://server/share"])
def test_a_store_that_is_not_built_yet_is_refused_with_what_to_do(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ADDRESSEE_FILES_URL", url)
    with pytest.raises(HomeUnusable, match="file:/path, or leave it unset"):
        files.put(CONTENT)
