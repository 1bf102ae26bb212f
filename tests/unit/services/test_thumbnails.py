"""Pictures for the faces, and libraries that do not send them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import cast

import numpy as np
import pytest
from PIL import Image

from tests.world import World
from tigertag.contracts import Library, Need, Source
from tigertag.errors import LibraryUnavailable
from tigertag.model import Frame, Item, Media
from tigertag.services import thumbnails
from tigertag.services.thumbnails import ThumbnailFetcher

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
    lookout, hung = ThumbnailFetcher(), Hung()
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


@dataclass
class Films:
    """A library of one video. Gives a poster where that will do, and it has one."""

    poster: bytes = b""
    id: str = "films"
    needs: list[Need] = field(default_factory=list)

    def open(self) -> None:
        """Nothing is held."""

    @contextmanager
    def fetch(self, item: Item, need: Need) -> Iterator[bytes | Path]:
        self.needs.append(need)
        yield self.poster if need.poster and self.poster else Path("film.mp4")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float | None]:
    """The times that are decoded of videos."""
    times: list[float | None] = []

    def still(source: Source, *, short_side_px: int, at_s: float | None = None) -> Frame:
        times.append(at_s)
        return Frame(np.zeros((short_side_px, short_side_px, 3), np.uint8), at_s)

    monkeypatch.setattr(thumbnails, "still", still)
    return times


FILM = Item("films", ".", "film", "1", Media.VIDEO)


def picture_of(films: Films, item: Item, at_s: float | None = None) -> bytes:
    return ThumbnailFetcher().picture(cast(Library, films), item, 64, at_s=at_s)


def test_of_a_group_a_poster_is_asked_for(decoded: list[float | None]) -> None:
    out = BytesIO()
    Image.new("RGB", (60, 90)).save(out, "JPEG")
    films = Films(out.getvalue())
    assert picture_of(films, replace(FILM, media=Media.GROUP))
    assert [need.poster for need in films.needs] == [True]


def test_a_poster_stands_for_a_video_and_nothing_of_it_is_decoded(
    decoded: list[float | None],
) -> None:
    out = BytesIO()
    Image.new("RGB", (90, 60)).save(out, "JPEG")
    assert picture_of(Films(out.getvalue()), FILM)
    assert decoded == []


def test_a_video_without_a_poster_is_shown_by_a_frame(decoded: list[float | None]) -> None:
    films = Films()
    assert picture_of(films, FILM)
    assert (films.needs, decoded) == ([Need(64, poster=True)], [None])


def test_for_a_frame_at_a_time_no_poster_will_do(decoded: list[float | None]) -> None:
    films = Films(b"a poster")
    assert picture_of(films, FILM, 65.4)
    assert (films.needs, decoded) == ([Need(64)], [65.4])


def test_a_library_that_hangs_holds_up_no_picture_of_another(decoded: list[float | None]) -> None:
    lookout, hung, films = ThumbnailFetcher(), Hung(), Films()
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(lookout.picture, cast(Library, hung), ITEM, 64) for _ in range(20)]
        while hung.asked < 4:
            time.sleep(0.01)
        begun = time.monotonic()
        assert lookout.picture(cast(Library, films), FILM, 64)
        assert time.monotonic() - begun < 1
        hung.let_go.set()
        assert all(one.exception() for one in asked)


def test_of_a_library_that_hung_one_picture_is_asked_for_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(thumbnails, "_PATIENCE_S", 0.2)
    monkeypatch.setattr(thumbnails, "_LEFT_ALONE_S", 0.0)
    lookout, hung = ThumbnailFetcher(), Hung()
    library = cast(Library, hung)
    with pytest.raises(LibraryUnavailable):
        lookout.picture(library, ITEM, 64)
    with ThreadPoolExecutor(4) as pool:
        begun = time.monotonic()
        asked = [pool.submit(lookout.picture, library, ITEM, 64) for _ in range(4)]
        assert all(isinstance(one.exception(), LibraryUnavailable) for one in asked)
    assert (hung.asked, time.monotonic() - begun < 1) == (2, True)
    hung.let_go.set()
