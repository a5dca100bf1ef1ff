"""The setup as rows: one Item a table, view, role …, and one State row that holds the version. Used by setup/store."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Item(models.Model):
    """One thing of the setup: kind "tables", key "case", its data as the file would write it.

    The data are JSON in a text column: PostgreSQL's own JSON type forgets the order of keys, and the order of
    fields is what people see. `applied` is the same as the last `apply` left it: what differs was changed on a page.
    """

    kind = models.CharField(max_length=20)  # site | tables | views | roles | teams | accounts | filters | ...
    key = models.CharField(max_length=200)
    position = models.PositiveIntegerField(default=0)
    data = models.TextField()
    applied = models.TextField(default="{}")
    changed_by = models.CharField(max_length=40, blank=True)  # a person's key, or "operator" for `apply`

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "key"], name="setup_item_once")]


class State(models.Model):
    """One row. Every change adds one to the version; every part loads the setup again when version or digest differ."""

    version = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the document
    unfinished = models.JSONField(default=list)  # tables whose old records have their new titles still to come
