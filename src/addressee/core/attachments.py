"""Which files of a message are taken, and why the others are left out (U-64, DESIGN section 6). Pure."""

from __future__ import annotations

from addressee.core.message import Message
from addressee.core.setup import Account, AttachmentRules, Setup
from addressee.core.values import FileDecision

_SAME = {"jpeg": "jpg", "tif": "tiff", "htm": "html"}

SENTENCES = {
    "too-many": "more files than one message may bring",
    "too-large": "larger than a file may be",
    "type-not-taken": "a type that is not taken here",
}


def sort_files(message: Message, account: Account | None, setup: Setup) -> tuple[FileDecision, ...]:
    """Every attachment with what becomes of it; inline pictures are kept and do not count."""
    rules = account.attachments if account else None
    count = rules.count if rules and "count" in rules.model_fields_set else setup.option("attachment_count")
    size = (
        rules.size_bytes if rules and "size_bytes" in rules.model_fields_set else setup.option("attachment_size_bytes")
    )
    taken = 0
    decided: list[FileDecision] = []
    for attachment in message.attachments:
        if attachment.size_bytes > size:
            decided.append(FileDecision(attachment, False, "too-large"))
        elif attachment.inline:
            decided.append(FileDecision(attachment, True, "inline"))
        elif not _type_taken(attachment.name, rules):
            decided.append(FileDecision(attachment, False, "type-not-taken"))
        elif taken >= count:
            decided.append(FileDecision(attachment, False, "too-many"))
        else:
            taken += 1
            decided.append(FileDecision(attachment, True))
    return tuple(decided)


def _type_taken(name: str, rules: AttachmentRules | None) -> bool:
    if rules is None or not rules.types:
        return True
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    taken = {_SAME.get(t.lower().lstrip("."), t.lower().lstrip(".")) for t in rules.types}
    return _SAME.get(ending, ending) in taken
