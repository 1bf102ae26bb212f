"""A home that cannot be written: one line, and nothing is begun."""

import errno
import os
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tigertag.settings import homes
from tigertag.web import server


@pytest.fixture
def denied(tmp_path: Path, run_anew: Run, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that nobody may write to, root neither."""

    def temporary_file(**_options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(homes, "TemporaryFile", temporary_file)
    return home


@pytest.mark.parametrize(
    "command", ["serve", "work", "scan photos", "scans", "password --generate", "schedules list"]
)
def test_each_command_ends_with_one_line(command: str, run_anew: Run, denied: Path) -> None:
    done = run_anew(*command.split())
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: TIGERTAG_HOME: {denied} cannot be written")
    assert done.output.count("\n") == 1
    assert [*denied.iterdir()] == []


def test_tags_of_files_are_printed_nevertheless(run_anew: Run, denied: Path, photos: Path) -> None:
    done = run_anew("tag", "--engine", "instant", str(photos))
    assert (done.exit_code, "cat" in done.output) == (0, True)


def test_the_service_ends_with_one_line_and_is_not_started_again(
    denied: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        server.application()
    assert ended.value.code == 4
    line = capsys.readouterr().err
    assert line.startswith(f"TigerTag cannot start: TIGERTAG_HOME: {denied} cannot be written")
    assert line.count("\n") == 1
