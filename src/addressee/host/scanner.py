"""A virus scanner beside us, asked by clamd's protocol (clamd(8), INSTREAM). Called by pipeline/scanning and checks.

Off unless `site.scanner` names one. One connection a file; every wait has an end.
"""

from __future__ import annotations

import re
import socket
import time
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

CONNECT_SECONDS = 2.0
_CHUNK_BYTES = 64 * 1024
_MOST_REPLY_BYTES = 4_096
_FOUND = re.compile(r"stream: (.{1,200}) FOUND")


class ScannerAway(Exception):
    """It can't be reached, does not answer in time, or says that it can't scan now."""


def ping(url: str, seconds: float = CONNECT_SECONDS) -> None:
    """Raises ScannerAway where nobody answers PING with PONG."""
    with _connected(url, time.monotonic() + seconds) as connection:
        reply = _ask(connection, b"zPING\0", None, time.monotonic() + seconds)
    if reply != "PONG":
        raise ScannerAway(f"it answers PING with {reply[:100]!r}")


def scan(url: str, content: BinaryIO, until: float) -> str:
    """What the scanner finds in a content; "" for nothing.

    until  time.monotonic() by which it must have answered

    A content that it will not look at, because it is larger than its own limit, counts as a find: nobody has said
    that it is harmless. Raises ScannerAway.
    """
    with _connected(url, until) as connection:
        reply = _ask(connection, b"zINSTREAM\0", content, until)
    if reply == "stream: OK":
        return ""
    found = _FOUND.fullmatch(reply)
    if found:
        return "".join(letter if letter.isprintable() else "?" for letter in found[1])
    if "size limit exceeded" in reply.lower():
        return "not scanned: larger than the scanner takes"
    raise ScannerAway(f"it answers {reply[:200]!r}")


def _connected(url: str, until: float) -> socket.socket:
    parts = urlsplit(url)
    wait = max(0.05, min(CONNECT_SECONDS, until - time.monotonic()))
    try:
        if parts.scheme == "tcp":
            return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=wait)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(wait)
        try:
            connection.connect(unquote(parts.path))
        except OSError:
            connection.close()
            raise
        return connection
    except OSError as error:
        raise ScannerAway(f"{url} can't be reached: {error.strerror or error}") from error


def _ask(connection: socket.socket, command: bytes, content: BinaryIO | None, until: float) -> str:
    """Send a command, and a content in chunks with their length in front; the reply up to its zero byte."""
    try:
        _give(connection, command, until)
        while content is not None and (chunk := content.read(_CHUNK_BYTES)):
            _give(connection, len(chunk).to_bytes(4, "big") + chunk, until)
        if content is not None:
            _give(connection, b"\0\0\0\0", until)
    except TimeoutError as error:
        raise ScannerAway("it takes nothing more: its time is up") from error
    except OSError:
        pass  # it closed while we wrote, as clamd does above its size limit: what it said last tells why
    reply = b""
    try:
        while b"\0" not in reply and len(reply) < _MOST_REPLY_BYTES:
            _wait(connection, until)
            more = connection.recv(_MOST_REPLY_BYTES)
            if not more:
                break
            reply += more
    except OSError as error:
        if not reply:
            raise ScannerAway(f"it does not answer: {error.strerror or error}") from error
    return reply.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _give(connection: socket.socket, data: bytes, until: float) -> None:
    _wait(connection, until)
    connection.sendall(data)


def _wait(connection: socket.socket, until: float) -> None:
    """No longer than until then. Raises TimeoutError when it is past."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(left)
