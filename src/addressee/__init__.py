"""Addressee: every record of a business has its own email address."""

__version__ = "0.1.0"
