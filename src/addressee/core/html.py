"""HTML of a message: sanitised for the page, and as text for reading. Called by core.parse.

The text is made by a walk of our own over lxml's tree, not by a converter: those pad table cells to the widest
(rows times width: a few kilobytes become gigabytes), recurse, and lose what we need, the depth of quotes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import unquote

import nh3
from lxml import etree

from addressee.core.body import NOTHING_KNOWN, Kind
from addressee.core.limits import DEFAULT, Limits

MOST_TAGS = 60_000
MOST_PICTURES = 1_000  # whose place is asked for
MARK = re.compile("\ue0f0[0-9]+\ue0f1")
MOST_ATTRIBUTES = 300  # of one element: libxml2 compares each with all before it

_HIDDEN_STYLE = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all"
    r"|font-size\s*:\s*0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:;|!|$)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)"
    r"|max-(?:height|width)\s*:\s*0(?:px|pt|em|rem|%)?\s*(?:;|!|$)|text-indent\s*:\s*-\d{3}|left\s*:\s*-\d{4}"
    r"|color\s*:\s*transparent|clip\s*:\s*rect\(\s*0)",
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
    """One HTML part, read: what may be shown, what it says, which parts it shows by cid.

    known  the lines of the text that the program which wrote it calls a quote or a signature
    pictures  the cids of the pictures that the text shows, in their order
    marked    (text, known) with a mark at the place of each of these
    """

    shown: str
    text: str
    cids: frozenset[str]
    known: Mapping[int, Kind] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    marked: tuple[str, Mapping[int, Kind]] = ("", NOTHING_KNOWN)


def mark(number: int) -> str:
    """What stands for a picture in `Html.marked`: characters of private use, which no mail program writes."""
    return f"\ue0f0{number}\ue0f1"


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
    text, known = text_of(root)
    cids = frozenset(unquote(found[1]).lower() for found in _CID.finditer(shown))
    if not cids:
        return Html(shown.strip(), text, cids, known)
    pictures = tuple(_mark_pictures(root))
    return Html(shown.strip(), text, cids, known, pictures, text_of(root))


def _mark_pictures(root: etree._Element) -> Iterator[str]:
    """The cid of each picture, behind each of which a mark is put into the tree."""
    number = 0
    for element in list(islice(root.iter("img"), MOST_PICTURES)):
        found = _CID.match(element.get("src") or "")
        if found is not None:
            yield unquote(found[1]).lower()
            element.tail = mark(number) + (element.tail or "")
            number += 1


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


# One rule of a style sheet; a sheet is cut at MOST_SHEET_CHARS, so that what it costs is bounded.
_RULE = re.compile(r"([^{}]{0,500})\{([^{}]{0,2000})\}")
_COMMENT = re.compile(r"/\*.{0,4000}?\*/", re.DOTALL)
_SIMPLE = re.compile(r"([a-z][a-z0-9]*|\*)?((?:[.#][\w-]{1,100}){0,3})", re.IGNORECASE)
MOST_SHEET_CHARS = 100_000


def _hidden_by_sheets(root: etree._Element) -> list[tuple[str, frozenset[str], frozenset[str]]]:
    """(tag or "", ids, classes) of what the mail's own style sheets hide, whatever the reader's screen.

    Rules within @media count for some screens only, and a selector of several elements is not looked into: what a
    reader might see is kept. Of two rules for one selector the later holds.
    """
    sheet = "\n".join(element.text or "" for element in islice(root.iter("style"), 50))[:MOST_SHEET_CHARS]
    if "{" not in sheet:
        return []
    hides: dict[str, bool] = {}
    for selectors, said in _RULE.findall(_outside_blocks(_COMMENT.sub(" ", sheet))):
        hiding = _HIDDEN_STYLE.search(said) is not None
        for selector in selectors.split(",")[:50]:
            if hiding or "display" in said or "visibility" in said:
                hides[selector.strip()] = hiding
    found = []
    for selector in [selector for selector, hiding in hides.items() if hiding][:100]:
        simple = _SIMPLE.fullmatch(selector)
        if simple is None or not simple[2]:
            continue
        parts = re.findall(r"[.#][\w-]+", simple[2])
        ids = frozenset(part[1:] for part in parts if part[0] == "#")
        classes = frozenset(part[1:] for part in parts if part[0] == ".")
        found.append(((simple[1] or "").lower().replace("*", ""), ids, classes))
    return found


def _outside_blocks(sheet: str) -> str:
    """The rules that stand in no @media or other block."""
    kept: list[str] = []
    depth, start, inside = 0, 0, 0
    for found in re.finditer(r"[{}]", sheet):
        if found[0] == "{":
            depth += 1
            inside += depth > 1
        elif depth:
            depth -= 1
            if depth == 0:
                if not inside:
                    kept.append(sheet[start : found.end()])
                start, inside = found.end(), 0
    return "\n".join(kept)


def _fits(element: etree._Element, selector: tuple[str, frozenset[str], frozenset[str]]) -> bool:
    tag, ids, classes = selector
    if tag and element.tag != tag:
        return False
    return ids <= {element.get("id") or ""} and (not classes or classes <= set((element.get("class") or "").split()))


def _drop_unseen(root: etree._Element) -> None:
    """Take out what a reader would not see, and what has no text."""
    unseen = []
    hidden = _hidden_by_sheets(root)
    for element in root.iter(etree.Element):
        style = element.get("style")
        if (
            element.tag in _DROPPED
            or element.get("hidden") is not None
            or (style is not None and _HIDDEN_STYLE.search(style))
            or (element.tag == "input")
            or (hidden and not (style and "display" in style) and any(_fits(element, each) for each in hidden))
        ):
            unseen.append(element)
    for element in unseen:  # emptied rather than removed: joining the text around them would be quadratic
        element.clear(keep_tail=True)
        element.tag = "span"


def _is_quote(element: etree._Element) -> bool:
    """A blockquote that quotes mail; the ones that only indent say so by having no border (Gmail, Outlook)."""
    style = (element.get("style") or "").replace(" ", "").lower()
    return not ("border:none" in style and element.get("type") != "cite")


# How programs name what is not the author's own: an id, a class, a name or a data attribute.
_QUOTES = """
gmail_quote gmail_quote_container gmail_attr
moz-cite-prefix moz-forward-container moz-email-headers-table
mail-editor-reference-message-container ms-outlook-mobile-reference-message olk_src_body_section
yahoo_quoted protonmail_quote tutanota_quote zmail_extra quote mail-app-auto-quote reply-intro v1reply-intro
messagereplysection airmail_ext_on missive_quote -x-evo-attribution __quoted_text__ __headers__
"""
_SIGNATURES = """
gmail_signature gmail_signature_prefix moz-signature signature applemailsignature protonmail_signature_block
ms-outlook-mobile-signature ymail_android_signature ymail_ios_signature zm-_id_-sgn _rc_sig messagesignaturesection
bloop_sign -x-evo-signature front-signature composer_signature __sig_pre__ __sig_post__ zmail_signature
"""
_CUTS = "outlookmessageheader divrplyfwdmsg appendonsend stopspelling zwchr __divider__"  # all below is quoted
_NAMED = {
    name: kind
    for names, kind in ((_QUOTES, Kind.QUOTED), (_SIGNATURES, Kind.SIGNATURE), (_CUTS, Kind.CUT))
    for name in names.split()
}
_NAMING = ("id", "class", "name", "data-marker", "data-smartmail")
# The line Outlook draws above the fields of the mail below.
_OUTLOOK_LINE = re.compile(r"border-top:(?:solid#(?:e1e1e1|b5c4df)|#(?:e1e1e1|b5c4df)[\d.]{1,5}ptsolid)")
_TARGET = re.compile(r"https?://([^/\s<>?#]{1,250})[^\s<>]{0,400}", re.IGNORECASE)
_YAHOO = re.compile(r"ydp[\da-z]{4,12}(?=yahoo_quoted|signature)")


def _role(element: etree._Element) -> Kind | None:
    """What an element is to the author of the mail, by the names his program gave it."""
    if not element.attrib:
        return None
    for attribute in _NAMING:
        for name in (element.get(attribute) or "")[:1_000].lower().split()[:20]:
            while name.startswith("x_"):  # Outlook prefixes names of a mail it answers
                name = name[2:]
            role = _NAMED.get(name) or _NAMED.get(_YAHOO.sub("", name))
            if role is not None:
                return role
    style = (element.get("style") or "")[:1_000].lower().replace(" ", "")
    if "border-top:" in style and _OUTLOOK_LINE.search(style) and _shows_fields(element):
        return Kind.CUT
    return None


def _shows_fields(element: etree._Element) -> bool:
    text = "".join(piece[:200] for piece in islice(element.itertext(), 60) if isinstance(piece, str))
    return text.count(":") + text.count("：") > 2


class _Lines:
    """Text as it is laid out: lines, white space collapsed as a browser does, quotes marked with "> "."""

    def __init__(self, holders: set[etree._Element]) -> None:
        self.lines: list[str] = []
        self.known: dict[int, Kind] = {}
        self.run: list[str] = []
        self.depth = 0
        self.pre = 0
        self.gap = False
        self.linked = 0  # how much stood in `run` where the last link began
        self.items: dict[etree._Element, int] = {}  # ordered list -> items seen
        self.holders = holders  # elements with a quote marked as one within
        self.within: etree._Element | None = None  # the element whose name says what its lines are
        self.kind: Kind | None = None

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
        if self.gap and self.lines and self.lines[-1].strip("> "):
            self.lines.append(prefix)
        self.gap = False
        if not (line or prefix) and (not self.lines or not self.lines[-1]):
            return  # one blank line is enough
        if self.kind is not None and line:
            self.known[len(self.lines)] = self.kind
            self.kind = None if self.kind is Kind.CUT else self.kind
        self.lines.append(f"{prefix} {line}".rstrip() if prefix else line)

    def item_mark(self, element: etree._Element) -> str:
        """ "* ", or the number of an item of an ordered list."""
        above = element.getparent()
        if above is None or above.tag != "ol":
            return "* "
        self.items[above] = self.items.get(above, 0) + 1
        return f"{self.items[above]}. "

    def link(self, target: str) -> None:
        """Where a link leads, behind its words, unless they say it themselves."""
        found = _TARGET.match(target.strip()[:500])
        words = "".join(self.run[self.linked :]).strip().lower()
        if found and words and found[1].lower().removeprefix("www.") not in words:
            self.run.append(f" <{found[0]}>")

    def enter(self, element: etree._Element) -> None:
        """Lines from here on are what the element's name says, if it has one we know."""
        role = _role(element) if self.within is None and self.kind is not Kind.CUT and not self.depth else None
        if role is None:
            return
        self.end_line()
        self.kind = role
        if role is not Kind.CUT:
            self.within = element

    def quote(self) -> None:
        """A quote that is marked as one begins: what a named element holds below it may be an answer."""
        if self.within is not None and self.kind is Kind.QUOTED and self.within in self.holders:
            self.kind = None

    def leave(self, element: etree._Element) -> None:
        """The end of an element."""
        if element is self.within:
            self.end_line()
            self.within = self.kind = None


