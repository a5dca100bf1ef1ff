"""Files and raw messages as downloads: never rendered in our origin (law 17). Called by records and messages."""

from __future__ import annotations

from typing import BinaryIO

from django.http import FileResponse, Http404, HttpResponse

from addressee.core.files import safe_name
from addressee.records import files

_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
# What an <img> in the sandboxed frame may show. SVG is a document, not an image.
_IMAGES = frozenset(["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"])

_THUMBNAILS = frozenset(["image/png", "image/jpeg", "image/gif"])
_MOST_THUMBNAIL_BYTES = 2_000_000


def download(sha256: str, name: str) -> FileResponse:
    """The bytes as they came, to be saved. Raises Http404 when the store lacks them."""
    return _closed(FileResponse(_open(sha256), as_attachment=True, filename=safe_name(name) or "file"))


def inline_image(sha256: str, kind: str) -> FileResponse:
    """An image that a mail shows by cid:. An <img> takes it; whoever opens its address gets a download."""
    if kind.lower() not in _IMAGES:
        raise Http404("image")
    response = FileResponse(_open(sha256), as_attachment=True, filename="image", content_type=kind.lower())
    response = _closed(response, kind.lower())
    response["Cache-Control"] = "private, max-age=600"
    return response


def is_thumbnail(kind: str, size_bytes: int) -> bool:
    """May a list show it small? Kinds that every browser only draws, by what their bytes say (core/sniff)."""
    return kind.lower() in _THUMBNAILS and 0 < size_bytes <= _MOST_THUMBNAIL_BYTES


def message_bytes(raw: bytes, name: str) -> HttpResponse:
    """A raw message, to be saved as an .eml file."""
    response = HttpResponse(raw, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name}.eml"'
    response["Content-Security-Policy"] = _POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _closed(response: FileResponse, kind: str = "application/octet-stream") -> FileResponse:
    response["Content-Type"] = kind
    response["Content-Security-Policy"] = _POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _open(sha256: str) -> BinaryIO:
    try:
        return files.open(sha256)
    except (FileNotFoundError, ValueError) as error:
        raise Http404("the file store lacks it") from error
