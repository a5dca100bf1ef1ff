"""What holds for every page: its policy, nothing inline, nothing from outside, nothing that mail could run."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import firm as house
import pytest
from django.apps import apps

import addressee.web
from addressee.core import html as sanitiser
from addressee.mail.models import Message
from web.conftest import HTMX

WEB = Path(addressee.web.__file__).parent
TEMPLATES = sorted((WEB / "templates").rglob("*.html"))
SCRIPTS = sorted((WEB / "static").rglob("*.js"))

EVIL = """"><script>alert(1)</script><img src=x onerror=alert(2)>' onmouseover='alert(3) {{ 7|add:7 }}\u202egnp.exe"""
EVIL_HTML = """<p onclick="alert(1)">Hi<script>alert(2)</script><img src="http://evil.example/pixel.png">
<a href="javascript:alert(3)">go</a><form action="http://evil.example/"><input name=q></form>
<style>@import url(http://evil.example/x.css); p { background: url(http://evil.example/y) }</style>
<iframe src="http://evil.example/"></iframe><svg onload=alert(4)></svg><base href="http://evil.example/">
<meta http-equiv="refresh" content="0;url=http://evil.example/"><object data="http://evil.example/"></object></p>"""


def pages(firm) -> list[str]:
    """Every page that a GET opens."""
    first, case = firm["first"].pk, "/tables/case/CASE-17/"
    urls = ["/", "/tables/case/", "/tables/case/?deleted=1", "/tables/case/?view=open_cases", "/tables/case/?q=door"]
    urls += ["/tables/invoice/", case, "/tables/case/CASE-11/", f"{case}files/{firm['page'].sha256}/", "/messages/"]
    urls += [f"/messages/{firm[name].pk}/" for name in ("first", "held", "board", "spam", "loop", "waiting")]
    urls += [f"/messages/{first}/{part}" for part in ("body/", "raw/", f"files/{firm['page'].pk}/")]
    return [*urls, "/held/", "/held/?junk=1", "/held/choices/?table=case&record=door", "/nothing/here/"]


def whole(answer) -> bytes:
    """The body, read to its end: a file is closed then."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


class Tags(HTMLParser):
    """Every tag with its attributes, as a browser would find them in the markup."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def runs_or_loads(markup: str) -> list[str]:
    """What in the markup would run, or take something from elsewhere, by itself."""
    out = []
    for tag, attributes in Tags(markup).found:
        out += [f"{tag} {name}" for name in attributes if name.startswith("on")]
        out += [
            f"{tag} {name}"
            for name, value in attributes.items()
            if re.match(r"\s*(javascript|data|vbscript):", value, re.I)
        ]
        loads = [
            attributes[name]
            for name in ("src", "srcset", "poster", "background", "action", "data")
            if name in attributes
        ]
        loads += [attributes["href"]] if tag in ("link", "base", "use", "image") and "href" in attributes else []
        out += [f"{tag} loads {url}" for url in loads if not url.startswith("/") and url != ""]
        if tag == "script" and not attributes.get("src", "").startswith("/static/"):
            out.append("script inline")
        if tag in ("style", "object", "embed", "base", "svg", "applet") or (
            tag == "meta" and "http-equiv" in attributes
        ):
            out.append(tag)
    return out


def test_given_every_page_when_served_then_the_policy_is_strict(ada, firm):
    for url in pages(firm):
        answer = ada.get(url)
        assert answer.status_code == (404 if "nothing" in url else 200), url
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy, url
        scripts = re.search(r"script-src ([^;]*)", policy)
        assert scripts is None or scripts[1] == "'self'", url
        assert "unsafe-eval" not in policy
        assert "unsafe-inline" not in policy or url.endswith("/body/")
        assert answer["X-Content-Type-Options"] == "nosniff", url
        whole(answer)


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_given_every_page_when_served_then_nothing_inline_and_nothing_from_outside(ada, firm, headers):
    for url in pages(firm):
        answer = ada.get(url, headers=headers)
        if not answer.get("Content-Type", "").startswith("text/html"):
            whole(answer)
            continue
        markup = answer.content.decode()
        assert runs_or_loads(markup) == [], url
        assert not re.search(r"<[^>]+\sstyle=", markup) or url.endswith("/body/"), url
        outside = re.findall(r"https?://[^\s\"'<]+", markup)
        assert set(outside) <= {"https://harbour.example/boats"}, url  # the value of a url field


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_given_a_template_when_read_then_nothing_inline_nothing_unescaped_nothing_from_outside(path):
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|hx-on|javascript:", source), path
    assert all(re.search(r"\bsrc=", tag) for tag in re.findall(r"<script[^>]*>", source)), path
    assert not re.search(r"https?://", source), path
    unescaped = re.findall(r"\|\s*safe\b|autoescape off|mark_safe|\|safeseq", source)
    assert unescaped == (["|safe"] if path.name == "mail_body.html" else []), path
    bare = re.findall(r"<form [^>]*method=\"post\"[^>]*>(?:(?!</form>).)*", source, re.DOTALL)
    assert all("{% csrf_token %}" in form for form in bare), path


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_given_a_script_when_read_then_small_and_without_markup_or_eval(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 100
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|https?://", source
    )


