"""What was seen where: boxes on the picture, and the same in words."""

import re
from dataclasses import replace

import pytest

from tests.colours import ColourEngine
from tests.unit.web.dashboard.member import Member
from tests.world import World
from tigertag.contracts import Capabilities
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


def thing(name: str, confidence: float, left: float) -> Label:
    return Label(name, confidence, box=Box(left, 0.3, left + 0.1, 0.5))


@pytest.fixture
def street(world: World, member: Member) -> str:
    """The page of a picture with two persons, a dog, a doubtful cat, and a crowd of birds."""
    world.picture("street.png", "red")
    things = [thing("person", 0.9, 0.1), thing("person", 0.8, 0.5), thing("dog", 0.7, 0.3)]
    birds = [thing("bird", 0.6 + nth / 1000, 0.8) for nth in range(60)]
    world.engine.extra = (*things, thing("cat", 0.3, 0.7), *birds)
    world.scan()
    return member.page("/items/1")


def test_sure_things_are_drawn_with_their_names_and_counted(street: str) -> None:
    assert "bird (37), person (2), dog" in words(street)
    assert re.findall(r">(person|dog) \d\d\s%</text>", street) == ["person", "dog", "person"]


def test_a_crowd_of_things_is_drawn_in_part_and_the_doubtful_not(street: str) -> None:
    assert street.count('<g class="known') == 40
    assert ">cat" not in street[street.index("<svg") : street.index("</svg>")]


def test_of_names_that_would_cover_each_other_the_surest_is_written(street: str) -> None:
    assert street.count('<g class="known crowded"') == 36


def test_things_are_listed_once_with_their_number(street: str) -> None:
    results = words(street[street.index('id="answers"') :])
    assert results.count("person") == 1
    assert "person (2)" in results
    assert "bird (60)" in results


class Withholding(ColourEngine):
    """One that says "face", which is no tag."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, withheld=frozenset({"face"}))


def test_a_word_that_is_never_a_tag_is_drawn_all_the_same(world: World, member: Member) -> None:
    world.picture("portrait.png", "red")
    world.engines = [Withholding(extra=(thing("face", 0.9, 0.1), thing("face", 0.4, 0.3)))]
    world.scan()
    assert re.findall(r">(face \d\d)\s%</text>", member.page("/items/1")) == ["face 90"]
