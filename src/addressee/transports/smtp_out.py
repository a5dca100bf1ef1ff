"""SMTP out (RFC 5321): one message to one recipient over a connection kept open for the next. Used by pipeline/deliver.

URLs: smtp://[user:password@]host[:25][?tls=starttls] and smtps://[user:password@]host[:465]. What the URL asks for
is never done with less: no STARTTLS offered, no valid certificate, or no AUTH is a temporary failure.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from addressee.core.registry import register, transports
from addressee.core.sending import Attempt, Fate

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 120.0
FINAL_SECONDS = 600.0  # RFC 5321 4.5.3.2.6: who hangs up before the answer to the dot makes duplicates
MESSAGES_A_CONNECTION = 100


@dataclass(frozen=True, slots=True)
class Server:
    """Where to, and how. tls: none, starttls, tls (from the first byte)."""

    host: str
    port: int
    tls: str = "none"
    user: str = ""
    password: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def read_url(url: str) -> Server:
    """Raises ValueError, with a sentence, where the URL can't be understood; the sentence holds no password."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise ValueError("The port of the SMTP URL is no number. Write smtp://host:25.") from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("That is no SMTP URL. Write smtp://host:25 or smtps://user:password@host.")
    tls = parse_qs(parts.query).get("tls", ["none"])[-1]
    if tls not in ("none", "starttls", "tls"):
        raise ValueError(f"tls={tls} is not known in an SMTP URL; it is none, starttls or tls.")
    if parts.scheme == "smtps":
        tls = "tls"
    return Server(
        host=parts.hostname,
        port=port or (465 if tls == "tls" else 25),
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class Refusal(Exception):
    """The peer, or our own caution, said no; `attempt` says how long that holds."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.reply)
        self.attempt = attempt


def judged(code: int, text: bytes | str) -> Attempt:
    """A negative reply as an attempt: 5xx never, all else not now."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    reply = f"{code} {' '.join(said.split())}"[:500]
    return Attempt(Fate.PERMANENT if 500 <= code <= 599 else Fate.TEMPORARY, reply)


def _require(reply: tuple[int, bytes], *good: int) -> None:
    if reply[0] not in good:
        raise Refusal(judged(*reply))


class Relay:
    """A connection to one server, made when it is needed and made again when it went away between two messages."""

    def __init__(self, server: Server, hostname: str = "", context: ssl.SSLContext | None = None) -> None:
        self.server = server
        self.hostname = hostname or None
        self.context = context
        self._client: smtplib.SMTP | None = None
        self._sent = 0

    def send(
        self, envelope_sender: str, recipient: str, raw: bytes, checkpoint: Callable[[str], None], *, name: str
    ) -> Attempt:
        """As core.sending.Sender says. Never raises for what the peer or the network does."""
        fresh = self._client is None
        try:
            client = self._connected()
            try:
                self._envelope(client, envelope_sender, recipient, raw)
            except (smtplib.SMTPServerDisconnected, OSError, Refusal) as error:
                if fresh or (isinstance(error, Refusal) and not error.attempt.reply.startswith("421")):
                    raise
                self.close()  # it had closed the old connection; nothing of this message was sent
                client = self._connected()
                self._envelope(client, envelope_sender, recipient, raw)
            return self._data(client, raw, checkpoint)
        except Refusal as no:
            self._reset()
            return no.attempt
        except smtplib.SMTPResponseException as error:  # the greeting, EHLO or AUTH
            self.close()
            # a wrong password is mended by the operator, not by giving the message up
            return self._away(judged(error.smtp_code, error.smtp_error).reply)
        except (smtplib.SMTPException, OSError, EOFError) as error:
            connected = self._client is not None
            self.close()
            return self._away(_in_words(error), reached=connected)

    def _away(self, why: str, *, reached: bool = False) -> Attempt:
        return Attempt(Fate.TEMPORARY, f"{self.server}: {why}", reached)

    def close(self) -> None:
        client, self._client, self._sent = self._client, None, 0
        if client is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                if client.sock is not None:
                    client.sock.settimeout(5)
                client.quit()
            client.close()

    def _connected(self) -> smtplib.SMTP:
        if self._client is not None and self._sent >= MESSAGES_A_CONNECTION:
            self.close()
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        client: smtplib.SMTP
        if server.tls == "tls":
            client = smtplib.SMTP_SSL(
                timeout=CONNECT_SECONDS, local_hostname=self.hostname, context=self.context or _verifying()
            )
        else:
            client = smtplib.SMTP(timeout=CONNECT_SECONDS, local_hostname=self.hostname)
        try:
            # smtplib verifies the certificate against this name
            client._host = server.host  # type: ignore[attr-defined]
            greeting = client.connect(server.host, server.port)
            if greeting[0] != 220:  # a 5xx greeting is about us, not about this message
                raise Refusal(self._away(judged(*greeting).reply))
            client.sock.settimeout(COMMAND_SECONDS)  # type: ignore[union-attr]
            client.ehlo_or_helo_if_needed()
            if server.tls == "starttls":
                self._start_tls(client)
            if server.user:
                self._sign_in(client)
        except BaseException:
            client.close()
            raise
        return client

    def _start_tls(self, client: smtplib.SMTP) -> None:
        if not client.has_extn("starttls"):
            raise Refusal(self._away("it offers no STARTTLS, and tls=starttls asks for it"))
        _require(client.starttls(context=self.context or _verifying()), 220)
        client.ehlo_or_helo_if_needed()

    def _sign_in(self, client: smtplib.SMTP) -> None:
        if not client.has_extn("auth"):
            raise Refusal(self._away("it offers no AUTH, and a user name is set"))
        client.login(self.server.user, self.server.password)

    def _envelope(self, client: smtplib.SMTP, envelope_sender: str, recipient: str, raw: bytes) -> None:
        options = []
        if not (envelope_sender.isascii() and recipient.isascii()):
            if not client.has_extn("smtputf8"):
                raise Refusal(Attempt(Fate.PERMANENT, f"{self.server} takes no addresses beyond ASCII (SMTPUTF8)"))
            options.append("SMTPUTF8")
            client.command_encoding = "utf-8"
        else:
            client.command_encoding = "ascii"
        if client.has_extn("8bitmime") and not raw.isascii():
            options.append("BODY=8BITMIME")
        if client.has_extn("size"):
            options.append(f"SIZE={len(raw)}")
        _require(client.mail(envelope_sender, options), 250)
        _require(client.rcpt(recipient), 250, 251)

    def _data(self, client: smtplib.SMTP, raw: bytes, checkpoint: Callable[[str], None]) -> Attempt:
        """DATA, with the two moments a crash test cares for: after the final dot, and after its 250."""
        _require(client.docmd("DATA"), 354)
        client.send(transparent(raw))
        checkpoint("data-sent")
        client.sock.settimeout(FINAL_SECONDS)  # type: ignore[union-attr]
        code, text = client.getreply()
        if not 200 <= code <= 299:
            return judged(code, text)
        checkpoint("sent")
        client.sock.settimeout(COMMAND_SECONDS)  # type: ignore[union-attr]
        self._sent += 1
        return Attempt(Fate.SENT, f"{code} {' '.join(text.decode('utf-8', 'replace').split())}"[:500])

    def _reset(self) -> None:
        """After a refusal the connection is good for the next message, if RSET says so."""
        if self._client is None:
            return
        try:
            code, _ = self._client.rset()
        except (smtplib.SMTPException, OSError):
            code = 0
        if code != 250:
            self.close()


def transparent(raw: bytes) -> bytes:
    """The bytes as they go over the wire: dots doubled, the final dot behind (RFC 5321 4.5.2)."""
    body = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
    return body + (b".\r\n" if body.endswith(b"\r\n") else b"\r\n.\r\n")


def _verifying() -> ssl.SSLContext:
    """Certificate and name are checked; TLS 1.2 and above."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _in_words(error: Exception) -> str:
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib wraps it
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    return " ".join(str(error).split())[:300] or type(error).__name__


@register(transports, "smtp-out")
class SmtpOut:
    """The way out for smtp:// and smtps://."""

    schemes = ("smtp", "smtps")

    def open(self, url: str, hostname: str) -> Relay:
        return Relay(read_url(url), hostname)
