"""Transports: code that moves bytes, in and out; knows only core."""
