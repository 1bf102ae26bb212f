"""`tigertag status`, `overview`, `events` and `problems retry`."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tigertag import __version__

pytestmark = pytest.mark.slow


def test_the_status_says_what_runs_and_what_is_missing(run: Run) -> None:
    printed = run("status").output
    assert f"TigerTag {__version__}" in printed
    assert "Database: SQLite" in printed
    assert "Worker for scans: none" in printed


def test_events_say_how_a_scan_ended(run: Run) -> None:
    run("scan", "photos", "--apply")
    assert "is done: 1 item" in run("events", "--source", "scan").output
    assert "1 edit verified" in run("events").output
    assert run("events", "--level", "error").output == "None.\n"


def test_the_overview_names_what_to_retry(run: Run, photos: Path) -> None:
    (photos / "torn.png").write_bytes(b"no picture")
    run("scan", "photos", "--apply")
    printed = run("overview", "--days", "7").output
    assert "Items processed: 2" in printed
    assert "`tigertag problems retry --reason REASON`" in printed
