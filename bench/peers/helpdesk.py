"""django-helpdesk as a contender, tuned: SQLite in WAL with FULL syncs, one transaction a message, mail to memory.

python -m bench.peers.helpdesk HOME       run with .state/peers/bin/python
"""

from __future__ import annotations

import logging
import sys
import types
from collections.abc import Sequence
from pathlib import Path

from bench.contender import answer
from bench.mail import DESK, Mail

_CONTEXT = ("django.contrib.auth.context_processors.auth", "django.template.context_processors.request",
            "django.contrib.messages.context_processors.messages")  # fmt: skip


def configure(home: Path) -> None:
    from django.conf import settings

    home.mkdir(parents=True)
    urls = types.ModuleType("bench_helpdesk_urls")
    sys.modules[urls.__name__] = urls
    contrib = ("admin", "auth", "contenttypes", "sessions", "messages", "sites", "humanize")
    settings.configure(
        SECRET_KEY="bench",
        USE_TZ=True,
        SITE_ID=1,
        INSTALLED_APPS=[*(f"django.contrib.{each}" for each in contrib), "rest_framework", "helpdesk"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": home / "helpdesk.sqlite3",
                "OPTIONS": {
                    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
                    "transaction_mode": "IMMEDIATE",
                },
            }
        },
        ROOT_URLCONF=urls.__name__,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": list(_CONTEXT)},
            }
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        MEDIA_ROOT=str(home / "media"),
        STATIC_URL="/static/",
        LOGIN_URL="/login/",
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        SILENCED_SYSTEM_CHECKS=["admin.E404"],
        HELPDESK_VALID_EXTENSIONS=[".txt", ".pdf", ".png", ".csv", ".html", ".eml", ".jpg"],
        HELPDESK_TEAMS_MODEL="auth.Group",
        HELPDESK_TEAMS_MIGRATION_DEPENDENCIES=[("auth", "0012_alter_user_first_name_max_length")],
        HELPDESK_TEAMS_MODE_ENABLED=False,
        HELPDESK_KBITEM_TEAM_GETTER=lambda item: None,
        LOGGING_CONFIG=None,
    )
    import django

    django.setup()
    from django.core.management import call_command
    from django.urls import include, path

    urls.urlpatterns = [path("helpdesk/", include("helpdesk.urls", namespace="helpdesk"))]
    call_command("migrate", verbosity=0, skip_checks=True)


class Helpdesk:
    def __init__(self, home: Path) -> None:
        configure(home)
        logging.disable(logging.CRITICAL)
        from django.core import mail
        from helpdesk.models import Queue

        mail.outbox = []
        self.queue = Queue.objects.create(
            title="Support",
            slug="support",
            email_address=DESK,
            allow_email_submission=True,
            email_box_type="local",
            new_ticket_cc="",
            enable_notifications_on_email_events=True,
        )

    def prepare(self, mails: Sequence[Mail]) -> None:
        self.raws = [mail.raw for mail in mails]

    def work(self) -> None:
        from django.db import transaction
        from helpdesk.email import extract_email_metadata

        log = logging.getLogger("helpdesk")
        for raw in self.raws:
            try:
                with transaction.atomic():
                    extract_email_metadata(raw.decode("utf-8", "surrogateescape"), self.queue, log)
            except Exception as error:  # noqa: BLE001  a peer that refuses a message goes on with the next
                sys.stderr.write(f"{type(error).__name__}: {str(error)[:200]}\n")

    def told(self) -> dict[str, int]:
        from helpdesk.models import FollowUp, Ticket

        return {"records": Ticket.objects.count(), "messages": FollowUp.objects.count()}


if __name__ == "__main__":
    answer(Helpdesk(Path(sys.argv[1]).absolute()))