def test_given_the_style_sheets_when_read_then_nothing_comes_from_outside():
    for path in (WEB / "static").rglob("*.css"):
        assert not re.search(r"@import|url\(|https?://", path.read_text(encoding="utf-8")), path


def test_given_hostile_subject_name_body_and_file_when_shown_anywhere_then_it_is_text(ada, firm):
    bad = house.message(EVIL, EVIL, EVIL, author_name=EVIL, data={"to": [[EVIL, EVIL]], "quoted_text": EVIL})
    house.attach(b"x", EVIL[:200], "text/html", bad, 0)
    sent = house.delivery(
        bad, "hold", "not-proven", recipient=EVIL[:300],
        trace=[{"step": EVIL, "result": EVIL, "why": EVIL}],
        result={"replies": [{"to": EVIL, "subject": EVIL}], "actor": EVIL},
    )  # fmt: skip
    case = house.record(
        "case", EVIL, 77, status=EVIL, notes=EVIL, website="javascript:alert(1)", assignee=EVIL[:40],
        log=[{"at": "never", "actor": EVIL, "text": EVIL}], files=[{"name": EVIL, "size_bytes": 1, "sha256": "0" * 64, "type": ""}],
    )  # fmt: skip
    house.post(case, bad, actor=EVIL[:40])
    house.revision(case, 1, "update", house.NOW, by=EVIL[:40], notes=(EVIL, EVIL))
    house.Correspondent.objects.create(record=case, address=EVIL, wrote=True)
    urls = ["/", "/tables/case/", "/tables/case/CASE-77/", "/messages/", f"/messages/{sent.pk}/", "/held/"]
    urls += ["/held/choices/?table=case&record=", f"/tables/case/?q={EVIL}", f"/messages/?q={EVIL}"]
    seen = 0
    for url in urls:
        markup = ada.get(url).content.decode()
        assert runs_or_loads(markup) == [], url
        assert "\u202e" not in markup, url
        assert "{{" not in markup.replace("{{ 7|add:7 }}", ""), url
        seen += "&lt;script&gt;alert(1)" in markup
    assert seen >= len(urls) - 1  # the overview shows no text of outsiders


def test_given_hostile_html_when_shown_in_its_frame_then_nothing_of_it_runs_or_loads(ada, firm):
    clean = sanitiser.read(EVIL_HTML).shown
    Message.objects.filter(identity=firm["first"].identity).update(html=clean)
    markup = ada.get(f"/messages/{firm['first'].pk}/body/").content.decode()
    assert "Hi" in markup
    assert runs_or_loads(markup) == []
    assert "evil.example" not in markup
    assert "alert" not in markup


def everything_stored() -> dict[str, int]:
    """A hash of every row, but of sessions and of what axes counts."""
    out = {}
    for model in apps.get_models():
        if model._meta.app_label not in ("sessions", "axes"):
            out[model._meta.label] = hash(tuple(map(repr, model._default_manager.order_by("pk").values_list())))
    return out


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_given_every_page_when_opened_by_get_then_nothing_changes(ada, firm, headers):
    before = everything_stored()
    for url in pages(firm):
        whole(ada.get(url, headers=headers))
    assert everything_stored() == before


@pytest.mark.parametrize("way", ["comment", "release", "route", "reject"])
def test_given_a_form_of_ours_when_it_comes_without_its_token_then_403(firm, way):
    from web.conftest import signed_in

    strict = signed_in("ada")
    strict.handler.enforce_csrf_checks = True
    url = "/tables/case/CASE-17/comment/" if way == "comment" else f"/held/{firm['held'].pk}/{way}/"
    before = everything_stored()
    answer = strict.post(url, {"text": "x", "visibility": "public"})
    assert answer.status_code == 403
    assert "pages.css" in answer.content.decode()
    assert everything_stored() == before


def test_given_a_fault_in_a_page_when_opened_then_500_in_our_look_without_the_database(ada, firm, monkeypatch):
    ada.raise_request_exception = False
    monkeypatch.setattr("addressee.web.tables._card", lambda *_: 1 / 0)
    answer = ada.get("/")
    assert answer.status_code == 500
    assert "Something broke" in answer.content.decode()
    assert "pages.css" in answer.content.decode()
    assert "ZeroDivisionError" not in answer.content.decode()


def test_given_a_missing_page_when_nobody_is_signed_in_then_it_tells_no_more_than_that(firm, client):
    answer = client.get("/nothing/here/")
    assert answer.status_code == 404
    assert "Board paper" not in answer.content.decode()
