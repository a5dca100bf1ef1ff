"""The pages in a real Chromium, before the real server, on mail that the real commands took."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

import homes

SETUP = Path(__file__).parents[1] / "web" / "firm.toml"
PASSWORD = "a harbour at dawn"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f00050001ff"
    "4a3f9c0a0000000049454e44ae426082"
)
# Every way we know by which markup runs or loads something by itself. CANARY is where a request would be seen.
HOSTILE = """<html><head><base href="CANARY/"><link rel="stylesheet" href="CANARY/link.css">
<meta http-equiv="refresh" content="0;url=CANARY/refresh"><style>@import url(CANARY/import.css);
body { background: url(CANARY/style.png) } @font-face { font-family: x; src: url(CANARY/font) }</style>
<script>alert('head'); fetch('CANARY/fetch')</script></head>
<body onload="alert('body')" background="CANARY/background.png">
<p style="background-image:url(CANARY/inline.png)">The text of the hostile mail.</p>
<img src="CANARY/pixel.png" srcset="CANARY/set.png 2x"><img src="x" onerror="alert('image')">
<iframe src="CANARY/frame"></iframe><iframe srcdoc="<script>alert('srcdoc')</script>"></iframe>
<svg onload="alert('svg')"><image href="CANARY/svg.png"/><script>alert('svg script')</script></svg>
<object data="CANARY/object"></object><video poster="CANARY/poster.png" autoplay>
<source src="CANARY/video"></video><audio src="CANARY/audio" autoplay></audio>
<form action="CANARY/form"><input name="q" autofocus onfocus="alert('focus')"><button>Send</button></form>
<a href="javascript:alert('link')">Press me</a> <math><mtext><img src=1 onerror=alert('math')></mtext></math>
<details open ontoggle="alert('toggle')"><summary>x</summary></details>
<img src="cid:hinge@mail" alt="the hinge"><embed src="CANARY/embed"></body></html>"""


def mail(
    author: str, subject: str, text: str, *, proven: bool = True, to: str = "support@example.test"
) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = author, to, subject
    message["Date"] = "Fri, 20 Nov 2026 09:30:00 +0000"
    message["Message-ID"] = f"<{re.sub('[^a-z]', '', subject.lower())[:40]}@mail.example>"
    if proven:
        domain = author.rpartition("@")[2].strip("<> ")
        message["Authentication-Results"] = f"mx.example.test; dmarc=pass header.from={domain}"
    message.set_content(text)
    return message


class Canary:
    """A server that nobody may ask for anything."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal of the tests."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    one = Canary()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, canary: Canary) -> homes.Home:
    """The firm, with a case of Jane's, a hostile mail, and two that claim to be Ben's and are held."""
    home = homes.make(tmp_path_factory.mktemp("browser") / "home", SETUP)
    home.env["ADDRESSEE_NOW"] = "2026-11-20T15:00:00"
    for person in ("ada", "ben"):
        assert home.run("password", person, stdin=PASSWORD.encode()).code == 0
    first = mail("Jane Harbour <jane@harbour.example>", "The door does not close", "Hello,\n\nit is open.\n")
    take(home, first)
    hostile = mail("Mallory <mallory@evil.example>", "<script>alert('subject')</script>", "Plain.\n")
    hostile.add_alternative(HOSTILE.replace("CANARY", canary.url), subtype="html")
    hostile.get_payload()[1].add_related(PIXEL, "image", "png", cid="<hinge@mail>")
    take(home, hostile)
    case = json.loads(home.run("record", "case", "1", "--json").out)
    for subject in ("The hinge is here", "The screws are here"):
        take(
            home,
            mail(
                "Ben Agent <ben@example.test>",
                subject,
                "Come.\n",
                proven=False,
                to=f"case.{case['uuid']}@records.example.test",
            ),
            "hold",
        )
    return home


def take(home: homes.Home, message: EmailMessage, became: str = "accept") -> None:
    done = home.run("receive", "--json", stdin=message.as_bytes())
    assert done.code == 0, done.err
    assert done.lines[0]["disposition"] == became, done.lines[0]


@pytest.fixture(scope="module")
def site(home: homes.Home) -> Iterator[str]:
    """The address of the pages, served by `addressee web`."""
    server = home.start("web", "--http", "127.0.0.1:0", "--json", stdout=subprocess.PIPE)
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline())
    yield f"http://{ready['address']}"
    server.terminate()
    server.wait(20)
    server.stdout.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    yield browser
    browser.close()


