"""Append-only entries: who, when, by which message, by which right."""
