"""`tigertag problems`: what failed stays listed until it is solved or ignored."""

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def torn(run: Run, photos: Path) -> Run:
    """A picture that cannot be read, and two scans of it."""
    (photos / "torn.png").write_bytes(b"no picture")
    run("scan", "photos")
    return run


def test_a_scan_that_asks_nothing_says_that_a_problem_is_left(torn: Run) -> None:
    printed = torn("scan", "photos").output
    assert "0 failed" in printed
    assert "1 item still has a problem" in printed


def test_a_problem_is_listed_until_it_is_ignored(torn: Run) -> None:
    assert "torn.png" in torn("problems").output
    assert "1 problem ignored" in torn("problems", "ignore", "1").output
    assert torn("problems").output.endswith("None.\n")
    assert "torn.png" in torn("problems", "--ignored").output
    torn("problems", "show", "1")
    assert "torn.png" in torn("problems", "--library", "photos").output


def test_a_problem_or_library_that_is_not_there_is_one_clear_line(torn: Run) -> None:
    for command in (("ignore", "7"), ("--library", "fotos")):
        done = torn("problems", *command)
        assert (done.exit_code, done.output.startswith("Error: There is no")) == (1, True)
