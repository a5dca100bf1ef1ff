"""Shown mail runs nothing, loads nothing, submits nothing (law 17); what is hidden is no text (law 14)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from addressee.core.html import _ATTRIBUTES, _TAGS, read

ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>x</a>",
    "<a href='java&#10;script:alert(1)'>x</a>", "<a href='data:text/html,x'>x</a>", "<svg><use href='data:x#y'/></svg>",
    "<svg><animate attributeName=href values='javascript:alert(1)'/></svg>", "<math><mtext><img src=x onerror=alert(1)>",
    "<iframe src='https://canary.test'></iframe>", "<object data='https://canary.test'></object>", "<embed src='https://canary.test'>",
    "<link rel=stylesheet href='https://canary.test'>", "<style>@import 'https://canary.test'</style>",
    "<p style='background:url(https://canary.test)'>x</p>", "<p style='color:expression(alert(1))'>x</p>",
    "<p style='width:calc(1px);background-image:image-set(\"https://canary.test\" 1x)'>x</p>",
    "<table background='https://canary.test'><tr><td background='https://canary.test'>x</table>",
    "<img src='https://canary.test/p.gif'>", "<img srcset='https://canary.test 2x'>", "<img src='//canary.test'>", "<img src='/x'>",
    "<input type=image src='https://canary.test'>", "<form action='https://canary.test'><button>x</button></form>",
    "<video poster='https://canary.test'></video>", "<audio src='https://canary.test'></audio>", "<base href='https://canary.test'>",
    "<meta http-equiv=refresh content='0;url=https://canary.test'>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<svg><style><img src='https://canary.test'></style></svg>", "<form id=a></form><button form=a formaction='https://canary.test'>x",
    "<p style='color:\\75rl(https://canary.test)'>x</p>", "<p style='font:1px url(https://canary.test)'>x</p>",
    "<a href='https://ok.test' ping='https://canary.test'>x</a>", "<a href='cid:x'>x</a>", "<body onload=alert(1)>x",
    "<div id=x name=y class=z onclick=alert(1)>x</div>", "<!--><img src=x onerror=alert(1)>-->",
]  # fmt: skip


def assert_harmless(shown: str) -> None:
    if not shown:
        return
    root = lxml_html.fragment_fromstring(shown, create_parent="main")
    for element in root.iterdescendants():
        assert element.tag in _TAGS
        allowed = _ATTRIBUTES["*"] | _ATTRIBUTES.get(element.tag, set()) | {"rel", "target"}
        assert set(element.attrib) <= allowed
        if "src" in element.attrib:
            assert element.attrib["src"].lower().startswith("cid:")
        if "href" in element.attrib:
            assert re.match(r"(?:https?|mailto):", element.attrib["href"], re.IGNORECASE)
            assert "noopener" in element.attrib["rel"]
        assert "url" not in element.attrib.get("style", "").lower()
        assert "\\" not in element.attrib.get("style", "")


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_runs_loads_or_submits(attack: str):
    shown = read(f"<p>before</p>{attack}<p>after</p>").shown
    assert_harmless(shown)
    assert "canary" not in shown
    assert "alert" not in shown
    assert "before" in shown


@given(
    st.lists(
        st.sampled_from([*ATTACKS, "<p>", "</p>", "<b>", "</b>", "<td>", "<a ", "'", '"', ">", "<", "x", "<!--"])
    ).map("".join)
)
def test_no_mixture_of_them_does(source: str):
    assert_harmless(read(source).shown)


@pytest.mark.parametrize(
    "style",
    [
        "display:none",
        "DISPLAY : NONE !important",
        "color:red;visibility:hidden",
        "font-size:0",
        "font-size:0px;",
        "opacity:0",
        "mso-hide:all",
    ],
)
def test_hidden_words_are_neither_shown_nor_read(style: str):
    page = read(f"<p>seen</p><div style='{style}'>status: <b>closed</b></div><p hidden>also</p>tail")
    assert page.text in {"seen\ntail", "seen\n\ntail"}
    assert "closed" not in page.shown + page.text
    assert "also" not in page.shown + page.text


@pytest.mark.parametrize(
    "style", ["display:block", "opacity:0.5", "font-size:0.8em", "font-size:10px", "line-height:0"]
)
def test_words_that_are_only_styled_are_read(style: str):
    assert read(f"<div style='{style}'>status: closed</div>").text == "status: closed"


def test_pictures_of_the_mail_and_links_stay():
    page = read(
        "<img src='cid:Logo@x' alt=Logo><a href='https://example.org/?a=1&amp;b=2'>go</a><a href='mailto:a@b'>m</a>"
    )
    assert page.cids == {"logo@x"}
    assert 'src="cid:Logo@x"' in page.shown
    assert 'href="https://example.org/?a=1&amp;b=2"' in page.shown
    assert 'href="mailto:a@b"' in page.shown


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a<br>b<br><br>c", "a\nb\n\nc"),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("<div>a</div><div><br></div><div>b</div>", "a\n\nb"),
        ("<p class=MsoNormal>a</p><p class=MsoNormal>b</p>", "a\nb"),
        ("<ul><li>a<li>b</ul>", "* a\n* b"),
        ("<table><tr><td>status</td><td>open</td></tr><tr><td>x</table>", "status  open\nx"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc"),
        ("a\n  b&nbsp;c", "a b c"),
        ("<b>a</b>b <i> c</i>", "ab c"),
        ("<blockquote>a<blockquote>b</blockquote></blockquote>c", "> a\n>> b\nc"),
        ("<blockquote style='margin:0 0 0 40px;border:none;padding:0px'>mine</blockquote>", "mine"),
        ("", ""),
        ("&lt;b&gt; &amp;", "<b> &"),
    ],
)
def test_text_of_html_stands_as_it_is_laid_out(source: str, text: str):
    assert read(source).text == text


def test_what_stands_after_an_embed_is_neither_lost_nor_embedded() -> None:
    # given HTML with an embed, which has no end tag
    # when it is read
    found = read('<p>a</p><embed src="https://x.test/y"><p>b</p>')
    # then the text after it is there, and the embed is not
    assert found.text.split() == ["a", "b"]
    assert "embed" not in found.shown


@pytest.mark.parametrize(
    ("sheet", "hidden"),
    [
        (".x { display: none }", True),
        ("p.x, .y{color:red;visibility:hidden}", True),
        ("/* .z{} */ #one.x { font-size: 0px }", True),
        (".x{display:none} .x{display:block}", False),
        ("@media (max-width: 600px) { .x { display: none } }", False),
        ("div .x { display: none }", False),
        (".x { color: red }", False),
        (".other { display: none }", False),
        ("} .x { display:none } @media print{", True),
    ],
)
def test_words_that_the_mails_own_style_sheet_hides_are_neither_shown_nor_read(sheet: str, hidden: bool):
    page = read(f"<style>{sheet}</style><p>seen</p><p class='a x' id=one>status: closed</p><p>tail</p>")

    assert ("closed" not in page.text) is hidden
    assert ("closed" not in page.shown) is hidden
    assert "seen" in page.text
    assert "tail" in page.text


def test_an_own_style_of_the_element_stands_over_the_sheet():
    page = read("<style>.x{display:none}</style><p class=x style='display:block'>still here</p>")
    assert "still here" in page.text
