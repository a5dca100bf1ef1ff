"""Mail out into a folder, one file a message: for tests, staging and a look at what would be sent (file:./out)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from addressee.core.registry import register, transports
from addressee.core.sending import Attempt, Fate


class Folder:
    """Writes `<name>.eml` whole or not at all; the same name again replaces it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def send(
        self, envelope_sender: str, recipient: str, raw: bytes, checkpoint: Callable[[str], None], *, name: str
    ) -> Attempt:
        fresh = self.path / f".{name}.part"
        target = self.path / f"{name}.eml"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with open(fresh, "wb") as file:
                file.write(raw)
                file.flush()
                os.fsync(file.fileno())
            checkpoint("data-sent")
            os.replace(fresh, target)
            _sync_folder(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            return Attempt(Fate.TEMPORARY, f"{target} can't be written: {error.strerror or error}", reached=False)
        checkpoint("sent")
        return Attempt(Fate.SENT, str(target))

    def close(self) -> None:
        """Nothing is kept open."""


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@register(transports, "file-out")
class FileOut:
    """file:./out or file:///srv/out; the folder is made when it is missing."""

    schemes = ("file",)

    def open(self, url: str, hostname: str) -> Folder:
        parts = urlsplit(url)
        path = unquote(parts.netloc + parts.path)
        if not path or parts.netloc not in ("", "."):
            raise ValueError(f"{url} names no folder. Write file:./out or file:///srv/out.")
        return Folder(Path(path))
