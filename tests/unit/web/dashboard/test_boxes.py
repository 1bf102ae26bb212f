"""What was seen where: boxes on the picture, and the same in words."""

import re

import pytest

from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.model import UNKNOWN_FACE, Box, Kind, Label

pytestmark = pytest.mark.slow

FACE = Kind.FACE


def face(name: str, confidence: float, left: float = 0.2, top: float = 0.3) -> Label:
    box = Box(left, top, left + 0.1, top + 0.2)
    return Label(name, confidence, kind=FACE, box=box)


@pytest.fixture
def shown(world: World, member: Member) -> str:
    """The page of a picture with three faces: Ada's, perhaps Grace's, and one of nobody known."""
    world.picture("party.png", "red")
    faces = (face("Ada", 0.93, 0.7), face("Grace", 0.31, 0.4), face(UNKNOWN_FACE, 0.0, 0.0, 0.0))
    world.engine.extra = (*faces, Label("party", 0.8))
    world.scan()
    return member.page("/items/1")


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_a_picture_without_boxes_has_none_drawn(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    world.scan()
    assert "<g " not in member.page("/items/1")


def test_names_are_text(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    world.engine.extra = (face("<script>alert(1)</script>", 0.9),)
    world.scan()
    assert "<script>alert" not in member.page("/items/1")


def test_boxes_are_drawn_in_percent_of_the_picture(shown: str) -> None:
    assert 'x="70.0%" y="30.0%" width="10.0%" height="20.0%"' in shown
    assert re.findall(r'<g class="(\w+)" id="box-(\d)">', shown) == [
        ("unknown", "1"),
        ("unsure", "2"),
        ("known", "3"),
    ]


def test_no_box_needs_a_style_of_its_own(shown: str) -> None:
    assert " style=" not in shown


def test_the_same_is_told_in_words(shown: str) -> None:
    told = words(shown[shown.index('class="seen"') :])
    assert "3 faces, 2 unknown" in told
    assert "Unknown face colour" in told
    assert "Grace 31 %, uncertain · colour" in told
    assert "Ada 93 % · colour" in told
    assert shown.count('href="#box-') == 3


def test_a_face_of_nobody_known_has_no_similarity_and_is_no_tag(shown: str) -> None:
    assert ">?</text>" in shown
    assert "unknown face 0" not in words(shown)


def test_what_was_said_of_an_older_picture_is_not_drawn(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    world.engine.extra = (face("Ada", 0.9),)
    world.scan()
    world.picture("rose.png", "red", side_px=40)
    world.engine.extra = ()
    world.scan()
    assert "<g " not in member.page("/items/1")


def test_of_two_answers_about_a_picture_the_newer_is_drawn(world: World, member: Member) -> None:
    world.picture("rose.png", "red")
    world.engine.extra = (face("Ada", 0.9),)
    world.scan()
    world.engine.fingerprint, world.engine.extra = "colour-2", (face("Grace", 0.9),)
    world.scan()
    page = member.page("/items/1")
    assert words(page).count("1 face") == 1
    assert ("Grace 90" in page, "Ada 90" in page) == (True, False)
