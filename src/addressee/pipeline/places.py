"""HOST:PORT as text and as a pair. Used by the listeners, serve and the commands."""

from __future__ import annotations


def split_place(place: str) -> tuple[str, int]:
    """HOST:PORT, [HOST]:PORT for IPv6. Raises ValueError."""
    host, colon, port = place.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"{place!r} is no HOST:PORT, for example 127.0.0.1:2525")
    return host, int(port)


def join_place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
