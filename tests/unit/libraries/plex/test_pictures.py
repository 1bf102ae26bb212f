import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.plex import PlexServer
from tests.unit.libraries.plex.plexes import PlexPlace
from tests.unit.libraries.server_place import PHOTO
from tests.unit.media.pictures import RED, encoded, halves, near, turned
from tigertag.contracts import Need, Source
from tigertag.errors import ItemGone, LibraryError, LibraryUnavailable, Unreadable
from tigertag.libraries.mediaserver import client
from tigertag.libraries.plex import Options
from tigertag.media.picture import decode
from tigertag.model import Item

LARGE = encoded(halves(900, 600), "JPEG")


def add(place: PlexPlace, picture: bytes, *, file: str = "") -> Item:
    place.keys["a.jpg"] = place.plex.add_photo(place.section, "a.jpg", picture, file=file)
    return place.item("a.jpg")


def fetched(place: PlexPlace, item: Item, px: int = 64) -> Source:
    with place.library.fetch(item, Need(px)) as source:
        return source


def seen(source: Source) -> NDArray[np.uint8]:
    return np.asarray(decode(source, 10_000).pixels)


def test_the_short_side_is_as_long_as_is_needed_and_no_longer(place: PlexPlace) -> None:
    assert seen(fetched(place, add(place, LARGE), 64)).shape == (64, 96, 3)


def test_a_picture_is_not_enlarged(place: PlexPlace) -> None:
    assert seen(fetched(place, add(place, PHOTO), 500)).shape == (64, 96, 3)


def test_a_picture_comes_upright(place: PlexPlace) -> None:
    item = add(place, encoded(halves(900, 600), "JPEG", exif=turned(6)))
    pixels = seen(fetched(place, item, 64))
    assert pixels.shape == (96, 64, 3)
    assert near(pixels[2, 32], RED)


def test_a_picture_is_one_request_of_the_transcoder(place: PlexPlace) -> None:
    item = add(place, LARGE)
    place.plex.counts.clear()
    fetched(place, item)
    assert place.plex.counts == {"transcode": 1}


def test_what_is_seen_is_the_file_as_it_is_now_listed(place: PlexPlace) -> None:
    add(place, LARGE)
    place.plex.replace_photo(place.keys["a.jpg"], encoded(halves(50, 50), "JPEG"))
    assert seen(fetched(place, place.item("a.jpg"))).shape == (50, 50, 3)


@pytest.mark.parametrize("fault", [400, 403, 404, 500, 503, "html", "empty", "reset"])
def test_the_original_is_taken_where_the_transcoder_fails(
    place: PlexPlace, fault: int | str
) -> None:
    item = add(place, LARGE)
    place.plex.fail(fault, at="/photo/:/transcode")
    assert fetched(place, item) == LARGE
    assert place.asked("GET /library/parts/")[-1].endswith("/file.jpg?download=1")


def test_a_format_that_the_transcoder_does_not_know_comes_as_it_is(place: PlexPlace) -> None:
    broken = b"\xff\xd8\xff of a kind"
    assert fetched(place, add(place, broken)) == broken


def test_a_photo_that_was_replaced_since_it_was_listed_is_gone(place: PlexPlace) -> None:
    item = add(place, LARGE)
    place.plex.replace_photo(place.keys["a.jpg"], PHOTO)
    with pytest.raises(ItemGone):
        fetched(place, item)


@pytest.mark.parametrize(
    ("fault", "message"),
    [(403, "does not permit"), (500, "could not give its file"), ("reset", "cut")],
)
def test_an_original_that_cannot_be_had_fails_its_item_alone_for_now(
    place: PlexPlace, fault: int | str, message: str
) -> None:
    item = add(place, LARGE)
    place.plex.fail(500, at="/photo/:/transcode")
    place.plex.fail(fault, at="/library/parts/")
    with pytest.raises(Unreadable, match=message) as caught:
        fetched(place, item)
    assert caught.value.retryable


