"""Which parts of a message are shown as text, which are files (RFC 2183, RFC 2387). Called by core.parse."""

from __future__ import annotations

from dataclasses import dataclass, field

from addressee.core import body as bodies
from addressee.core import html, mime
from addressee.core.charsets import decode
from addressee.core.headers import parameters
from addressee.core.limits import Limits


@dataclass(slots=True)
class Segment:
    """A stretch of the shown text: the plain part, the HTML part, or both as alternatives of each other."""

    plain: list[mime.Part] = field(default_factory=list)
    html: list[mime.Part] = field(default_factory=list)
    file: bool = False  # shown because there is nothing else; not the author's own words (law 14)


# Parts of a delivery report that are read here, and no files to a person; they stay in the raw bytes.
_EVIDENCE = {"message/delivery-status", "message/global-delivery-status", "text/rfc822-headers"}


@dataclass(slots=True)
class Shown:
    segments: list[Segment] = field(default_factory=list)
    files: list[tuple[int, mime.Part]] = field(default_factory=list)  # number among the leaves, part
    status: list[mime.Part] = field(default_factory=list)  # parts that only a delivery report has
    feedback: bool = False


def sort_parts(raw: bytes, root: mime.Part, limits: Limits, defects: set[str]) -> Shown:
    shown = Shown()
    leaves = 0
    waiting: list[tuple[mime.Part, Segment | None]] = [(root, None)]
    while waiting:
        part, alternative = waiting.pop()
        if part.children:
            inside = alternative
            if part.type == "multipart/alternative" and inside is None:
                inside = Segment()
                shown.segments.append(inside)
            waiting.extend((child, inside) for child in reversed(part.children))
            continue
        leaves += 1
        if part.type in _EVIDENCE:
            shown.status.append(part)
            continue
        if part.type == "message/feedback-report":
            shown.feedback = root.type == "multipart/report"
        if part.type in {"text/plain", "text/html"} and not _is_file(part, root):
            _place(shown, part, alternative)
        else:
            shown.files.append((leaves, part))
    if not shown.segments:  # nothing for people: better the fields of a report, or a file shown inline, than nothing
        shown.segments.extend(Segment(plain=[part], file=True) for part in shown.status)
        shown.segments.extend(
            Segment(plain=[part], file=True)
            for _, part in shown.files
            if part.type == "text/plain" and disposition_of(part)[0].startswith("inline")
        )
    return shown


def _place(shown: Shown, part: mime.Part, alternative: Segment | None) -> None:
    if alternative is None:
        alternative = Segment()
        shown.segments.append(alternative)
    (alternative.plain if part.type == "text/plain" else alternative.html).append(part)


def disposition_of(part: mime.Part) -> tuple[str, dict[str, str]]:
    value = part.headers.first("content-disposition")
    return parameters(value) if value else ("", {})


def _is_file(part: mime.Part, root: mime.Part) -> bool:
    """A text part that is to be kept as a file: it says so, or it has a name and is not the whole message."""
    disposition, params = disposition_of(part)
    if disposition.startswith("attachment"):
        return True
    named = params.get("filename") or part.params.get("name")
    return bool(named) and part is not root


def declared_charset(root: mime.Part) -> str:
    """The charset of the first part that names one: a hint for raw 8-bit header fields."""
    waiting = [root]
    for _ in range(50):
        if not waiting:
            break
        part = waiting.pop()
        if part.params.get("charset"):
            return part.params["charset"]
        waiting.extend(reversed(part.children[:10]))
    return ""


@dataclass(slots=True)
class Bodies:
    text: str
    plain_text: str
    html: str
    html_text: str
    places: dict[str, str]  # cid -> where it is shown: text | signature | quote
    written: bool  # the text is the author's, not a file's
    known: dict[int, bodies.Kind]  # lines of `text` of which the HTML says what they are
    html_known: dict[int, bodies.Kind]  # the same of `html_text`


