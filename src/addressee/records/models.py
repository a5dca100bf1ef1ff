"""Records of every table in one table: a JSON document, and index rows for what is looked up, sorted or unique."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q


class Record(models.Model):
    """One record. `values` holds every field in stored form (fields/); the rest is what every record has."""

    uuid = models.UUIDField(primary_key=True)
    table = models.CharField(max_length=40)
    number = models.PositiveBigIntegerField(null=True)
    title = models.TextField(blank=True)
    values = models.JSONField(default=dict)
    team = models.CharField(max_length=40, blank=True)
    account = models.CharField(max_length=40, blank=True)
    assignee = models.CharField(max_length=40, blank=True)
    created_by = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)
    unverified = models.BooleanField(default=False)
    marked = models.CharField(max_length=40, blank=True)  # why it is marked: the slug of a reason (U-20)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["table", "number"], condition=Q(number__isnull=False), name="record_number_once"
            ),
        ]
        indexes: ClassVar = [
            # the list of a table, newest first, the deleted apart
            models.Index(fields=["table", "deleted_at", "-created_at"], name="record_list"),
        ]


class RecordAddress(models.Model):
    """A part that stands for the uuid in the addresses of a record. A record without rows is addressed by its uuid."""

    part = models.UUIDField(primary_key=True)
    record = models.ForeignKey(Record, on_delete=models.CASCADE)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)  # from then on mail to it changes nothing


class IndexRow(models.Model):
    """One value of one indexed field: text (folded, first 200 characters) or number; `ukey` for unique fields."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, db_index=False)
    table = models.CharField(max_length=40)
    field = models.CharField(max_length=40)
    text = models.CharField(max_length=200, null=True)
    num = models.FloatField(null=True)
    ukey = models.CharField(max_length=64, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["table", "field", "ukey"], condition=Q(ukey__isnull=False), name="index_value_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["record"], name="index_of_record"),
            # partial: a row has text or a number, and is kept in one of the two only
            models.Index(
                fields=["table", "field", "text", "record"], condition=Q(text__isnull=False), name="index_by_text"
            ),
            models.Index(
                fields=["table", "field", "num", "record"], condition=Q(num__isnull=False), name="index_by_number"
            ),
        ]


class Revision(models.Model):
    """What one change made of a record: before and after of each changed field, by whom and by which message."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE)
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)  # create | update | delete | restore
    at = models.DateTimeField()
    actor = models.CharField(max_length=40, blank=True)
    author = models.CharField(max_length=320, blank=True)
    message = models.CharField(max_length=40, blank=True)  # identity of the mail
    fields = models.JSONField(default=dict)  # name -> {before, after}, stored form
    hash = models.CharField(max_length=64)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record", "version"], name="revision_once"),
        ]
        indexes: ClassVar = [
            # what did a message change? asked by undo
            models.Index(fields=["message"], name="revision_by_cause", condition=~Q(message="")),
        ]


class Counter(models.Model):
    """The next automatic number of a table."""

    table = models.CharField(max_length=40, primary_key=True)
    next = models.PositiveBigIntegerField(default=1)


class Turn(models.Model):
    """Whose turn it was last in a distribution (round robin)."""

    name = models.CharField(max_length=80, primary_key=True)
    person = models.CharField(max_length=40, blank=True)


class Correspondent(models.Model):
    """What binds an address to a record: it wrote to it, or was written to from it (DESIGN section 4, own)."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE, db_index=False)
    address = models.CharField(max_length=320)
    wrote_first = models.BooleanField(default=False)
    wrote = models.BooleanField(default=False)
    written_to = models.BooleanField(default=False)
    sent = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record", "address"], name="correspondent_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["address"], name="correspondent_by_address")]


class Appointment(models.Model):
    """An event that came by an invitation: its UID, and the newest sequence that was taken (RFC 5546)."""

    key = models.CharField(max_length=40, primary_key=True)  # core.calendar.uid_key
    uid = models.TextField()
    record = models.ForeignKey(Record, on_delete=models.CASCADE)
    sequence = models.PositiveIntegerField(default=0)
    organizer = models.CharField(max_length=320, blank=True)


class Follower(models.Model):
    """A person who is told of what happens to a record."""

    record = models.ForeignKey(Record, on_delete=models.CASCADE)
    person = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["record", "person"], name="follower_once")]
