"""`tigertag schedules`."""

import pytest

from tests.unit.cli.conftest import Run

ADD = ("schedules", "add", "nightly", "0 2 * * *", "photos")


def test_a_line_that_is_wrong_is_one_line_of_error(run: Run) -> None:
    result = run("schedules", "add", "nightly", "0 2 31 2 *", "photos")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert "never fires" in result.output
    assert run("schedules", "list").output == "No schedules.\n"


def test_a_schedule_is_added_listed_and_removed(run: Run) -> None:
    added = run(*ADD, "--write", "apply", "--mode", "new", "--engine", "instant")
    assert added.output == "Schedule nightly: every night at 02:00, UTC.\n"
    listed = run("schedules", "list").output
    assert all(text in listed for text in ("nightly", "every night", "apply new of photos"))
    assert run("schedules", "remove", "nightly").output == "Removed.\n"
    assert run("schedules", "list").output == "No schedules.\n"


def test_a_schedule_is_paused_and_resumed(run: Run) -> None:
    run(*ADD)
    assert "paused" in run("schedules", "edit", "nightly", "--pause").output
    assert "paused" in run("schedules", "list").output
    resumed = run("schedules", "edit", "nightly", "--resume", "--cron", "@hourly")
    assert resumed.output == "Schedule nightly: every hour, UTC.\n"


def test_a_schedule_runs_now(run: Run) -> None:
    run(*ADD)
    assert run("schedules", "run", "nightly").exit_code == 0
    assert "waiting" in run("schedules", "list").output


def test_a_broken_schedule_of_the_settings_is_listed_with_its_problem(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULE_WEEKLY_CRON", "0 3 * * 8")
    monkeypatch.setenv("SCHEDULE_WEEKLY_LIBRARY", "photos")
    listed = run("schedules", "list")
    assert listed.exit_code == 0
    assert "Schedule weekly cannot run: SCHEDULE_WEEKLY_CRON: '0 3 * * 8'" in listed.output
