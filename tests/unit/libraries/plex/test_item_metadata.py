"""What Plex's files and listings say of photos, clips and films, in one request an item at most."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from tests.plex import PlexServer
from tests.unit.libraries.metadata_contract import NOTHING_BUT_METADATA, with_reader
from tests.unit.libraries.plex.plexes import FILM, PlexPlace
from tests.unit.libraries.server_place import PHOTO
from tests.unit.media.pictures import encoded, halves
from tigertag.errors import ItemGone
from tigertag.libraries.mediaserver.files import VIDEO_BYTES
from tigertag.media.movie_header import last_header
from tigertag.model import Item, Media, Metadata

HEADER = FILM[FILM.index(b"moov") - 4 :]
RECORDING = b"\0\0\0\x08wide" + bytes(400_000) + HEADER


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is handed over to a reader that finds the same software in all of it."""
    return with_reader(monkeypatch, Metadata(software="a phone's"))


def add(place: PlexPlace, source: bytes, kind: str, file: str) -> Item:
    place.keys["a"] = place.plex.add(place.section, "a", kind, source, file=file)
    item = place.item("a")
    place.log.clear()
    return item


def test_a_photo_that_was_replaced_since_it_was_listed_is_gone(place: PlexPlace) -> None:
    item = add(place, PHOTO, "photo", "/data/a.jpg")
    place.plex.replace_photo(place.keys["a"], PHOTO + b"another")
    with pytest.raises(ItemGone):
        place.library.metadata(item)


def test_of_a_video_whose_server_ignores_ranges_the_beginning_is_read(
    place: PlexPlace, read: list[bytes]
) -> None:
    item = add(place, RECORDING, "clip", "/data/a.mov")
    place.ignore_ranges()
    place.library.metadata(item)
    assert (read, len(place.log)) == ([RECORDING[:VIDEO_BYTES]], 1)


def test_a_recording_is_one_request_for_its_end(place: PlexPlace, read: list[bytes]) -> None:
    item = add(place, RECORDING, "clip", "/data/a.mov")
    assert place.library.metadata(item).software == "a phone's"
    assert (read, len(place.log)) == ([last_header(HEADER)], 1)


def test_a_recording_whose_header_is_not_at_its_end_says_nothing(
    place: PlexPlace, read: list[bytes]
) -> None:
    item = add(place, bytes(400_000), "clip", "/data/a.mov")
    assert place.library.metadata(item) == Metadata()
    assert (read, len(place.log)) == ([], 1)


def test_a_video_made_for_streaming_is_read_at_its_beginning(
    place: PlexPlace, read: list[bytes]
) -> None:
    item = add(place, RECORDING, "clip", "/data/a.mp4")
    place.library.metadata(item)
    assert (read, len(place.log)) == ([RECORDING[:VIDEO_BYTES]], 1)


def test_of_a_format_that_says_nothing_nothing_is_asked_for(place: PlexPlace) -> None:
    item = add(place, bytes(400_000), "clip", "/data/a.mkv")
    assert (place.library.metadata(item), len(place.log)) == (Metadata(), 0)


def test_a_show_has_no_file_to_ask_for(plex: PlexServer) -> None:
    place = PlexPlace(plex, kind="episode", roll_up="show")
    place.add_film("a")
    (section,) = place.library.sections()
    *_videos, show = place.library.items(section)
    place.log.clear()
    with place.library.fetch(show, NOTHING_BUT_METADATA) as source:
        assert (show.media, source, place.library.metadata(show)) == (Media.GROUP, b"", Metadata())
    assert len(place.log) == 0
    place.close()


@pytest.mark.parametrize(("file", "camera"), [("/data/a.CR3", "EOS R5"), ("/data/a.jpg", "")])
def test_the_camera_of_a_raw_picture_is_that_which_plex_has_read(
    place: PlexPlace, file: str, camera: str
) -> None:
    key = place.plex.add_photo(place.section, "a", PHOTO, file=file)
    place.plex.photo(key).versions[0].camera = {"make": "Canon", "model": "EOS R5", "iso": "100"}
    assert place.library.metadata(place.item("a")).camera == camera


def test_a_photo_says_where_it_was_taken(place: PlexPlace) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Google"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (48, 12, 0), 3: "E", 4: (16, 24, 0)})
    item = add(place, encoded(halves(), "JPEG", exif=exif), "photo", "/data/a.jpg")
    read = place.library.metadata(item)
    assert (read.make, read.latitude, read.longitude) == ("Google", 48.2, 16.4)


def test_a_recording_says_how_fast_it_is(place: PlexPlace) -> None:
    read = place.library.metadata(add(place, RECORDING, "clip", "/data/a.mov"))
    assert (read.size_px, read.frames_per_s) == ((96, 48), 5.0)


@pytest.fixture
def mapped(plex: PlexServer, tmp_path: Path) -> Iterator[PlexPlace]:
    made = PlexPlace(plex, path_map=f"/data:{tmp_path}")
    yield made
    made.close()


@pytest.mark.parametrize(("kind", "name"), [("photo", "a.jpg"), ("clip", "a.mov")])
def test_a_file_on_this_machine_is_given_without_a_request(
    mapped: PlexPlace, tmp_path: Path, kind: str, name: str
) -> None:
    (tmp_path / name).write_bytes(RECORDING)
    item = add(mapped, RECORDING, kind, f"/data/{name}")
    with mapped.library.fetch(item, NOTHING_BUT_METADATA) as source:
        assert source == tmp_path / name
    mapped.library.metadata(item)
    assert len(mapped.log) == 0
