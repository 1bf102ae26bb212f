"""The pages of schedules."""

from dataclasses import replace

import pytest
from flask import Flask

from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.services import schedules
from tigertag.settings import ScheduleSettings, WebSettings
from tigertag.web.app import create_app

FORM = {"id": "nightly", "cron": "0 2 * * *", "in": "photos", "mode": "new", "write": "apply"}


@pytest.fixture
def member(world: World) -> Member:
    core = replace(world.core, default_schedules=(ScheduleSettings("bad", problem="No <cron>."),))
    app: Flask = create_app(core, WebSettings(PASSWORD, API_KEY), work=False)
    return Member(app)


def test_a_form_that_is_refused_is_shown_again_with_why(member: Member, world: World) -> None:
    answer = member.post("/schedules", **FORM | {"cron": "0 2 31 2 *", "engines": "color"})
    assert (answer.status_code, "never fires" in answer.text) == (422, True)
    assert 'value="0 2 31 2 *"' in answer.text
    assert schedules.every(world.core) == []


def test_the_form_shows_the_next_runs_while_it_is_filled_in(member: Member) -> None:
    shown = member.page("/schedules/new?cron=0 3 * * 0")
    assert "Every Sunday at 03:00, UTC" in shown
    assert "the hour &#39;25&#39;" in member.page("/schedules/new?cron=0 25 * * *")


def test_a_schedule_is_added_edited_paused_run_and_removed(member: Member, world: World) -> None:
    assert member.post("/schedules", **FORM).status_code == 303
    edited = {"cron": "@hourly", "in": "photos/.", "write": "preview", "engines": " colour, "}
    assert member.post("/schedules/nightly/edit", **edited).status_code == 303
    for action in ("pause", "run"):
        assert member.post(f"/schedules/nightly/{action}").status_code == 303
    saved = schedules.get(world.core, "nightly")
    assert saved == ScheduleSettings(
        *("nightly", "@hourly", "photos", ".", "new", "preview", ("colour",)), enabled=False
    )
    page = member.page("/schedules")
    assert all(text in page for text in ("every hour, UTC", "Resume", "waiting: It starts"))
    assert member.post("/schedules/nightly/resume").status_code == 303
    assert member.post("/schedules/nightly/remove").status_code == 303
    assert schedules.every(world.core) == []


def test_a_broken_schedule_of_the_settings_says_why(member: Member) -> None:
    page = member.page("/schedules")
    assert "No &lt;cron&gt;." in page
    assert "cannot run" in page
    assert member.post("/schedules/bad/remove").status_code == 409
    assert member.get("/schedules/none/edit").status_code == 404
