"""The spool, tokens, threads, communications and the outbox (rows)."""
