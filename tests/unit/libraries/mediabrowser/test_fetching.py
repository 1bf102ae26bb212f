"""What is looked at: the smallest picture that serves, and videos where they are."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.mediabrowser import MediaServer
from tests.unit.libraries.mediabrowser.places import Place
from tests.unit.libraries.server_place import OTHER, PHOTO
from tests.unit.media.pictures import encoded, halves, turned
from tigertag.contracts import Need, Source
from tigertag.errors import ItemGone, LibraryError, Unreadable
from tigertag.libraries.mediaserver.listing import Recent
from tigertag.media.picture import decode
from tigertag.model import Item
from tigertag.net.ranges import RangeReader

pytestmark = pytest.mark.slow

WIDE = encoded(halves(600, 200), "JPEG")
TALL = encoded(halves(200, 600), "JPEG")
VIDEO = bytes(range(256)) * 50_000


def fetched(place: Place, item: Item, need: Need) -> Source:
    with place.library.fetch(item, need) as source:
        return source


def stream(place: Place, item: Item) -> RangeReader:
    source = fetched(place, item, Need(16))
    assert isinstance(source, RangeReader)
    return source


def size(source: Source) -> tuple[int, int]:
    assert isinstance(source, bytes)
    with Image.open(io.BytesIO(source)) as image:
        return image.size


def video(place: Place, *sources: tuple[bytes, int, int], **told: Any) -> Item:
    versions = list(sources) or [(VIDEO, 1920, 1080)]
    place.media.add(place.section, "Video", "clip", versions, **told)
    return place.listed()[-1]


@pytest.mark.parametrize(("photo", "small"), [(WIDE, (150, 50)), (TALL, (50, 150))])
def test_the_short_side_is_as_long_as_is_needed(
    place: Place, photo: bytes, small: tuple[int, int]
) -> None:
    place.media.add_photo(place.section, "a", photo)
    (item,) = place.listed()
    assert size(fetched(place, item, Need(50))) == small


def test_a_small_photo_is_not_enlarged(place: Place) -> None:
    place.add_photo("a.jpg")
    assert size(fetched(place, place.listed()[0], Need(500))) == (96, 64)


def test_a_photo_that_another_process_has_listed_is_large_enough(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.media.add_photo(place.section, "a", WIDE)
    (item,) = place.listed()
    monkeypatch.setattr(place.library, "_listed", Recent())
    assert min(size(fetched(place, item, Need(50)))) >= 50


def test_a_turned_photo_comes_upright(place: Place) -> None:
    place.media.add_photo(place.section, "a", encoded(halves(), "JPEG", exif=turned(6)))
    shown = np.asarray(decode(fetched(place, place.listed()[0], Need(16)), 16).pixels)
    assert shown.shape[:2] == (24, 16)


@pytest.mark.parametrize("fault", [404, 500, 503, "html"])
def test_a_photo_that_cannot_be_made_small_comes_as_it_is(place: Place, fault: int | str) -> None:
    place.add_photo("a.jpg")
    (item,) = place.listed()
    place.media.fail(fault, at="/Images/")
    assert fetched(place, item, Need(16)) == PHOTO


@pytest.mark.parametrize(("fault", "kind"), [(404, ItemGone), (403, Unreadable), (500, Unreadable)])
def test_a_photo_that_cannot_be_had_fails_alone(
    place: Place, fault: int, kind: type[Exception]
) -> None:
    place.add_photo("a.jpg")
    (item,) = place.listed()
    place.media.fail(fault, at=f"/Items/{item.key}/")
    with pytest.raises(kind):
        fetched(place, item, Need(16))


def test_a_key_that_is_refused_while_fetching_ends_the_scan(place: Place) -> None:
    place.add_photo("a.jpg")
    (item,) = place.listed()
    place.media.fail(401, at="/Images/")
    with pytest.raises(LibraryError, match="rejected the key"):
        fetched(place, item, Need(16))


def test_a_photo_that_is_cut_is_read_as_it_is(place: Place) -> None:
    place.add_photo("a.jpg")
    (item,) = place.listed()
    place.media.fail("reset", at="/Images/")
    assert fetched(place, item, Need(16)) == PHOTO


def test_a_video_is_read_in_parts(place: Place) -> None:
    item = video(place)
    source = stream(place, item)
    source.seek(6_000_000)
    assert source.read(100) == VIDEO[6_000_000:6_000_100]
    assert source.loaded_bytes < 1_000_000


def test_a_server_that_gives_no_parts_is_not_read_whole(place: Place) -> None:
    item = video(place)
    place.media.habits.ranges = False
    source = stream(place, item)
    with pytest.raises(Unreadable, match="PATH_MAP"):
        source.read(1)


@pytest.mark.parametrize("fault", ["reset", 500])
def test_a_video_whose_server_fails_in_the_middle_fails_alone(
    place: Place, fault: int | str
) -> None:
    item = video(place)
    place.media.fail(fault, at="/stream")
    source = stream(place, item)
    with pytest.raises(Unreadable):
        source.read(1)


def test_a_video_that_vanishes_in_the_middle_is_gone(place: Place) -> None:
    item = video(place)
    source = stream(place, item)
    source.read(1)
    place.media.remove(item.key)
    source.seek(9_000_000)
    with pytest.raises(ItemGone):
        source.read(1)


def test_the_smallest_good_version_is_read(place: Place) -> None:
    versions = [
        (b"a" * 3_000_000, 3840, 2160),
        (b"b" * 1_000_000, 1280, 720),
        (b"c" * 9, 320, 180),
    ]
    source = stream(place, video(place, *versions))
    assert (source.read(3), source.size_bytes) == (b"bbb", 1_000_000)


def test_the_largest_version_is_read_where_none_is_good(place: Place) -> None:
    source = stream(place, video(place, (b"a", 320, 180), (b"b", 480, 360)))
    assert source.read() == b"b"


def test_a_poster_stands_for_a_video_if_it_will_do(place: Place) -> None:
    item = video(place, poster=WIDE)
    place.media.items[item.key].more["PrimaryImageAspectRatio"] = 3.0
    assert size(fetched(place, item, Need(50, poster=True))) == (150, 50)
    assert isinstance(fetched(place, item, Need(50)), RangeReader)


def test_a_video_without_a_poster_is_read_itself(place: Place) -> None:
    assert isinstance(fetched(place, video(place), Need(50, poster=True)), RangeReader)


@pytest.mark.parametrize("happens", ["goes", "is replaced"])
def test_a_video_that_is_not_as_it_was_listed_is_gone(place: Place, happens: str) -> None:
    item = video(place)
    if happens == "goes":
        place.media.remove(item.key)
    else:
        place.media.items[item.key].versions[0].source = OTHER
    with pytest.raises(ItemGone):
        fetched(place, item, Need(16))


@pytest.fixture
def mapped(media: MediaServer, tmp_path: Path) -> Any:
    made = Place(media, path_map=f"/data:{tmp_path}")
    yield made
    made.close()


@pytest.mark.parametrize("remembered", [True, False])
def test_files_that_are_seen_here_are_read_here(
    mapped: Place, tmp_path: Path, remembered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jpg").write_bytes(PHOTO)
    mapped.add_photo("a", file="/data/a.jpg")
    (item,) = mapped.listed()
    if not remembered:
        monkeypatch.setattr(mapped.library, "_listed", Recent())
    assert fetched(mapped, item, Need(16)) == tmp_path / "a.jpg"


def test_videos_that_are_seen_here_are_read_here(mapped: Place, tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(VIDEO)
    item = video(mapped, file="/data/a.mkv")
    assert fetched(mapped, item, Need(16)) == tmp_path / "a.mkv"


def test_a_file_of_another_size_is_asked_of_the_server(mapped: Place, tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(VIDEO[1:])
    assert isinstance(fetched(mapped, video(mapped, file="/data/a.mkv"), Need(16)), RangeReader)


def test_a_file_outside_the_folder_is_asked_of_the_server(mapped: Place, tmp_path: Path) -> None:
    mapped.add_photo("a", file="/data/../../etc/a.jpg")
    assert isinstance(fetched(mapped, mapped.listed()[0], Need(16)), bytes)
