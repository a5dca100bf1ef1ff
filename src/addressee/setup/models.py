"""The setup as rows: one Item a table, view, role …, and one State row that holds the version."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Item(models.Model):
    """One thing of the setup: kind "tables", key "case", its data as the file would write it."""

    kind = models.CharField(max_length=20)  # site | tables | views | roles | teams | accounts | filters | ...
    key = models.CharField(max_length=200)
    position = models.PositiveIntegerField(default=0)
    data = models.JSONField()
    applied = models.JSONField(default=dict)  # as the last `apply` left it: what differs was changed on a page
    changed_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["kind", "key"], name="setup_item_once")]


class State(models.Model):
    """The version of the setup; every change adds one, and every part loads the setup again when it differs."""

    version = models.PositiveBigIntegerField(default=0)
