"""A real Postfix of the tests' own, with what stands around it: a milter that says who is proven, and the world.

Its main.cf is the recipe of docs/howto/postfix.md with this machine's ports. It has a folder of its own, listens on
127.0.0.1 alone, and sends all that is not ours to one maildrop. Who connects from 127.0.0.2 is the world.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path

from aiosmtpd.controller import Controller

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "postfix.md"
WORLD = "127.0.0.2"  # an address of this machine that is none of Postfix's mynetworks
OURS = "127.0.0.1"
# What the recipe leaves to the firm, and what a test needs: an own folder, an own port, no waiting, one way out.
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
mydestination =
alias_maps =
virtual_mailbox_domains = example.test
virtual_mailbox_maps = inline:{{ support@example.test=-, sales@example.test=-, ben@example.test=- }}
virtual_transport = smtp:[127.0.0.1]:{world}
relayhost = [127.0.0.1]:{world}
disable_dns_lookups = yes
smtpd_peername_lookup = no
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
lmtp_destination_concurrency_failed_cohort_limit = 0
lmtp_connection_cache_on_demand = yes
"""
MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 1 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
lmtp      unix - - n - - lmtp
error     unix - - n - - error
retry     unix - - n - - error
scache    unix - - n - 1 scache
anvil     unix - - n - 1 anvil
showq     unix n - n - - showq
postlog   unix-dgram n - n - 1 postlogd
"""


def free_port() -> int:
    with socket.create_server((OURS, 0)) as found:
        return int(found.getsockname()[1])


def is_free(port: int) -> bool:
    """Does nobody listen there?"""
    with socket.socket() as wire:
        return wire.connect_ex((OURS, port)) != 0


def recipe(**ports: int) -> str:
    """The main.cf of the page, its usual ports made ours: lmtp, policy, milter."""
    block = re.search(r"```cfg\n(.*?)```", HOWTO.read_text("utf-8"), re.DOTALL)
    assert block is not None
    lines = block[1]
    for usual, name in (("2424", "lmtp"), ("2626", "policy"), ("11332", "milter")):
        assert f"inet:127.0.0.1:{usual}" in lines, f"the page names no port for {name}"
        lines = lines.replace(f"inet:127.0.0.1:{usual}", f"inet:127.0.0.1:{ports[name]}")
    return lines


class Postfix:
    """One instance; `start` and `stop` may alternate, the queue stays."""

    def __init__(self, *, lmtp: int, policy: int, milter: int, world: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="addressee-postfix-"))
        self.folder.chmod(0o755)  # its daemons run as user postfix
        self.port = free_port()
        self.main = recipe(lmtp=lmtp, policy=policy, milter=milter) + MAIN.format(folder=self.folder, world=world)
        (self.folder / "main.cf").write_text(self.main)
        (self.folder / "master.cf").write_text(MASTER.format(port=self.port))
        (self.folder / "queue").mkdir(mode=0o755)
        self.started = False

    def run(self, command: str, *args: str) -> str:
        """A command of Postfix on this instance."""
        done = subprocess.run([command, "-c", self.folder, *args], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self) -> None:
        assert os.geteuid() == 0, "Postfix can be started by root only: run make test-real as root"
        if (self.folder / "queue" / "active").exists():
            (self.folder / "queue" / "quick-start").touch()  # it was checked when it was started first
        self.run("postfix", "start")
        self.started = True

    def stop(self) -> None:
        if self.started:
            self.run("postfix", "stop")
            self.started = False

    def configure(self, *lines: str) -> None:
        """The recipe with some lines over it, or as it was; in effect for the next connection."""
        self.stop()
        (self.folder / "main.cf").write_text("\n".join([self.main, *lines, ""]))
        self.start()

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        place = self.folder / "log"
        return place.read_text("utf-8", "replace") if place.exists() else ""

    def queue(self) -> set[str]:
        """The ids of what it has taken and not delivered. One that is just moved may be overlooked."""
        return {json.loads(line)["queue_id"] for line in self.run("postqueue", "-j").splitlines()}

    def is_idle(self) -> bool:
        """It has nothing in hand; asked twice, because of what `queue` may overlook."""
        return not self.queue() and not self.queue()

    def delivered_by_lmtp(self) -> int:
        return len(re.findall(r"postfix/lmtp\[\d+\]: .* status=sent", self.log()))


@dataclass
class Sent:
    """How swaks ended: its exit code (0 accepted, 24 no recipient, ...) and all that was said."""

    code: int
    said: str


def swaks(port: int, raw: bytes, sender: str, *to: str, source: str = WORLD) -> Sent:
    """Send bytes as they are, from the world unless told otherwise."""
    data = (b"\r\n" + raw.removesuffix(b"\r\n")).replace(b"\r\n.", b"\r\n..")[2:] + b"\r\n.\r\n"
    done = subprocess.run(
        ["swaks", "--server", OURS, "--port", str(port), "--local-interface", source, "--helo", "relay.world.example",
         "--from", sender, "--to", ",".join(to), "--data", "-", "--no-data-fixup", "--suppress-data",
         "--timeout", "60s"],
        input=data, capture_output=True, timeout=120,
    )  # fmt: skip
    return Sent(done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace"))


@dataclass
class Mail:
    """A message as it reached somebody's own mail server."""

    sender: str
    to: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def text(self) -> str:
        return self.message.get_body(("plain",)).get_content()


