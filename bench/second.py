"""A second worker on a second core, on PostgreSQL: messages a second of two beside one. Time, so it is only told.

python tests/postgres.py python -m bench.second FOLDER COUNT
python -m bench.second work                            is one worker
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from bench.mail import messages


def main(folder: Path, count: int) -> None:
    from bench.ours import Desk

    desk = Desk(folder / "home")
    mails = list(messages(2 * count))
    rates = []
    for workers in (1, 2):
        desk.prepare(mails[:count] if workers == 1 else mails[count:])
        running = [
            subprocess.Popen(
                [sys.executable, "-m", "bench.second", "work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(workers)
        ]
        for each in running:
            assert each.stdout is not None
            each.stdout.readline()
        began = time.perf_counter()
        for each in running:
            assert each.stdin is not None
            each.stdin.write("\n")
            each.stdin.flush()
        for each in running:
            each.wait()
        rates.append(count / (time.perf_counter() - began))
    sys.stdout.write(json.dumps({"one": rates[0], "two": rates[1], "not accepted": desk.told()["not accepted"]}) + "\n")


def work() -> None:
    """Start, say so, and work off what waits when told to."""
    import django

    django.setup()
    from addressee.pipeline import reading, worker

    worker.BATCH = 50
    one = worker.Worker()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    one.work_until_idle()
    if reading._shared is not None:
        reading._shared.close()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "addressee.config.settings")
    if sys.argv[1] == "work":
        work()
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]))
