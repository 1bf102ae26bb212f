from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.unit.engines.metadata.stated import HERE, PHONE, WINTER_NIGHT, labels
from tigertag.engines.metadata import sun
from tigertag.media.metadata import marks
from tigertag.model import Frame, Kind, Media, Metadata

PNG = frozenset({marks.PNG})
VIDEO = Media.VIDEO


@pytest.mark.parametrize(
    ("known", "fact"),
    [
        (Metadata(comment="Screenshot"), "screenshot"),
        (Metadata(software="gnome-screenshot"), "screenshot"),
        (Metadata(size_px=(1170, 2532), marks=PNG), "screenshot"),
        (Metadata(size_px=(2532, 1170), marks=PNG), "screenshot"),
        (replace(PHONE, marks=frozenset({marks.PANORAMA})), "panorama"),
        (replace(PHONE, size_px=(20_000, 500)), "panorama"),
        (replace(PHONE, size_px=(3000, 12_000)), "panorama"),
        (replace(PHONE, lens="iPhone 15 front camera 2.69mm f/1.9"), "selfie"),
        (replace(PHONE, lens="iPhone 15 vordere Kamera"), "selfie"),
        (replace(PHONE, marks=frozenset({marks.FRONT_CAMERA})), "selfie"),
        (Metadata(make="DJI", camera="FC3170"), "drone"),
        (Metadata(make="Hasselblad", camera="L1D-20c"), "drone"),
        (Metadata(make="Parrot", camera="ANAFI"), "drone"),
        (Metadata(make="DJI", camera="X", marks=frozenset({marks.DRONE})), "drone"),
        (replace(PHONE, marks=frozenset({marks.LIVE_PHOTO})), "live photo"),
        (replace(PHONE, marks=frozenset({marks.MOTION_PHOTO})), "motion photo"),
        (replace(PHONE, marks=frozenset({marks.BURST})), "burst"),
    ],
)
def test_a_photo_is_what_its_metadata_prove(known: Metadata, fact: str) -> None:
    (label,) = labels(known).values()
    assert (label.name, label.kind, label.confidence) == (fact, Kind.FACT, 1.0)
    assert label.note


@pytest.mark.parametrize(
    "known",
    [
        PHONE,
        Metadata(),
        Metadata(size_px=(20_000, 500)),
        replace(PHONE, size_px=(1500, 500)),
        replace(PHONE, comment="Screenshot"),
        replace(PHONE, size_px=(1170, 2532), marks=PNG),
        Metadata(size_px=(1170, 2532)),
        Metadata(size_px=(1920, 1080), marks=PNG),
        Metadata(comment="My screenshot of the sea"),
        replace(PHONE, lens="iPhone 15 back dual wide camera"),
        Metadata(make="DJI", camera="Osmo Pocket 3"),
        Metadata(make="Hasselblad", camera="X2D 100C"),
    ],
)
def test_of_what_only_may_be_so_nothing_is_said(known: Metadata) -> None:
    assert labels(known) == {}


@pytest.mark.parametrize(
    ("taken", "shown", "fact"),
    [
        (240.0, 30.0, "slow motion"),
        (2.0, 30.0, "time-lapse"),
        (30.0, 30.0, ""),
        (60.0, 30.0, ""),
        (240.0, 240.0, ""),
        (0.0, 30.0, ""),
    ],
)
def test_a_video_taken_faster_or_slower_than_it_plays_is_that(
    taken: float, shown: float, fact: str
) -> None:
    known = Metadata(frames_per_s=taken, playback_frames_per_s=shown)
    assert set(labels(known, VIDEO)) == ({fact} if fact else set())


def test_slow_motion_is_also_what_apple_marks_so() -> None:
    known = Metadata(
        frames_per_s=240, playback_frames_per_s=240, marks=frozenset({marks.SLOW_MOTION})
    )
    assert set(labels(known, VIDEO)) == {"slow motion"}


@pytest.mark.parametrize(
    ("at", "place", "height"),
    [
        # NREL's worked example of its solar position algorithm: 39.888 with refraction.
        (datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC), (39.742476, -105.1786), 39.87),
        (datetime(2021, 6, 21, 18, 58, tzinfo=UTC), (48.2082, 16.3738), -0.8),
        (datetime(2021, 12, 21, 12, 0, tzinfo=UTC), (90.0, 0.0), -23.4),
    ],
)
def test_the_sun_stands_where_almanacs_have_it(
    at: datetime, place: tuple[float, float], height: float
) -> None:
    assert sun.altitude(at, *place) == pytest.approx(height, abs=0.1)


def test_night_is_when_the_sun_is_below_the_horizon_there() -> None:
    assert "night" in labels(WINTER_NIGHT)
    at_noon = datetime(2021, 12, 24, 11, tzinfo=UTC)
    assert "night" not in labels(replace(WINTER_NIGHT, taken_at=at_noon))


def test_the_polar_summer_has_no_night() -> None:
    known = Metadata(datetime(2021, 6, 21, 23, tzinfo=UTC), latitude=78.2, longitude=15.6)
    assert "night" not in labels(known)


@pytest.mark.parametrize(
    "known",
    [
        replace(WINTER_NIGHT, taken_at=datetime(2021, 12, 24, 22)),
        replace(WINTER_NIGHT, latitude=None),
        HERE,
    ],
    ids=["no offset", "no place", "no time"],
)
def test_without_time_offset_or_place_nobody_knows_of_night(known: Metadata) -> None:
    assert "night" not in labels(known)


def test_seasons_and_years_are_said_only_if_asked_for() -> None:
    assert not {"winter", "2021"} & set(labels(WINTER_NIGHT))
    assert {"winter", "2021"} <= set(labels(WINTER_NIGHT, tags="seasons, years"))


def test_seasons_are_the_other_way_round_in_the_south_and_the_tropics_have_none() -> None:
    south, tropic = (
        replace(WINTER_NIGHT, latitude=latitude, longitude=0.5) for latitude in (-37.8, 5.0)
    )
    assert "summer" in labels(south, tags="seasons")
    assert labels(tropic, tags="seasons").keys() <= {"night"}


def test_of_the_first_days_of_time_and_the_last_nothing_breaks() -> None:
    for at in (datetime.min, datetime.max, datetime.max.replace(tzinfo=UTC) - timedelta(days=1)):
        labels(replace(WINTER_NIGHT, taken_at=at), tags="all")


def noise(*, coloured: bool) -> Frame:
    grey = np.random.default_rng(1).integers(0, 255, (128, 128, 1), np.uint8).repeat(3, axis=2)
    if coloured:
        grey[60:68, 60:68] = (220, 20, 60)
    return Frame(grey)


def test_black_and_white_is_what_has_no_colour_anywhere() -> None:
    grey, rose = noise(coloured=False), noise(coloured=True)
    assert "black and white" in labels(Metadata(), frames=[grey], tags="black and white")
    assert "black and white" not in labels(Metadata(), frames=[rose], tags="black and white")


def test_a_blank_picture_is_not_black_and_white() -> None:
    blank = Frame(np.full((128, 128, 3), 255, np.uint8))
    assert labels(Metadata(), frames=[blank], tags="black and white") == {}


def test_a_sample_without_metadata_says_nothing() -> None:
    assert labels(None) == {}
