"""Functions that the tests of the Tasks API ask for."""

from __future__ import annotations

from django_tasks import task

from addressee.records.models import Turn

fail_first: list[int] = []


@task()
def note(name: str, *, person: str) -> str:
    """Leave a row, so that one can count how often it was called."""
    Turn.objects.create(name=name, person=person)
    if fail_first:
        fail_first.pop()
        raise RuntimeError("not this time")
    return f"noted {name}"
