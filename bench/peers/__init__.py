"""Other programs that make records of mail, in an environment of their own: `python -m bench.peers install`."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(".state/peers")
PROGRAMS = ("roundup==2.6.0", "django-helpdesk==2.6.1", "Django==5.2.*")


def python() -> Path:
    return FOLDER / "bin" / "python"


def has(module: str) -> bool:
    """Is this peer installed?"""
    return python().exists() and any(FOLDER.glob(f"lib/python*/site-packages/{module}/__init__.py"))
