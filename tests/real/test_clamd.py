"""With the real clamd, and a signature file of our own with one line: nothing is fetched from anywhere."""

from __future__ import annotations

import io
import shutil
import subprocess
import time
from hashlib import md5

import pytest

from addressee.host import scanner
from clamd import EICAR


@pytest.fixture(scope="module")
def real_clamd(tmp_path_factory):
    program = shutil.which("clamd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert program, "clamd is missing: scripts/apt-install clamav-daemon"
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "db").mkdir()
    (folder / "db" / "own.hdb").write_text(f"{md5(EICAR).hexdigest()}:{len(EICAR)}:Own.Test.File\n")
    socket = folder / "clamd.sock"
    config = folder / "clamd.conf"
    config.write_text(
        f"Foreground yes\nLocalSocket {socket}\nDatabaseDirectory {folder / 'db'}\nStreamMaxLength 1M\n"
        f"LogFile {folder / 'log'}\nTemporaryDirectory {folder}\nUser root\n"
    )
    process = subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    url, until = f"unix:{socket}", time.monotonic() + 30
    try:
        while True:
            try:
                scanner.ping(url)
                break
            except scanner.ScannerAway:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, "clamd did not answer within 30 seconds"
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (EICAR, "Own.Test.File.UNOFFICIAL"), (b"harmless words\n" * 5_000, ""), (b"", ""),
        (b"\0" * 1_500_000, "not scanned: larger than the scanner takes"),
    ],
    ids=["the test file", "harmless", "empty", "larger than it takes"],
)  # fmt: skip
def test_given_the_real_clamd_when_shown_a_content_then_its_answer_is_understood(real_clamd, content, found):
    assert scanner.scan(real_clamd, io.BytesIO(content), time.monotonic() + 20) == found
