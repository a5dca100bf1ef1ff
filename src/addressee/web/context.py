"""What stands around every page: the site's name, the tables, how much is held. A context processor (settings)."""

from __future__ import annotations

from functools import cached_property

from django.http import HttpRequest

from addressee.core.reasons import Reason
from addressee.core.schedule import scheduled_tables
from addressee.setup import store
from addressee.web.presented import Link, table_label
from addressee.web.reader import reader_of


class Frame:
    """Read only as far as a template asks for it: a part of a page asks for nothing."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def site(self) -> str:
        return store.current().site.name

    @cached_property
    def tables(self) -> list[tuple[str, Link]]:
        reader = reader_of(self._request)
        return [(key, Link(table_label(key, table))) for key, table in reader.tables.items()]

    @cached_property
    def calendar(self) -> bool:
        """Is there anything with a time that the reader may see?"""
        reader = reader_of(self._request)
        return any(key in reader.tables for key, _ in scheduled_tables(reader.setup))

    @cached_property
    def held(self) -> int:
        return reader_of(self._request).held.exclude(reason=Reason.SPAM).count()

    @cached_property
    def who(self) -> str:
        person = reader_of(self._request).person
        return person.name or person.key


def frame(request: HttpRequest) -> dict[str, Frame]:
    return {"frame": Frame(request)}
