"""What films and episodes are, and the genres that they bear."""

from typing import Any

import pytest

from tests.unit.libraries.mediabrowser.places import Place
from tests.unit.libraries.server_contract import CatalogueContract
from tigertag.contracts import Catalogued
from tigertag.model import Item

EPISODE = b"\0" * 11_000_000


def listed(place: Place) -> list[Item]:
    return [item for section in place.library.sections() for item in place.library.items(section)]


def all_catalogued(place: Place) -> list[Catalogued]:
    return list(place.library.catalogued(listed(place)))


@pytest.fixture
def films(place: Place) -> Place:
    place.add_film("a")
    return place


class TestEmbyAndJellyfinCatalogue(CatalogueContract):
    pass


def show(place: Place, *names: str, **of_series: Any) -> str:
    """Add a show with these episodes."""
    view = place.media.add_view("Shows", "tvshows")
    series = place.media.add_series(view, "Cosmos", **of_series)
    for name in names:
        place.keys[name] = place.media.add_episode(series, name, EPISODE)
    return series


def test_an_episode_whose_series_went_away_is_left_out(place: Place) -> None:
    series = show(place, "One", Genres=["Drama"])
    place.media.remove(series)
    assert all_catalogued(place) == []


def test_photos_and_home_videos_bear_no_genres(place: Place) -> None:
    place.add_photo("a.jpg", Genres=["Drama"])
    place.media.add(place.section, "Video", "b", [(b"1", 640, 480)], Genres=["Drama"])
    assert (len(listed(place)), all_catalogued(place)) == (2, [])


def test_a_film_is_told_with_its_genres(place: Place) -> None:
    place.add_film("a", Genres=["Drama", "Comedy"], ProductionYear=1999, Tags=["mine"])
    (one,) = all_catalogued(place)
    assert (one.key, one.bearer, one.title) == (place.keys["a"], place.keys["a"], "a")
    assert (one.genres, one.year) == (("Drama", "Comedy"), 1999)


@pytest.mark.parametrize(
    ("ids", "film"),
    [
        ({"Imdb": "tt0133093", "Tmdb": "603"}, "imdb:tt0133093"),
        ({"Tmdb": "603", "Tvdb": "7"}, "tmdb:movie:603"),
        ({"Imdb": "", "Zap2It": "1"}, ""),
        ({}, ""),
    ],
)
def test_a_film_is_told_from_others_by_its_number(
    place: Place, ids: dict[str, str], film: str
) -> None:
    place.add_film("a", ProviderIds=ids)
    (one,) = all_catalogued(place)
    assert one.film == (film or f"box:{place.keys['a']}")


def test_episodes_bear_what_their_series_does(place: Place) -> None:
    series = show(place, "One", "Two", Genres=["Documentary"], ProductionYear=2014)
    found = all_catalogued(place)
    assert [one.key for one in found] == [place.keys["One"], place.keys["Two"]]
    assert {(one.film, one.bearer, one.title) for one in found} == {
        (f"box:{series}", series, "Cosmos")
    }
    assert {(one.genres, one.year) for one in found} == {(("Documentary",), 2014)}


def test_an_episode_bears_its_own_where_its_series_has_none(place: Place) -> None:
    series = show(place, "One", ProviderIds={"Tmdb": "9"})
    place.values("One")["Genres"] = ["Family"]
    (one,) = all_catalogued(place)
    assert (one.film, one.genres, one.bearer) == ("tmdb:show:9", ("Family",), place.keys["One"])
    assert one.bearer != series


def test_each_series_is_read_once(place: Place) -> None:
    show(place, *(f"{number}" for number in range(120)), Genres=["Drama"])
    found = listed(place)
    place.media.counts.clear()
    assert len(list(place.library.catalogued(found))) == 120
    assert place.media.counts == {"GET /Items": 3}
