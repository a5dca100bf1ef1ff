"""`addressee web`: the pages alone, served by granian in a process of its own."""

from __future__ import annotations

import argparse
import http.client
import signal
import socket
import subprocess
import sys
import time

from addressee.ops import places
from addressee.ops.main import TRY_AGAIN

HELP = "Serve the pages."
READY_SECONDS = 60.0
END_SECONDS = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--http",
        type=places.place,
        default=places.HTTP,
        metavar="HOST:PORT",
        help=f"default {places.HTTP}; port 0 = any",
    )
    parser.add_argument("--json", action="store_true", help="print {part, address, pid} when it is ready")


def run(args: argparse.Namespace) -> int:
    from addressee.pipeline.places import join_place, split_place

    host, port = split_place(args.http)
    try:
        port = _free_port(host, port)
    except OSError as error:
        why = error.strerror or error
        sys.stderr.write(f"addressee web: can't listen on {args.http}: {why}. Choose another by --http HOST:PORT.\n")
        return TRY_AGAIN
    child = _start(host, port)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: child.terminate())
    if _answers(host, port, child):
        places.tell_ready("web", join_place(host, port), as_json=args.json)
    code = child.wait()
    return 0 if code in (0, -signal.SIGTERM, -signal.SIGINT) else code if code > 0 else TRY_AGAIN


def _free_port(host: str, port: int) -> int:
    """The port to listen on, chosen by the system where it is 0. Raises OSError where it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def _start(host: str, port: int) -> subprocess.Popen[bytes]:
    from addressee.host.parent import end_with_parent

    # A child, because granian serves WSGI in its own processes only.
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--blocking-threads", "4", "--respawn-failed-workers"]
    command += ["--workers-kill-timeout", str(END_SECONDS), "--log-level", "warning"]
    return subprocess.Popen(
        [*command, "addressee.config.wsgi:application"],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=end_with_parent,  # nothing else runs in this process yet
    )


def _answers(host: str, port: int, child: subprocess.Popen[bytes]) -> bool:
    """Wait until a page is answered; False where the server ended first or takes too long."""
    end = time.monotonic() + READY_SECONDS
    while child.poll() is None and time.monotonic() < end:
        connection = http.client.HTTPConnection(host, port, timeout=5)
        try:
            connection.request("HEAD", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            time.sleep(0.05)
            continue
        finally:
            connection.close()
        return True
    return False
