"""Append-only entries: who, when, by which message, by which right. Also the clock and the checkpoints."""
