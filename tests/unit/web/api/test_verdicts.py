"""What the user says of tags, over REST."""

import pytest
from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, post, problem
from tests.world import World


def test_nothing_is_said_of_an_item_that_is_not_there(rest: FlaskClient) -> None:
    said = post(rest, "items/7/verdicts", {"name": "dog", "verdict": "no"})
    assert "no item 7" in problem(said, 404)
    assert problem(rest.delete("/api/v1/items/7/verdicts/1"), 404)


@pytest.mark.parametrize("body", [{"name": "dog"}, {"name": " ", "verdict": "no"}])
def test_what_is_no_verdict_is_refused(
    world: World, rest: FlaskClient, body: dict[str, str]
) -> None:
    world.scan()
    assert post(rest, "items/1/verdicts", body).status_code in (400, 422)


def test_a_verdict_is_shown_and_followed_until_it_is_withdrawn(
    world: World, rest: FlaskClient
) -> None:
    world.scan("apply")
    for name, verdict in (("red", "no"), ("Holiday", "yes")):
        assert post(rest, "items/1/verdicts", {"name": name, "verdict": verdict}).status_code == 200
    world.scan("apply")
    assert world.tags("a.png") == {"Holiday"}
    item = got(rest, "items/1")
    assert [(one["name"], one["verdict"]) for one in item["verdicts"]] == [
        ("Holiday", "yes"),
        ("red", "no"),
    ]
    (tag,) = item["tags"]
    assert (tag["why"][0]["engine"], tag["why"][0]["label"]["note"]) == ("", "you said so")
    for one in item["verdicts"]:
        assert rest.delete(f"/api/v1/items/1/verdicts/{one['id']}").status_code == 204
    world.scan("apply")
    assert world.tags("a.png") == {"red"}


def test_a_verdict_may_name_its_field(world: World, rest: FlaskClient) -> None:
    world.scan()
    said = post(rest, "items/1/verdicts", {"name": "noir", "verdict": "no", "field": "genre"})
    assert said.get_json()["field"] == "genre"


def test_a_yes_after_a_preview_is_left_to_the_scan_after_its_apply(
    world: World, rest: FlaskClient
) -> None:
    previewed = world.scan()
    post(rest, "items/1/verdicts", {"name": "Holiday", "verdict": "yes"})
    world.apply(previewed.scan.id)
    assert world.tags("a.png") == {"red"}
    world.scan("apply", "decide")
    assert world.tags("a.png") == {"red", "Holiday"}
