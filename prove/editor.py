"""Changes one field of a record on and on, the way a page does: `python -m prove.editor PERSON UUID FIELD TIMES`."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "addressee.config.settings")
django.setup()

from addressee.pipeline import request  # noqa: E402  after the settings

person, uuid, field, times = sys.argv[1:]
for count in range(1, int(times) + 1):
    request.act("update", person, uuid, texts={field: str(count)})
