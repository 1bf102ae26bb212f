"""REST's summary of what Home says."""

from flask.testing import FlaskClient

from tests.unit.web.api.asking import got, post, problem
from tests.world import World


def test_home_tells_what_needs_the_user_until_that_is_dismissed(
    world: World, rest: FlaskClient
) -> None:
    (world.home / "first-sign-in.txt").touch()
    (need,) = got(rest, "home")["needs"]
    assert post(rest, "home/dismiss", {"need": need["id"]}).status_code == 204
    shown = got(rest, "home")
    assert (shown["needs"], shown["dismissed"]) == ([], 1)
    assert post(rest, "home/show-dismissed").status_code == 204
    assert got(rest, "home")["needs"] == [need]
    assert problem(post(rest, "home/dismiss", {"need": "gone"}), 404)


def test_home_counts_what_is_tagged_and_pending(world: World, rest: FlaskClient) -> None:
    preview = world.scan().scan.id
    (section,) = got(rest, "home")["sections"]
    assert (section["preview"], section["pending"]) == (preview, 3)
    assert section["coverage"] == {"items": 3, "tagged": 0, "untagged": 3, "unreadable": 0}
