"""Names of attachments that are safe anywhere, and a name where the sender gave none. Called by core.parse."""

from __future__ import annotations

import re

from addressee.core.limits import DEFAULT, Limits

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff]+")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[\d¹²³]|conin\$|conout\$) *(?:\.|$)", re.IGNORECASE)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,12}$")
# What people expect to see; anything else is .bin. The mimetypes module would read the machine's own tables.
_BY_TYPE = {
    "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "text/csv": "csv", "text/vcard": "vcf",
    "text/x-vcard": "vcf", "text/xml": "xml", "text/rfc822-headers": "txt", "text/enriched": "txt",
    "text/richtext": "txt", "text/markdown": "md", "message/rfc822": "eml", "message/delivery-status": "txt",
    "message/feedback-report": "txt", "message/global": "eml", "message/disposition-notification": "txt",
    "image/png": "png", "image/jpeg": "jpg", "image/jpg": "jpg", "image/gif": "gif", "image/webp": "webp",
    "image/svg+xml": "svg", "image/tiff": "tif", "image/bmp": "bmp", "image/heic": "heic", "audio/mpeg": "mp3",
    "audio/wav": "wav", "audio/x-wav": "wav", "audio/ogg": "ogg", "video/mp4": "mp4", "video/quicktime": "mov",
    "application/pdf": "pdf", "application/zip": "zip", "application/gzip": "gz", "application/json": "json",
    "application/xml": "xml", "application/msword": "doc", "application/vnd.ms-excel": "xls",
    "application/ms-tnef": "dat", "application/pgp-signature": "asc", "application/pgp-keys": "asc",
    "application/pkcs7-signature": "p7s", "application/x-pkcs7-signature": "p7s", "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m", "application/ics": "ics", "application/rtf": "rtf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt", "application/vnd.oasis.opendocument.spreadsheet": "ods",
}  # fmt: skip


def safe_name(name: str, limits: Limits = DEFAULT) -> str:
    """The last part of a path, printable, at most `limits.name_bytes` in UTF-8; "" where nothing is left.

    No path separators, control characters or marks that turn the direction of writing; no name that a file
    system treats as a device or hides. Idempotent.
    """
    last = _UNSAFE.sub("", name[:4_096]).replace("\\", "/").rstrip("/ .").rpartition("/")[2]
    last = re.sub(r'[<>:"|?*]', "_", re.sub(r" {2,}", " ", last)).strip().strip(" .")
    if _RESERVED.match(last):
        last = "_" + last
    encoded = last.encode("utf-8", "replace")
    if len(encoded) <= limits.name_bytes:
        return encoded.decode()
    extension = _EXTENSION.search(last)
    tail = extension[0] if extension else ""
    head = encoded[: limits.name_bytes - len(tail)].decode("utf-8", "ignore")
    return head.rstrip(" .") + tail


def made_up_name(kind: str, number: int) -> str:
    """A name for a part without one: "part-3.pdf"."""
    return f"part-{number}.{_BY_TYPE.get(kind, 'bin')}"
