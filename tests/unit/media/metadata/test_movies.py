from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.tiffs import box, keys, movie, track
from tigertag.media import metadata
from tigertag.media.metadata import marks
from tigertag.model import Media, Metadata

APPLE = "com.apple.quicktime."
PHONE: dict[str, str | float | int] = {
    APPLE + "location.ISO6709": "+48.2082+016.3738+180.5/",
    APPLE + "make": "Apple",
    APPLE + "model": "iPhone 15",
    APPLE + "creationdate": "2024-07-01T14:00:00+0200",
}


def read(data: bytes) -> Metadata:
    return metadata.read(data, Media.VIDEO)


def test_a_phones_video_tells_camera_time_and_place() -> None:
    known = read(movie(track(), keys(PHONE)))
    assert (known.make, known.camera) == ("Apple", "iPhone 15")
    assert known.taken_at == datetime(2024, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert (known.latitude, known.longitude) == (48.2082, 16.3738)


def test_size_and_rate_are_those_of_the_picture_track() -> None:
    known = read(movie(track(rate=240, size=(1920, 1080), turned=True)))
    assert (known.size_px, known.frames_per_s) == ((1080, 1920), 240)


def test_androids_capture_rate_stands_beside_that_of_playback() -> None:
    known = read(movie(track(rate=30), keys({"com.android.capture.fps": 240.0})))
    assert (known.frames_per_s, known.playback_frames_per_s) == (240, 30)


def test_apples_slow_motion_is_a_high_rate_that_is_not_to_be_played() -> None:
    wish = APPLE + "full-frame-rate-playback-intent"
    assert read(movie(track(rate=240), keys({wish: 0}))).marks == {marks.SLOW_MOTION}
    assert read(movie(track(rate=240), keys({wish: 1}))).marks == set()


def test_the_video_of_a_live_photo_is_marked() -> None:
    values: dict[str, str | float | int] = {APPLE + "content.identifier": "A-PHOTO"}
    assert read(movie(track(), keys(values))).marks == {marks.LIVE_PHOTO}


def test_the_place_may_stand_among_user_data() -> None:
    text = b"+48.2082+016.3738/"
    place = box(b"\xa9xyz", len(text).to_bytes(2, "big"), b"\x15\xc7", text)
    assert read(movie(track(), box(b"udta", place))).latitude == 48.2082


def test_a_cameras_clock_is_local_and_a_phones_is_utc() -> None:
    made_s = int(
        (datetime(2020, 5, 1, tzinfo=UTC) - datetime(1904, 1, 1, tzinfo=UTC)).total_seconds()
    )
    assert read(movie(track(), made_s=made_s)).taken_at == datetime(2020, 5, 1)
    phone = movie(track(), keys({"com.android.version": "14"}), made_s=made_s)
    assert read(phone).taken_at == datetime(2020, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize("made_s", [0, 2_082_844_800], ids=["1904", "1970"])
def test_a_clock_that_was_never_set_tells_no_time(made_s: int) -> None:
    assert read(movie(track(), made_s=made_s)).taken_at is None


def test_boxes_behind_the_pictures_are_read_of_a_file_and_missing_in_its_beginning(
    tmp_path: Path,
) -> None:
    data = movie(track(), keys(PHONE), last=True)
    (tmp_path / "a.mov").write_bytes(data)
    assert metadata.read(tmp_path / "a.mov", Media.VIDEO).camera == "iPhone 15"
    assert read(data[:65_536]) == Metadata()


def test_boxes_that_are_cut_tell_what_is_before_the_cut() -> None:
    data = movie(track(rate=25), keys(PHONE))
    assert read(data[: data.index(b"meta")]).frames_per_s == 25


@pytest.mark.parametrize("place", ["+200.0+016.3/", "+00.0000+000.0000/", "here", ""])
def test_a_place_that_cannot_be_is_none(place: str) -> None:
    values = PHONE | {APPLE + "location.ISO6709": place}
    assert read(movie(track(), keys(values))).latitude is None


def test_bytes_that_were_cut_or_changed_never_raise(caplog: pytest.LogCaptureFixture) -> None:
    whole = movie(track(), keys(PHONE))[:1500]
    for at in range(len(whole)):
        for value in (0, 0x7F, 0xFF):
            read(whole[:at] + bytes([value]) + whole[at + 1 :])
        read(whole[:at])
    assert not caplog.records


def test_another_format_says_nothing() -> None:
    assert read(b"\x1a\x45\xdf\xa3" + bytes(100)) == Metadata()