def text_of(root: etree._Element) -> tuple[str, dict[int, Kind]]:
    """The text of an HTML tree, and what its lines are where names of elements say so.

    Blocks are lines, quotes "> " lines, list items have a mark.
    """
    out = _Lines(_holders(root))
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag
        if not isinstance(tag, str):
            continue
        if event == "start":
            out.enter(element)
            _open(out, tag, element)
            if element.text:
                out.words(element.text)
        else:
            _close(out, tag, element)
            out.leave(element)
            if element.tail and element is not root:
                out.words(element.tail)
    out.end_line()
    while out.lines and not out.lines[-1]:
        out.lines.pop()
    return "\n".join(out.lines), out.known


def _holders(root: etree._Element) -> set[etree._Element]:
    """Every element that holds a quote; each is walked up to once."""
    holders: set[etree._Element] = set()
    for quote in root.iter("blockquote"):
        above = quote.getparent() if _is_quote(quote) else None
        while above is not None and above not in holders:
            holders.add(above)
            above = above.getparent()
    return holders


def _open(out: _Lines, tag: str, element: etree._Element) -> None:
    if tag == "br":
        out.end_line(forced=True)
    elif tag == "a":
        out.linked = len(out.run)
    elif tag in _PARAGRAPHS:
        out.end_line()
        out.gap = out.gap or not _without_margin(element)
    elif tag in _BLOCKS:
        out.end_line()
        if tag == "blockquote" and _is_quote(element):
            out.depth = min(out.depth + 1, 30)
            out.quote()
        elif tag == "li":
            out.run.append(out.item_mark(element))
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
    if tag == "a":
        out.link(element.get("href") or "")
    elif tag in _PARAGRAPHS:
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
