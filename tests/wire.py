"""Real sockets for the tests of listeners and senders: a listener in a thread of its own, and a client that types."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from addressee.core.registry import transports
from addressee.transports.session import Doors, Limits

LIMITS = Limits(message_size_bytes=100_000, recipients=5, connections=30, connections_per_minute=300)


class Mailbox:
    """What stands behind a listener in these tests: it knows some addresses and keeps what it is given."""

    def __init__(self, *known: str) -> None:
        self.known = set(known)
        self.kept: list = []
        self.fail: Exception | None = None
        self.passwords = {"ada": "correct horse"}
        self.trusted: tuple[str, ...] = ()
        self.limits = LIMITS

    async def exists(self, address: str) -> bool:
        if self.fail:
            raise self.fail
        return address.lower() in self.known

    async def accept(self, envelope, recipients, raw) -> None:
        if self.fail:
            raise self.fail
        self.kept.append((envelope, recipients, raw))

    async def authenticate(self, login: str, password: str) -> str | None:
        return login if self.passwords.get(login) == password else None

    def doors(self, **more) -> Doors:
        given = {
            "exists": self.exists,
            "accept": self.accept,
            "limits": lambda: self.limits,
            "trusted": lambda peer: peer in self.trusted,
            "authenticate": self.authenticate,
            "hostname": "records.example.test",
        }
        return Doors(**(given | more))


class Listening:
    """A listener of the transports shelf on 127.0.0.1, in a thread, as a context manager; `.port` is where."""

    def __init__(self, part: str, given: object) -> None:
        self.part, self.given = part, given
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> Listening:
        self.thread.start()
        self.server = self.on_loop(transports[self.part].listen("127.0.0.1", 0, self.given))
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def on_loop(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def __exit__(self, *exc: object) -> None:
        async def end() -> None:
            self.server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0)

        self.on_loop(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Typist:
    """A client that writes bytes and reads replies, no cleverer than the test wants it."""

    def __init__(self, port: int, source: str = "", timeout: float = 10.0) -> None:
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=timeout, source_address=(source, 0) if source else None
        )
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Typist:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self.reader.close()
        self.socket.close()

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> str:
        """One reply, of one line or more; "" when the connection was closed."""
        lines = []
        while True:
            line = self.reader.readline().decode()
            lines.append(line.rstrip("\r\n"))
            if not line or line[3:4] != "-":
                return "\n".join(lines)

    def say(self, line: str) -> str:
        self.write(line.encode() + b"\r\n")
        return self.reply()

    def start_tls(self, context: ssl.SSLContext) -> None:
        assert self.say("STARTTLS").startswith("220")
        self.reader.close()
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self.reader = self.socket.makefile("rb")

    def greet(self, word: str = "EHLO") -> str:
        assert self.reply().startswith("220 ")
        return self.say(f"{word} client.example.test")

    def send(self, sender: str, *recipients: str, data: bytes) -> str:
        """One transaction up to the first reply after the data."""
        assert self.say(f"MAIL FROM:<{sender}>").startswith("250")
        for recipient in recipients:
            assert self.say(f"RCPT TO:<{recipient}>").startswith("250")
        assert self.say("DATA").startswith("354")
        self.write(data)
        return self.reply()


def wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until the condition holds; AssertionError when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key, as PEM files."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key
