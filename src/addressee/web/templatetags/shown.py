"""Filters for every template: text made visible, times, sizes, the tone of a result."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from addressee.host import clock
from addressee.web import text, tones

register = template.Library()


@register.filter
def line(value: object) -> str:
    return text.one_line(value or "")


@register.filter
def prose(value: object) -> str:
    return text.lines(value or "")


@register.filter
def when(at: datetime | None) -> str | SafeString:
    """A time as one reads it: today the hour, this year day and hour, else the date. The whole stands in the title."""
    if at is None:
        return ""
    here, today = timezone.localtime(at), timezone.localtime(clock.now())
    if here.date() == today.date():
        shown = date_format(here, "H:i")
    else:
        shown = date_format(here, "j M, H:i" if here.year == today.year else "j M Y")
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', at.isoformat(), date_format(here, "l, j F Y, H:i:s T"), shown
    )


@register.filter
def size(count: int | None) -> str:
    """Bytes in the unit that fits, 1 kB = 1000 bytes."""
    amount = float(count or 0)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


@register.filter
def tone(result: object) -> str:
    """good, wait, bad or "": the colour of a disposition or of a step's result."""
    return tones.of(str(result or ""))


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """The page's query string with some of it changed; None or "" takes a key out."""
    now: QueryDict = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            now.pop(key, None)
        else:
            now[key] = str(value)
    return "?" + urlencode(sorted(now.items()))
