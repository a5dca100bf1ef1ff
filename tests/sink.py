"""An SMTP server for tests of sending: it takes, refuses, comes late or hangs up, verb by verb as it is told."""

from __future__ import annotations

import socket
import threading
import time


class Sink:
    """A server that plays a part, verb by verb; what is not in the part it answers with yes."""

    def __init__(self, **part: str) -> None:
        self.part = part
        self.sessions = 0
        self.refused: set[str] = set()  # recipients that are answered 550
        self.lines: list[str] = []
        self.messages: list[bytes] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self) -> Sink:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.sessions += 1
            with connection, connection.makefile("rwb") as wire:
                try:
                    self.converse(wire)
                except (OSError, ValueError):
                    continue

    def say(self, wire, verb: str, usual: str) -> bool:
        said = self.part.get(verb, usual)
        if said == "hang up":
            return False
        if said.startswith("late "):
            time.sleep(float(said.split()[1]))
            said = usual
        wire.write(said.replace("\n", "\r\n").encode() + b"\r\n")
        wire.flush()
        return True

    def converse(self, wire) -> None:
        if not self.say(wire, "greeting", "220 sink"):
            return
        while line := wire.readline():
            text = line.decode().rstrip("\r\n")
            verb = text.split()[0].upper() if text.split() else ""
            self.lines.append(text)
            if verb == "DATA" and "DATA" not in self.part:
                self.say(wire, "", "354 go on")
                data = b""
                while not data.endswith(b"\r\n.\r\n"):
                    data += wire.readline()
                self.messages.append(data[:-3].replace(b"\r\n.", b"\r\n"))
                if not self.say(wire, "dot", "250 taken as 17"):
                    return
            elif verb == "RCPT" and text.partition("<")[2].rstrip(">") in self.refused:
                self.say(wire, "", "550 5.1.1 nobody here")
            elif not self.say(wire, verb, "250-sink\n250 SIZE 1000000" if verb == "EHLO" else "250 yes"):
                return
            if verb == "QUIT":
                return
