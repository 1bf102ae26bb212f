"""System's page of the workers, and what other pages say while there is none."""

import pytest

from tests.unit.web.conftest import API_KEY, PASSWORD
from tests.unit.web.dashboard.member import Member
from tests.workers import break_broker, clustered, enter, running, take
from tests.world import World
from tigertag.settings import WebSettings
from tigertag.web.app import create_app

pytestmark = pytest.mark.slow


def cluster(world: World) -> Member:
    """Somebody who signed in to a service with a broker."""
    return Member(create_app(clustered(world), WebSettings(PASSWORD, API_KEY), work=False))


def test_one_machine_says_how_more_would_help(member: Member) -> None:
    page = member.page("/system/workers")
    assert "One machine" in page
    assert "data-poll" not in page


def test_without_a_worker_the_pages_say_what_to_run(world: World) -> None:
    scan_id = running(world)
    member = cluster(world)
    assert "No worker yet" in member.page("/system/workers")
    assert "Nobody for default" in member.page("/system/workers")
    assert "Waiting for a worker" in member.page(f"/scans/{scan_id}")
    assert f"Nobody can work on scan {scan_id}" in member.page("/")
    assert "Start <code>tigertag worker</code>" in member.page("/system/status")


def test_a_worker_is_shown_as_text_with_its_work_and_refusals(world: World) -> None:
    scan_id = running(world)
    enter(world, refuses={scan_id + 1: "No <b>mount</b>."})
    take(world, scan_id)
    page = cluster(world).page("/system/workers")
    assert "otter.lan" in page
    assert f"scan {scan_id}</a> of photos/photos: 3 items" in page
    assert "No &lt;b&gt;mount&lt;/b&gt;." in page


def test_a_broker_that_cannot_be_reached_is_said_once(world: World) -> None:
    running(world)
    enter(world)
    break_broker(world, "The broker cannot be reached.")
    assert cluster(world).page("/system/workers").count("The broker cannot be reached.") == 1


def test_a_worker_is_drained_and_resumed_with_a_click(world: World) -> None:
    enter(world)
    member = cluster(world)
    assert "It ends now." in member.post_by_htmx("/system/workers/otter/drain").text
    answer = member.post("/system/workers/otter/resume")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/system/workers")
    assert "Idle." in member.page("/system/workers")


def test_a_click_without_the_token_and_a_worker_that_is_none_are_refused(world: World) -> None:
    enter(world)
    member = cluster(world)
    assert member.client.post("/system/workers/otter/drain").status_code == 400
    assert member.post("/system/workers/badger/drain").status_code == 404
    assert member.post("/system/workers/otter/kill").status_code == 404
