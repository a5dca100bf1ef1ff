"""Persons and their addresses, sign-in and API keys (rows)."""
