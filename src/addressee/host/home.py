"""The home folder: the key, the SQLite database and the files (ADDRESSEE_HOME). Read by settings and by ops."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

_SHORTEST_KEY = 16  # characters


class HomeUnusable(Exception):
    """The home or a setting of the environment can't be used; the sentence says what and how to mend it."""


def home_path() -> Path:
    """ADDRESSEE_HOME, default ./var; whether it is there or not."""
    return Path(os.environ.get("ADDRESSEE_HOME") or "var").absolute()


def home() -> Path:
    """The home, made when it is missing. Raises HomeUnusable."""
    path = home_path()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise HomeUnusable(f"The home {path} can't be made: {error.strerror}. Set ADDRESSEE_HOME.") from error
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        raise HomeUnusable(f"The home {path} is no folder that can be written to. Set ADDRESSEE_HOME.")
    return path


def key() -> str:
    """The secret key: ADDRESSEE_KEY_FILE, default HOME/key; made once, readable by its owner only."""
    path = Path(os.environ.get("ADDRESSEE_KEY_FILE") or home() / "key")
    try:
        if not path.exists():
            # written aside and linked: of two programs that start together one wins, and both read the same key
            fresh = path.with_name(f"{path.name}.{os.getpid()}")
            fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
            fresh.chmod(0o600)
            try:
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        found = path.read_text(encoding="ascii").strip()
    except ValueError:
        found = ""
    except OSError as error:
        raise HomeUnusable(
            f"The key {path} can't be read or made: {error.strerror}. Set ADDRESSEE_KEY_FILE."
        ) from error
    if len(found) < _SHORTEST_KEY:
        raise HomeUnusable(
            f"The key {path} holds no key. Restore it from a backup; where there is none, delete the file: "
            "a new key is made, and tokens, sessions and API keys of the old one end."
        )
    return found


def database() -> dict[str, object]:
    """Django's DATABASES entry: SQLite in the home, or PostgreSQL by ADDRESSEE_DATABASE_URL. Raises HomeUnusable."""
    url = os.environ.get("ADDRESSEE_DATABASE_URL", "")
    if not url:
        return _sqlite(home() / "addressee.sqlite3")
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(Path(unquote(parts.path)))
    if parts.scheme not in ("postgres", "postgresql"):
        raise HomeUnusable(
            f"ADDRESSEE_DATABASE_URL begins with {parts.scheme!r}; it takes postgresql://… or sqlite://…."
        )
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "postgres",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", "") or parts.hostname or "",
        "PORT": str(parts.port or options.pop("port", "") or ""),
        "CONN_MAX_AGE": None,
        "OPTIONS": options,
    }


def _sqlite(path: Path) -> dict[str, object]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
            # FULL: an acknowledged message must survive a loss of power (law 1). What only a failed statement needs
            # stays in memory; the log goes over into the database every 40 MB: by the default of 4 MB every batch
            # would write each of its pages twice.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; "
            "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=10000;",
        },
    }
