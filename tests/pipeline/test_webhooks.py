"""Webhooks: signed, tried again, refused where they would lead into the own network; against a real HTTP server."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from addressee.core.setup import Setup, Site
from addressee.core.values import OutboxDraft
from addressee.mail import outbox
from addressee.mail.models import OutboxItem
from addressee.pipeline.deliver import way_out
from addressee.transports.webhook import Webhook

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SECRET = "between us"


class Peer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/else")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    server = HTTPServer(("127.0.0.1", 0), Peer)
    server.seen, server.statuses = [], []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def row(peer: HTTPServer, host: str = "127.0.0.1") -> OutboxItem:
    """A webhook as a process writes it: in the outbox, rendered from there."""
    url = f"http://{host}:{peer.server_port}/hook?a=1"
    draft = OutboxDraft(
        kind="webhook", to=url, subject="Tell", text=json.dumps({"id": "1", "values": {"name": "Grüße"}}, ensure_ascii=False),
        account=f"@{host}", seed="s", secret_env="HOOK_SECRET",
    )  # fmt: skip
    outbox.write([(draft, None)], Setup(), NOW)
    return OutboxItem.objects.get(kind="webhook")


def post(item: OutboxItem, private: bool = True):
    points: list[str] = []
    attempt = Webhook(private).send("", item.to, outbox.render(item), points.append, name=str(item.pk))
    return attempt, points


def test_given_a_row_when_it_is_sent_then_the_peer_can_check_its_signature(db, peer):
    item = row(peer)
    assert (item.state, item.due_at) == ("queued", NOW)
    attempt, points = post(item)

    assert attempt.fate == "sent"
    assert points == ["data-sent", "sent"]
    path, headers, body = peer.seen[0]
    assert path == "/hook?a=1"
    assert json.loads(body)["values"] == {"name": "Grüße"}
    stamp, _, signed = headers["Addressee-Signature"].partition(",v1=")
    moment = stamp.removeprefix("t=")
    assert signed == hmac.new(SECRET.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert abs(int(moment) - datetime.now(UTC).timestamp()) < 60
    assert headers["Addressee-Id"] == item.message_id
    assert "HOOK_SECRET" not in str(headers)
    assert SECRET not in str(headers)


@pytest.mark.parametrize(
    ("status", "fate"), [(204, "sent"), (500, "temporary"), (429, "temporary"), (400, "permanent"), (302, "permanent")]
)
def test_given_an_answer_when_it_comes_then_it_decides_whether_to_try_again(db, peer, status, fate):
    peer.statuses = [status]
    assert post(row(peer))[0].fate == fate
    assert len(peer.seen) == 1  # a redirect is not followed


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_given_a_private_address_when_the_site_does_not_allow_it_then_nothing_is_sent(db, peer, host):
    attempt, points = post(row(peer, host), private=False)
    assert attempt.fate == "permanent"
    assert "webhook_private" in attempt.reply
    assert (peer.seen, points) == ([], [])


def test_given_no_secret_when_it_is_sent_then_it_waits_and_says_which_variable(db, peer, monkeypatch):
    monkeypatch.delenv("HOOK_SECRET")
    attempt, _ = post(row(peer))
    assert (attempt.fate, attempt.reached) == ("temporary", False)
    assert "HOOK_SECRET" in attempt.reply
    assert peer.seen == []


def test_given_a_server_that_is_away_when_it_is_sent_then_it_is_tried_again(db, peer):
    item = row(peer)
    peer.shutdown()
    peer.server_close()
    assert post(item)[0].fate == "temporary"


def test_given_the_option_when_the_way_out_is_asked_then_it_says_whether_private_addresses_count():
    assert way_out("@hooks.example", Setup(), "file:./out", {}) == "https://hooks.example?private=0"
    allowed = Setup(site=Site(limits={"webhook_private": 1}))
    assert way_out("@hooks.example", allowed, "", {}) == "https://hooks.example?private=1"


def test_given_the_deliverer_when_a_webhook_is_due_then_it_is_posted_in_a_lane_of_its_host(
    peer, transactional_db, monkeypatch
):
    from addressee.pipeline.deliver import Deliverer

    monkeypatch.setenv("ADDRESSEE_NOW", (NOW + timedelta(minutes=1)).isoformat())
    monkeypatch.setattr(
        "addressee.pipeline.deliver.way_out", lambda account, setup, url, env: "http://127.0.0.1?private=1"
    )
    item = row(peer)
    peer.statuses = [503]
    deliverer = Deliverer()
    try:
        deliverer.until_idle()
        item.refresh_from_db()
        assert (item.state, item.attempts, item.last_error) == ("deferred", 1, "The server answered 503.")
        monkeypatch.setenv("ADDRESSEE_NOW", (NOW + timedelta(hours=1)).isoformat())
        deliverer.until_idle()
    finally:
        deliverer.close()
    item.refresh_from_db()
    assert (item.state, len(peer.seen)) == ("sent", 2)
    assert peer.seen[0][1]["Addressee-Id"] == peer.seen[1][1]["Addressee-Id"]
