"""Outsiders' text made fit to be shown: what hides or turns the line around becomes visible. Called by templates.

Escaping is the templates' own; this is about characters that HTML lets through (THREATS S10).
"""

from __future__ import annotations

import re

_BIDI = {
    0x202A: "LRE", 0x202B: "RLE", 0x202C: "PDF", 0x202D: "LRO", 0x202E: "RLO",
    0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI",
}  # fmt: skip
_MARKS = {0x200E: "LRM", 0x200F: "RLM", 0x061C: "ALM"}  # harmless in a text of many lines, a disguise in a name
_CONTROLS = {
    **{code: chr(0x2400 + code) for code in range(0x20)},
    0x7F: "\u2421",
    **{code: f"⟨{code:02X}⟩" for code in range(0x80, 0xA0)},
}
_SURROGATES = re.compile("[\ud800-\udfff]")
# nothing to see and nothing to read: zero-width spaces and joins, and the plane of tags
_UNSEEN = re.compile("[\u200b\u2060-\u2064\ufeff\u00ad\U000e0000-\U000e007f]")
_BREAKS = re.compile("[\\s\u2028\u2029\x85]+")

_SHOWN = {code: f"⟨{name}⟩" for code, name in _BIDI.items()}
_ONE_LINE = _CONTROLS | _SHOWN | {code: f"⟨{name}⟩" for code, name in _MARKS.items()}
_LINES = {code: shown for code, shown in _ONE_LINE.items() if code not in (0x09, 0x0A) and code not in _MARKS}


def one_line(text: object) -> str:
    """A subject, name or address as one line; direction marks and controls are spelled out, invisible ones gone."""
    clean = _UNSEEN.sub("", _SURROGATES.sub("\ufffd", str(text)))
    return _BREAKS.sub(" ", clean).translate(_ONE_LINE).strip()


def lines(text: object) -> str:
    """A text of many lines, line ends made equal; overriding directions and controls are spelled out."""
    clean = _SURROGATES.sub("\ufffd", str(text)).replace("\r\n", "\n").replace("\r", "\n")
    return clean.replace("\u2028", "\n").replace("\u2029", "\n").translate(_LINES)
