"""`addressee receive` and its neighbours, as an MTA and an operator run them: the real command in a real home."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from homes import Home

# DESIGN section 5: what every line holds
KEYS = {
    "file", "message_id", "spool_id", "recipient", "disposition", "reason", "author", "actor", "assurance", "account",
    "duplicate_of", "verified", "effects", "communications", "replies", "attachments", "trace",
}  # fmt: skip
CASE = "case@desk.example.test"


def mail(
    number: int, author: str = "cleo@customer.example", to: str = CASE, head: str = "", text: str = "Help!"
) -> bytes:
    return (
        f"{head}From: {author}\r\nTo: {to}\r\nSubject: Broken {number}\r\nMessage-ID: <m{number}@customer.example>\r\n"
        f"Date: Fri, 1 May 2026 12:00:00 +0000\r\n\r\n{text}\r\n"
    ).encode()


def passed(author: str) -> str:
    domain = author.partition("@")[2]
    return f"Authentication-Results: mx.example.test; dmarc=pass header.from={domain}\r\n"


def ledger(home: Home) -> dict:
    [counts] = home.run("ledger", "--json").lines
    return counts


def test_a_message_on_standard_input_becomes_a_record(desk: Home):
    done = desk.run("receive", "--json", stdin=mail(1))
    assert done.code == 0, done.err
    [line] = done.lines
    assert set(line) == KEYS
    assert (line["disposition"], line["recipient"], line["author"]) == ("accept", CASE, "cleo@customer.example")
    assert [effect["record"] for effect in line["effects"] if effect["table"] == "case"] == ["CASE-1"]
    assert line["message_id"] == "m1@customer.example"
    assert line["file"] is None
    # and an MTA that delivers it once more changes nothing (law 3)
    [again] = desk.run("receive", "--json", stdin=mail(1)).lines
    assert (again["disposition"], again["reason"], again["duplicate_of"]) == ("discard", "duplicate", line["spool_id"])
    assert ledger(desk)["adds_up"]


def test_what_our_own_mta_says_of_the_author_is_believed(desk: Home):
    author = "ada@example.test"
    [line] = desk.run("receive", "--json", stdin=mail(1, author, head=passed(author))).lines
    assert (line["assurance"], line["actor"]) == ("E3", "ada")
    assert [reply["to"] for reply in line["replies"]] == [author]


def test_the_bytes_and_the_story_of_a_message_can_be_asked_for(desk: Home, tmp_path: Path):
    # given a small message and one that stands in the file store
    raws = [mail(1), mail(2, text="x" * 70 * 5000)]
    for raw in raws:
        assert desk.run("receive", stdin=raw).code == 0
    # when its bytes are asked for, by either kind of id / then they are those that came
    assert desk.run("raw", "<m1@customer.example>").out == raws[0]
    assert desk.run("raw", "2").out == raws[1]
    # and its story is told to programs and to people
    [line] = desk.run("trace", "--json", "m2@customer.example").lines
    assert set(line) == KEYS
    assert line["trace"]
    told = desk.run("trace", "1").out.decode()
    assert "accepted" in told
    assert "├─ " in told
    for command in ("raw", "trace"):
        assert desk.run(command, "nobody@customer.example").code == 66


@pytest.mark.parametrize(
    ("args", "stdin", "code", "says"),
    [
        ((), b"", 65, "no bytes at all"),
        (("no/such/file.eml",), b"", 66, "No such file"),
        (("--recipient", "nobody@other.example"), mail(1), 67, "no address of ours: nobody@other.example"),
        (("--recipient", CASE, "--recipient", "x@desk.example.test"), mail(1), 67, "x@desk.example.test"),
        (("--colour",), b"", 64, "usage"),
    ],
)
def test_what_cannot_be_taken_ends_with_the_code_that_says_why(desk: Home, args, stdin, code, says):
    done = desk.run("receive", *args, stdin=stdin)
    assert (done.code, done.out) == (code, b"")
    assert says in done.err
    assert ledger(desk)["accepted"] == 0


def test_mail_for_nobody_of_ours_is_kept_and_held(desk: Home):
    [line] = desk.run("receive", "--json", stdin=mail(1, to="else@where.example")).lines
    assert (line["disposition"], line["reason"], line["recipient"]) == ("hold", "no-recipient", None)


def test_recipients_that_are_named_count_each_for_itself(desk: Home):
    done = desk.run(
        "receive",
        "--json",
        "--recipient",
        CASE,
        "--recipient",
        "help@example.test",
        "--sender",
        "a@b.example",
        stdin=mail(1),
    )
    assert [line["recipient"] for line in done.lines] == [CASE, "help@example.test"]


def test_files_of_every_kind_are_taken_at_once_and_left_as_they_are(desk: Home, tmp_path: Path):
    # given a message, a folder, a Maildir and an mbox
    single, folder, maildir, box = (tmp_path / name for name in ("one.eml", "folder", "Maildir", "box"))
    single.write_bytes(mail(1))
    folder.mkdir()
    (folder / "two.eml").write_bytes(mail(2))
    for name in ("new", "cur"):
        (maildir / name).mkdir(parents=True)
    (maildir / "new" / "1.a").write_bytes(mail(3))
    (maildir / "cur" / "2.b:2,S").write_bytes(mail(4))
    unix = [mail(number).replace(b"\r\n", b"\n") for number in (5, 6)]
    box.write_bytes(b"".join(b"From cleo@customer.example Fri May  1 12:00:00 2026\n" + raw + b"\n" for raw in unix))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "home" not in path.parts}
    # when all are received
    done = desk.run("receive", "--json", single, folder, maildir, box)
    # then each became a record, in the order given
    assert done.code == 0, done.err
    assert [line["message_id"] for line in done.lines] == [f"m{number}@customer.example" for number in range(1, 7)]
    assert {line["disposition"] for line in done.lines} == {"accept"}
    assert [line["file"] for line in done.lines[:2]] == [str(single), str(folder / "two.eml")]
    assert before == {path: path.read_bytes() for path in before}


def test_an_empty_file_among_others_is_told_and_the_others_are_kept(desk: Home, tmp_path: Path):
    (tmp_path / "a.eml").write_bytes(b"")
    (tmp_path / "b.eml").write_bytes(mail(1))
    done = desk.run("receive", "--json", tmp_path / "a.eml", tmp_path / "b.eml")
    assert done.code == 65
    assert "a.eml: no bytes at all" in done.err
    assert len(done.lines) == 1


def test_mail_is_kept_for_later_and_worked_off(desk: Home):
    [line] = desk.run("receive", "--json", "--queue-only", stdin=mail(1)).lines
    assert set(line) == KEYS
    assert (line["disposition"], line["reason"], line["recipient"]) == (None, None, CASE)
    assert ledger(desk)["waiting"] == 1
    [worked] = desk.run("work", "--until-idle", "--json").lines
    assert (worked["spool_id"], worked["disposition"]) == (line["spool_id"], "accept")
    again = desk.run("work", "--until-idle")
    assert (again.code, again.out) == (0, b"")
    assert "nothing waits" in again.err


def test_a_message_that_kills_the_parser_is_held_after_three_tries_and_the_others_pass(desk: Home, tmp_path: Path):
    box = tmp_path / "mail"
    box.mkdir()
    for number in range(1, 6):
        wish = "X-Addressee-Test: kill\r\n" if number == 3 else ""
        (box / f"{number}.eml").write_bytes(mail(number, f"a{number}@customer.example", head=wish))
    done = desk.run("receive", "--json", box)
    assert done.code == 0, done.err
    assert [line["disposition"] for line in done.lines] == ["accept", "accept", "hold", "accept", "accept"]
    assert done.lines[2]["reason"] == "poison"
    assert "SIGKILL" in str(done.lines[2]["trace"])
    assert desk.run("raw", str(done.lines[2]["spool_id"])).out == (box / "3.eml").read_bytes()


def test_an_author_is_served_in_order_even_behind_his_own_poison(desk: Home, tmp_path: Path):
    # given a mail that kills the parser, and a later one by the same author
    box = tmp_path / "mail"
    box.mkdir()
    (box / "1.eml").write_bytes(mail(1, head="X-Addressee-Test: kill\r\n"))
    (box / "2.eml").write_bytes(mail(2))
    assert [line["disposition"] for line in desk.run("receive", "--queue-only", "--json", box).lines] == [None, None]
    # when they are worked off / then the first is tried to its end before the second is looked at
    done = desk.run("work", "--until-idle", "--json").lines
    last = {line["spool_id"]: (place, line["disposition"], line["reason"]) for place, line in enumerate(done)}
    assert [last[1][1:], last[2][1]] == [("hold", "poison"), "accept"]
    assert last[1][0] < last[2][0]


# ---- Nothing is acknowledged that is not kept --------------------------------------------------------------

LARGE = "x" * 70 * 5000


@pytest.mark.parametrize("point", ["raw-written", "raw-synced"])
def test_a_full_disk_is_exit_75_and_nothing_is_kept(desk: Home, point: str):
    done = desk.run("receive", stdin=mail(1, text=LARGE), env={"ADDRESSEE_FAULT": f"{point}:1:enospc"})
    assert (done.code, done.out) == (75, b"")
    assert "No space left" in done.err
    assert ledger(desk)["accepted"] == 0
    assert desk.run("receive", stdin=mail(1, text=LARGE)).code == 0


def test_a_disk_that_really_takes_no_more_is_exit_75_and_nothing_is_kept(desk: Home):
    # given a limit on the size of files: the operating system itself refuses to write on
    done = desk.run("receive", stdin=mail(1, text=LARGE), file_bytes=200_000)
    assert done.code == 75, done.err
    assert ledger(desk)["accepted"] == 0
    assert not list((desk.folder / "files" / "new").iterdir())


@pytest.mark.parametrize("point", ["raw-written", "raw-synced", "raw-stored"])
def test_a_command_killed_before_it_was_durable_kept_nothing(desk: Home, point: str):
    done = desk.run("receive", stdin=mail(1, text=LARGE), env={"ADDRESSEE_FAULT": f"{point}:1:kill9"})
    assert done.code == -signal.SIGKILL
    assert ledger(desk)["accepted"] == 0
    # and the MTA, which was told nothing, delivers it again: once
    [line] = desk.run("receive", "--json", stdin=mail(1, text=LARGE)).lines
    assert line["disposition"] == "accept"


@pytest.mark.parametrize("point", ["spooled", "claimed", "transaction-open", "decided", "written", "committed"])
def test_a_command_killed_after_it_was_durable_has_one_effect(desk: Home, point: str):
    done = desk.run("receive", stdin=mail(1), env={"ADDRESSEE_FAULT": f"{point}:1:kill9"})
    assert done.code == -signal.SIGKILL
    # when it is worked off, and the MTA, which was told nothing, delivers it again
    assert desk.run("work", "--until-idle").code == 0
    [again] = desk.run("receive", "--json", stdin=mail(1)).lines
    # then there is one record, and the second delivery is the duplicate of the first
    assert (again["disposition"], again["reason"]) == ("discard", "duplicate")
    counts = ledger(desk)
    assert (counts["accepted"], counts["applied"], counts["discarded"]) == (2, 1, 1)
    assert [record["number"] for record in desk.run("records", "case", "--json").lines] == ["CASE-1"]


# ---- With a worker beside it -------------------------------------------------------------------------------


@pytest.fixture
def worker(desk: Home):
    """A worker of the desk, ready; it is told to stop in the end, and must."""
    process = desk.start("worker", "--json", stdout=subprocess.PIPE)
    with process.stdout as out:
        assert b'"worker"' in out.readline()
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_waiting_message_is_processed_at_once(desk: Home, worker: subprocess.Popen):
    [line] = desk.run("receive", "--json", "--queue-only", stdin=mail(1)).lines
    for _ in range(100):
        [told] = desk.run("trace", "--json", str(line["spool_id"])).lines
        if told["disposition"]:
            break
        time.sleep(0.05)
    assert told["disposition"] == "accept"
    assert (desk.folder / "worker.alive").exists()


def test_receive_tells_the_result_whoever_did_the_work(desk: Home, worker: subprocess.Popen, tmp_path: Path):
    box = tmp_path / "mail"
    box.mkdir()
    for number in range(150):
        (box / f"{number:03}.eml").write_bytes(mail(number, f"a{number % 7}@customer.example"))
    done = desk.run("receive", "--json", box)
    assert done.code == 0, done.err
    assert [line["message_id"] for line in done.lines] == [f"m{number}@customer.example" for number in range(150)]
    assert {line["disposition"] for line in done.lines} == {"accept"} or {line["reason"] for line in done.lines} <= {
        "unverified", "rate-limit",
    }  # fmt: skip
    assert all(line["disposition"] for line in done.lines)
    assert ledger(desk)["waiting"] == 0


def test_a_worker_that_is_killed_loses_nothing(desk: Home):
    # given a worker that dies with a claim in its hand
    desk.run("receive", "--queue-only", stdin=mail(1))
    killed = desk.run("worker", env={"ADDRESSEE_FAULT": "claimed:1:kill9"})
    assert killed.code == -signal.SIGKILL
    # when the next one starts / then it takes over at once, and the try is counted
    [line] = desk.run("work", "--until-idle", "--json").lines
    assert line["disposition"] == "accept"


def test_memory_stays_flat_however_many_messages_there_are(desk: Home, tmp_path: Path):
    def peak(count: int) -> int:
        """Most memory that `receive` of a Maildir with so many messages took, in bytes."""
        box = tmp_path / f"box{count}"
        for name in ("new", "cur"):
            (box / name).mkdir(parents=True)
        for number in range(count):
            (box / "new" / f"{number}.m").write_bytes(mail(number, text="x" * 25_000))
        process = desk.start("receive", "--queue-only", "--json", str(box), stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss * 1024

    # both fill the page cache of SQLite (16 MB); what comes after that must cost nothing
    assert peak(2_400) - peak(800) < 6 * 1024 * 1024
    assert ledger(desk)["waiting"] == 3_200
