"""Sections of films and shows: what is listed of them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.plex.plexes import FILM, PlexPlace
from tests.unit.libraries.server_place import PHOTO
from tigertag.contracts import Need
from tigertag.errors import ItemGone, Unreadable
from tigertag.model import Item, Media


def listed(place: PlexPlace, since: datetime | None = None) -> list[Item]:
    (section,) = place.library.sections()
    return list(place.library.items(section, since))


def titles(found: list[Item]) -> list[str]:
    return [item.title for item in found]


@pytest.fixture
def films(plex: PlexServer) -> Iterator[PlexPlace]:
    made = PlexPlace(plex, kind="movie")
    yield made
    made.close()


class Shows(PlexPlace):
    """Two shows: one of two seasons, one without any."""

    def __init__(self, plex: PlexServer, **options: str) -> None:
        super().__init__(plex, kind="episode", **options)
        self.second = plex.add_season(self.show, 2)
        self.empty = plex.add_show(self.section, "Empty")
        for title, season, number in (("Pilot", self.parent, 1), ("Earth", self.second, 12)):
            assert season is not None
            self.keys[title] = plex.add_episode(season, title, FILM, number=number)


def test_films_are_videos_with_their_titles_and_sizes(films: PlexPlace) -> None:
    films.add_photo("Interstate 60")
    (item,) = listed(films)
    assert (item.title, item.media, item.size_bytes) == ("Interstate 60", Media.VIDEO, len(FILM))
    assert (item.stamp, item.within) == (str(films.plex.photo(int(item.key)).updated), ())


def test_a_film_without_a_file_is_passed_over(films: PlexPlace) -> None:
    films.add_photo("a")
    films.add_photo("b")
    films.plex.lose_file(films.keys["a"])
    assert titles(listed(films)) == ["b"]


@pytest.mark.parametrize(
    ("kind", "found"), [("movie", 1), ("episode", 1), ("clip", 2), ("photo", 2)]
)
def test_films_below_ten_megabytes_are_passed_over_by_default(
    plex: PlexServer, kind: str, found: int
) -> None:
    place = PlexPlace(plex, kind=kind)
    place.library = place.built(min_bytes=None)
    for name, size in (("small", 9_999_999), ("large", 10_000_000)):
        plex.add(place.section, name, kind, lambda size=size: bytes(size), parent=place.parent)
    assert len(listed(place)) == found
    place.close()


def test_the_least_size_that_is_set_holds_for_films_too(plex: PlexServer) -> None:
    place = PlexPlace(plex, kind="movie", min_bytes=len(FILM))
    place.add_photo("a")
    plex.add_film(place.section, "b", FILM[:-1])
    assert titles(listed(place)) == ["a"]
    place.close()


def test_episodes_are_named_by_their_show_and_numbers(plex: PlexServer) -> None:
    place = Shows(plex)
    assert titles(listed(place)) == ["The 100 · S01E01 · Pilot", "The 100 · S02E12 · Earth"]
    assert {item.media for item in listed(place)} == {Media.VIDEO}
    place.close()


def test_groups_are_listed_only_if_tags_are_rolled_up(plex: PlexServer) -> None:
    place = Shows(plex)
    assert [item.within for item in listed(place)] == [(), ()]
    assert not [line for line in plex.log if "type=3" in line or "type=2" in line]
    place.close()


@pytest.mark.parametrize(
    ("roll_up", "groups"),
    [
        ("season", ["The 100 · Season 1", "The 100 · Season 2"]),
        ("show", ["The 100 · Season 1", "The 100 · Season 2", "The 100", "Empty"]),
    ],
)
def test_groups_come_after_what_is_in_them(
    plex: PlexServer, roll_up: str, groups: list[str]
) -> None:
    place = Shows(plex, roll_up=roll_up)
    found = listed(place)
    assert titles(found[2:]) == groups
    assert {(item.media, item.revision) for item in found[2:]} == {(Media.GROUP, "")}
    place.close()


@pytest.mark.parametrize("roll_up", ["season", "show"])
def test_items_are_within_what_their_tags_go_up_to(plex: PlexServer, roll_up: str) -> None:
    place = Shows(plex, roll_up=roll_up)
    show = (str(place.show),) if roll_up == "show" else ()
    expected = [(str(season), *show) for season in (place.parent, place.second)]
    assert [item.within for item in listed(place)[:4]] == [*expected, show, show]
    place.close()


def test_of_what_was_added_the_groups_are_listed_too(plex: PlexServer) -> None:
    place = Shows(plex, roll_up="show")
    then = datetime.fromtimestamp(plex.tick(), UTC)
    plex.add_episode(place.second, "Day Trip", FILM, number=13)
    expected = ["The 100 · S02E13 · Day Trip", "The 100 · Season 2", "The 100"]
    assert titles(listed(place, then)) == expected
    place.close()


def test_a_group_is_read_as_it_is_listed(plex: PlexServer) -> None:
    place = Shows(plex, roll_up="show")
    groups = listed(place)[2:]
    read = list(place.library.read_tags(groups))
    assert [(one.key, one.stamp) for one in groups] == [
        (one.key, getattr(one, "stamp", None)) for one in read
    ]
    assert {getattr(one, "revision", None) for one in read} == {""}
    place.close()


def test_what_an_agent_calls_a_show_tells_it_under_another_key(plex: PlexServer) -> None:
    place = Shows(plex, roll_up="show")
    plex.describe(place.show, guid="plex://show/5d9c")
    files = {item.title: item.file for item in listed(place)[2:]}
    plex.describe(place.empty, guid="plex://show/5d9c")
    assert files["Empty"] == ""
    assert {item.file for item in listed(place) if item.title == "Empty"} == {files["The 100"]}
    place.close()


def test_a_show_that_is_gone_is_said_to_be(plex: PlexServer) -> None:
    place = Shows(plex, roll_up="show")
    (show,) = [item for item in listed(place) if item.title == "The 100"]
    with pytest.raises(Unreadable), place.library.fetch(show, Need(1)):
        pass
    with pytest.raises(ItemGone), place.library.fetch(replace(show, key="999"), Need(1)):
        pass
    place.close()


def test_another_process_learns_what_is_in_a_section(films: PlexPlace) -> None:
    films.add_photo("a")
    (section,) = films.library.sections()
    other = films.built()
    assert titles(list(other.items(section))) == ["a"]


def test_a_show_has_a_poster_and_nothing_else_to_look_at(plex: PlexServer) -> None:
    place = Shows(plex, roll_up="show")
    plex.hang_poster(place.show, PHOTO)
    (show,) = [item for item in listed(place) if item.title == "The 100"]
    with place.library.fetch(show, Need(32, poster=True)) as source:
        assert isinstance(source, bytes)
    with (
        pytest.raises(Unreadable, match="no video of its own"),
        place.library.fetch(show, Need(32)),
    ):
        pass
    place.close()
