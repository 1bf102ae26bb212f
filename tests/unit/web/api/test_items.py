"""REST's items: listed, explained, shown."""

from io import BytesIO

import pytest
from flask.testing import FlaskClient
from PIL import Image

from tests.unit.web.api.asking import got, problem
from tests.unit.web.dashboard.films import Reel, listed, said
from tests.world import World
from tigertag.model import Kind, Label
from tigertag.services import thumbnails


def _keys(rest: FlaskClient, query: str) -> list[str]:
    return [item["key"] for item in got(rest, f"items?{query}")["items"]]


def test_an_item_that_is_not_there_is_not_found(rest: FlaskClient) -> None:
    assert "no item 7" in problem(rest.get("/api/v1/items/7"), 404)
    assert "no item 7" in problem(rest.get("/api/v1/items/7/thumbnail"), 404)


@pytest.mark.parametrize("query", ["library=fotos", "section=fotos", "library=photos&section=x"])
def test_a_library_or_section_that_is_unknown_is_not_found(
    world: World, rest: FlaskClient, query: str
) -> None:
    world.scan()
    assert problem(rest.get(f"/api/v1/items?{query}"), 404)


def test_a_picture_that_is_gone_has_no_thumbnail(world: World, rest: FlaskClient) -> None:
    world.scan()
    (world.photos / "a.png").unlink()
    assert problem(rest.get("/api/v1/items/1/thumbnail"), 404)


def test_a_picture_that_cannot_be_read_has_no_thumbnail(world: World, rest: FlaskClient) -> None:
    world.scan()
    (world.photos / "a.png").write_bytes(b"no picture")
    assert problem(rest.get("/api/v1/items/1/thumbnail"), 404)


def test_before_a_scan_there_are_no_items(rest: FlaskClient) -> None:
    assert got(rest, "items") == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("", ["a.png", "b.png", "c.png"]),
        ("library=Photos", ["a.png", "b.png", "c.png"]),
        ("section=photos", ["a.png", "b.png", "c.png"]),
        ("tag=Red", ["a.png"]),
        ("tag=re", []),
        ("q=B.P", ["b.png"]),
        ("q=%25", []),
        ("q=tag:red", ["a.png"]),
        ("q=-tag:red+.png", ["b.png", "c.png"]),
    ],
)
def test_items_are_found(world: World, rest: FlaskClient, query: str, keys: list[str]) -> None:
    world.scan()
    assert _keys(rest, query) == keys


def test_a_query_that_cannot_be_read_is_refused(world: World, rest: FlaskClient) -> None:
    for path in ("items", "items/counts"):
        assert "photo, video or group" in problem(rest.get(f"/api/v1/{path}?q=type:film"), 422)


def test_what_is_found_is_counted(world: World, rest: FlaskClient) -> None:
    world.scan("apply")
    counts = got(rest, "items/counts?q=tag:red")
    assert counts == {
        "items": 1,
        "is_more": False,
        "counted": 1,
        "tags": [{"field": "tag", "name": "red", "items": 1, "written": 1}],
    }


def test_items_come_by_parts(world: World, rest: FlaskClient) -> None:
    world.scan()
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = got(rest, f"items?limit=1&cursor={cursor}")
        seen += [item["key"] for item in page["items"]]
        cursor = page["next"]
    assert seen == ["a.png", "b.png", "c.png"]


def test_an_item_tells_why_it_bears_a_tag(world: World, rest: FlaskClient) -> None:
    world.scan("apply")
    item = got(rest, "items/1")
    (tag,) = item["tags"]
    (why,) = tag["why"]
    assert (tag["name"], tag["confidence"]) == ("red", 0.9)
    assert (why["engine"], why["model"], why["label"]["name"]) == ("colour", "colour-model", "red")


def test_an_item_tells_what_was_said_of_it(world: World, rest: FlaskClient) -> None:
    world.scan()
    (answer,) = got(rest, "items/1")["answers"]
    assert (answer["engine"], answer["current"]) == ("colour", True)
    assert [label["name"] for label in answer["labels"]] == ["red"]


