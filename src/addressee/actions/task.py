"""task: make a record in the table `task`, linked to the record that was written to."""

from __future__ import annotations

from addressee.core.action import Target, action
from addressee.core.schedule import Scheduled
from addressee.core.values import Assurance, Right


@action("task", needs=Right.CREATE, target=Target.ANY, least=Assurance.E3, lines=True)
class Task(Scheduled):
    """A task is made, about the record you write to; say `name: …` and `due: …`."""