class World:
    """Everybody else's mail server: keeps what comes, and refuses whom it does not know."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.unknown: set[str] = set()
        self.controller = Controller(self, hostname=OURS, port=free_port(), data_size_limit=50_000_000)
        self.port = self.controller.port

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        if address in self.unknown:
            return "550 5.1.1 nobody of that name lives here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 yes"

    async def handle_DATA(self, server, session, envelope) -> str:
        for to in envelope.rcpt_tos:
            self.mails.append(Mail(envelope.mail_from, to, envelope.original_content))
        return "250 2.0.0 taken"

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in list(self.mails) if mail.to == address]

    def wait(self, address: str, count: int = 1, seconds: float = 60.0) -> list[Mail]:
        """The mails to an address, as soon as there are so many."""
        end = time.monotonic() + seconds
        while len(found := self.to(address)) < count:
            assert time.monotonic() < end, f"{address} got {len(found)} mails of {count}"
            time.sleep(0.05)
        return found


@dataclass
class Milter:
    """The firm's verifier: stamps Authentication-Results on what comes from the world (milter protocol, version 6).

    What it would find out by DNS is told to it: everyone is proven, but for `forged` authors, who fail, and `unseen`
    ones, whom it says nothing about. It leaves headers that were there as they are, as a careless one does.
    """

    forged: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.socket = socket.create_server((OURS, 0))
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=[connection], daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rwb") as wire:
            peer, author = "", ""
            while len(head := wire.read(5)) == 5:
                command, data = head[4:], wire.read(struct.unpack(">I", head[:4])[0] - 1)
                answer = [b"c"]  # go on
                if command == b"O":  # we insert headers, and want neither HELO nor body
                    answer = [b"O" + struct.pack(">III", 6, 0x01, 0x02 | 0x10)]
                elif command == b"C":
                    family = data.index(b"\0") + 1
                    peer = data[family + 3 :].rstrip(b"\0").decode() if data[family : family + 1] == b"4" else ""
                elif command == b"M":
                    author = ""
                elif command == b"L":
                    name, value = data.split(b"\0")[:2]
                    if name.lower() == b"from":
                        author = parseaddr(value.decode("utf-8", "replace"))[1].lower()
                elif command == b"E":
                    answer = [*self._stamps(peer, author), b"a"]
                elif command in (b"A", b"D"):  # a transaction given up; macros
                    continue
                elif command in (b"Q", b"K"):
                    return
                for each in answer:
                    wire.write(struct.pack(">I", len(each)) + each)
                wire.flush()

    def _stamps(self, peer: str, author: str) -> list[bytes]:
        if peer == OURS or author in self.unseen:
            return []
        verdict, domain = "fail" if author in self.forged else "pass", author.rpartition("@")[2]
        value = f"mx.example.test;\n\tdmarc={verdict} (p=none) header.from={domain}"
        return [b"i" + struct.pack(">I", 0) + b"Authentication-Results\0" + value.encode() + b"\0"]
