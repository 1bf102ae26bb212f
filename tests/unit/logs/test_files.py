"""Files of the log, shared by processes and bounded."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tigertag.logs import SharedFile

WRITER = """
import logging, sys
from pathlib import Path
from tigertag.logs import SharedFile
log = SharedFile(Path(sys.argv[1]), most_bytes=20_000, old_files=50)
for number in range(1000):
    log.handle(logging.makeLogRecord({"msg": f"{sys.argv[2]} {number}"}))
"""


def write(log: SharedFile, message: str) -> None:
    log.handle(logging.makeLogRecord({"msg": message}))


def test_processes_that_rotate_a_file_together_lose_no_line(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path / "web.log")]
    writers = [subprocess.Popen([*command, name]) for name in "abc"]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    lines = [line for path in tmp_path.glob("web.log*") for line in path.read_text().splitlines()]
    assert sorted(lines) == sorted(f"{name} {number}" for name in "abc" for number in range(1000))


def test_the_files_stay_within_their_bound(tmp_path: Path) -> None:
    log = SharedFile(tmp_path / "web.log", most_bytes=1000, old_files=2)
    for number in range(500):
        write(log, f"event {number:06}")
    log.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("web.log*")}
    assert sizes.keys() == {"web.log", "web.log.1", "web.log.2"}
    assert max(sizes.values()) <= 1000


def test_a_file_that_was_removed_is_made_anew(tmp_path: Path) -> None:
    log = SharedFile(tmp_path / "web.log")
    (tmp_path / "web.log").unlink()
    write(log, "still here")
    log.close()
    assert (tmp_path / "web.log").read_text() == "still here\n"


def test_a_folder_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    log = SharedFile(tmp_path / "logs" / "web.log")
    (tmp_path / "logs" / "web.log").unlink()
    (tmp_path / "logs").rmdir()
    write(log, "lost")
    log.close()


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    SharedFile(tmp_path / "logs" / "web.log").close()
    assert (tmp_path / "logs").stat().st_mode & 0o77 == 0
    assert (tmp_path / "logs" / "web.log").stat().st_mode & 0o77 == 0


def test_a_line_whose_arguments_do_not_fit_is_no_error_of_who_logs_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = SharedFile(tmp_path / "web.log")
    log.handle(logging.makeLogRecord({"msg": "%d items", "args": ("many",)}))
    write(log, "goes on")
    log.close()
    assert (tmp_path / "web.log").read_text() == "goes on\n"
    assert "%d items" in capsys.readouterr().err
