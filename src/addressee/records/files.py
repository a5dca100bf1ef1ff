"""The file store: contents under their SHA-256, at HOME/files/ab/<sha256>. Called by the spool, the parse pool, web.

A content is written aside, synced and renamed, so that a name never stands for half a content; the folder is synced
once a batch (`Batch`). What is there is never written again: the name is the content.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from addressee.host.checkpoints import reached
from addressee.host.home import HomeUnusable, home

_NAME = re.compile(r"[0-9a-f]{64}")
_BLOCK_BYTES = 1024 * 1024


def root() -> Path:
    """The folder of the store: ADDRESSEE_FILES_URL, default HOME/files. Raises HomeUnusable."""
    return _root(os.environ.get("ADDRESSEE_FILES_URL", ""), os.environ.get("ADDRESSEE_HOME", ""))


def check_url(url: str) -> None:
    """Raises HomeUnusable for an ADDRESSEE_FILES_URL that names no folder. Makes nothing; every command asks."""
    parts = urlsplit(url)
    if url and (parts.scheme != "file" or parts.netloc or not parts.path):
        raise HomeUnusable(
            f"ADDRESSEE_FILES_URL is {url!r}; this version keeps files in a folder only: file:/path, or leave it unset."
        )


@lru_cache(maxsize=4)
def _root(url: str, _home: str) -> Path:
    """By what the environment says, looked at once: every file asks."""
    check_url(url)
    folder = Path(unquote(urlsplit(url).path)).absolute() if url else home() / "files"
    try:
        if not (folder / "new").is_dir():
            # All folders at once: a folder made later would need a sync of its parent each time.
            for name in [*(f"{number:02x}" for number in range(256)), "new"]:
                (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(folder)
    except OSError as error:
        raise HomeUnusable(f"The file store {folder} can't be made: {error.strerror}.") from error
    return folder


def path(sha: str) -> Path:
    """Where the content with this SHA-256 (64 hex characters) stands, or would. Raises ValueError for anything else."""
    if not _NAME.fullmatch(sha):
        raise ValueError("a file is named by the 64 hex characters of its SHA-256")
    return root() / sha[:2] / sha


def exists(sha: str) -> bool:
    return path(sha).is_file()


def open(sha: str) -> BinaryIO:
    """The content, opened for reading. Raises FileNotFoundError."""
    return path(sha).open("rb")


class Batch:
    """Contents put together, durable when `flush` has returned (leaving the `with` block without error does it too).

    raw  these are raw messages: the checkpoints of the walk are passed (THREATS section 3, K1 to K3)
    """

    def __init__(self, *, raw: bool = False) -> None:
        self._tell: Callable[[str], None] = reached if raw else _nothing
        self._folders: set[Path] = set()

    def put(self, content: bytes) -> str:
        """Keep a content and return its SHA-256. Raises OSError when the disk does not take it."""
        sha = sha256(content).hexdigest()
        self.put_known(sha, content)
        return sha

    def put_known(self, sha: str, content: bytes) -> None:
        """The same where the SHA-256 was computed already."""
        place = path(sha)
        self._folders.add(place.parent)
        if _size(place) == len(content):
            os.utime(place)  # in use again: what clears the store away looks at the age
            return
        aside = _aside()
        try:
            with aside.open("xb", buffering=0) as file:
                _write(file, content)
                self._tell("raw-written")
                os.fdatasync(file.fileno())
            self._tell("raw-synced")
            aside.rename(place)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        self._tell("raw-stored")

    def put_file(self, source: Path, sha: str) -> None:
        """Keep the content of a file whose SHA-256 is known. Moves it where it can, else copies and removes it."""
        place = path(sha)
        self._folders.add(place.parent)
        size = source.stat().st_size
        if _size(place) == size:
            os.utime(place)
            source.unlink()
            return
        aside = _aside()
        try:
            shutil.move(source, aside)
            with aside.open("rb") as file:
                self._tell("raw-written")
                os.fdatasync(file.fileno())
            self._tell("raw-synced")
            aside.rename(place)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        self._tell("raw-stored")

    def used(self, shas: Iterable[str]) -> None:
        """Contents that another process of ours wrote and did not flush: their folders are flushed with this batch."""
        self._folders.update(path(sha).parent for sha in shas)

    def flush(self) -> None:
        """Make the names durable: one sync a folder that a content went to."""
        while self._folders:
            folder = next(iter(self._folders))
            _sync_folder(folder)
            self._folders.discard(folder)

    def __enter__(self) -> Batch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()


def put(content: bytes) -> str:
    """Keep one content, durable on return. Raises OSError."""
    with Batch() as batch:
        return batch.put(content)


def put_file(source: Path, sha: str) -> None:
    """Keep the content of one file, durable on return. Raises OSError."""
    with Batch() as batch:
        batch.put_file(source, sha)


def sweep(older_than_seconds: float = 86_400) -> int:
    """Remove what a crash left half written; returns how many. Contents that have their name are never touched."""
    removed = 0
    before = time.time() - older_than_seconds
    for left in (root() / "new").iterdir():
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < before:
                left.unlink()
                removed += 1
    return removed


def size_of(sha: str) -> int | None:
    """How many bytes a content has, None where it is not here."""
    return _size(path(sha))


def old_in(folder: int, older_than_seconds: float, larger_than_bytes: int) -> list[str]:
    """The contents of one of the 256 folders that nobody put or used again for so long, and that are so large."""
    before, found = time.time() - older_than_seconds, []
    for entry in os.scandir(root() / f"{folder:02x}"):
        with suppress(FileNotFoundError):
            told = entry.stat()
            if _NAME.fullmatch(entry.name) and told.st_size > larger_than_bytes and told.st_mtime < before:
                found.append(entry.name)
    return sorted(found)


def remove(sha: str, older_than_seconds: float, is_unused: Callable[[str], bool]) -> bool:
    """Remove a content that is unused, whatever another process does at the same moment.

    It loses its name first. Who puts the same content in between either made it young again before, and it is put
    back, or finds it gone and writes it anew.
    """
    place, aside = path(sha), _aside()
    try:
        place.rename(aside)
    except FileNotFoundError:
        return False
    if aside.stat().st_mtime >= time.time() - older_than_seconds or not is_unused(sha):
        aside.rename(place)
        return False
    aside.unlink()
    return True


def _nothing(point: str) -> None:
    """No checkpoint: an attachment, not a raw message."""


def _aside() -> Path:
    return root() / "new" / secrets.token_hex(12)


def _size(place: Path) -> int | None:
    try:
        return place.stat().st_size
    except FileNotFoundError:
        return None


def _write(file: BinaryIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # an unbuffered write may take less than it was given
        rest = rest[file.write(rest[:_BLOCK_BYTES]) :]


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
