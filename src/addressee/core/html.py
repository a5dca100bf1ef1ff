"""HTML of a message: sanitised for the page, and as text for reading. Called by core.parse.

The text is made by a walk of our own over lxml's tree, not by a converter: those pad table cells to the widest
(rows times width: a few kilobytes become gigabytes), recurse, and lose what we need, the depth of quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import nh3
from lxml import etree

from addressee.core.limits import DEFAULT, Limits

MOST_TAGS = 60_000
MOST_ATTRIBUTES = 300  # of one element: libxml2 compares each with all before it

_HIDDEN_STYLE = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:;|!|$)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$))",
    re.IGNORECASE,
)
_DROPPED = {
    "script", "style", "head", "title", "template", "object", "applet", "iframe", "frameset", "noframes",
    "audio", "video", "canvas", "svg", "math", "select", "textarea", "noscript", "xml", "link", "meta", "base",
}  # fmt: skip
_BLOCKS = {
    "address", "article", "aside", "blockquote", "center", "dd", "details", "dir", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "header", "legend", "li", "main", "menu", "nav", "ol", "section",
    "summary", "table", "tbody", "tfoot", "thead", "tr", "ul", "caption", "body", "html", "pre",
}  # fmt: skip
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6"}
_SPACE = re.compile(r"[ \t\r\n\f]+")
_CID = re.compile(r"cid:([^\s\"'<>]{1,250})", re.IGNORECASE)
_SAFE_STYLE = re.compile(r"[^\\@(]*(?:(?:rgba?|hsla?)\([0-9., %]*\)[^\\@(]*)*")
_STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-color", "border-left", "border-radius",
    "border-right", "border-spacing", "border-style", "border-top", "border-width", "color", "direction",
    "font", "font-family", "font-size", "font-style", "font-variant", "font-weight", "height", "letter-spacing",
    "line-height", "margin", "margin-bottom", "margin-left", "margin-right", "margin-top", "max-width", "padding",
    "padding-bottom", "padding-left", "padding-right", "padding-top", "text-align", "text-decoration",
    "text-indent", "text-transform", "vertical-align", "white-space", "width",
}  # fmt: skip
_TAGS = {
    "a", "abbr", "acronym", "address", "b", "bdi", "bdo", "big", "blockquote", "br", "caption", "center", "cite",
    "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "font", "h1",
    "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp",
    "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt",
    "u", "ul", "var", "wbr",
}  # fmt: skip
_PRESENTATION = {"align", "valign", "bgcolor", "width", "height", "dir", "lang", "title", "style"}
_ATTRIBUTES = {
    "*": _PRESENTATION,
    "a": {"href"},
    "img": {"src", "alt", "border"},
    "font": {"color", "face", "size"},
    "table": {"border", "cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan", "nowrap"},
    "th": {"colspan", "rowspan", "nowrap"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value"},
    "col": {"span"},
    "colgroup": {"span"},
}


def _attribute(tag: str, attribute: str, value: str) -> str | None:
    """The last word on one attribute: an image is a part of the mail, a link is no part, a style fetches nothing."""
    if attribute == "src":
        return value if value[:4].lower() == "cid:" else None
    if attribute == "href":
        return None if value[:4].lower() == "cid:" else value
    if attribute == "style":
        return value if len(value) < 2_000 and _SAFE_STYLE.fullmatch(value) else None
    return value if len(value) < 2_000 else None


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags={"script", "style", "title", "template", "noscript", "svg", "math", "xml", "select", "textarea"},
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    link_rel="noopener noreferrer",
    url_schemes={"http", "https", "mailto", "cid"},
    url_relative="deny",
    filter_style_properties=_STYLES,
    set_tag_attribute_values={"a": {"target": "_blank"}},
)


@dataclass(frozen=True, slots=True)
class Html:
    """One HTML part, read: what may be shown, what it says, which parts it shows by cid."""

    shown: str
    text: str
    cids: frozenset[str]


def read(source: str, limits: Limits = DEFAULT, defects: set[str] | None = None) -> Html:
    """Sanitise one HTML part and make text of it; hidden elements are in neither. Never raises, linear."""
    odd = defects if defects is not None else set()
    if len(source) > limits.html_chars:
        odd.add("html-too-long")
        source = source[: limits.html_chars]
    if source.count("<") > MOST_TAGS:
        odd.add("html-too-complex")
        source = _first_tags(source)
    root = _tree(_without_crowded_tags(source, odd))
    if root is None:
        return Html("", "", frozenset())
    _drop_unseen(root)
    # libxml2 builds no tree deeper than 256 and lxml writes every element closed: on tag soup an HTML5 parser may
    # copy open formatting elements again and again, which on a hostile source grows with its square.
    balanced = etree.tostring(root, encoding="unicode", method="html", with_tail=False)
    shown = _CLEANER.clean(balanced)
    cids = frozenset(found[1].lower() for found in _CID.finditer(shown)) if "cid:" in shown else frozenset()
    return Html(shown.strip(), text_of(root), cids)


def _first_tags(source: str) -> str:
    """The source up to its MOST_TAGS-th tag."""
    for count, found in enumerate(re.finditer("<", source)):
        if count >= MOST_TAGS:
            return source[: found.start()]
    return source


# A start tag as HTML5 reads it: up to the first ">" that is not in a quoted value.
_START_TAG = re.compile(r"""<([a-zA-Z][a-zA-Z0-9:]*+)[^>=]*+(?:=\s*+(?:"[^"]*+"|'[^']*+')?[^>=]*+)*+""")
_LONG_RUN = re.compile(r"[^>]{1000}")
_SEPARATORS = "= \n\t\r\f/"