def test_an_item_tells_what_was_done_to_it(world: World, rest: FlaskClient) -> None:
    world.set_tags("a.png", add=["holiday"])
    world.scan("apply")
    item = got(rest, "items/1")
    (edit,) = item["ledger"]
    red, holiday = {"field": "tag", "name": "red"}, {"field": "tag", "name": "holiday"}
    assert (edit["scan"], edit["state"], edit["adds"]) == (1, "verified", [red])
    assert edit["before"] == [holiday]
    assert sorted(one["name"] for one in edit["after"]) == ["holiday", "red"]
    (stands,) = item["standing"]
    assert (stands["name"], stands["state"]) == ("red", "ours")


def test_a_thumbnail_is_a_jpeg_that_may_be_kept_by_its_reader(
    world: World, rest: FlaskClient
) -> None:
    world.picture("a.png", "red", side_px=600)
    world.scan()
    answer = rest.get("/api/v1/items/1/thumbnail")
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert Image.open(BytesIO(answer.data)).size == (256, 256)
    assert "private" in answer.headers["Cache-Control"]


def test_a_thumbnail_that_is_known_is_not_made_again(world: World, rest: FlaskClient) -> None:
    world.scan()
    etag = rest.get("/api/v1/items/1/thumbnail").headers["ETag"]
    (world.photos / "a.png").unlink()
    answer = rest.get("/api/v1/items/1/thumbnail", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)


def test_another_picture_is_another_thumbnail(world: World, rest: FlaskClient) -> None:
    world.scan()
    etag = rest.get("/api/v1/items/1/thumbnail").headers["ETag"]
    world.picture("a.png", "blue", side_px=32)
    world.scan()
    answer = rest.get("/api/v1/items/1/thumbnail", headers={"If-None-Match": etag})
    assert answer.status_code == 200


def test_a_broken_item_says_why_and_that_it_is_left_out(world: World, rest: FlaskClient) -> None:
    (world.photos / "a.png").write_bytes(b"no picture")
    world.scan()
    (change,) = got(rest, "scans/1/changes?failed=true")["items"]
    item = got(rest, f"items/{change['item']['id']}")
    assert change["again"] is False
    assert item["reason"] == change["reason"] != ""
    assert got(rest, "items/2")["reason"] == ""


def test_a_frame_that_was_looked_at_is_a_jpeg(
    world: World, rest: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "still", Reel().still)
    item_id = listed(world)
    said(world, item_id, Label("cat", 0.9, at_s=65.4), frames=(65.4,))
    answer = rest.get(f"/api/v1/items/{item_id}/frames/65400.jpg")
    assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
    assert problem(rest.get(f"/api/v1/items/{item_id}/frames/1.jpg"), 404)
    assert got(rest, f"items/{item_id}")["answers"][0]["frames"] == [65.4]


def test_a_label_says_what_it_is_based_on(world: World, rest: FlaskClient) -> None:
    note = "GPS 48.2082, 16.3738 → Vienna, 1.1 km"
    world.engine.extra = (Label("Vienna", 1.0, kind=Kind.PLACE, note=note),)
    world.scan()
    item = got(rest, "items/1")
    (why,) = (tag["why"] for tag in item["tags"] if tag["name"] == "Vienna")
    assert why[0]["label"]["note"] == note
    assert note in [label["note"] for label in item["answers"][0]["labels"]]


def test_similar_items_come_with_how_alike_they_are(world: World, rest: FlaskClient) -> None:
    world.engine.embeds = True
    world.picture("d.png", "red")
    world.scan()
    near = got(rest, "items/1/similar?limit=1")["items"]
    assert [(each["item"]["key"], round(each["similarity"], 2)) for each in near] == [("d.png", 1)]


def test_similar_items_of_one_that_was_never_looked_at_so_are_a_conflict(
    world: World, rest: FlaskClient
) -> None:
    world.scan()
    assert "force" in problem(rest.get("/api/v1/items/1/similar"), 409)
