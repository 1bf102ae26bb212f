"""Pictures for the faces, and libraries that do not send them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

import pytest

from tests.world import World
from tigertag.contracts import Library, Need
from tigertag.errors import LibraryUnavailable
from tigertag.model import Item
from tigertag.services import thumbnails
from tigertag.services.thumbnails import Lookout

ITEM = Item("hung", ".", "1", "1")


class Hung:
    """A library that never answers, until it is let go."""

    id = "hung"

    def __init__(self) -> None:
        self.let_go = Event()
        self.asked = 0

    def open(self) -> None:
        """Nothing is held."""

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[bytes]:
        self.asked += 1
        self.let_go.wait(10)
        yield b""


def test_a_library_that_hangs_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "_PATIENCE_S", 0.1)
    lookout, hung = Lookout(), Hung()
    library: Library = hung  # type: ignore[assignment]
    begun = time.monotonic()
    for _ in range(20):
        with pytest.raises(LibraryUnavailable, match="in time"):
            lookout.picture(library, ITEM, 64)
    assert time.monotonic() - begun < 1
    assert hung.asked == 1
    hung.let_go.set()


def test_a_library_that_works_again_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thumbnails, "_LEFT_ALONE_S", 0.0)
    world.picture("a.png", "red")
    world.scan()
    core, away = world.core, world.photos.with_name("away")
    world.photos.rename(away)
    with pytest.raises(Exception, match=r"no longer|cannot be"):
        thumbnails.thumbnail(core, 1)
    away.rename(world.photos)
    assert thumbnails.thumbnail(core, 1).jpeg
