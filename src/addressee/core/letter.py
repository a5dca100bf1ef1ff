"""A mail that we write ourselves: said once, in blocks, and shown as text and as HTML with the same words. Pure.

The HTML is plain on purpose: no picture, no script, no colour but that of the reader's program, so that it is right on
light and dark; tables have heads, and the language is named, for those who have it read out. Each block but a form is
one line, and the first line of a notice stands in the first (core/outgoing puts the marker below or above it).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from addressee.core.language import Language

_CELL = 'style="text-align:left;vertical-align:top;padding:4px 16px 4px 0;border-bottom:1px solid"'
_BODY = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:16px;line-height:1.5"
_FORM = "font-family:ui-monospace,Consolas,monospace;font-size:14px;white-space:pre-wrap;overflow-wrap:anywhere"


@dataclass(frozen=True, slots=True)
class Said:
    """A paragraph; `head` for the one that says what the mail is about."""

    text: str
    head: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """Fields with what they were and what they are: (label, before, after); before "" where there was nothing."""

    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A sentence and what it announces, one line each."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text whose lines stay as they are: a person's words, or a form to be sent back."""

    text: str
    form: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """Something to go to: the whole sentence for the text form, a name and an address for HTML."""

    sentence: str
    name: str
    url: str


Block = Said | Values | Listed | Verbatim | Link


def as_text(blocks: Sequence[Block], words: Language) -> str:
    """A blank line between two blocks, but not between links."""
    out: list[str] = []
    for before, block in zip((None, *blocks), blocks, strict=False):
        if before is not None and not (isinstance(before, Link) and isinstance(block, Link)):
            out.append("")
        out += _text_lines(block, words)
    return "\n".join(out)


def _text_lines(block: Block, words: Language) -> list[str]:
    if isinstance(block, Values):
        return [f"  {label}: {_changed(before, after, words)}" for label, before, after in block.rows]
    if isinstance(block, Listed):
        return [block.title, *(f"  {line}" for line in block.lines)]
    if isinstance(block, Link):
        return [block.sentence]
    return block.text.split("\n")


def _changed(before: str, after: str, words: Language) -> str:
    return f"{before} → {after or words('receipt.empty')}" if before else after


def as_html(blocks: Sequence[Block], words: Language) -> str:
    """What stands in the body of the HTML form; `document` makes it whole."""
    return "\n".join(_html(block, words) for block in blocks)


def _html(block: Block, words: Language) -> str:
    if isinstance(block, Said):
        text = escape(block.text).replace("\n", "<br>")
        return f'<h1 style="font-size:20px;line-height:1.3">{text}</h1>' if block.head else f"<p>{text}</p>"
    if isinstance(block, Values):
        return _table(block, words)
    if isinstance(block, Listed):
        return f"<p>{escape(block.title)}</p><ul>{''.join(f'<li>{escape(line)}</li>' for line in block.lines)}</ul>"
    if isinstance(block, Link):
        return f'<p><a href="{escape(block.url)}">{escape(block.name)}</a></p>'
    if block.form:
        return f'<pre style="{_FORM}">{escape(block.text)}</pre>'
    return f"<p>{escape(block.text)}</p>".replace("\n", "<br>")


def _table(block: Values, words: Language) -> str:
    changed = any(before for _, before, _ in block.rows)
    heads = ("receipt.field", *(("receipt.before",) if changed else ()), "receipt.after")
    head = "".join(f'<th scope="col" {_CELL}>{escape(words(slug))}</th>' for slug in heads)
    rows = ""
    for label, before, after in block.rows:
        cells = (*((before,) if changed else ()), after or words("receipt.empty"))
        shown = "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in cells)
        rows += f'<tr><th scope="row" {_CELL}>{escape(label)}</th>{shown}</tr>'
    return f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def document(body: str, title: str, words: Language) -> str:
    """A whole HTML document; it loads nothing."""
    return (
        f'<!doctype html>\n<html lang="{words.tag}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="supported-color-schemes" content="light dark">\n'
        f'<title>{escape(title)}</title>\n</head>\n<body style="{_BODY}">\n{body}\n</body>\n</html>\n'
    )
