"""Webhooks out: one signed POST of JSON for each row of the outbox (https, or http where it is written so).

The signature covers the time of the attempt and the body, so that what was recorded can't be sent again later:
`Addressee-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of "<seconds>.<body>">`. `Addressee-Id` is the same on every
attempt. The name is looked up once and the connection made to that very address, which must be a public one, unless
the site allows private ones (option webhook_private): a name that changes its mind leads nowhere else. Redirects are
not followed, the answer is not read further than its status.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from addressee.core.registry import register, transports
from addressee.core.sending import Attempt, Fate

TIMEOUT_SECONDS = 10.0
SECRET_ENV = "Secret-Env"  # noqa: S105  of a row's head: the variable that holds the secret; never sent
_AGAIN = frozenset({408, 425, 429})  # of the 4xx: not now


class Refused(Exception):
    """The address is one that no webhook may go to; the sentence says why."""


class Webhook:
    """Posts to one host after another; keeps nothing open."""

    def __init__(self, private: bool) -> None:
        self.private = private

    def send(
        self, envelope_sender: str, recipient: str, raw: bytes, checkpoint: Callable[[str], None], *, name: str
    ) -> Attempt:
        """`recipient` is the URL; `raw` the head of the row, an empty line and the body."""
        head, _, body = raw.partition(b"\r\n\r\n")
        told = dict(line.split(": ", 1) for line in head.decode("utf-8").split("\r\n") if ": " in line)
        variable = told.pop(SECRET_ENV, "")
        secret = os.environ.get(variable, "")
        if not secret:
            reason = f"The secret of the webhook is missing. Set the variable {variable}."
            return Attempt(Fate.TEMPORARY, reason, reached=False)
        moment = int(time.time())
        signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        headers = {**told, "Addressee-Signature": f"t={moment},v1={signed}", "User-Agent": "Addressee"}
        try:
            status = self._post(recipient, headers, body, checkpoint)
        except Refused as refused:
            return Attempt(Fate.PERMANENT, str(refused))
        except (OSError, http.client.HTTPException) as error:
            return Attempt(Fate.TEMPORARY, f"{urlsplit(recipient).hostname}: {error}", reached=False)
        if 200 <= status < 300:
            checkpoint("sent")
            return Attempt(Fate.SENT, f"{status}")
        later = status >= 500 or status in _AGAIN
        return Attempt(Fate.TEMPORARY if later else Fate.PERMANENT, f"The server answered {status}.")

    def _post(self, url: str, headers: dict[str, str], body: bytes, checkpoint: Callable[[str], None]) -> int:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = parts.hostname or ""
        connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
        line = socket.create_connection((self._address(host, port), port), TIMEOUT_SECONDS)
        try:
            if parts.scheme == "https":
                line = ssl.create_default_context().wrap_socket(line, server_hostname=host)
            connection.sock = line
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, headers)
            checkpoint("data-sent")
            return connection.getresponse().status
        finally:
            connection.close()
            line.close()

    def _address(self, host: str, port: int) -> str:
        """The address to connect to. Raises Refused where any that the name has is not public."""
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        for each in found:
            address = ipaddress.ip_address(each.partition("%")[0])
            mapped = getattr(address, "ipv4_mapped", None) or address
            if not self.private and (not mapped.is_global or mapped.is_multicast):
                raise Refused(f"{host} is at {each}, a private address; the option webhook_private allows those.")
        return found[0]

    def close(self) -> None:
        """Nothing is kept open."""


@register(transports, "webhook")
class WebhookOut:
    """https://host, or http://host; with ?private=1 private addresses too."""

    schemes = ("https", "http")

    def open(self, url: str, hostname: str) -> Webhook:
        return Webhook(parse_qs(urlsplit(url).query).get("private", ["0"])[-1] == "1")
