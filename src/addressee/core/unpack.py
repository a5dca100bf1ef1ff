"""The files of a message: its own, those in winmail.dat, those of messages attached to it. Called by core.parse.

Archives are never unpacked. What is, is bounded in depth, number and bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from addressee.core import files, mime, parts, sniff, tnef
from addressee.core.headers import printable, raw_text
from addressee.core.limits import Limits
from addressee.core.message import MESSAGES, Attachment


@dataclass(slots=True)
class Files:
    """contents  the decoded bytes of every one, by their sha256 in hex"""

    attachments: tuple[Attachment, ...] = ()
    unpacked: tuple[Attachment, ...] = ()
    contents: dict[str, bytes] = field(default_factory=dict)


def attachments(raw: bytes, shown: parts.Shown, places: dict[str, str], limits: Limits, defects: set[str]) -> Files:
    """places  cid -> where the HTML shows it"""
    out = Files()
    own = [_of_part(raw, number, part, places, limits, defects) for number, part in shown.files]
    out.attachments = tuple(_with_contents(own, out, limits, defects))
    return out


def _with_contents(
    own: list[tuple[Attachment, bytes]], out: Files, limits: Limits, defects: set[str]
) -> list[Attachment]:
    """The files of the message itself; what they hold is put into `out`, container by container."""
    top: list[Attachment] = []
    waiting: deque[tuple[Attachment, bytes, int]] = deque()
    for attachment, content in own:
        out.contents[attachment.sha256] = content
        opened = _is_container(attachment, content)
        top.append(replace(attachment, opened=opened))
        if opened:
            waiting.append((attachment, content, 1))
    left = limits.unpacked_bytes
    found: list[Attachment] = []
    while waiting:
        container, content, depth = waiting.popleft()
        if depth > limits.containers:
            defects.add("too-deep")
            continue
        for attachment, inner in _files_of(container, content, limits, defects):
            left -= len(inner)
            if left < 0 or len(found) >= limits.parts:
                defects.add("too-much-unpacked")
                out.unpacked = tuple(found)
                return top
            out.contents[attachment.sha256] = inner
            opened = _is_container(attachment, inner) and depth < limits.containers
            inside = container.inside or container.type in MESSAGES
            found.append(replace(attachment, opened=opened, within=container.name, inside=inside))
            if opened:
                waiting.append((found[-1], inner, depth + 1))
    out.unpacked = tuple(found)
    return top


def _is_container(attachment: Attachment, content: bytes) -> bool:
    return attachment.type in MESSAGES or tnef.is_tnef(content)


def _files_of(
    container: Attachment, content: bytes, limits: Limits, defects: set[str]
) -> Iterator[tuple[Attachment, bytes]]:
    if tnef.is_tnef(content):
        for number, file in enumerate(tnef.files_in(content), start=1):
            yield _attachment(file.name, file.type, number, file.content, limits), file.content
        return
    root, odd = mime.split(content, limits)
    defects |= odd & {"too-deep", "too-many-parts"}
    shown = parts.sort_parts(content, root, limits, defects)
    for number, part in shown.files:
        yield _of_part(content, number, part, {}, limits, defects)


def _of_part(
    raw: bytes, number: int, part: mime.Part, places: dict[str, str], limits: Limits, defects: set[str]
) -> tuple[Attachment, bytes]:
    content = mime.content(raw, part, defects)
    disposition, params = parts.disposition_of(part)
    content_id = printable(raw_text(part.headers.first("content-id")[:1_000])).strip("<> ")[:250]
    made = _attachment(params.get("filename") or part.params.get("name") or "", part.type, number, content, limits)
    place = places.get(content_id.lower(), "") if content_id else ""
    meant = place or disposition.startswith("inline") or (content_id and not disposition.startswith("attachment"))
    picture = ""
    if meant and made.kept_as.startswith("image/"):
        picture = "small" if sniff.is_small_picture(content) else "large"
    return replace(
        made,
        inline=bool(place) or disposition.startswith("inline"),
        said_inline=disposition.startswith("inline"),
        content_id=content_id,
        place=place,
        picture=picture,
    ), content


def _attachment(given: str, kind: str, number: int, content: bytes, limits: Limits) -> Attachment:
    name = files.safe_name(given, limits)
    sniffed = sniff.sniff(name, kind, content)
    return Attachment(
        name=name or files.made_up_name(kind, number),
        type=kind or sniffed.type,
        size_bytes=len(content),
        sha256=sha256(content).hexdigest(),
        kept_as=sniffed.type,
        endings=sniffed.endings,
        danger=sniffed.danger,
    )
