"""Persons of the firm and guest persons; their addresses; their API keys."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class Person(AbstractBaseUser):
    """Someone with a role, or a guest person whose rights strangers borrow (who may not sign in)."""

    key = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200, blank=True)
    roles = models.JSONField(default=list)  # keys of roles of the setup
    guest = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    time_zone = models.CharField(max_length=64, blank=True)
    language = models.CharField(max_length=12, blank=True)
    away = models.JSONField(default=list)  # ISO intervals, "2026-12-24/2027-01-02"
    item = models.JSONField(default=dict)  # as the last `apply` left it: what differs was changed on a page
    changed_by = models.CharField(max_length=40, blank=True)  # a person's key, or "operator" for `apply`

    USERNAME_FIELD = "key"
    objects: ClassVar = BaseUserManager()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="person_key_not_empty", condition=~models.Q(key=""))]


class PersonAddress(models.Model):
    """One address of one person, normalised (core.addresses.normal); `position` 0 is the primary one."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="addresses")
    address = models.CharField(max_length=320, unique=True)
    written = models.CharField(max_length=320, blank=True)  # as the setup wrote it, for dump
    position = models.PositiveSmallIntegerField(default=0)


class Key(models.Model):
    """An API key (Authorization: Bearer), stored hashed; shown once."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="keys")
    hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
