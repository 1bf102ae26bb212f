"""What Immich has read in a file is taken from its listing: no file is loaded for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.immich import ImmichServer
from tests.unit.libraries.immich.places import Place
from tests.unit.libraries.server_place import opened
from tigertag.libraries.immich.assets import metadata
from tigertag.model import Metadata

ENTRY: dict[str, Any] = {
    "width": 4000,
    "height": 3000,
    "localDateTime": "2024-05-01T12:30:00.000Z",
    "fileModifiedAt": "2024-06-01T00:00:00.000Z",
    "people": [{"name": "Ann"}, {"name": ""}, {"name": "Ann"}, {"name": "Bo"}],
}
EXIF: dict[str, Any] = {
    "make": "Google ",
    "model": "Pixel 8",
    "lensModel": "Main",
    "latitude": 48.2082,
    "longitude": 16.3738,
    "dateTimeOriginal": "2024-05-01T10:30:00+00:00",
    "timeZone": "Europe/Vienna",
}


@pytest.fixture
def photos(server: ImmichServer) -> Iterator[Place]:
    yield from opened(Place(server))


def read(*, people: bool = False, entry: dict[str, Any] | None = None, **exif: Any) -> Metadata:
    return metadata(ENTRY | (entry or {}) | {"exifInfo": EXIF | exif}, people=people)


def test_camera_place_and_size_are_taken_from_what_immich_has_read() -> None:
    known = read()
    assert (known.make, known.camera, known.lens) == ("Google", "Pixel 8", "Main")
    assert (known.latitude, known.longitude, known.size_px) == (48.2082, 16.3738, (4000, 3000))


def test_a_time_has_an_offset_where_the_zone_is_known() -> None:
    vienna = timezone(timedelta(hours=2))
    assert read().taken_at == datetime(2024, 5, 1, 12, 30, tzinfo=vienna)


def test_a_time_without_a_zone_is_the_cameras() -> None:
    assert read(timeZone=None).taken_at == datetime(2024, 5, 1, 12, 30)


def test_the_date_of_a_file_does_not_say_when_it_was_taken() -> None:
    dated = {"fileModifiedAt": "2024-05-01T10:30:00.000Z"}
    assert read(entry=dated, timeZone=None).taken_at is None


@pytest.mark.parametrize(
    "place", [{"latitude": 0, "longitude": 0}, {"latitude": 91.0}, {"longitude": "16"}]
)
def test_a_place_that_is_none_is_not_taken(place: dict[str, Any]) -> None:
    known = read(**place)
    assert (known.latitude, known.longitude) == (None, None)


def test_people_are_handed_on_where_they_are_asked_for_alone() -> None:
    assert (read().people, read(people=True).people) == ((), ("Ann", "Bo"))


def test_an_asset_without_exif_says_nothing() -> None:
    assert metadata(ENTRY, people=False) == Metadata()


@pytest.mark.slow
@pytest.mark.parametrize(("people", "names"), [(False, ()), (True, ("Ann",))])
def test_metadata_cost_no_request_once_the_tags_were_read_and_one_in_another_process(
    photos: Place, people: bool, names: tuple[str, ...]
) -> None:
    exif = {"make": "Canon", "dateTimeOriginal": datetime(2024, 5, 1, tzinfo=UTC).isoformat()}
    photos.add_photo("a.jpg", exif=exif)
    photos.server.add_person(photos.keys["a.jpg"], "Ann")
    photos.reopen(people=people)
    photos.shown("a.jpg")
    item = photos.item("a.jpg")
    photos.log.clear()
    known = photos.library.metadata(item)
    assert (known.make, known.people, list(photos.log)) == ("Canon", names, [])
    photos.reopen(people=people)
    photos.log.clear()
    assert [photos.library.metadata(item) for _time in range(2)] == [known, known]
    assert list(photos.log) == [f"GET /api/assets/{item.key}"]
