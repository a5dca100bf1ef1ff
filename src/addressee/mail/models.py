"""Mail as rows: raw bytes, deliveries (the spool), messages, communications, tokens, outbox, suppressions."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from addressee.records.models import Record


class RawMessage(models.Model):
    """The bytes as they came. Up to 256 kB they stand here; larger ones in the file store under sha256."""

    sha256 = models.CharField(max_length=64)
    size_bytes = models.PositiveBigIntegerField()
    bytes = models.BinaryField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="raw_size_positive", condition=Q(size_bytes__gt=0)),
        ]
        indexes: ClassVar = [models.Index("sha256", name="raw_by_hash")]


class Message(models.Model):
    """One message as we read it, whoever holds it; `identity` is law 3's."""

    identity = models.CharField(max_length=40, primary_key=True)
    message_id = models.TextField(blank=True)
    message_id_hash = models.CharField(max_length=40, blank=True)  # of message_id: ids may be of any length
    raw = models.ForeignKey(RawMessage, on_delete=models.PROTECT, db_index=False)
    author = models.CharField(max_length=320, blank=True)
    author_name = models.TextField(blank=True)
    subject = models.TextField(blank=True)
    date = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)  # sanitised
    new_text = models.TextField(blank=True)
    data = models.JSONField(default=dict)  # to, cc, references, defects, nature …

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["message_id_hash"], name="message_by_id", condition=~Q(message_id_hash="")),
        ]


class Delivery(models.Model):
    """One message for one recipient of ours: the row of the spool."""

    raw = models.ForeignKey(RawMessage, on_delete=models.PROTECT)
    recipient = models.CharField(max_length=320, blank=True)
    envelope = models.JSONField(default=dict)  # core.message.Envelope as JSON
    seed = models.BinaryField()  # 16 random bytes: ids that its decision makes are derived from them
    received_at = models.DateTimeField()
    author_hash = models.CharField(max_length=40, blank=True)  # of the From bytes: one worker an author (law 7)
    message_id = models.TextField(blank=True)  # as the header says, for the lists and for `trace ID`
    message_id_hash = models.CharField(max_length=40, blank=True)
    file = models.TextField(blank=True)  # what `receive` was given, told back in its line
    due_at = models.DateTimeField(null=True)  # next work on it; empty once settled
    attempts = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=80, blank=True)
    claimed_until = models.DateTimeField(null=True)
    override = models.JSONField(null=True)  # what a person said of a held one (release, route)
    # once decided:
    disposition = models.CharField(max_length=8, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    settled_at = models.DateTimeField(null=True)
    identity = models.CharField(max_length=40, blank=True)
    target = models.CharField(max_length=80, blank=True)  # law 3: one effect a message and target
    author = models.CharField(max_length=320, blank=True)
    subject = models.TextField(blank=True)
    result = models.JSONField(default=dict)  # the rest of the contract's line: trace, effects, replies …

    class Meta:
        constraints: ClassVar = [
            # settled means disposed
            models.CheckConstraint(
                name="spool_settled_means_disposed",
                condition=(Q(due_at__isnull=True) & ~Q(disposition="")) | (Q(due_at__isnull=False) & Q(disposition="")),
            ),
            # law 3: a message has its effect on each target once
            models.UniqueConstraint(
                fields=["identity", "target"],
                condition=Q(disposition="accept") & ~Q(target=""),
                name="delivery_effect_once",
            ),
        ]
        indexes: ClassVar = [
            # the worker's question: which deliveries wait, in the order of acceptance?
            models.Index(fields=["id"], name="spool_waiting", condition=Q(due_at__isnull=False)),
            # does an author have a deferred one? (law 7)
            models.Index(
                fields=["author_hash", "due_at"],
                name="spool_by_author",
                condition=Q(due_at__isnull=False) & ~Q(author_hash=""),
            ),
            # which authors does a worker have in hand?
            models.Index(fields=["claimed_until"], name="spool_claimed", condition=Q(claimed_until__isnull=False)),
            models.Index(fields=["disposition", "reason"], name="spool_by_disposition"),
            models.Index(fields=["message_id_hash"], name="spool_by_message_id", condition=~Q(message_id_hash="")),
            models.Index(fields=["identity"], name="spool_by_identity", condition=~Q(identity="")),
        ]


class Communication(models.Model):
    """A message linked to a record, or a post in its stream."""

    uuid = models.UUIDField(primary_key=True)
    record = models.ForeignKey(Record, on_delete=models.CASCADE, db_index=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, null=True)
    kind = models.CharField(max_length=10)  # mail | comment | notice | bounce
    visibility = models.CharField(max_length=8)
    at = models.DateTimeField()
    actor = models.CharField(max_length=40, blank=True)
    author = models.CharField(max_length=320, blank=True)
    text = models.TextField(blank=True)
    unverified = models.BooleanField(default=False)
    withheld = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["record", "message"], condition=Q(message__isnull=False), name="communication_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["record", "at"], name="communication_of_record")]


class File(models.Model):
    """One attachment: on its message, on the communication, and in a file field of the record where one is mapped."""

    communication = models.ForeignKey(Communication, on_delete=models.CASCADE, null=True)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=255)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    inline = models.BooleanField(default=False)
    content_id = models.CharField(max_length=255, blank=True)
    stored = models.BooleanField(default=True)
    reason = models.CharField(max_length=40, blank=True)  # why it was left out
    position = models.PositiveIntegerField(default=0)  # among Message.files
    within = models.CharField(max_length=255, blank=True)  # the container it was unpacked from
    author_domain = models.CharField(max_length=255, blank=True)  # of pictures that may be part of a signature

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["message", "position"], condition=Q(message__isnull=False), name="file_once"
            ),
        ]
        indexes: ClassVar = [
            # in which messages of a domain did a picture stand? (U-65)
            models.Index(
                fields=["sha256", "author_domain", "message"], name="file_pictures", condition=~Q(author_domain="")
            ),
        ]


