"""How much of a message we read (DESIGN section 6): one value, asked by core.parse and the modules below it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one message. What lies beyond is kept in the raw bytes only, and named in `Message.defects`."""

    header_bytes: int = 64 * 1024  # one header
    headers_bytes: int = 512 * 1024  # all headers of one part
    parts: int = 1_000
    depth: int = 30
    addresses: int = 500  # in one header
    text_chars: int = 1_000_000
    html_chars: int = 2_000_000
    boundary_bytes: int = 256
    parameters: int = 64  # of one Content-Type or Content-Disposition
    references: int = 100  # the last ones
    received: int = 200
    header_names: int = 200  # kept in Message.headers
    header_value_chars: int = 2_048  # of each of them
    containers: int = 5  # winmail.dat and messages within each other that are unpacked
    unpacked_bytes: int = 64 * 1024 * 1024
    name_bytes: int = 255  # of an attachment's name, in UTF-8


DEFAULT = Limits()
