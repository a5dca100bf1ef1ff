"""Who is at the other end of a connection: loopback, one of ours, or too many at once. Asked by the listeners."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

MINUTE_SECONDS = 60.0


def read_address(peer: str) -> IPv4Address | IPv6Address | None:
    """The address as a value; an IPv4 address that came over an IPv6 socket as IPv4. None where it is none."""
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def is_loopback(peer: str) -> bool:
    """Whether the peer is this machine: 127.0.0.0/8 or ::1."""
    address = read_address(peer)
    return address is not None and address.is_loopback


def is_one_of(peer: str, trusted: Iterable[str]) -> bool:
    """Whether the peer is named by `trusted`: addresses and networks. What is neither names nobody."""
    address = read_address(peer)
    if address is None:
        return False
    for entry in trusted:
        try:
            network = ip_network(entry.strip(), strict=False)
        except ValueError:
            continue
        if address.version == network.version and address in network:
            return True
    return False


class Recent:
    """How often something happened within the last `seconds`, by key. Time is an argument, of any steady clock."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._times: dict[str, deque[float]] = {}
        self._swept_at = 0.0

    def count(self, key: str, now: float) -> int:
        self._sweep(now)
        times = self._times.get(key)
        while times and times[0] <= now - self.seconds:
            times.popleft()
        return len(times) if times else 0

    def add(self, key: str, now: float) -> None:
        self._times.setdefault(key, deque()).append(now)

    def _sweep(self, now: float) -> None:
        """Forget keys that nothing happened to, so that memory does not grow with the internet."""
        if now - self._swept_at < self.seconds:
            return
        self._swept_at = now
        for key in [key for key, times in self._times.items() if not times or times[-1] <= now - self.seconds]:
            del self._times[key]


class Admission:
    """Counts the sessions of each peer, at once and a minute."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}
        self._recent = Recent(MINUTE_SECONDS)

    def refusal(self, peer: str, now: float, *, at_once: int, a_minute: int) -> str:
        """Let the peer in and return "", or say in one sentence why not. Who was let in must `leave`."""
        if self._open.get(peer, 0) >= at_once:
            return f"Too many connections at once from your address, {at_once} are allowed."
        if self._recent.count(peer, now) >= a_minute:
            return f"Too many connections from your address, {a_minute} a minute are allowed."
        self._recent.add(peer, now)
        self._open[peer] = self._open.get(peer, 0) + 1
        return ""

    def leave(self, peer: str) -> None:
        left = self._open.get(peer, 0) - 1
        if left > 0:
            self._open[peer] = left
        else:
            self._open.pop(peer, None)