def test_an_original_that_is_too_large_is_not_taken_in(
    place: PlexPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_ORIGINAL_BYTES", 1_000_000)
    item = add(place, b"\xff\xd8\xff" + bytes(1_000_001))
    place.plex.fail(500, at="/photo/:/transcode")
    with pytest.raises(Unreadable, match="larger than 1 MB"):
        fetched(place, item)


def test_a_refused_token_stops_the_library_and_not_the_item(place: PlexPlace) -> None:
    item = add(place, LARGE)
    place.plex.token = "another"
    with pytest.raises(LibraryError, match="LIBRARY_BOX_TOKEN"):
        fetched(place, item)


def test_a_server_that_went_away_stops_the_library_and_not_the_item(place: PlexPlace) -> None:
    item = add(place, LARGE)
    place.plex.fail(503)
    with pytest.raises(LibraryUnavailable, match="not ready"):
        fetched(place, item)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    (folder / "trip").mkdir(parents=True)
    (folder / "trip/a.jpg").write_bytes(PHOTO)
    return folder


def mapped(plex: PlexServer, here: Path, there: str = "/data/photos") -> PlexPlace:
    return PlexPlace(plex, path_map=f"/data:/nowhere,{there}:{here}")


@pytest.mark.parametrize(
    ("there", "file"),
    [
        ("/data/photos", "/data/photos/trip/a.jpg"),
        ("/data/photos/", "/data/photos/trip/a.jpg"),
        (r"D:\Photos", r"d:\photos\trip\a.jpg"),
        (r"\\nas\photos", r"\\nas\photos\trip\a.jpg"),
    ],
)
def test_a_mapped_file_is_read_without_a_request(
    plex: PlexServer, here: Path, there: str, file: str
) -> None:
    place = mapped(plex, here, there)
    item = add(place, PHOTO, file=file)
    plex.counts.clear()
    assert fetched(place, item) == (here / "trip/a.jpg").resolve()
    assert plex.counts == {}
    place.close()


def test_another_process_finds_a_mapped_file_by_asking_once(plex: PlexServer, here: Path) -> None:
    place = mapped(plex, here)
    item = add(place, PHOTO, file="/data/photos/trip/a.jpg")
    place.library = place.built(path_map=f"/data/photos:{here}")
    plex.counts.clear()
    assert isinstance(fetched(place, item), Path)
    assert plex.counts == {"root": 1, "metadata": 1}
    place.close()


@pytest.mark.parametrize(
    "file",
    [
        "/data/photos/none.jpg",
        "/data/photos/trip",
        "/data/photos/trip/../../secret.jpg",
        "/data/photos/out.jpg",
        "/data/photos/outside/secret.jpg",
        "/data/photos/trip/larger.jpg",
        "/data/photos/trip/a.raw",
        "/data/photosecret.jpg",
        "relative.jpg",
        "",
    ],
)
def test_what_is_not_a_picture_below_the_mapped_folder_comes_from_the_server(
    plex: PlexServer, here: Path, file: str
) -> None:
    (here.parent / "secret.jpg").write_bytes(PHOTO)
    (here / "out.jpg").symlink_to(here.parent / "secret.jpg")
    (here / "outside").symlink_to(here.parent)
    (here / "trip/larger.jpg").write_bytes(PHOTO + b"\0")
    (here / "trip/a.raw").write_bytes(PHOTO)
    place = mapped(plex, here)
    assert isinstance(fetched(place, add(place, PHOTO, file=file or "x")), bytes)
    place.close()


def test_a_link_within_the_mapped_folder_is_followed(plex: PlexServer, here: Path) -> None:
    (here / "same.jpg").symlink_to("trip/a.jpg")
    place = mapped(plex, here)
    item = add(place, PHOTO, file="/data/photos/same.jpg")
    assert fetched(place, item) == (here / "trip/a.jpg").resolve()
    place.close()


@pytest.mark.parametrize("size_bytes", [None, 0])
def test_a_pipe_is_not_opened(here: Path, size_bytes: int | None) -> None:
    os.mkfifo(here / "pipe.jpg")
    options = Options.model_validate(
        {"url": "http://plex", "token": "x", "path_map": f"/data:{here}"}
    )
    assert options.local_file("/data/pipe.jpg", size_bytes, {".jpg"}) is None
    assert options.local_file("/data/trip/a.jpg", None, {".jpg"}) is not None


def test_a_mapped_file_that_is_another_revision_comes_from_the_server(
    plex: PlexServer, here: Path
) -> None:
    place = mapped(plex, here)
    item = add(place, PHOTO, file="/data/photos/trip/a.jpg")
    plex.replace_photo(place.keys["a.jpg"], encoded(halves(20, 20), "PNG"))
    place.item("a.jpg")
    with pytest.raises(ItemGone):
        fetched(place, item)
    place.close()
