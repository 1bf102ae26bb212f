"""System's pages, and the overview on Home."""

import html
import re

import pytest
from flask import Flask

from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.contracts import Failed
from tigertag.services import backups, events, logs

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "part", ["status", "health", "tasks", "workers", "events", "backups", "logs"]
)
def test_each_part_of_system_opens_before_anything_was_scanned(member: Member, part: str) -> None:
    page = member.page(f"/system/{part}")
    assert "<h1>System</h1>" in page
    assert 'aria-current="page"' in page


def test_system_begins_with_its_status(member: Member) -> None:
    assert member.get("/system").headers["Location"] == "/system/status"


def test_events_are_text_and_filtered(world: World, member: Member) -> None:
    events.record(world.core, "error", "backup", "<b>The disk is full.</b>")
    events.record(world.core, "info", "backup", "All is well.")
    page = member.page("/system/events?level=error&source=backup")
    assert "&lt;b&gt;The disk is full." in page
    assert "All is well." not in page


def test_events_of_a_level_that_is_none_are_refused(member: Member) -> None:
    assert member.get("/system/events?level=loud").status_code == 422


def test_health_says_what_to_do(world: World, app: Flask) -> None:
    world.photos.rename(world.home / "elsewhere")
    page = Member(app).page("/system/health")
    assert "library photos" in page
    assert "/setup" in page


def test_a_failure_on_home_is_tried_again_with_one_click(world: World, member: Member) -> None:
    world.picture("a.png", "green")
    world.engine.fails["green"] = Failed("", "It is too green.", retryable=False)
    world.scan()
    assert "It is too green." in member.page("/?days=7")
    assert "It is too green." in member.page("/problems?like=1")
    answer = member.post_by_htmx("/overview/retry", problem_id="1", days="7")
    assert (answer.status_code, "1 item to try again" in answer.text) == (200, True)
    assert "scan 2" in member.page("/system/tasks")


def test_an_overview_of_other_days_is_refused(member: Member) -> None:
    assert member.get("/?days=3").status_code == 422


def test_a_log_is_followed_from_where_it_was_read(world: World, member: Member) -> None:
    file = logs.path(world.core, "web")
    file.parent.mkdir(exist_ok=True)
    file.write_text("first <b>line</b>\n")
    page = member.page("/system/logs?role=web")
    with file.open("a") as more:
        more.write("second line\n")
    follow = re.search(r'hx-get="(/system/logs/new[^"]+)"', page)
    assert follow is not None
    assert "first &lt;b&gt;line" in page
    new = member.page(html.unescape(follow[1]))
    assert ("second line" in new, "first" in new) == (True, False)


def test_a_log_and_the_support_bundle_are_downloaded(world: World, member: Member) -> None:
    assert member.get("/system/logs/file?role=work").status_code == 404
    file = logs.path(world.core, "work")
    file.parent.mkdir(exist_ok=True)
    file.write_text("a line\n")
    with member.get("/system/logs/file?role=work") as answer:
        assert answer.data == b"a line\n"
    bundle = member.get("/system/support-bundle")
    assert (bundle.status_code, bundle.mimetype) == (200, "application/zip")


@pytest.mark.parametrize("wrong", ["?role=secrets", "/new?role=web&offset=x"])
def test_a_log_that_is_none_is_refused(member: Member, wrong: str) -> None:
    assert member.get(f"/system/logs{wrong}").status_code in (404, 422)


def test_a_backup_is_made_verified_and_downloaded(world: World, member: Member) -> None:
    assert "Being made" in member.post_by_htmx("/system/backups").text
    name = backups.make(world.core).name
    assert name in member.page("/system/backups")
    assert "it is whole" in member.post_by_htmx(f"/system/backups/{name}/verify").text
    with member.get(f"/system/backups/{name}") as answer:
        assert answer.mimetype == "application/zip"


def test_a_damaged_backup_says_so(world: World, member: Member) -> None:
    name = backups.make(world.core).name
    file = backups.path_of(world.core, name)
    file.write_bytes(file.read_bytes()[:-50])
    assert "Damaged" in member.post_by_htmx(f"/system/backups/{name}/verify").text
    assert member.get("/system/backups/..%2Ftigertag.db").status_code == 404
