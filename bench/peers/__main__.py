"""Makes .state/peers with the programs that `make bench` is measured beside: `python -m bench.peers install`.

They stay out of .venv: what Addressee runs on is pinned by hash, and these are guests of the benchmark alone.
"""

from __future__ import annotations

import subprocess
import sys
import venv

from bench.peers import FOLDER, PROGRAMS, python


def install() -> int:
    sys.stderr.write(f"making {FOLDER} with {', '.join(PROGRAMS)}\n")
    venv.create(FOLDER, with_pip=True)
    return subprocess.call([str(python()), "-m", "pip", "install", "--disable-pip-version-check", *PROGRAMS])


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit("usage: python -m bench.peers install")
    sys.exit(install())