class Watched:
    """A browser of one person; what it asked for, said, and complained of."""

    def __init__(self, chromium: Browser, site: str, *, script: bool = True, width: int = 1280) -> None:
        self.site, self.requests, self.dialogs, self.errors = site, [], [], []
        self.context: BrowserContext = chromium.new_context(
            java_script_enabled=script, viewport={"width": width, "height": 900}, base_url=site
        )
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page: Page = self.context.new_page()
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)

    def _dialog(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def sign_in(self, who: str) -> Page:
        self.page.goto("/")
        self.page.get_by_label("Address").fill(who)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        expect(self.page.get_by_role("heading", name="Overview")).to_be_visible()
        return self.page

    def asked_elsewhere(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(self.site + "/")]


@pytest.fixture(params=[True, False], ids=["with-script", "without-script"])
def ben(request: pytest.FixtureRequest, chromium: Browser, site: str) -> Iterator[Watched]:
    watched = Watched(chromium, site, script=request.param)
    watched.script = request.param
    watched.sign_in("ben@example.test")
    yield watched
    watched.context.close()
    assert watched.asked_elsewhere() == []
    assert watched.dialogs == []
    assert watched.errors == []


@pytest.fixture
def ada(chromium: Browser, site: str) -> Iterator[Watched]:
    watched = Watched(chromium, site)
    watched.sign_in("ada@example.test")
    yield watched
    watched.context.close()


def test_given_an_agent_when_he_opens_a_case_and_comments_then_it_stands_in_the_stream(ben: Watched):
    page = ben.page
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Case").click()
    page.get_by_role("link", name="The door does not close").click()
    expect(page.get_by_role("heading", name="The door does not close", level=1)).to_be_visible()
    text = f"The hinge is ordered ({'script' if ben.script else 'no script'})."
    loads = len([url for url in ben.requests if url.endswith("/tables/case/CASE-1/")])
    page.get_by_label("Comment").fill(text)
    page.get_by_text("Public", exact=True).click()
    page.get_by_role("button", name="Add comment").click()
    post = page.locator("article.post", has_text=text)
    expect(post).to_be_visible()
    expect(post.get_by_text("public", exact=True)).to_be_visible()
    expect(page.get_by_text("The comment was added.")).to_be_visible()
    expect(page.get_by_label("Comment")).to_have_value("")
    loaded = len([url for url in ben.requests if url.endswith("/tables/case/CASE-1/")]) - loads
    assert loaded == (0 if ben.script else 1)  # HTMX changes the part; without it the whole page comes


def test_given_a_held_mail_when_it_is_released_then_it_has_its_effect(ben: Watched, home: homes.Home):
    subject = "The hinge is here" if ben.script else "The screws are here"
    page = ben.page
    page.get_by_role("link", name="Held").first.click()
    item = page.locator("article.held-item", has_text=subject)
    expect(item.get_by_text("Nothing proves that the author is who the message says.")).to_be_visible()
    item.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text(re.compile("^Released"))).to_be_visible()
    expect(page.locator("article.held-item", has=page.get_by_role("button"), has_text=subject)).to_have_count(0)
    stream = json.loads(home.run("record", "case", "1", "--json").out)["stream"]
    assert [post["visibility"] for post in stream if post.get("text") == "Come."]
    page.goto("/tables/case/CASE-1/")
    expect(page.locator("article.post", has_text=subject)).to_be_visible()


def test_given_the_list_when_typing_then_it_is_searched(ben: Watched):
    page = ben.page
    page.goto("/tables/case/")
    page.get_by_role("searchbox").fill("door")
    if not ben.script:
        page.get_by_role("button", name="Search").click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"[?&]q=door"))


def test_given_a_hostile_mail_when_opened_then_nothing_runs_and_nothing_leaves(ada: Watched, canary: Canary):
    page = ada.page
    page.goto("/messages/")
    page.get_by_role("link", name="<script>alert('subject')</script>").click()
    frame = page.frame_locator("iframe.mail-frame")
    expect(frame.get_by_text("The text of the hostile mail.")).to_be_visible()
    image = frame.get_by_alt_text("the hinge")
    page.locator("iframe.mail-frame").scroll_into_view_if_needed()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1  # by cid: of its own
    assert ada.errors == []  # before the click: what Playwright put into the frame may not run there either
    place = frame.get_by_text("Press me").bounding_box()
    page.mouse.click(place["x"] + 4, place["y"] + 4)
    page.wait_for_timeout(500)
    for url in ("/tables/case/CASE-2/", "/", "/tables/case/", "/held/"):
        page.goto(url)
    assert ada.dialogs == []
    assert canary.asked == []
    assert ada.asked_elsewhere() == []


def test_given_the_frame_opened_alone_when_a_script_were_in_it_then_it_would_not_run(ada: Watched, site: str):
    """The second wall: the policy of the frame, put before markup that no sanitiser has seen."""
    page = ada.page
    page.goto("/messages/")
    page.get_by_role("link", name="The door does not close").click()
    body = page.url + "body/"
    evil = "<p>seen</p><script>alert(1)</script><img src=x onerror=alert(2)><form action='/sign-out/' method='post'><button>Go</button></form>"
    page.route("**/body/", lambda route: route.fulfill(
        status=200, content_type="text/html", body=evil,
        headers={"Content-Security-Policy": page.request.get(hostile_body(page, site)).headers["content-security-policy"]},
    ))  # fmt: skip
    page.goto(body)
    expect(page.get_by_text("seen")).to_be_visible()
    page.get_by_role("button", name="Go").click()
    page.wait_for_timeout(300)
    assert ada.dialogs == []
    assert page.url == body


def hostile_body(page: Page, site: str) -> str:
    """The address of the frame of the hostile mail."""
    listed = page.request.get(f"{site}/messages/?q=mallory").text()
    return f"{site}/messages/{re.search(r'/messages/([0-9]+)/', listed)[1]}/body/"


@pytest.mark.parametrize("width", [390, 1280])
def test_given_any_width_when_pages_are_opened_then_nothing_is_wider_than_the_screen(
    chromium: Browser, site: str, width: int
):
    watched = Watched(chromium, site, width=width)
    page = watched.sign_in("ada@example.test")
    for url in ("/", "/tables/case/", "/tables/case/CASE-1/", "/messages/", "/messages/1/", "/messages/2/", "/held/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url
    watched.context.close()
    assert watched.errors == []


def test_given_a_keyboard_alone_when_used_then_the_list_is_walked_and_focus_is_seen(ada: Watched):
    page = ada.page
    page.goto("/messages/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("tr[data-stop] a").nth(1)
    expect(second).to_be_focused()
    assert second.evaluate("link => getComputedStyle(link).outlineStyle") == "solid"
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")


def test_given_an_attachment_when_clicked_then_it_is_saved_not_shown(ada: Watched, tmp_path: Path):
    page = ada.page
    page.goto("/messages/1/")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download .eml").click()
    assert b"Subject: The door does not close" in Path(started.value.path()).read_bytes()
