"""What an Emby's or Jellyfin's files and listings say, in one request an item at most."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.mediabrowser import MediaServer
from tests.unit.libraries.mediabrowser.places import Place
from tests.unit.libraries.metadata_contract import NOTHING_BUT_METADATA, with_reader
from tests.unit.libraries.plex.test_item_metadata import HEADER, RECORDING
from tests.unit.libraries.server_place import OTHER, PHOTO
from tigertag.errors import ItemGone
from tigertag.libraries.mediabrowser.listed_metadata import listed_metadata
from tigertag.media.movie_header import last_header
from tigertag.model import Item, Metadata

pytestmark = pytest.mark.slow

PHOTO_FACTS: dict[str, Any] = {
    "CameraMake": "Google",
    "CameraModel": "Pixel 8",
    "Software": "HDR+",
    "Latitude": 48.2082,
    "Longitude": 16.3738,
    "PremiereDate": "2021-05-01T14:00:00.0000000Z",
}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is handed over to a reader that finds the same software in all of it."""
    return with_reader(monkeypatch, Metadata(software="of the file"))


def add_video(place: Place, source: bytes, file: str = "/data/a.mov") -> Item:
    place.media.add(place.section, "Video", "a", [(source, 1920, 1080)], file=file)
    (item,) = place.listed()
    place.log.clear()
    return item


def test_a_video_that_was_replaced_since_it_was_listed_is_gone(place: Place) -> None:
    item = add_video(place, RECORDING)
    place.media.items[item.key].versions[0].source = RECORDING + b"more"
    with pytest.raises(ItemGone):
        place.library.metadata(item)


def test_a_photo_of_another_size_than_emby_has_listed_is_gone(on_emby: Place) -> None:
    on_emby.add_photo("a")
    item = on_emby.item("a")
    on_emby.media.items[item.key].versions[0].source = OTHER
    with pytest.raises(ItemGone):
        on_emby.library.metadata(item)


@pytest.mark.usefixtures("read")
def test_what_the_file_does_not_say_is_what_the_server_has_read_in_it(place: Place) -> None:
    place.add_photo("a", **PHOTO_FACTS)
    (item,) = place.listed()
    place.log.clear()
    assert place.library.metadata(item) == Metadata(
        taken_at=datetime(2021, 5, 1, 14),
        latitude=48.2082,
        longitude=16.3738,
        make="Google",
        camera="Pixel 8",
        software="of the file",
    )
    assert len(place.log) == 1


@pytest.mark.parametrize("told", ["listed here", "listed by another process"])
def test_a_recording_is_one_request_for_its_end(place: Place, read: list[bytes], told: str) -> None:
    item = add_video(place, RECORDING)
    if told != "listed here":
        place.library = place.built()
        place.library.open()
        place.log.clear()
    place.library.metadata(item)
    assert (read, len(place.log)) == ([last_header(HEADER)], 1)


def test_of_a_format_that_says_nothing_nothing_is_asked_for(place: Place) -> None:
    item = add_video(place, bytes(400_000), "/data/a.mkv")
    assert (place.library.metadata(item), len(place.log)) == (Metadata(), 0)


@pytest.fixture
def mapped(media: MediaServer, tmp_path: Path) -> Iterator[Place]:
    made = Place(media, path_map=f"/data:{tmp_path}")
    yield made
    made.close()


def test_files_on_this_machine_are_given_without_a_request(mapped: Place, tmp_path: Path) -> None:
    for name, content in (("a.jpg", PHOTO), ("a.mov", RECORDING)):
        (tmp_path / name).write_bytes(content)
    mapped.add_photo("a", file="/data/a.jpg")
    mapped.media.add(mapped.section, "Video", "b", [(RECORDING, 1920, 1080)], file="/data/a.mov")
    items = mapped.listed()
    mapped.log.clear()
    for item, name in zip(items, ("a.jpg", "a.mov"), strict=True):
        with mapped.library.fetch(item, NOTHING_BUT_METADATA) as source:
            assert source == tmp_path / name
        mapped.library.metadata(item)
    assert len(mapped.log) == 0


@pytest.mark.parametrize(
    "odd",
    [
        {"Latitude": 0, "Longitude": 0},
        {"Latitude": 48.2},
        {"Latitude": 98.2, "Longitude": 16.3},
        {"Latitude": "48.2", "Longitude": "16.3"},
        {"Latitude": True, "Longitude": True},
        {"PremiereDate": "0001-01-01T00:00:00.0000000Z"},
        {"PremiereDate": "yesterday"},
        {"CameraMake": None, "Software": 7},
    ],
)
def test_what_cannot_be_so_is_not_believed(odd: dict[str, Any]) -> None:
    assert listed_metadata({"Type": "Photo", **odd}) == Metadata()


@pytest.mark.parametrize("sources", [None, [None], [{"MediaStreams": [{"Type": "Audio"}]}]])
def test_a_video_without_a_frame_rate_has_none(sources: Any) -> None:
    assert listed_metadata({"Type": "Video", "MediaSources": sources}) == Metadata()


def test_a_video_has_the_frame_rate_of_its_pictures_and_no_date() -> None:
    streams = [{"Type": "Audio", "AverageFrameRate": 1}, {"Type": "Video", "RealFrameRate": 240.0}]
    entry = {
        "Type": "Movie",
        "PremiereDate": "1999-03-31T00:00:00.0000000Z",
        "MediaSources": [{"MediaStreams": streams}],
    }
    assert listed_metadata(entry) == Metadata(frames_per_s=240.0, playback_frames_per_s=240.0)
