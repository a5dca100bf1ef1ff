"""`addressee check`: each fault is told with its cause and its cure."""

from __future__ import annotations

import socket

NAMES = [
    "database",
    "files",
    "contents",
    "disk",
    "clock",
    "worker",
    "listeners",
    "accounts",
    "dns",
    "outbox",
    "ledger",
    "audit",
    "policy",
    "border",
]
MAIL = (
    b"Authentication-Results: mx.example.test; dmarc=pass header.from=example.test\n"
    b"From: Ada <ada@example.test>\nTo: case@desk.example.test\nSubject: Broken tap\nMessage-ID: <c1@example.test>\n\nIt drips.\n"
)


def checked(desk, **env: str) -> tuple[int, dict[str, dict]]:
    done = desk.run("check", "--json", env=env)
    lines = {line["name"]: line for line in done.lines}
    assert all(line.keys() == {"name", "ok", "cause", "cure"} for line in lines.values())
    return done.code, lines


def test_a_fresh_home_is_well_and_says_what_does_not_run(desk):
    code, lines = checked(desk)
    assert (code, list(lines)) == (0, NAMES)
    assert "No worker runs" in lines["worker"]["cause"]
    assert "No listener runs" in lines["listeners"]["cause"]
    assert "ADDRESSEE_SMTP_URL" in lines["accounts"]["cause"]


def test_mail_that_waits_without_a_worker_is_a_fault(desk):
    assert desk.run("receive", "--queue-only", stdin=MAIL).code == 0
    code, lines = checked(desk, ADDRESSEE_NOW="+5m")
    assert code == 69
    assert lines["worker"] == {
        "name": "worker",
        "ok": False,
        "cause": "No worker runs; 1 deliveries wait.",
        "cure": "Start `addressee serve`, `addressee worker`, or `addressee work` once.",
    }


def test_an_answer_that_can_not_leave_is_a_fault_that_names_the_setting(desk):
    assert desk.run("receive", stdin=MAIL).code == 0
    code, lines = checked(desk, ADDRESSEE_NOW="+5m")
    assert code == 69
    assert not lines["outbox"]["ok"]
    assert not lines["accounts"]["ok"]
    assert "Set ADDRESSEE_SMTP_URL" in lines["accounts"]["cause"]


def test_a_clock_that_went_back_is_a_fault(desk):
    assert desk.run("receive", stdin=MAIL, env={"ADDRESSEE_NOW": "+2h"}).code == 0
    code, lines = checked(desk)
    assert (code, lines["clock"]["ok"]) == (69, False)


def test_a_listener_that_died_without_a_word_is_a_fault(desk):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        place = f"127.0.0.1:{gone.getsockname()[1]}"
    (desk.folder / "listeners.json").write_text(f'{{"pid": 1, "addresses": {{"smtp": "{place}"}}}}')
    code, lines = checked(desk)
    assert code == 69
    assert f"smtp at {place}" in lines["listeners"]["cause"]


def test_a_policy_that_believes_everybody_is_told(desk, tmp_path):
    setup = tmp_path / "open.toml"
    setup.write_text('[site]\npolicy = "open"\n')
    assert desk.run("apply", str(setup)).code == 0
    code, lines = checked(desk)
    assert code == 0
    assert "The policy is open for the site" in lines["policy"]["cause"]


def test_for_people_faults_stand_out(desk):
    (desk.folder / "listeners.json").write_text('{"pid": 1, "addresses": {"lmtp": "127.0.0.1:1"}}')
    done = desk.run("check")
    assert done.code == 69
    assert b"FAULT   listeners" in done.out
    assert b"ok      database" in done.out


def test_a_stored_message_that_is_gone_is_a_fault(desk):
    large = MAIL.replace(b"c1@", b"c2@") + b"x" * 300_000
    assert desk.run("receive", stdin=large).code == 0
    (kept,) = [path for path in (desk.folder / "files").glob("??/*") if path.stat().st_size > 300_000]
    kept.unlink()
    code, lines = checked(desk)
    assert (code, lines["contents"]["ok"]) == (69, False)
    assert kept.name in lines["contents"]["cause"]
    assert desk.run("check", "--all").code == 69


def test_mail_that_our_own_server_did_not_stamp_is_told(desk):
    bare = MAIL.partition(b"\n")[2]
    assert desk.run("receive", stdin=bare).code == 0
    code, lines = checked(desk)
    assert (code, lines["border"]["ok"]) == (0, True)
    assert "mx.example.test" in lines["border"]["cause"]
    assert desk.run("receive", stdin=MAIL).code == 0
    assert checked(desk)[1]["border"]["cause"] == ""