class Token(models.Model):
    """A reply token, by its hash: for one outgoing message, one address, one record."""

    hash = models.CharField(max_length=40, primary_key=True)
    record = models.ForeignKey(Record, on_delete=models.CASCADE)
    address = models.CharField(max_length=320)
    account = models.CharField(max_length=40, blank=True)
    notice = models.BooleanField(default=False)
    form = models.TextField(blank=True)  # the values that the message showed to be edited, as JSON; "" for none
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    uses = models.PositiveIntegerField(default=0)


class Code(models.Model):
    """A one-time code, by its hash: sent to one address, it confirms what one held delivery asks (level E5)."""

    hash = models.CharField(max_length=40, primary_key=True)
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE)
    address = models.CharField(max_length=320)
    shown = models.CharField(max_length=40)  # what would change, as it was shown (core/confirmation.essence)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class OutboxItem(models.Model):
    """One message to one address, to be sent. Written only by mail/outbox, in the transaction of its cause."""

    kind = models.CharField(max_length=12)  # receipt | auto_reply | notification | redirect | composed | confirmation
    to = models.CharField(max_length=320)
    account = models.CharField(max_length=40, blank=True)
    envelope_sender = models.CharField(max_length=320, blank=True)  # "" = the null reverse-path
    sender = models.CharField(max_length=320)
    subject = models.TextField(blank=True)
    message_id = models.CharField(max_length=200)
    message_id_hash = models.CharField(max_length=40)
    in_reply_to = models.TextField(blank=True)
    content = models.JSONField(default=dict)  # headers, text, html, files: all that the bytes are made of
    record = models.ForeignKey(Record, on_delete=models.SET_NULL, null=True)
    message = models.CharField(max_length=40, blank=True)  # identity of the message that caused it
    delivery = models.ForeignKey(Delivery, on_delete=models.SET_NULL, null=True, db_index=False)
    token_hash = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField()
    state = models.CharField(max_length=10, default="queued")  # queued | sent | deferred | failed | cancelled
    due_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    claimed_by = models.CharField(max_length=80, blank=True)
    claimed_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], name="outbox_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["to", "created_at"], name="outbox_by_address"),
            models.Index(fields=["message_id_hash"], name="outbox_by_message_id"),
        ]


class GatheredNotice(models.Model):
    """A notice above the limit of an hour: told in one digest with the others to its address (law 10)."""

    to = models.CharField(max_length=320)
    person = models.CharField(max_length=40)
    account = models.CharField(max_length=40, blank=True)
    communication = models.ForeignKey(Communication, on_delete=models.CASCADE, db_index=False)
    at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    digest = models.ForeignKey(OutboxItem, on_delete=models.SET_NULL, null=True)  # empty: it was not told any more

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["to", "at"], name="notice_waiting", condition=Q(done_at__isnull=True))
        ]


class LimitMark(models.Model):
    """One event that a limit counts: a guest's create by address or domain, an unknown token by address."""

    key = models.CharField(max_length=320)
    what = models.CharField(max_length=20)  # create | bad-token | held-back
    at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["key", "what", "at"], name="limit_mark")]


class Suppression(models.Model):
    """An address that gets no mail from us, and why."""

    address = models.CharField(max_length=320, primary_key=True)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField()


class FileLink(models.Model):
    """A file that went as a link, by the hash of its token: for one address, until a day."""

    hash = models.CharField(max_length=40, primary_key=True)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=255)
    size_bytes = models.PositiveBigIntegerField()
    address = models.CharField(max_length=320)
    record = models.ForeignKey(Record, on_delete=models.CASCADE, null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    uses = models.PositiveIntegerField(default=0)
