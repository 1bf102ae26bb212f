"""Whole scans of films and shows: frames, fields, roll-up, and undo."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.colours import COLOURS
from tests.plex import PlexServer
from tests.unit.libraries.plex.cinema import FILMS, Cinema
from tigertag.services import scans

pytestmark = pytest.mark.slow


@pytest.fixture
def films(plex: PlexServer, tmp_path: Path) -> Iterator[Cinema]:
    made = Cinema(plex, tmp_path, kind="movie")
    for colour in COLOURS:
        made.show_film(colour, colour)
    yield made
    made.close()


def test_films_are_labelled_by_what_is_seen_in_them(films: Cinema) -> None:
    status = films.scan()
    assert (status.done, status.failed) == (3, 0)
    assert [films.tags(name) for name in COLOURS] == [["Red"], ["Green"], ["Blue"]]
    assert films.plex.locks(films.keys["red"]) == {"label"}


def test_films_that_have_not_changed_cost_their_listing_alone(films: Cinema) -> None:
    films.scan()
    films.plex.add_version(films.keys["red"], FILMS["blue"], height=720, optimized=True)
    films.scan()
    films.plex.counts.clear()
    assert films.scan().scan.unchanged == 3
    assert films.plex.counts == {"sections": 1, "list": 1}
    assert len(films.engine.asked) == 3


def test_tags_move_when_another_field_is_wanted(films: Cinema) -> None:
    films.plex.tag(films.keys["red"], "mine")
    films.plex.tag(films.keys["red"], "Comedy", field="genre")
    films.scan()
    films.library = films.built(field="genre")
    films.scan()
    assert films.plex.tags(films.keys["red"], field="genre") == ["Comedy", "Red"]
    assert films.tags("red") == ["Mine"]
    assert len(films.engine.asked) == 3


def test_what_was_applied_is_undone_with_its_locks(films: Cinema) -> None:
    key = films.keys["red"]
    films.plex.tag(key, "mine")
    applied = films.scan()
    films.plex.set_lock(key, locked=True, field="genre")
    films.run(scans.undo(films.core, applied.scan.id))
    assert films.tags("red") == ["Mine"]
    assert films.plex.locks(key) == {"genre"}


def test_tags_of_episodes_go_up_to_their_season_and_show(plex: PlexServer, tmp_path: Path) -> None:
    place = Cinema(plex, tmp_path, kind="episode", roll_up="show")
    for name in ("a", "b", "c"):
        place.show_film(name, "red")
    place.scan()
    assert place.parent is not None
    assert [plex.tags(key) for key in (place.parent, place.show)] == [["Red"], ["Red"]]
    place.close()
