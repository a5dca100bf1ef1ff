"""What an SMTP and an LMTP session have in common (RFC 5321): aiosmtpd's session with our own verbs. Used by both.

From aiosmtpd come the command loop, STARTTLS and the time limit of a command. The verbs here are ours because its
own read addresses by the header parser, take no AUTH parameter, cost a coroutine step for every line of a message,
and give one limit to commands and lines.
"""

from __future__ import annotations

import asyncio
import binascii
import logging
import re
import ssl
from base64 import b64decode
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiosmtpd.smtp import SMTP

from addressee.core.errors import AddresseeError, NoSuchAddress, TooLarge, TryAgainLater
from addressee.core.message import Envelope
from addressee.transports.peers import Admission, Recent, is_loopback

log = logging.getLogger(__name__)
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's own: one line and more for each command

MOST_REFUSED = 20  # unknown recipients or wrong commands in one session of a stranger: then it is a harvester
MOST_SIGN_INS = 3  # failed AUTH in one session
MOST_GUESSES = 10  # failed AUTH of one login from one peer in GUESS_SECONDS, over all sessions
GUESS_SECONDS = 900.0
COMMAND_BYTES = 2048
END = b"\r\n.\r\n"
# RFC 5321 4.1.2: a path, its source route ignored; the brackets forgotten by some senders.
_PATH = re.compile(
    r"<(?:@[^<>:\s]*:)?((?:\"(?:[^\"\\]|\\.)*\"|[^<>\"\s@]*)(?:@[^<>\"\s@]*)?)>(?:\s+(.*))?"
    r"|([^<>\"\s@]+@[^<>\"\s@]+)(?:\s+(.*))?"
)
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([\x21-\x3c\x3e-\x7e]+))?")


@dataclass(frozen=True, slots=True)
class Limits:
    """Figures of the site (core/options), and the time limits of RFC 5321 4.5.3.2 in seconds."""

    message_size_bytes: int
    recipients: int
    connections: int
    connections_per_minute: int
    command_seconds: float = 300.0
    data_seconds: float = 600.0  # for a whole message: dribbling bytes does not hold a session longer


@dataclass(slots=True)
class Doors:
    """What a listener may ask the program for. The transports know nothing else of it.

    exists        is there such an address of ours? Raises TryAgainLater where it can't be told
    accept        keep the message for all these recipients, durably; returns only then (law 1). Raises AddresseeError
    authenticate  (login, password) -> the person's key, or None
    trusted       is this peer one of site.trusted_peers?
    limits        the figures as they stand now
    """

    exists: Callable[[str], Awaitable[bool]]
    accept: Callable[[Envelope, tuple[str, ...], bytes], Awaitable[None]]
    limits: Callable[[], Limits]
    trusted: Callable[[str], bool] = lambda peer: False
    authenticate: Callable[[str, str], Awaitable[str | None]] | None = None
    hostname: str = "localhost"
    tls: ssl.SSLContext | None = None
    admission: Admission = field(default_factory=Admission)
    guesses: Recent = field(default_factory=lambda: Recent(GUESS_SECONDS))


def read_path(text: str) -> tuple[str, str] | None:
    """The address of a MAIL or RCPT command ("" for <>) and the text of its parameters; None where it is no path."""
    found = _PATH.fullmatch(text.strip())
    if found is None or _UNFIT.search(text):
        return None
    address = found[1] if found[1] is not None else found[3]
    if len(address.encode("utf-8")) > 254:  # RFC 5321 4.5.3.1.3: 256 with the brackets
        return None
    return address, (found[2] or found[4] or "")


def read_parameters(text: str) -> dict[str, str] | None:
    """ESMTP parameters by upper-case name (RFC 5321 4.1.2), None where they are none."""
    found = {}
    for word in text.split():
        parameter = _PARAMETER.fullmatch(word)
        if parameter is None:
            return None
        found[parameter[1].upper()] = parameter[2] or ""
    return found


