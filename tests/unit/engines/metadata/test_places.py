import csv
import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from tests.unit.engines.metadata.stated import HERE, WINTER_NIGHT, engine, labels
from tigertag.engines.metadata import geonames, options, places
from tigertag.errors import ModelError
from tigertag.model import Kind, Metadata

pytestmark = pytest.mark.skipif(
    not geonames.version(), reason="the extra `places` is not installed"
)


def at(latitude: float, longitude: float) -> Metadata:
    return Metadata(latitude=latitude, longitude=longitude)


def names(latitude: float, longitude: float, **more: Any) -> list[str]:
    said = labels(at(latitude, longitude), **more)
    return [label.name for label in said.values() if label.kind is Kind.PLACE]


@pytest.mark.parametrize(
    ("place", "named"),
    [
        ((48.2082, 16.3738), ["Vienna", "Austria"]),
        ((48.2019, 16.3879), ["Vienna", "Austria"]),
        ((48.14, 16.48), ["Schwechat", "Lower Austria", "Austria"]),
        ((48.858, 2.294), ["Paris", "Île-de-France", "France"]),
        ((48.835, 2.24), ["Boulogne-Billancourt", "Île-de-France", "France"]),
        ((51.5007, -0.1246), ["London", "England", "United Kingdom"]),
        ((-33.8568, 151.2153), ["Sydney", "New South Wales", "Australia"]),
        ((41.9022, 12.4539), ["Vatican City", "Holy See"]),
        ((47.7953, 13.0477), ["Salzburg", "Austria"]),
        ((47.84, 12.98), ["Freilassing", "Bavaria", "Germany"]),
    ],
)
def test_a_place_is_named_by_city_region_and_country(
    place: tuple[float, float], named: list[str]
) -> None:
    assert names(*place) == named


@pytest.mark.parametrize(
    "place",
    [(30.0, -40.0), (0.001, 0.001), (90.0, 0.0), (-90.0, 10.0), (-16.8, 180.0), (-16.8, -180.0)],
    ids=["Atlantic", "Gulf of Guinea", "north pole", "south pole", "date line", "its other side"],
)
def test_nothing_is_named_where_nobody_lives(place: tuple[float, float]) -> None:
    assert names(*place) == []


def test_between_two_countries_neither_is_named() -> None:
    assert names(47.589, 7.589) == []


def test_far_from_all_places_the_country_is_named_where_it_lies_all_around() -> None:
    assert names(-25.3444, 131.0369) == ["Northern Territory", "Australia"]
    assert names(24.0, 10.0) in ([], ["Algeria"])


def test_a_place_says_what_it_stands_on() -> None:
    note = labels(HERE)["Vienna"].note
    assert re.fullmatch(r"GPS 48\.2082, 16\.3738 → Vienna, 0\.\d km", note)


def test_the_date_line_is_crossed_to_what_is_near() -> None:
    data = geonames.load()
    east, west = data.near(-16.8, 179.99, 300), data.near(-16.8, -179.99, 300)
    assert {*east.places} & {*west.places}


def test_what_is_near_is_what_a_look_at_all_places_finds() -> None:
    data = geonames.load()
    for latitude, longitude in ((48.2, 16.3), (69.6, 18.9), (-77.8, 166.7), (0.0, -179.9)):
        near = data.near(latitude, longitude, 200)
        point = geonames._point(latitude, longitude)
        chord = ((data.points.astype(float) - point) ** 2).sum(axis=1) ** 0.5
        km = 2 * geonames.EARTH_KM * chord / 2
        assert len(near.km) == pytest.approx((km <= 200).sum(), abs=1)


@pytest.mark.parametrize(("language", "country"), [("de", "Österreich"), ("fr", "Autriche")])
def test_countries_are_named_in_another_language(language: str, country: str) -> None:
    pytest.importorskip("babel")
    assert names(48.2082, 16.3738, language=language) == ["Vienna", country]


def test_a_language_that_nobody_speaks_is_refused_when_the_engine_opens() -> None:
    pytest.importorskip("babel")
    with pytest.raises(ModelError, match="LANGUAGE=xq"):
        engine(language="xq").open()


def test_with_places_off_no_coordinate_is_kept() -> None:
    said = labels(WINTER_NIGHT, places="off", tags="all")
    assert not [one for one in said.values() if one.kind is Kind.PLACE]
    assert not [one.note for one in said.values() if "48" in one.note or "16." in one.note]


def test_where_only_the_country_is_named_no_finer_coordinate_is_kept() -> None:
    said = labels(WINTER_NIGHT, places="country")
    assert said["Austria"].note == "GPS 48, 16 → Austria"
    assert set(said) == {"Austria", "night"}
    assert "°" not in said["night"].note


def test_a_private_place_is_never_named_and_leaves_no_coordinate() -> None:
    home = "48.2,16.37,1500; 10,10,5"
    said = labels(WINTER_NIGHT, private_places=home, tags="all")
    assert not [one for one in said.values() if one.kind is Kind.PLACE]
    assert not [one.note for one in said.values() if "GPS" in one.note or "°" in one.note]


def test_around_a_private_place_places_are_named() -> None:
    assert names(48.2082, 16.3738, private_places="48.2,16.37,500") == ["Vienna", "Austria"]


@pytest.mark.parametrize(
    "private", ["48.2,16.37", "48.2;16.37;500", "home", "91,0,5", "48,16,0", "48,16,nan", "nan,0,5"]
)
def test_a_private_place_that_is_none_is_refused(private: str) -> None:
    with pytest.raises(ValidationError):
        options.Options.model_validate({"private_places": private})


def test_the_haversine_distance_is_right_across_the_date_line() -> None:
    assert places.distance_m((0, 179.5), (0, -179.5)) == pytest.approx(111_195, abs=1)


def test_a_circle_across_the_date_line_holds_both_sides() -> None:
    circle = places.PrivatePlace(0.0, 179.999, 1000.0)
    assert circle.holds(0.0, -179.999)
    assert not circle.holds(0.0, -179.9)


def test_settings_that_change_labels_change_the_fingerprint_and_others_do_not() -> None:
    marked = {
        engine(**given).fingerprint
        for given in (
            {},
            {"places": "country"},
            {"language": "de"},
            {"private_places": "48.2,16.37,500"},
            {"private_places": "48.2,16.37,600"},
            {"tags": "places, black and white"},
            {"tags": "places, seasons"},
        )
    }
    assert len(marked) == 7
    assert engine(tags="places, night").fingerprint == engine(tags="places, burst").fingerprint


def test_a_private_place_is_in_the_fingerprint_as_a_digest() -> None:
    assert "16.37" not in engine(private_places="48.2,16.37,500").fingerprint


def test_far_places_take_no_longer_than_near_ones() -> None:
    assert names(-89.999, 0.0) == names(89.999, 179.0) == []


def test_a_phone_that_lies_about_its_place_is_named_nowhere() -> None:
    assert labels(replace(HERE, latitude=None)) == {}


def test_the_packages_own_code_is_not_run() -> None:
    """It changes how large a field of CSV may be, for the whole process."""
    before = csv.field_size_limit()
    geonames.load()
    assert csv.field_size_limit() == before
