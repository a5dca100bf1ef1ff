"""Jobs as rows: what is to be done later, or slice by slice, with a lease. Written by jobs/rows and jobs/slices."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Job(models.Model):
    """One process over one record, one action over many (a batch), or one function (a task)."""

    uuid = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=10)  # process | batch | task
    name = models.CharField(max_length=200)  # the process, the action's word, or the function's path
    key = models.CharField(max_length=120, blank=True)  # what may be started once only
    queue = models.CharField(max_length=40, default="default")
    state = models.CharField(max_length=10)  # ready | running | waiting | stopped | done | failed
    payload = models.JSONField(default=dict)  # core.process.kept, the values of an update, a task's arguments
    # what it is about, and who started it by what
    table = models.CharField(max_length=40, blank=True)
    record = models.UUIDField(null=True)
    view = models.CharField(max_length=40, blank=True)
    actor = models.CharField(max_length=40, blank=True)
    author = models.CharField(max_length=320, blank=True)
    lent = models.BooleanField(default=False)  # the rights are a guest person's
    account = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=40, blank=True)  # identity of the mail
    delivery = models.BigIntegerField(null=True)
    right = models.CharField(max_length=200, blank=True)
    # when it is worked on, and by whom
    run_at = models.DateTimeField(null=True)  # empty where nothing is to be done
    attempts = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=80, blank=True)
    claimed_until = models.DateTimeField(null=True)
    waits_for = models.CharField(max_length=15, blank=True)  # whose answer wakes it: correspondent | staff | anyone
    why = models.TextField(blank=True)  # what it waits for, or why it failed, in words
    # how far it is
    seed = models.BinaryField()  # 16 random bytes: ids that its steps make are derived from them
    total = models.PositiveIntegerField(null=True)  # records; unknown until all are listed
    listed_to = models.CharField(max_length=36, blank=True)  # the last uuid that stands in a slice
    done = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    @property
    def worked(self) -> int:
        """Records that were worked on, whatever became of them."""
        return self.done + self.unchanged + self.refused + self.failed

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key"], condition=~Q(key=""), name="job_once"),
            # what is over is never worked on again
            models.CheckConstraint(
                name="job_over_is_not_due",
                condition=~Q(state__in=["stopped", "done", "failed"]) | Q(run_at__isnull=True),
            ),
        ]
        indexes: ClassVar = [
            # the worker's question: which is due?
            models.Index(fields=["run_at"], name="job_due", condition=Q(run_at__isnull=False)),
            # the walk's: does one wait for an answer on this record?
            models.Index(fields=["record"], name="job_waiting", condition=~Q(waits_for="")),
            models.Index(fields=["-created_at"], name="job_newest"),
        ]


class Slice(models.Model):
    """A hundred records of a batch: which, and what became of each. One transaction writes it and its changes."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, db_index=False)
    number = models.PositiveIntegerField()
    records = models.JSONField(default=list)  # uuids
    results = models.JSONField(default=list)  # [outcome, why] for each of them, once done
    done_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["job", "number"], name="slice_once")]
        indexes: ClassVar = [
            models.Index(fields=["job", "number"], name="slice_to_do", condition=Q(done_at__isnull=True)),
        ]


class Slot(models.Model):
    """A time at which something periodic was done: once, whoever restarts when."""

    name = models.CharField(max_length=80)
    slot = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["name", "slot"], name="slot_once")]
