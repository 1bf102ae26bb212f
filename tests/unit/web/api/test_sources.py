"""REST's libraries, engines, tags and health."""

import pytest
from flask.testing import FlaskClient

from tests.fake_library import ADVICE, AdvisingFolder
from tests.unit.web.api.asking import got, problem
from tests.world import World
from tigertag.store import migrate


def test_a_library_that_is_unknown_has_no_sections(rest: FlaskClient) -> None:
    answer = rest.get("/api/v1/libraries/foto/sections")
    assert "did you mean 'photos'?" in problem(answer, 404)


def test_a_library_that_is_gone_says_so(world: World, rest: FlaskClient) -> None:
    world.photos.rename(world.home / "elsewhere")
    assert problem(rest.get("/api/v1/libraries/photos/sections"), 502)
    (library,) = got(rest, "libraries")["items"]
    assert library["problem"]


def test_libraries_show_what_they_advise(
    world: World, rest: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.library, "__class__", AdvisingFolder)
    (library,) = got(rest, "libraries")["items"]
    assert library["advice"] == [ADVICE]


def test_libraries_show_their_sections(world: World, rest: FlaskClient) -> None:
    world.scan("apply")
    (library,) = got(rest, "libraries")["items"]
    assert (library["id"], library["name"], library["problem"]) == ("photos", "tigertag.folder", "")
    assert library["sections"] == got(rest, "libraries/photos/sections")["items"]
    (section,) = library["sections"]
    assert section == {
        "id": ".",
        "title": "photos",
        "items": 3,
        "written": True,
        "problems": 0,
        "active_scan": None,
        "newest_scan": 1,
    }


def test_engines_show_whether_they_can_be_used(rest: FlaskClient) -> None:
    (engine,) = got(rest, "engines")["items"]
    assert engine == {
        "id": "colour",
        "name": "test",
        "status": "ready",
        "reason": "",
        "until": None,
        "notice": "",
        "local": True,
        "paid": False,
        "only_uncertain": False,
        "knows_faces": False,
        "min_confidence": 0.5,
        "use": None,
    }


def test_tags_are_counted(world: World, rest: FlaskClient) -> None:
    world.picture("d.png", "red")
    world.scan("apply")
    page = got(rest, "tags?limit=1")
    assert page["items"] == [{"field": "tag", "name": "red", "items": 2, "written": 2}]
    more = got(rest, f"tags?limit=2&cursor={page['next']}")
    assert ([one["name"] for one in more["items"]], more["next"]) == (["blue", "green"], None)


def test_tags_are_found_by_a_part(world: World, rest: FlaskClient) -> None:
    world.scan()
    found = got(rest, "tags?q=EE&library=photos&section=photos")["items"]
    assert [one["name"] for one in found] == ["green"]


def test_health_is_a_bare_list(rest: FlaskClient) -> None:
    assert got(rest, "health") == []


def test_health_says_what_is_wrong(world: World, rest: FlaskClient) -> None:
    world.photos.rename(world.home / "elsewhere")
    (notice,) = got(rest, "health")
    assert (notice["source"], notice["level"]) == ("library photos", "error")
    assert notice["message"]


def test_without_the_database_nothing_can_be_told(world: World, rest: FlaskClient) -> None:
    migrate.downgrade(world.store, "base")
    assert "tigertag db upgrade" in problem(rest.get("/api/v1/scans"), 503)
