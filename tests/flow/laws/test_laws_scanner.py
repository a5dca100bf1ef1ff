"""The virus scanner: off by default, real when on; a file it objects to is left out, and nothing is lost when it is away."""

from __future__ import annotations

import socket

import pytest

from addressee.host import scanner as client
from addressee.mail.models import Delivery, File
from addressee.pipeline import checks
from addressee.setup import store
from clamd import EICAR, scanner

SALES, CARLA = "sales@example.test", "carla@cust.example"


@pytest.fixture
def clamd(office):
    with scanner() as server:
        office.change({"site.scanner": server.url})
        yield server


def mail(office, *files, author=CARLA, subject="Papers", to=SALES):
    return office.bytes_of(author, to, subject, "Here.", files=[(n, "application/octet-stream", c) for n, c in files])


def test_given_no_scanner_in_the_setup_when_a_file_comes_then_nobody_is_asked(office):
    (line,) = office.batch([(mail(office, ("a.txt", EICAR)), SALES)])
    assert line["attachments"][0]["stored"] is True


def test_given_an_infected_file_when_mailed_then_it_alone_is_left_out_and_everybody_is_told(office, clamd):
    raw = mail(office, ("good.txt", b"words"), ("bad.txt", EICAR), ("big.txt", b"y" * 70_000))
    (line,) = office.batch([(raw, SALES)])

    assert line.end == ("accept", "done")
    assert {f["name"]: (f["stored"], f["reason"]) for f in line["attachments"]} == {
        "good.txt": (True, None), "bad.txt": (False, "infected"), "big.txt": (True, None),
    }  # fmt: skip
    assert "left out: bad.txt: infected (Eicar-Test-Signature)" in line.why("attachment")
    assert "bad.txt" in line.answer(CARLA).partition("Files left out:")[2]
    assert [f["name"] for f in office.values(line.number)["papers"]] == ["good.txt", "big.txt"]
    assert sorted(clamd.seen) == sorted([b"words", EICAR, b"y" * 70_000])


def test_given_one_content_many_times_when_a_batch_is_scanned_then_it_is_shown_once(office, clamd):
    office.batch([(mail(office, ("a.txt", b"same"), ("b.txt", b"same"), subject=f"M{n}"), SALES) for n in range(3)])
    assert clamd.seen == [b"same"]


def test_given_an_infected_message_for_people_when_it_would_be_redirected_whole_then_it_is_held(office, clamd):
    (line,) = office.batch(
        [(mail(office, ("bad.txt", EICAR), to="postmaster@desk.example.test"), "postmaster@desk.example.test")]
    )
    assert line.end == ("hold", "infected")
    assert File.objects.get().reason == "infected"


def test_given_a_file_larger_than_the_scanner_takes_when_mailed_then_it_is_left_out_for_nobody_has_looked(
    office, clamd
):
    clamd.most_bytes = 100_000
    (line,) = office.batch([(mail(office, ("huge.bin", b"z" * 400_000)), SALES)])
    assert line["attachments"][0]["reason"] == "infected"
    assert "not scanned" in " ".join(line.why("attachment"))


def test_given_a_scanner_that_is_away_when_mail_comes_then_what_has_files_waits_and_the_rest_goes_on(office):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        office.change({"site.scanner": f"tcp://127.0.0.1:{unused.getsockname()[1]}"})
        first, later, other = office.batch(
            [
                (mail(office, ("a.txt", b"words")), SALES),
                (office.bytes_of(CARLA, SALES, "Later", "No file."), SALES),
                (office.bytes_of("dora@cust.example", SALES, "Other", "No file."), SALES),
            ]
        )
    assert (first["disposition"], first["reason"]) == ("defer", "try-again")
    assert later["disposition"] == "defer"  # law 7: in the order of acceptance
    assert other.end == ("accept", "done")
    assert "scanner" in str(Delivery.objects.get(pk=first.id).result)
    with scanner() as server:
        office.change({"site.scanner": server.url})
        office.later("31s")
        office.batch([])
        ends = [office.line(each.id).end for each in (first, later)]
    assert ends == [("accept", "done"), ("accept", "done")]
    assert server.seen == [b"words"]


def test_given_a_scanner_that_says_nothing_when_asked_then_the_wait_ends_with_the_time_of_the_batch(office, clamd):
    clamd.mute = True
    office.change({"site.scanner": clamd.url, "site.limits": {"scan_seconds": 1}})
    (line,) = office.batch([(mail(office, ("a.txt", b"words")), SALES)])
    assert (line["disposition"], line["reason"]) == ("defer", "try-again")


def test_given_a_scanner_when_checked_then_away_is_a_fault(office, clamd, monkeypatch):
    client.ping(clamd.url)
    assert checks._scanner(store.current()) is None
    clamd.mute = True
    with pytest.raises(client.ScannerAway):
        client.ping(clamd.url, 0.2)
    monkeypatch.setattr(client, "ping", lambda url: (_ for _ in ()).throw(client.ScannerAway("gone")))
    assert checks._scanner(store.current()).ok is False


@pytest.mark.parametrize("reply", [b"", b"\xff\xfe junk\0", b"stream: command error ERROR\0"])
def test_given_a_peer_that_is_no_scanner_when_asked_then_it_counts_as_away(reply):
    import io
    import threading
    import time

    with socket.create_server(("127.0.0.1", 0)) as server:

        def once() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(100)
                peer.sendall(reply)

        thread = threading.Thread(target=once)
        thread.start()
        with pytest.raises(client.ScannerAway):
            client.scan(f"tcp://127.0.0.1:{server.getsockname()[1]}", io.BytesIO(b"x"), time.monotonic() + 5)
        thread.join()
