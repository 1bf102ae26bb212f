"""`tigertag prune`, `problems retry` and `db vacuum`."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.slow


def test_pruning_says_what_went(run: Run) -> None:
    run("scan", "photos")
    assert run("prune").output.startswith("Pruned: details of 0 scans,")
    assert "details of 0 scans (0 decisions)" in run("prune", "--dry-run", "--days", "1").output


def test_keeping_all_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP_DAYS", "0")
    assert "all is kept" in run("prune").output


def test_the_file_is_rewritten(run: Run) -> None:
    run("scan", "photos")
    assert "The database had " in run("db", "vacuum").output


def test_problems_are_retried_by_number_or_all_together(run: Run, photos: Path) -> None:
    (photos / "torn.png").write_bytes(b"no picture")
    run("scan", "photos")
    assert run("problems", "retry", "1").output == "1 problem retried by scan 2.\n"
    again = run("problems", "retry", "--all").output
    assert again.startswith("1 problem retried.\n")
    assert "The next scan of it tries them again." in again
    assert run("problems", "retry").exit_code == 2
