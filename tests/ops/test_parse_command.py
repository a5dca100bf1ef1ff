"""`addressee parse`: one JSON object a message, exit codes as in the contract, and no Django on the way."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from addressee.ops.main import main

RAW = (
    b"From: Ben <ben@example.org>\nTo: case@in.test\nSubject: Hi\nDate: Mon, 3 Mar 2025 09:00:00 +0100\n"
    b"Message-ID: <1@x>\nIn-Reply-To: <0@x>\nReferences: <a@x> <0@x>\nContent-Type: multipart/mixed; boundary=b\n\n"
    b"--b\n\nClose it.\n\n-- \nBen\n--b\nContent-Type: image/png; name=a.png\n\nPNG\n--b--\n"
)
KEYS = {
    "file", "message_id", "subject", "from", "author", "to", "cc", "date", "in_reply_to", "references", "text",
    "html_text", "new_text", "quoted_text", "signature", "attachments", "is_bounce", "bounces", "is_auto_reply",
    "is_feedback_report", "forward", "defects",
}  # fmt: skip


Parse = Callable[..., tuple[int, str, str]]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Parse:
    """Run `addressee parse` with these arguments and this standard input: (exit code, stdout, stderr).

    The home is there already: only where it is missing does `parse` make it.
    """
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "key").write_text("there")
    monkeypatch.setenv("ADDRESSEE_HOME", str(tmp_path / "home"))

    def run(argv: list[str], stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            code = main(["parse", *argv])
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_a_message_on_standard_input_is_one_line_with_every_key_of_the_contract(parsed: Parse):
    # when a message comes by the pipe
    code, out, err = parsed(["--json"], RAW)
    line = json.loads(out)
    # then the line has the keys and types that other programs rely on
    assert (code, err, out.count("\n")) == (0, "", 1)
    assert set(line) >= KEYS
    assert line["from"] == [{"name": "Ben", "address": "ben@example.org"}]
    assert (line["author"], line["message_id"], line["in_reply_to"]) == ("ben@example.org", "1@x", "0@x")
    assert line["references"] == ["a@x", "0@x"]
    assert line["date"] == "2025-03-03T08:00:00Z"
    assert (line["new_text"], line["signature"]) == ("Close it.", "-- \nBen".replace(" \n", "\n"))
    (file,) = line["attachments"]
    assert set(file) == {"name", "type", "size_bytes", "inline", "sha256"}
    assert (line["forward"], line["bounces"], line["cc"], line["is_bounce"]) == (None, [], [], False)


def test_several_files_are_a_line_each_and_the_missing_one_is_named(parsed: Parse, tmp_path: Path):
    # given one message, one empty file, and a name of nothing
    (tmp_path / "a.eml").write_bytes(RAW)
    (tmp_path / "b.eml").write_bytes(b"")
    names = [str(tmp_path / name) for name in ("a.eml", "b.eml", "c.eml", "a.eml")]
    # when all are read
    code, out, err = parsed(["--json", *names])
    # then the readable ones are lines, and each other one has its sentence
    assert [json.loads(line)["file"] for line in out.splitlines()] == [names[0], names[3]]
    assert "b.eml: no bytes at all" in err
    assert "c.eml: No such file or directory" in err
    assert code == 65


@pytest.mark.parametrize(
    ("argv", "stdin", "code"),
    [
        ([], b"", 65),
        (["/no/such/file"], b"", 66),
        (["--what"], b"", 64),
        (["--body-text", "--body-html"], b"x", 64),
        (["/"], b"", 66),
    ],
)
def test_each_refusal_has_its_exit_code_and_a_sentence(parsed: Parse, argv: list[str], stdin: bytes, code: int):
    found, out, err = parsed(argv, stdin)
    assert (found, out) == (code, "")
    assert err.startswith(("addressee parse: ", "usage: "))


def test_bare_bodies_are_read_too(parsed: Parse):
    # given a plain body and an HTML one
    text = "Yes.\n\nOn Mon, 3 Mar 2025, Ada <ada@x.test> wrote:\n> No?\n"
    _, plain, _ = parsed(["--json", "--body-text"], text.encode())
    _, page, _ = parsed(["--json", "--body-html"], b"<p>Yes.</p><blockquote>No?</blockquote>")
    # then quote and new text are told apart in both
    assert json.loads(plain)["new_text"] == json.loads(page)["new_text"] == "Yes."
    assert json.loads(plain)["text"] == text
    assert json.loads(page)["html_text"] == json.loads(page)["text"]


def test_people_get_a_page_of_text(parsed: Parse):
    code, out, _ = parsed([], RAW)
    assert code == 0
    assert "Subject:" in out
    assert "a.png (image/png, 3 bytes)" in out
    assert "Close it." in out
    assert parsed(["--help"])[1].startswith("usage: addressee parse")


def test_it_starts_without_django():
    # when the module is imported in a fresh interpreter
    code = "import sys; import addressee.ops.parse_command; sys.exit('django' in sys.modules)"
    # then Django is not
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
