"""Makes .state/peers with the programs that `make bench` is measured beside: `python -m bench.peers install`.

They stay out of .venv: what Addressee runs on is pinned by hash, and these are guests of the benchmark alone.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

FOLDER = Path(".state/peers")
PROGRAMS = ("roundup==2.6.0", "django-helpdesk==2.6.1", "Django==5.2.*")


def python() -> Path:
    return FOLDER / "bin" / "python"


def has(module: str) -> bool:
    """Is this peer installed?"""
    return python().exists() and any(FOLDER.glob(f"lib/python*/site-packages/{module}/__init__.py"))


def install() -> int:
    sys.stderr.write(f"making {FOLDER} with {', '.join(PROGRAMS)}\n")
    venv.create(FOLDER, with_pip=True)
    words = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PROGRAMS]
    return subprocess.call(words)


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        sys.exit("usage: python -m bench.peers install")
    sys.exit(install())
