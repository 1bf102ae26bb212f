import pytest
from flask import Flask

from tests.unit.web.dashboard.member import Member
from tests.world import World


@pytest.fixture
def member(app: Flask) -> Member:
    return Member(app)


@pytest.fixture
def previewed(world: World) -> int:
    """A finished preview of three pictures, two of them red."""
    for name, colour in (("rose.png", "red"), ("ruby.png", "red"), ("sea.png", "blue")):
        world.picture(name, colour)
    return world.scan().scan.id
