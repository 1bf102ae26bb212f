"""What is fetched of Immich's photos and videos: previews, parts of videos, or mapped files."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.immich import ImmichServer
from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.server_place import PHOTO, opened
from tigertag.contracts import Need
from tigertag.errors import ItemGone, Unreadable
from tigertag.model import Item
from tigertag.net.ranges import RangeReader

pytestmark = pytest.mark.slow

SMALL = Need(16)
POSTER = Need(16, poster=True)
LARGE = bytes(range(256)) * 4_000


@pytest.fixture
def photos(server: ImmichServer) -> Iterator[Place]:
    yield from opened(Place(server))


def add_video(place: Place, source: bytes = LARGE, **fields: Any) -> Item:
    place.keys["a.mp4"] = place.server.add_photo(None, "a.mp4", source, **fields)
    return place.item("a.mp4")


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_a_photo_is_fetched_as_its_preview_of_whatever_format(photos: Place, kind: str) -> None:
    photos.server.preview_format = kind
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.log.clear()
    with photos.library.fetch(item, SMALL) as source:
        assert isinstance(source, bytes)
        assert Image.open(BytesIO(source)).format == kind
    assert list(photos.log) == [f"GET /api/assets/{item.key}/thumbnail?size=preview"]


def test_a_preview_that_is_not_made_yet_is_fetched_later(photos: Place) -> None:
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.server.assets[item.key].width = None
    with pytest.raises(Unreadable, match="has not made its preview yet") as caught:
        photos.library.fetch(item, SMALL).__enter__()
    assert caught.value.retryable


def test_a_photo_that_was_locked_away_is_gone(photos: Place) -> None:
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.server.change(item.key, visibility="locked")
    with pytest.raises(ItemGone):
        photos.library.fetch(item, SMALL).__enter__()


@pytest.mark.parametrize("fault", ["html", "reset", "empty", 500])
def test_a_preview_that_is_none_fails_its_photo_alone_for_now(
    photos: Place, fault: int | str
) -> None:
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.server.fail(fault, at="/thumbnail")
    with pytest.raises(Unreadable) as caught:
        photos.library.fetch(item, SMALL).__enter__()
    assert (caught.value.retryable, "\n" in str(caught.value)) == (True, False)


def test_a_video_is_read_in_parts_to_its_end(photos: Place) -> None:
    item = add_video(photos)
    with photos.library.fetch(item, SMALL) as source:
        assert isinstance(source, RangeReader)
        source.seek(-10, 2)
        assert source.read() == LARGE[-10:]
        assert source.read() == b""
    assert photos.asked(f"GET /api/assets/{item.key}/video/playback")


def test_a_video_that_is_shorter_now_has_changed(photos: Place) -> None:
    item = add_video(photos)
    with photos.library.fetch(item, SMALL) as source:
        assert isinstance(source, RangeReader)
        assert source.read(1) == LARGE[:1]
        source.seek(-10, 2)
        photos.server.assets[item.key].source = LARGE[:1000]
        with pytest.raises(Unreadable, match="changed while it was read"):
            source.read()


def test_an_empty_video_is_unreadable(photos: Place) -> None:
    item = add_video(photos, b"")
    with (
        photos.library.fetch(item, SMALL) as source,
        pytest.raises(Unreadable, match="The file is empty"),
    ):
        source.read()  # type: ignore[union-attr]


def test_the_poster_of_a_video_is_its_preview(photos: Place) -> None:
    item = add_video(photos, poster=PHOTO)
    with photos.library.fetch(item, POSTER) as source:
        assert isinstance(source, bytes)


def test_without_a_poster_the_video_serves(photos: Place) -> None:
    item = add_video(photos)
    photos.server.fail(404, at="/thumbnail")
    with photos.library.fetch(item, POSTER) as source:
        assert isinstance(source, RangeReader)


def test_where_no_pixels_are_wanted_nothing_is_asked_for(photos: Place) -> None:
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.log.clear()
    with photos.library.fetch(item, Need(0, metadata=True)) as source:
        assert (source, list(photos.log)) == (b"", [])


def test_a_mapped_file_is_read_in_place(photos: Place, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    photos.reopen(path_map=f"/mnt/family:{tmp_path}")
    photos.add_photo("a.jpg", photos.server.add_library("/mnt/family"))
    (item,) = photos.listed("External library family")
    with photos.library.fetch(item, SMALL) as source:
        assert source == tmp_path / "a.jpg"


def test_another_process_that_has_not_listed_it_finds_the_mapped_file(
    photos: Place, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    photos.add_photo("a.jpg", photos.server.add_library("/mnt/family"))
    (item,) = photos.listed("External library family")
    photos.reopen(path_map=f"/mnt/family:{tmp_path}")
    with photos.library.fetch(item, SMALL) as source:
        assert source == tmp_path / "a.jpg"


def test_of_a_photo_that_was_edited_in_immich_the_mapped_original_is_not_read(
    photos: Place, tmp_path: Path
) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    photos.reopen(path_map=f"/mnt/family:{tmp_path}")
    photos.add_photo("a.jpg", photos.server.add_library("/mnt/family"))
    photos.server.change(photos.keys["a.jpg"], edited=True)
    (item,) = photos.listed("External library family")
    with photos.library.fetch(item, SMALL) as source:
        assert isinstance(source, bytes)
    photos.shown("a.jpg")
    with photos.library.fetch(item, Need(0, metadata=True)) as source:
        assert source == b""


def test_a_mapped_photo_that_was_replaced_since_it_was_listed_is_gone(
    photos: Place, tmp_path: Path
) -> None:
    photos.add_photo("a.jpg")
    item = photos.item("a.jpg")
    photos.reopen(path_map=f"/data:{tmp_path}")
    photos.change_photo("a.jpg")
    with pytest.raises(ItemGone):
        photos.library.fetch(item, SMALL).__enter__()
