"""Home, as somebody sees it who is signed in."""

import re

from tests.unit.web.dashboard.member import Member
from tests.world import World


def _need(page: str) -> str:
    found = re.search(r'name="need" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def test_what_needs_the_user_is_one_line_until_it_is_dismissed(
    world: World, member: Member
) -> None:
    (world.home / "first-sign-in.txt").touch()
    page = member.page("/")
    assert "1 thing needs you" in page
    shown = member.post_by_htmx("/needs/dismiss", need=_need(page)).text
    assert "Nothing needs you." in shown
    assert "1 notice dismissed" in shown
    assert member.post("/needs/show").status_code == 303
    assert "1 thing needs you" in member.page("/")


def test_a_need_that_has_changed_cannot_be_dismissed(member: Member) -> None:
    assert member.post("/needs/dismiss", need="0" * 16).status_code == 404


def test_home_says_what_is_tagged_and_pending_and_applies_what_was_previewed(
    world: World, previewed: int, member: Member
) -> None:
    page = member.page("/")
    assert "3 items would change" in page
    assert f'action="/scans/{previewed}/apply"' in page
    world.apply(previewed)
    assert "items would change</a>" not in member.page("/")


def test_preview_all_says_what_it_started(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    assert "1 preview started" in member.post("/preview-all").text
    assert "Not started" in member.post("/preview-all").text
