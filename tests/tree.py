"""The files of this checkout, for the tests that judge the tree itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "addressee"
MODULES = sorted(SOURCE.rglob("*.py"))
# What .gitignore names, as far as whole folders go; git itself may be missing where the tests run.
NOT_OURS = {".git", ".venv", "var", "out", "build", "dist", "__pycache__", ".state"}
NOT_OURS |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}


@cache
def tracked_files() -> list[Path]:
    """Every file that belongs to the project, relative to its root."""
    found = []
    for path in sorted(ROOT.rglob("*")):
        relative = path.relative_to(ROOT)
        if path.is_file() and not NOT_OURS & set(relative.parts):
            found.append(relative)
    return found