def read_bodies(raw: bytes, shown: Shown, limits: Limits, defects: set[str]) -> Bodies:
    texts, plains, pages, page_texts = [], [], [], []
    known: list[dict[int, bodies.Kind]] = []
    page_known: list[dict[int, bodies.Kind]] = []
    places: dict[str, str] = {}
    left = limits.html_chars
    any_html = any(segment.html for segment in shown.segments)
    for segment in shown.segments:
        plain = "\n".join(_leaf_text(raw, part, defects) for part in segment.plain)
        if segment.plain:
            plains.append(plain)
        pieces: list[str] = []
        pieces_known: list[dict[int, bodies.Kind]] = []
        for part in segment.html:
            source = _leaf_source(raw, part, defects)
            if len(source) > left:
                defects.add("html-too-long")
                source = source[:left]
            left -= len(source)
            page = html.read(source, limits, defects)
            pages.append(page.shown)
            pieces.append(page.text)
            pieces_known.append(dict(page.known))
            for cid, place in _places(page).items():
                places[cid] = "text" if "text" in (place, places.get(cid)) else place
        if pieces:
            page_texts.append("\n".join(pieces))
            page_known.append(_joined_known(pieces, pieces_known))
        elif any_html and plain.strip():
            pages.append(html.from_plain(plain))
        from_page = bool(pieces) and not plain.strip()
        texts.append(page_texts[-1] if from_page else plain)
        known.append(page_known[-1] if from_page else {})
    return Bodies(
        _joined(texts, limits, defects),
        _joined(plains, limits, defects),
        "\n".join(page for page in pages if page) if any_html else "",
        _joined(page_texts, limits, defects),
        places,
        not any(segment.file for segment in shown.segments),
        known[0] if len(known) == 1 else _joined_known(*_written(texts, known)),
        page_known[0] if len(page_known) == 1 else _joined_known(*_written(page_texts, page_known)),
    )


def _written(texts: list[str], known: list[dict[int, bodies.Kind]]) -> tuple[list[str], list[dict[int, bodies.Kind]]]:
    """Of texts and what is known of their lines, those that _joined keeps, as it keeps them."""
    kept = [(text.strip("\n"), its) for text, its in zip(texts, known, strict=True) if text.strip()]
    return [text for text, _ in kept], [its for _, its in kept]


def _joined_known(texts: list[str], known: list[dict[int, bodies.Kind]]) -> dict[int, bodies.Kind]:
    """What is known of the lines of texts that are joined by a line end."""
    joined: dict[int, bodies.Kind] = {}
    first = 0
    for text, its in zip(texts, known, strict=True):
        joined.update((first + at, kind) for at, kind in its.items())
        first += text.count("\n") + 1
    return joined


def _places(page: html.Html) -> dict[str, str]:
    """Where the text shows each picture: a picture that stands in several places stands in the author's own words."""
    if not page.cids:
        return {}
    text, known = page.marked
    lines = text.split("\n")
    kinds, _ = bodies.label(lines, known)
    at = {mark: kind for line, kind in zip(lines, kinds, strict=True) for mark in html.MARK.findall(line)}
    found: dict[str, str] = {}
    for number, cid in enumerate(page.pictures):
        if found.get(cid) != "text":
            found[cid] = _PLACES.get(at.get(html.mark(number), bodies.Kind.NEW), "text")
    return {cid: found.get(cid, "text") for cid in page.cids}


_PLACES = {bodies.Kind.SIGNATURE: "signature", bodies.Kind.QUOTED: "quote", bodies.Kind.CUT: "quote"}


def _joined(texts: list[str], limits: Limits, defects: set[str]) -> str:
    whole = texts[0] if len(texts) == 1 else "\n".join(text.strip("\n") for text in texts if text.strip())
    if len(whole) > limits.text_chars:
        defects.add("text-too-long")
        return whole[: limits.text_chars]
    return whole


def _leaf_source(raw: bytes, part: mime.Part, defects: set[str]) -> str:
    data = mime.content(raw, part, defects)
    charset = part.params.get("charset", "")
    if not charset and part.type == "text/html":
        charset = html.declared_charset(data)
    decoded, exact = decode(data, charset)
    if not exact and not decoded.isascii():
        defects.add("charset-guessed")
    return decoded


def _leaf_text(raw: bytes, part: mime.Part, defects: set[str]) -> str:
    decoded = _leaf_source(raw, part, defects)
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    decoded = decoded.removeprefix("\ufeff")
    if part.params.get("format", "").lower() == "flowed":
        decoded = bodies.unflow(decoded, part.params.get("delsp", "").lower() == "yes")
    return decoded