def _without_crowded_tags(source: str, odd: set[str]) -> str:
    """The source, in which a tag with more than MOST_ATTRIBUTES attributes has none."""
    if source.count("=") < MOST_ATTRIBUTES and not _LONG_RUN.search(source):
        return source

    def bare(tag: re.Match[str]) -> str:
        text = tag[0]
        if len(text) < MOST_ATTRIBUTES * 2 or sum(map(text.count, _SEPARATORS)) < MOST_ATTRIBUTES:
            return text
        odd.add("html-too-complex")
        return f"<{tag[1]}"

    return _START_TAG.sub(bare, source)


def _tree(source: str) -> etree._Element | None:
    parser = etree.HTMLParser(
        encoding="utf-8", recover=True, no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        root = etree.fromstring(source.encode("utf-8", "replace"), parser)
    except (etree.LxmlError, ValueError):
        return None
    return root if root is not None else None


def _drop_unseen(root: etree._Element) -> None:
    """Take out what a reader would not see, and what has no text."""
    unseen = []
    for element in root.iter(etree.Element):
        style = element.get("style")
        if (
            element.tag in _DROPPED
            or element.get("hidden") is not None
            or (style is not None and _HIDDEN_STYLE.search(style))
            or (element.tag == "input")
        ):
            unseen.append(element)
    for element in unseen:  # emptied rather than removed: joining the text around them would be quadratic
        element.clear(keep_tail=True)
        element.tag = "span"


def _is_quote(element: etree._Element) -> bool:
    """A blockquote that quotes mail; the ones that only indent say so by having no border (Gmail, Outlook)."""
    style = (element.get("style") or "").replace(" ", "").lower()
    return not ("border:none" in style and element.get("type") != "cite")


class _Lines:
    """Text as it is laid out: lines, white space collapsed as a browser does, quotes marked with "> "."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.run: list[str] = []
        self.depth = 0
        self.pre = 0
        self.gap = False

    def words(self, text: str) -> None:
        if self.pre:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self.run.append(first)
            for line in rest:
                self.end_line(forced=True)
                self.run.append(line)
            return
        self.run.append(text)

    def end_line(self, forced: bool = False) -> None:
        joined = "".join(self.run)
        self.run.clear()
        line = joined.rstrip() if self.pre else _SPACE.sub(" ", joined).strip(" ")
        line = line.replace("\xa0", " ").rstrip()
        if not line and not forced:
            return
        prefix = ">" * self.depth
        if self.gap and self.lines:
            self.gap = False
            if self.lines[-1].strip("> "):
                self.lines.append(prefix)
        self.gap = False
        self.lines.append(f"{prefix} {line}".rstrip() if prefix else line)


def text_of(root: etree._Element) -> str:
    """The text of an HTML tree: blocks as lines, quotes as "> " lines, list items with a mark."""
    out = _Lines()
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if not isinstance(tag, str):
            continue
        if event == "start":
            _open(out, tag, element)
            if element.text:
                out.words(element.text)
        else:
            _close(out, tag, element)
            if element.tail and element is not root:
                out.words(element.tail)
    out.end_line()
    text = "\n".join(out.lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def _open(out: _Lines, tag: str, element: etree._Element) -> None:
    if tag == "br":
        out.end_line(forced=True)
    elif tag in _PARAGRAPHS:
        out.end_line()
        out.gap = out.gap or not _without_margin(element)
    elif tag in _BLOCKS:
        out.end_line()
        if tag == "blockquote" and _is_quote(element):
            out.depth = min(out.depth + 1, 30)
        elif tag == "li":
            out.run.append("* ")
        elif tag == "pre":
            out.pre += 1
    elif tag in {"td", "th"}:
        if out.run:
            out.run.append(" \xa0")
    elif tag == "hr":
        out.end_line()
        out.words("_" * 32)
        out.end_line()


def _close(out: _Lines, tag: str, element: etree._Element) -> None:
    if tag in _PARAGRAPHS:
        out.end_line()
        out.gap = out.gap or not _without_margin(element)
    elif tag in _BLOCKS:
        out.end_line()
        if tag == "blockquote" and _is_quote(element):
            out.depth = max(out.depth - 1, 0)
        elif tag == "pre":
            out.pre -= 1


def _without_margin(element: etree._Element) -> bool:
    """Outlook writes each line as a paragraph of its own, without room between."""
    style = element.get("style") or ""
    return element.get("class") == "MsoNormal" or re.search(r"margin(?:-bottom)?:\s*0", style) is not None


def from_plain(text: str) -> str:
    """Plain text as HTML, for a message that has both in a row."""
    return "<pre>" + nh3.clean_text(text).replace("&#10;", "\n").replace("&#32;", " ") + "</pre>"


_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)


def declared_charset(data: bytes) -> str:
    """The charset an HTML part names in its head, for a part whose header names none."""
    found = _META_CHARSET.search(data, 0, 4_096)
    return found[1].decode("ascii") if found else ""
