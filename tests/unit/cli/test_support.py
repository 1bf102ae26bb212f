"""`tigertag logs` and `tigertag support-bundle`."""

from pathlib import Path
from zipfile import ZipFile

from tests.unit.cli.conftest import Run


def test_the_last_lines_are_printed(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "logs"
    folder.mkdir(parents=True)
    (folder / "work.log").write_text("a\nb\nc\n")
    assert run("logs", "--role", "work", "--lines", "2").output == "b\nc\n"


def test_nothing_logged_is_said_with_the_place(run: Run) -> None:
    assert "web.log" in run("logs").output


def test_a_bundle_is_written(run: Run, tmp_path: Path) -> None:
    result = run("support-bundle", str(tmp_path / "bundle.zip"))
    assert result.exit_code == 0
    with ZipFile(tmp_path / "bundle.zip") as archive:
        assert "settings.json" in archive.namelist()


def test_a_place_that_cannot_be_written_is_said_in_one_line(run: Run, tmp_path: Path) -> None:
    result = run("support-bundle", str(tmp_path / "gone" / "bundle.zip"))
    assert result.exit_code == 1
    assert "cannot be written" in result.output
