"""What films and episodes are, and the genres that they bear."""

from collections.abc import Iterator

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.plex.plexes import FILM, PlexPlace
from tests.unit.libraries.server_contract import CatalogueContract
from tigertag.contracts import Catalogued
from tigertag.model import Field, Item


def listed(place: PlexPlace) -> list[Item]:
    return [item for section in place.library.sections() for item in place.library.items(section)]


def all_catalogued(place: PlexPlace) -> list[Catalogued]:
    return list(place.library.catalogued(listed(place)))


@pytest.fixture
def films(plex: PlexServer) -> Iterator[PlexPlace]:
    made = PlexPlace(plex, kind="movie")
    made.add_photo("a")
    yield made
    made.close()


class TestPlexCatalogue(CatalogueContract):
    pass


@pytest.fixture
def shows(plex: PlexServer) -> Iterator[PlexPlace]:
    made = PlexPlace(plex, kind="episode", roll_up="show")
    made.add_photo("Pilot")
    made.add_photo("Earth")
    plex.tag(made.show, "drama", "war", "sci-fi", field="genre")
    plex.describe(made.show, year=2014)
    yield made
    made.close()


def test_an_episode_whose_show_went_away_is_left_out(shows: PlexPlace) -> None:
    found = listed(shows)
    shows.plex.fail(404, at=f"/library/metadata/{shows.show}")
    assert list(shows.library.catalogued(found)) == []


def test_clips_and_photos_bear_no_genres(place: PlexPlace) -> None:
    place.add_photo("a.jpg")
    place.plex.add_photo(place.section, "clip", FILM, clip=True)
    assert all_catalogued(place) == []


def test_all_genres_of_a_film_are_told_and_nothing_else(films: PlexPlace) -> None:
    key = films.keys["a"]
    films.plex.tag(key, "Comedy", "Road movie", "Sci-Fi & fantasy", field="genre")
    films.plex.tag(key, "mine", field="label")
    films.plex.describe(key, year=2002)
    (one,) = all_catalogued(films)
    assert one.genres == ("Comedy", "Road movie", "Sci-Fi & fantasy")
    assert (one.key, one.bearer, one.title, one.year) == (str(key), str(key), "a", 2002)
    assert one.field is Field.GENRE


@pytest.mark.parametrize(
    ("guid", "ids", "film"),
    [
        ("plex://movie/5d77", ("imdb://tt0253556", "tmdb://6278"), "imdb:tt0253556"),
        ("plex://movie/5d77", ("tvdb://1709", "tmdb://6278"), "tmdb:movie:6278"),
        ("plex://movie/5d77", ("tvdb://1709",), "tvdb:movie:1709"),
        ("plex://movie/5d77", (), "plex://movie/5d77"),
        ("com.plexapp.agents.imdb://tt0165832?lang=en", (), "imdb:tt0165832"),
        ("com.plexapp.agents.themoviedb://603?lang=en", (), "tmdb:movie:603"),
        ("com.plexapp.agents.none://8a73?lang=xn", (), ""),
        ("", (), ""),
    ],
)
def test_a_film_is_told_from_others_by_its_number(
    films: PlexPlace, guid: str, ids: tuple[str, ...], film: str
) -> None:
    films.plex.describe(films.keys["a"], guid=guid, ids=ids)
    (one,) = all_catalogued(films)
    assert one.film == (film or f"box:{films.keys['a']}")


def test_a_film_without_a_year_has_none(films: PlexPlace) -> None:
    films.plex.describe(films.keys["a"], year=None)
    assert all_catalogued(films)[0].year is None


def test_episodes_bear_what_their_show_does(shows: PlexPlace) -> None:
    show, found = str(shows.show), all_catalogued(shows)
    assert [one.key for one in found] == [str(shows.keys[name]) for name in ("Pilot", "Earth")]
    assert {(one.film, one.bearer, one.title) for one in found} == {
        (f"box:{show}", show, "The 100")
    }
    assert {(one.genres, one.year) for one in found} == {(("Drama", "War", "Sci-fi"), 2014)}


def test_the_numbers_of_a_show_are_not_those_of_a_film(shows: PlexPlace) -> None:
    guid = "com.plexapp.agents.thetvdb://268592?lang=en"
    shows.plex.describe(shows.show, guid=guid)
    assert {one.film for one in all_catalogued(shows)} == {"tvdb:show:268592"}


def test_each_show_is_read_once(shows: PlexPlace) -> None:
    for number in range(250):
        shows.add_photo(f"{number}")
    found = listed(shows)
    shows.plex.counts.clear()
    assert len(list(shows.library.catalogued(found))) == 252
    assert shows.plex.counts == {"metadata": 4}


def test_what_is_told_changes_nothing(films: PlexPlace) -> None:
    all_catalogued(films)
    assert films.asked("PUT") == []
