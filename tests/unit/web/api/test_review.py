"""REST's list of doubtful decisions."""

from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, problem
from tests.world import World


def test_a_doubtful_word_is_listed_with_its_item(world: World, rest: FlaskClient) -> None:
    world.picture("new.png", "blue")
    world.engine.confidence = 0.52
    world.scan()
    doubt = next(one for one in got(rest, "review")["items"] if one["item"]["key"] == "new.png")
    del doubt["item"]
    assert doubt == {
        "name": "blue",
        "engine": "colour",
        "confidence": 0.52,
        "threshold": 0.5,
        "is_tagged": True,
        "contradicted": False,
    }


def test_a_limit_that_makes_no_sense_is_refused(rest: FlaskClient) -> None:
    problem(rest.get("/api/v1/review?limit=0"), 422)
