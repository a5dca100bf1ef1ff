"""Taking mail by SMTP, spooled and synced, beside the SMTP library alone with a handler that keeps nothing.

python -m bench.intake              is that bare server
"""

from __future__ import annotations

import asyncio
import json
import os
import smtplib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.contender import ROOT
from bench.cpu import cpu_of
from bench.lanes import Tell, ratio
from bench.mail import DESK, messages
from bench.table import Row

CLIENTS = 4


@contextmanager
def server(words: Sequence[str], env: dict[str, str], log: Path) -> Iterator[tuple[int, int]]:
    """A server that prints {part, address, pid} lines; its process and the port of its SMTP part."""
    told = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **env}
    with log.open("w", encoding="utf-8") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], stdout=subprocess.PIPE, stderr=err, text=True, env=told
        )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            ready = json.loads(line)
            if ready["part"] == "smtp":
                yield process.pid, int(ready["address"].rpartition(":")[2])
                return
        raise RuntimeError(f"{words[0]} did not start: {log.read_text(encoding='utf-8')[-1000:]}")
    finally:
        process.terminate()
        process.communicate()


def desk(home: Path, log: Path) -> Any:
    """The SMTP listener of a home that the benchmark's setup was applied to."""
    env = {"ADDRESSEE_HOME": str(home)}
    words = [sys.executable, "-m", "addressee.ops.main", "apply", str(Path(__file__).with_name("firm.toml"))]
    told = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", **env}
    subprocess.run(words, check=True, env=told, stdout=subprocess.DEVNULL)
    places = [word for part in ("smtp", "lmtp", "policy") for word in (f"--{part}", "127.0.0.1:0")]
    return server(["addressee.ops.main", "smtp", "--json", *places], env, log)


def send(port: int, raws: Sequence[bytes], clients: int = CLIENTS) -> None:
    """Send the mails over so many connections. Raises what a client raised."""
    faults: list[BaseException] = []

    def one(some: Sequence[bytes]) -> None:
        try:
            with smtplib.SMTP("127.0.0.1", port, local_hostname="client.test") as client:
                for raw in some:
                    client.sendmail("gus@acme.test", [DESK], raw)
        except (OSError, smtplib.SMTPException) as error:
            faults.append(error)

    threads = [threading.Thread(target=one, args=(raws[n::clients],)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise RuntimeError(f"a message was not taken: {faults[0]}")


def intake(folder: Path, rounds: int, size: int, tell: Tell) -> Iterator[Row]:
    mails = [mail.raw for mail in messages((rounds + 1) * size)]
    costs: dict[str, list[float]] = {"ours": [], "empty": []}
    tell("intake: starting both servers")
    with (
        desk(folder / "home", folder / "smtp.log") as ours,
        server(["bench.intake"], {}, folder / "empty.log") as empty,
    ):
        for number in range(rounds + 1):
            tell(f"intake: round {number + 1}/{rounds + 1}")
            for name, (pid, port) in (("ours", ours), ("empty", empty)):
                before = cpu_of(pid)
                send(port, mails[number * size : (number + 1) * size])
                if number:
                    costs[name].append((cpu_of(pid) - before) / size)
    note = "aiosmtpd, {:.2f} ms; ours {:.2f} ms of CPU".format(*(min(costs[name]) * 1e3 for name in ("empty", "ours")))
    share = ratio(costs["empty"], costs["ours"])
    yield Row("intake by SMTP, share of the library with an empty handler", share, 0.8, 1, least=True, note=note)


async def _empty() -> None:
    from aiosmtpd.smtp import SMTP

    class Nothing:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            return "250 2.0.0 Nothing kept"

    def session() -> Any:
        return SMTP(Nothing(), data_size_limit=50_000_000, hostname="in.example.test", enable_SMTPUTF8=True)

    listening = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"part": "smtp", "address": f"127.0.0.1:{port}", "pid": os.getpid()}) + "\n")
    sys.stdout.flush()
    await listening.serve_forever()


if __name__ == "__main__":
    import signal

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    asyncio.run(_empty())
