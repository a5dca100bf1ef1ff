"""The limits and other figures of a site: name, default, unit and reason, in one table (DESIGN section 6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    default: int
    unit: str
    doc: str
    least: int = 0
    most: int = 2**53


OPTIONS: dict[str, Option] = {
    "message_size_bytes": Option(26_214_400, "bytes", "the largest message taken (552 above it) and worked on", 1000),
    "header_size_bytes": Option(65_536, "bytes", "one header; what is longer is shortened in our reading of it"),
    "headers_size_bytes": Option(524_288, "bytes", "all headers of a message"),
    "part_count": Option(1_000, "parts", "MIME parts read in a message"),
    "part_depth": Option(30, "levels", "MIME parts within each other"),
    "attachment_count": Option(5, "files", "files taken from one message"),
    "attachment_size_bytes": Option(10_485_760, "bytes", "one file taken from a message"),
    "scan_seconds": Option(20, "seconds", "showing the files of a batch to the scanner; what is left waits", 1, 40),
    "attached_size_bytes": Option(5_242_880, "bytes", "files attached to one mail of ours; above it links"),
    "link_days": Option(14, "days", "a link to a file is honoured this long", 1, 3650),
    "copy_count": Option(20, "addresses", "addresses in Cc that the answer to a command goes to"),
    "address_count": Option(500, "addresses", "addresses read in a message"),
    "assignment_count": Option(200, "lines", "field lines in one message"),
    "list_rows": Option(50, "records", "records that the answer to `read` on a table shows; it counts all", 1, 1000),
    "value_size_bytes": Option(65_536, "bytes", "one value set by a field line"),
    "text_size_bytes": Option(1_048_576, "bytes", "text shown"),
    "html_size_bytes": Option(2_097_152, "bytes", "HTML sanitised and shown"),
    "received_count": Option(40, "headers", "Received headers; more is a loop"),
    "soft_seconds": Option(2, "seconds", "reading one message; above it the trace says so"),
    "hard_seconds": Option(30, "seconds", "reading one message; then the child is killed"),
    "memory_bytes": Option(536_870_912, "bytes", "memory of the child that reads one message"),
    "attempts": Option(3, "tries", "a message that kills or hangs the worker, before it is held"),
    "history_days": Option(7, "days", "mail that arrived longer ago is history (law 8)"),
    "order_wait_seconds": Option(300, "seconds", "a deferred message holds back later ones of its author (law 7)"),
    "automatic_per_hour": Option(5, "messages", "automatic mail to one address without a role"),
    "automatic_per_day": Option(20, "messages", "automatic mail to one address without a role"),
    "answers_per_hour": Option(60, "messages", "answers to a proven person's own commands"),
    "notices_per_hour": Option(20, "messages", "notifications to one person; more are gathered"),
    "creates_per_hour": Option(20, "records", "records made for one address by a guest's rights"),
    "domain_creates_per_hour": Option(60, "records", "records made for one domain by a guest's rights"),
    "bad_tokens_per_hour": Option(10, "tries", "unknown reply tokens of one author, then held"),
    "confirm_above": Option(20, "records", "a command over more records asks first"),
    "confirm_hours": Option(24, "hours", "a confirmation may be given this long; its code counts once"),
    "undo_changes": Option(500, "changes", "what one undo takes back at most"),
    "token_days": Option(730, "days", "a reply token is honoured this long; 0 = for ever"),
    "job_days": Option(90, "days", "a job that is over is kept this long, with its results; 0 = for ever"),
    "connections": Option(30, "connections", "SMTP sessions at once from one address"),
    "connections_per_minute": Option(300, "connections", "SMTP sessions a minute from one address"),
    "webhook_private": Option(
        0, "yes is 1", "may webhooks go to private addresses: your own network, this host?", 0, 1
    ),
    "recipients": Option(100, "recipients", "recipients of one message"),
}
