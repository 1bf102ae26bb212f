"""Genres that TigerTag writes to Plex, and those that it reads there to learn from."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.plex import PlexServer
from tests.unit.libraries.plex.cinema import Cinema
from tigertag.errors import LibraryError
from tigertag.genres.labelled import labelled_videos
from tigertag.model import Kind, Label
from tigertag.services import scans

pytestmark = pytest.mark.slow


class Screen(Cinema):
    """A cinema whose engine finds a comedy in each film."""

    def __init__(
        self, plex: PlexServer, home: Path, *, kind: str = "movie", **options: str
    ) -> None:
        super().__init__(plex, home, kind=kind, **options)
        self.engine.extra = (Label("comedy", 0.9, kind=Kind.GENRE),)

    def agent(self, key: int, *genres: str) -> None:
        self.plex.tag(key, *genres, field="genre")

    def genres(self, key: int) -> list[str]:
        return self.plex.tags(key, field="genre")

    def learned(self) -> dict[str, tuple[str, ...]]:
        """The genres that there are to learn from, by the video's title."""
        (section,) = self.library.sections()
        names = {item.key: item.title.split()[-1] for item in self.library.items(section)}
        videos, _unlabelled = labelled_videos(self.core.store, self.library, section)
        return {names[video.source.origin.rpartition("/")[2]]: video.genres for video in videos}


@pytest.fixture
def films(plex: PlexServer, tmp_path: Path) -> Iterator[Screen]:
    made = Screen(plex, tmp_path, genre_field="genre")
    made.show_film("a", "red")
    yield made
    made.close()


def test_genres_go_beside_those_of_the_agent_and_all_else_to_labels(films: Screen) -> None:
    key = films.keys["a"]
    films.agent(key, "Drama")
    films.scan()
    assert (films.genres(key), films.tags("a")) == (["Drama", "Comedy"], ["Red"])
    assert films.plex.locks(key) == {"genre", "label"}


def test_an_undo_takes_off_ours_and_opens_the_lock(films: Screen) -> None:
    key = films.keys["a"]
    films.agent(key, "Drama")
    applied = films.scan()
    films.run(scans.undo(films.core, applied.scan.id))
    assert (films.genres(key), films.tags("a"), films.plex.locks(key)) == (["Drama"], [], set())


def test_an_undo_leaves_a_lock_that_the_owner_had_set(films: Screen) -> None:
    key = films.keys["a"]
    films.agent(key, "Drama")
    films.plex.set_lock(key, locked=True, field="genre")
    applied = films.scan()
    films.run(scans.undo(films.core, applied.scan.id))
    assert (films.genres(key), films.plex.locks(key)) == (["Drama"], {"genre"})


def test_what_the_agent_says_already_is_not_ours(films: Screen) -> None:
    key = films.keys["a"]
    films.agent(key, "COMEDY")
    applied = films.scan()
    assert films.plex.locks(key) == {"label"}
    films.run(scans.undo(films.core, applied.scan.id))
    assert (films.genres(key), films.learned()) == (["COMEDY"], {"a": ("COMEDY",)})


def test_a_genre_that_the_owner_took_off_stays_off(films: Screen) -> None:
    key = films.keys["a"]
    films.agent(key, "Drama")
    films.scan()
    films.plex.untag(key, "comedy", field="genre")
    films.scan()
    films.library = films.built(genre_field=None)
    films.scan()
    assert (films.genres(key), films.tags("a")) == (["Drama"], ["Red"])


def test_genres_move_when_they_are_wanted_elsewhere(films: Screen) -> None:
    key = films.keys["a"]
    films.agent(key, "Drama")
    films.scan()
    films.library = films.built()
    films.scan()
    assert (films.genres(key), films.tags("a")) == (["Drama"], ["Red", "Comedy"])
    assert len(films.engine.asked) == 1


@pytest.mark.parametrize(("roll_up", "words"), [("season", []), ("show", ["Comedy"])])
def test_genres_of_episodes_go_up_to_the_genres_of_their_show(
    plex: PlexServer, tmp_path: Path, roll_up: str, words: list[str]
) -> None:
    place = Screen(plex, tmp_path, kind="episode", roll_up=roll_up, genre_field="genre")
    place.show_film("a", "red")
    place.scan()
    assert place.parent is not None
    assert [set(plex.tags(key)) for key in (place.keys["a"], place.parent)] == [
        {"Red", "Comedy"},
        {"Red", "Comedy"},
    ]
    assert place.genres(place.show) == words
    place.close()


def test_nothing_is_learned_from_what_was_written(films: Screen) -> None:
    films.agent(films.keys["a"], "Drama")
    films.scan()
    assert films.learned() == {"a": ("Drama",)}


@pytest.mark.parametrize("fault", ["maintenance", "reset", 401])
@pytest.mark.parametrize("at", ["PUT", "GET /library/metadata"])
def test_nothing_is_learned_from_what_a_write_that_broke_off_has_left(
    films: Screen, fault: int | str, at: str
) -> None:
    key = films.keys["a"]
    films.agent(key, "Drama")
    preview = films.scan("preview")
    films.plex.fail(fault, at=at, after=0 if at == "PUT" else 2)
    with suppress(LibraryError):
        films.run(scans.apply(films.core, preview.scan.id))
    films.plex.mend()
    assert ("Comedy" in films.genres(key)) == (at != "PUT" or fault == "reset")
    assert films.learned() == {"a": ("Drama",)}


def test_what_was_written_on_a_show_is_not_learned_of_its_episodes(
    plex: PlexServer, tmp_path: Path
) -> None:
    place = Screen(plex, tmp_path, kind="episode", roll_up="show", genre_field="genre")
    place.agent(place.show, "Drama")
    place.show_film("a", "red")
    place.scan()
    assert place.genres(place.show) == ["Drama", "Comedy"]
    place.library = place.built(genre_field="genre")
    assert place.learned() == {"a": ("Drama",)}
    place.close()
