"""REST's scans: started, watched, applied, undone."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.unit.web.api.asking import got, post, problem
from tests.world import World
from tigertag.contracts import Failed
from tigertag.errors import LibraryShrunk
from tigertag.services import scans
from tigertag.services.scans import Request


def _made(answer: TestResponse) -> Any:
    """The scan that a 202 shows, after a look at its Location."""
    assert answer.status_code == 202, answer.text
    scan = answer.get_json()
    assert answer.headers["Location"] == f"/api/v1/scans/{scan['id']}"
    return scan


def test_a_library_that_is_unknown_is_named_with_the_one_that_was_meant(rest: FlaskClient) -> None:
    detail = problem(post(rest, "scans", {"library": "foto"}), 404)
    assert "did you mean 'photos'?" in detail


def test_a_section_that_is_unknown_is_named(rest: FlaskClient) -> None:
    body = {"library": "photos", "section": "fotos"}
    assert "did you mean 'photos'?" in problem(post(rest, "scans", body), 404)


def test_an_engine_that_is_unknown_is_named(rest: FlaskClient) -> None:
    body = {"library": "photos", "engines": ["color"]}
    assert "did you mean 'colour'?" in problem(post(rest, "scans", body), 404)


def test_a_second_scan_of_a_section_is_refused_while_one_is_active(rest: FlaskClient) -> None:
    _made(post(rest, "scans", {"library": "photos"}))
    assert "Scan 1" in problem(post(rest, "scans", {"library": "photos"}), 409)


def test_a_library_that_is_gone_is_a_bad_gateway(world: World, rest: FlaskClient) -> None:
    world.photos.rename(world.home / "elsewhere")
    assert problem(post(rest, "scans", {"library": "photos"}), 502)


def test_a_scan_is_a_preview_if_nothing_else_is_said(world: World, rest: FlaskClient) -> None:
    scan = _made(post(rest, "scans", {"library": "photos"}))
    assert (scan["state"], scan["write"], scan["mode"]) == ("queued", "preview", "changed")
    world.run(scan["id"])
    assert world.tags("a.png") == set()


@pytest.mark.parametrize("section", [".", "photos", "Photos", None])
def test_a_section_goes_by_its_id_or_its_title(rest: FlaskClient, section: str | None) -> None:
    scan = _made(post(rest, "scans", {"library": "photos", "section": section}))
    assert (scan["section"], scan["section_title"]) == (".", "photos")


def test_a_scan_writes_when_it_is_told_to(world: World, rest: FlaskClient) -> None:
    scan = _made(post(rest, "scans", {"library": "photos", "write": "apply"}))
    world.run(scan["id"])
    assert world.tags("a.png") == {"red"}


def test_a_scan_takes_a_mode_and_engines(rest: FlaskClient) -> None:
    body = {"library": "photos", "mode": "force", "engines": ["Colour"]}
    scan = _made(post(rest, "scans", body))
    assert (scan["mode"], scan["engines"]) == ("force", ["colour"])


def test_a_scan_says_how_far_it_has_come(world: World, rest: FlaskClient) -> None:
    world.engine.fails["green"] = Failed("", "too green", retryable=False)
    world.scan()
    scan = got(rest, "scans/1")
    assert scan["state"] == "done"
    assert scan["counts"] == {
        "listed": 3,
        "unchanged": 0,
        "todo": 0,
        "done": 2,
        "failed": 1,
        "problems": 1,
        "adds": 2,
        "removes": 0,
        "changed": 2,
        "asked": 2,
        "left_alone": 0,
    }
    assert (scan["eta_s"], scan["error"]) == (0.0, "")


def test_times_are_utc(world: World, rest: FlaskClient) -> None:
    world.scan()
    scan = got(rest, "scans/1")
    for name in ("created_at", "started_at", "finished_at"):
        assert scan[name].endswith("Z")


def test_a_preview_is_applied_and_undone_by_scans_of_their_own(
    world: World, rest: FlaskClient
) -> None:
    world.scan()
    applied = _made(post(rest, "scans/1/apply"))
    assert (applied["kind"], applied["source"], applied["write"]) == ("apply", 1, "apply")
    world.run(applied["id"])
    assert world.tags("a.png") == {"red"}
    undone = _made(post(rest, f"scans/{applied['id']}/undo"))
    assert (undone["kind"], undone["source"]) == ("undo", applied["id"])
    world.run(undone["id"])
    assert world.tags("a.png") == set()


def test_a_preview_cannot_be_undone(world: World, rest: FlaskClient) -> None:
    world.scan()
    assert "preview" in problem(post(rest, "scans/1/undo"), 409)


def test_a_scan_rests_goes_on_and_ends(rest: FlaskClient) -> None:
    post(rest, "scans", {"library": "photos"})
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        answer = post(rest, f"scans/1/{action}")
        assert (answer.status_code, answer.get_json()["state"]) == (200, state)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
def test_a_scan_that_has_ended_stays_as_it_is(world: World, rest: FlaskClient, action: str) -> None:
    world.scan()
    assert "done" in problem(post(rest, f"scans/1/{action}"), 409)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "apply", "undo"])
def test_a_scan_that_is_not_there_cannot_be_moved(rest: FlaskClient, action: str) -> None:
    assert "no scan 7" in problem(post(rest, f"scans/7/{action}"), 404)


def test_scans_come_by_parts_the_newest_first(world: World, rest: FlaskClient) -> None:
    for _ in range(3):
        world.scan()
    first = got(rest, "scans?limit=2")
    assert [scan["id"] for scan in first["items"]] == [3, 2]
    rest_of_it = got(rest, f"scans?limit=2&cursor={first['next']}")
    assert [scan["id"] for scan in rest_of_it["items"]] == [1]
    assert rest_of_it["next"] is None


def test_a_preview_tells_what_it_would_change(world: World, rest: FlaskClient) -> None:
    world.scan()
    page = got(rest, "scans/1/changes?limit=1")
    (change,) = page["items"]
    assert change["item"]["key"] == "a.png"
    assert change["adds"] == [{"field": "tag", "name": "red", "confidence": 0.9}]
    assert change["removes"] == []
    assert len(got(rest, f"scans/1/changes?cursor={page['next']}")["items"]) == 2


def test_a_scan_tells_which_items_failed_and_why(world: World, rest: FlaskClient) -> None:
    world.engine.fails["green"] = Failed("", "too green", retryable=False)
    world.scan()
    (change,) = got(rest, "scans/1/changes?failed=true")["items"]
    assert (change["item"]["key"], change["state"]) == ("b.png", "failed")
    assert "too green" in change["reason"]


def test_whoever_works_on_scans_is_told_of_a_new_one(
    world: World, rest: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[int] = []
    workshop = rest.application.extensions["tigertag"].worker
    monkeypatch.setattr(type(workshop), "wake", lambda _self: woken.append(1))
    post(rest, "scans", {"library": "photos"})
    post(rest, "scans/1/pause")
    assert len(woken) == 1
    post(rest, "scans/1/resume")
    assert len(woken) == 2


def test_a_scan_that_ended_is_not_finished_without_an_engine(
    world: World, rest: FlaskClient
) -> None:
    world.scan()
    assert problem(post(rest, "scans/1/finish-without", {"engine": "colour"}), 409)
    assert "did you mean 'colour'?" in problem(
        post(rest, "scans/1/finish-without", {"engine": "color"}), 404
    )


def test_a_library_that_is_empty_now_is_confirmed_by_a_field(
    world: World, rest: FlaskClient
) -> None:
    world.run(_made(post(rest, "scans", {"library": "photos"}))["id"])
    for path in world.photos.iterdir():
        path.unlink()
    refused = _made(post(rest, "scans", {"library": "photos"}))["id"]
    with pytest.raises(LibraryShrunk):
        world.run(refused)
    scan = got(rest, f"scans/{refused}")
    assert (scan["state"], scan["missing"] > 0, bool(scan["error"])) == ("failed", True, True)
    believed = _made(post(rest, "scans", {"library": "photos", "accept_missing": True}))["id"]
    assert world.run(believed).scan.state == "done"


def test_what_was_left_out_is_counted_by_reason(world: World, rest: FlaskClient) -> None:
    world.picture("#recycle/a.png", "red")
    scan_id = _made(post(rest, "scans", {"library": "photos"}))["id"]
    world.run(scan_id)
    assert got(rest, f"scans/{scan_id}")["left_out"] == [
        {"reason": "excluded_folder", "count": 1, "examples": ["#recycle"]}
    ]


def test_a_scan_that_started_by_itself_names_what_started_it(
    world: World, rest: FlaskClient
) -> None:
    scan_id = scans.start(world.core, Request("photos", reason="schedule nightly"))
    assert got(rest, f"scans/{scan_id}")["started_by"] == "schedule nightly"
