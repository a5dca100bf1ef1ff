"""Rules: one file each, pure; each may settle a message before it is routed, or let it pass with a mark (accept)."""
