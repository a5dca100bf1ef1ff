"""The audit trail: plain values, no foreign keys; it outlives what it tells. Written by records/writer and people."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Entry(models.Model):
    """Who did what, when, by which message and by which right. Rows are added, never changed."""

    at = models.DateTimeField()
    what = models.CharField(max_length=40)  # create, update, comment, apply, release, password ...
    actor = models.CharField(max_length=40, blank=True)  # a person's key, "operator" or ""
    author = models.CharField(max_length=320, blank=True)
    delivery = models.BigIntegerField(null=True)
    message = models.CharField(max_length=40, blank=True)  # identity of the mail that caused it
    table = models.CharField(max_length=40, blank=True)
    record = models.UUIDField(null=True)
    right = models.CharField(max_length=200, blank=True)  # the right, token or evidence that allowed it
    revision_hash = models.CharField(max_length=64, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["record"], name="audit_by_record"),
            models.Index(fields=["delivery"], name="audit_by_delivery"),
        ]