class Session(SMTP):
    """One connection. A subclass says how it greets and how it answers after the data."""

    # aiosmtpd says they may be None; inside a verb they never are
    session: Any
    envelope: Any
    transport: Any
    _handler_coroutine: Any

    name = ""
    line_length_limit = 65_536  # of the reader's buffer; lines of a message may be of any length
    command_size_limit = COMMAND_BYTES

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.limits = doors.limits()
        self.peer = ""
        self.trusted = False
        self.refused_commands = 0
        self.failed_sign_ins = 0
        self._admitted: str | None = None
        self._turned_away = False
        super().__init__(
            None,
            data_size_limit=None,
            enable_SMTPUTF8=True,
            hostname=doors.hostname,
            ident="Addressee",
            tls_context=doors.tls,
            timeout=self.limits.command_seconds,
            auth_require_tls=False,
            loop=asyncio.get_running_loop(),
        )
        self.command_size_limits = defaultdict(lambda: COMMAND_BYTES, AUTH=12_288)  # RFC 4954 4

    # ---- coming and going

    def connection_made(self, transport: Any) -> None:
        if self._original_transport is not None:  # the same connection after STARTTLS
            super().connection_made(transport)
            return
        peername = transport.get_extra_info("peername")
        self.peer = str(peername[0]) if isinstance(peername, tuple) else ""
        self.trusted = self.is_trusted()
        why = self._why_not_now()
        if why:
            self._turned_away = True
            transport.write(f"421 4.7.0 {why} Try again later.\r\n".encode())
            transport.close()
            return
        super().connection_made(transport)
        # a connection that breaks ends the task with an error that nobody else asks for
        self._handler_coroutine.add_done_callback(lambda task: task.cancelled() or task.exception())

    def is_trusted(self) -> bool:
        """Does our own MTA stand at the other end? (DESIGN section 4, E3)"""
        return self.doors.trusted(self.peer)

    def _why_not_now(self) -> str:
        if self.trusted:
            return ""
        why = self.doors.admission.refusal(
            self.peer,
            self.loop.time(),
            at_once=self.limits.connections,
            a_minute=self.limits.connections_per_minute,
        )
        if not why:
            self._admitted = self.peer
        return why

    def connection_lost(self, error: Exception | None) -> None:
        if self._admitted is not None:
            self.doors.admission.leave(self._admitted)
            self._admitted = None
        if not self._turned_away:
            super().connection_lost(error)

    def eof_received(self) -> bool | None:
        return False if self._turned_away else super().eof_received()

    def _timeout_cb(self) -> None:
        if self.transport is not None:
            self.transport.write(b"421 4.4.2 Nothing heard for too long, closing.\r\n")
            self.transport.close()

    async def handle_exception(self, error: Exception) -> str:
        """Whatever went wrong is ours: the peer keeps the message and tries again."""
        log.error("%s session with %s failed", self.name, self.peer, exc_info=error)
        self._begin_anew()
        return "451 4.3.0 Something went wrong here, try again later"

    def _begin_anew(self) -> None:
        """Forget sender and recipients (RFC 5321 4.1.1.5)."""
        self.envelope = self._create_envelope()

    async def refuse(self, reply: str) -> None:
        """Say no; a stranger who collects too many is sent away."""
        self.refused_commands += 1
        if self.trusted or self.refused_commands < MOST_REFUSED:
            await self.push(reply)
            return
        await self.push("421 4.7.0 Too many refused commands in one session")
        self.transport.close()

    # ---- greeting

    @property
    def secure(self) -> bool:
        """Encrypted, or it never left the machine."""
        return self.session.ssl is not None or is_loopback(self.peer)

    @property
    def may_sign_in(self) -> bool:
        return self.doors.authenticate is not None and self.secure

    async def smtp_EHLO(self, hostname: str | None) -> None:
        if not hostname:
            await self.push("501 5.5.4 Say who you are: EHLO host.name")
            return
        self._begin_anew()
        self.session.extended_smtp = True
        self.session.host_name = hostname
        lines = [self.hostname, "PIPELINING", f"SIZE {self.limits.message_size_bytes}", "8BITMIME", "SMTPUTF8"]
        if self.tls_context and self.session.ssl is None:
            lines.append("STARTTLS")
        if self.may_sign_in:
            lines.append("AUTH PLAIN LOGIN")
        await self.push("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    # ---- signing in (RFC 4954)

    async def smtp_AUTH(self, arg: str | None) -> None:
        mechanism, _, initial = (arg or "").partition(" ")
        if self.doors.authenticate is None:
            await self.refuse("502 5.5.1 Nobody signs in here")
        elif not self.secure:
            await self.refuse("538 5.7.11 Encrypt the connection first (STARTTLS)")
        elif not self.session.host_name:
            await self.refuse("503 5.5.1 Say EHLO first")
        elif self.session.auth_data or self.envelope.mail_from is not None:
            await self.refuse("503 5.5.1 Not now")
        elif mechanism.upper() == "PLAIN":
            await self._sign_in(*await self._plain(initial.strip()))
        elif mechanism.upper() == "LOGIN":
            await self._sign_in(*await self._login(initial.strip()))
        else:
            await self.refuse("504 5.5.4 PLAIN and LOGIN are understood")

    async def _plain(self, initial: str) -> tuple[str | None, str]:
        """RFC 4616: authorisation identity, login and password between NULs. (None, "") where it is not that."""
        parts = (await self._answer(initial, b"")).split(b"\0")
        if len(parts) != 3:
            return None, ""
        return parts[1].decode("utf-8", "replace"), parts[2].decode("utf-8", "replace")

    async def _login(self, initial: str) -> tuple[str | None, str]:
        login = await self._answer(initial, b"VXNlcm5hbWU6")  # "Username:"
        if not login:
            return None, ""
        password = await self._answer("", b"UGFzc3dvcmQ6")  # "Password:"
        return login.decode("utf-8", "replace"), password.decode("utf-8", "replace")

    async def _answer(self, initial: str, challenge: bytes) -> bytes:
        """What the client says in base64, at once or when asked; b"" where it gives up or writes something else."""
        if not initial:
            await self.push(b"334 " + challenge)
            try:
                initial = (await self._reader.readline()).strip().decode("ascii", "replace")
            except ValueError:  # longer than the reader's buffer
                return b""
        try:
            return b64decode("" if initial == "=" else initial, validate=True)
        except (binascii.Error, ValueError):
            return b""

    async def _sign_in(self, login: str | None, password: str) -> None:
        if login is None:
            await self.refuse("501 5.5.2 That is not what the mechanism asks for")
            return
        guesses, who, now = self.doors.guesses, f"{self.peer} {login.lower()}", self.loop.time()
        if self.doors.authenticate is None or guesses.count(who, now) >= MOST_GUESSES:
            await self.push("454 4.7.0 Too many wrong passwords, try again in a quarter of an hour")
            return
        try:
            person = await self.doors.authenticate(login, password)
        except TryAgainLater:
            await self.push("454 4.7.0 It can't be checked now, try again later")
            return
        if person:
            self.session.auth_data = person
            self.session.authenticated = True
            await self.push("235 2.7.0 Welcome")
            return
        guesses.add(who, now)
        self.failed_sign_ins += 1
        if self.failed_sign_ins < MOST_SIGN_INS:
            await self.push("535 5.7.8 Login or password is wrong")
        else:
            await self.push("421 4.7.0 Too many wrong passwords")
            self.transport.close()

    # ---- envelope

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self.refuse("252 2.5.0 Try RCPT")  # RFC 5321 3.5.3: telling would be a gift to harvesters

    async def smtp_HELP(self, arg: str | None) -> None:
        await self.push("214 2.0.0 RFC 5321")

    async def smtp_EXPN(self, arg: str | None) -> None:
        await self.refuse("502 5.5.1 There are no lists here")

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not self.session.host_name:
            await self.refuse("503 5.5.1 Say EHLO first")
            return
        if self.envelope.mail_from is not None:
            await self.refuse("503 5.5.1 There is a sender already")
            return
        path = read_path(arg[5:]) if arg and arg[:5].upper() == "FROM:" else None
        if path is None:
            await self.refuse("501 5.1.7 That is no sender: MAIL FROM:<address>")
            return
        parameters = read_parameters(path[1])
        reply = "501 5.5.4 Those are no parameters" if parameters is None else self._check_parameters(parameters)
        if reply:
            await self.refuse(reply)
            return
        self.envelope.mail_from = path[0]
        await self.push("250 2.1.0 Go on")

    def _check_parameters(self, parameters: dict[str, str]) -> str:
        """The refusal of MAIL's parameters, "" where there is none."""
        size = parameters.get("SIZE", "0")
        if not (size.isascii() and size.isdigit() and len(size) <= 20):  # RFC 1870 3
            return "501 5.5.4 SIZE wants a number"
        if int(size) > self.limits.message_size_bytes:
            return self._too_large()
        if parameters.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
            return "501 5.5.4 BODY is 7BIT or 8BITMIME"
        unknown = parameters.keys() - {"SIZE", "BODY", "SMTPUTF8", "AUTH"}
        return f"555 5.5.4 Not understood: {', '.join(sorted(unknown))}" if unknown else ""

    def _too_large(self) -> str:
        return f"{TooLarge.reply} message-too-large: {self.limits.message_size_bytes} bytes are the most taken here"

    async def smtp_RCPT(self, arg: str | None) -> None:
        if self.envelope.mail_from is None:
            await self.refuse("503 5.5.1 Say MAIL first")
            return
        path = read_path(arg[3:]) if arg and arg[:3].upper() == "TO:" else None
        if path is None or not path[0]:
            await self.refuse("501 5.1.3 That is no recipient: RCPT TO:<address>")
            return
        address, parameters = path
        if parameters:
            await self.refuse("555 5.5.4 RCPT takes no parameters here")
            return
        if len(self.envelope.rcpt_tos) >= self.limits.recipients:
            # RFC 5321 4.5.3.1.10: 452, so that the peer sends the rest in another transaction
            await self.push(f"452 4.5.3 {self.limits.recipients} recipients are the most in one transaction")
            return
        if address.lower() == "postmaster":  # RFC 5321 4.5.1: needs no domain
            address = f"{address}@{self.hostname}"
        try:
            known = await self.doors.exists(address)
        except AddresseeError as error:
            await self.push(f"{error.reply} {error.slug}: try again later")
            return
        if not known:
            await self.refuse(f"{NoSuchAddress.reply} no-such-address: there is no such address here")
            return
        self.envelope.rcpt_tos.append(address)
        await self.push("250 2.1.5 Known")

    # ---- data

    async def smtp_DATA(self, arg: str | None) -> None:
        if not self.envelope.rcpt_tos:
            await self.refuse("503 5.5.1 Say RCPT first, to an address that is here")
            return
        if arg:
            await self.refuse("501 5.5.4 DATA takes no parameters")
            return
        await self.push("354 End with a dot on a line of its own")
        self._reset_timeout(self.limits.data_seconds)
        raw = await self._read_data()
        self._reset_timeout()
        answer = await self._take(raw)
        recipients = len(self.envelope.rcpt_tos)
        self._begin_anew()
        await self.push(self.after_data(answer, recipients))

    def after_data(self, answer: str, recipients: int) -> str:
        """The reply to the final dot: one for the message (RFC 5321 4.1.1.4)."""
        return answer

    async def _read_data(self) -> bytes | None:
        """The bytes up to CRLF.CRLF without the dots that transparency added, or None for a message too large.

        Nothing else ends a message: neither LF.LF nor CRLF.LF nor CR.CR, which other servers take or pass on (SMTP
        smuggling). Bare CR and LF are kept as they came, so what a smuggler hid stays text of his own message.
        """
        most = self.limits.message_size_bytes
        data = bytearray(b"\r\n")  # a dot in the first line stands after a line end too
        dots, too_large = 0, False  # dots of transparency do not count for the size
        while not data.endswith(END):
            before = len(data)
            try:
                data += await self._reader.readuntil(b".\r\n")
            except asyncio.LimitOverrunError as error:
                data += await self._reader.read(error.consumed)
            dots += data.count(b"\r\n.", max(before - 2, 0))
            if len(data) - dots > most + len(END):
                dots, too_large = 0, True
                del data[: -len(END)]
        if too_large:
            return None
        del data[-3:]
        if dots > 1:  # beside the final one
            data = data.replace(b"\r\n.", b"\r\n")
        raw = bytes(memoryview(data)[2:])
        return raw if len(raw) <= most else None

    async def _take(self, raw: bytes | None) -> str:
        """Hand the message in; 250 only after it is durable (law 1)."""
        if raw is None:
            return self._too_large()
        if not raw:
            return "554 5.6.0 empty: there is not one byte in this message"
        try:
            await self.doors.accept(self._envelope(), tuple(self.envelope.rcpt_tos), raw)
        except AddresseeError as error:
            why = error.data.get("why") or ("it was not kept" if error.reply[0] == "5" else "try again later")
            return f"{error.reply} {error.slug}: {why}"
        return "250 2.0.0 Kept"

    def _envelope(self) -> Envelope:
        return Envelope(
            transport=self.name,
            sender=self.envelope.mail_from or "",
            peer=self.peer,
            helo=_UNFIT.sub("?", self.session.host_name or "")[:255],
            login=self.session.auth_data or "",
            trusted=self.trusted,
            tls=self.secure,
        )
