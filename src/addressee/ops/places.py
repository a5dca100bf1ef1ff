"""HOST:PORT options and the line that says a part is ready. Used by the commands serve, web, smtp and worker."""

from __future__ import annotations

import argparse
import json
import os
import sys

HTTP, SMTP, LMTP, POLICY = "127.0.0.1:8000", "127.0.0.1:2525", "127.0.0.1:2424", "127.0.0.1:2626"


def place(text: str) -> str:
    """argparse type: HOST:PORT."""
    from addressee.pipeline.places import split_place

    try:
        split_place(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def tell_ready(part: str, address: str | None, *, as_json: bool, pid: int | None = None) -> None:
    """One line on stdout: {part, address, pid}, or a sentence."""
    pid = os.getpid() if pid is None else pid
    if as_json:
        sys.stdout.write(json.dumps({"part": part, "address": address, "pid": pid}) + "\n")
    else:
        sys.stdout.write(f"{part} is ready{f' at {address}' if address else ''} (process {pid})\n")
    sys.stdout.flush()
