"""Genres that a section has, without what TigerTag wrote."""

from collections.abc import Iterator
from unicodedata import normalize

import pytest
from sqlalchemy import event

from tests.fake_library import SECTION, FakeLibrary
from tests.world import World
from tigertag.contracts import Catalogued
from tigertag.errors import LibraryError, RequestError
from tigertag.genres.labelled import LabelledVideo, labelled_videos
from tigertag.model import Edit, Field, Section, Shown, TagOwnership, TagRef
from tigertag.store import items, ledger, scans
from tigertag.store.ledger import EditVerdict
from tigertag.store.scans import NewScan

GENRE, LABEL = Field.GENRE, Field.LABEL


class Films:
    """A shelf of films, and a ledger."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shelf = FakeLibrary()
        self.scan_id = 0

    def add(self, key: str, *genres: str, film: str = "", bearer: str = "") -> None:
        self.shelf.film(key, film or key, bearer=bearer, year=1999)
        self.shelf.tag(bearer or key, *genres, field=GENRE)

    def stand(self, key: str, word: str, standing: TagOwnership, field: Field = GENRE) -> None:
        number = self._noted(key)
        with self.world.store.write() as db:
            ledger.set_ownership(db, {number: {TagRef(field, word): standing}})

    def write(self, key: str, word: str, state: str) -> None:
        """Put an edit that adds a genre into the ledger, as a crash would leave it."""
        number = self._noted(key)
        edit = Edit(self.shelf.held[key], (TagRef(GENRE, word),))
        with self.world.store.write() as db:
            planned = ledger.plan(db, self.scan_id, [(number, edit, Shown(key))])
            ledger.judge(db, [EditVerdict(planned[number], state, None)])

    def _noted(self, key: str) -> int:
        with self.world.store.write() as db:
            section_id = scans.ensure_section(db, SECTION)
            scans.is_of_source(db, section_id, self.shelf.identity)
            self.scan_id = self.scan_id or scans.create(db, NewScan(section_id))
            page = [self.shelf.held[key]]
            return items.note(db, section_id, SECTION, page, self.scan_id)[0].id

    def videos(self, section: Section = SECTION) -> tuple[tuple[LabelledVideo, ...], int]:
        return labelled_videos(self.world.store, self.shelf, section)

    def genres(self, section: Section = SECTION) -> dict[str, tuple[str, ...]]:
        videos, _unlabelled = self.videos(section)
        return {video.source.origin.rpartition("/")[2]: video.genres for video in videos}


@pytest.fixture
def films(world: World) -> Films:
    return Films(world)


def test_a_library_that_knows_no_genres_says_what_to_do(world: World) -> None:
    (section,) = world.library.sections()
    with pytest.raises(RequestError, match=r"photos has no genres; .* genre learn FILE\.csv\.$"):
        labelled_videos(world.store, world.library, section)


def test_a_library_that_fails_says_so(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(_items: object) -> Iterator[object]:
        raise LibraryError("Library photos: it is gone.")

    films.add("a", "Drama")
    monkeypatch.setattr(films.shelf, "catalogued", cut)
    with pytest.raises(LibraryError, match="it is gone"):
        films.videos()


def test_a_film_is_told_as_the_server_spells_it(films: Films) -> None:
    films.add("a", "Drama", "Sci-Fi & Fantasy", film="imdb:tt1")
    ((one,), _unlabelled) = films.videos()
    assert (one.source.origin, one.genres) == ("photos/1/a", ("Drama", "Sci-Fi & Fantasy"))
    assert (one.film, one.title, one.year) == ("imdb:tt1", "imdb:tt1", 1999)


def test_where_nothing_was_scanned_nothing_is_tigertags(films: Films) -> None:
    films.add("a", "Drama")
    assert films.genres() == {"a": ("Drama",)}


@pytest.mark.parametrize("standing", [TagOwnership.OURS, TagOwnership.KEPT])
def test_what_tigertag_wrote_is_left_out_whatever_its_case(
    films: Films, standing: TagOwnership
) -> None:
    films.add("a", "Drama", "COMEDY")
    films.stand("a", "comedy", standing)
    assert films.genres() == {"a": ("Drama",)}


@pytest.mark.parametrize("standing", [TagOwnership.HELD, TagOwnership.TOMBSTONE])
def test_what_tigertag_wrote_once_and_the_user_put_there_is_the_users(
    films: Films, standing: TagOwnership
) -> None:
    films.add("a", "Comedy")
    films.stand("a", "Comedy", standing)
    assert films.genres() == {"a": ("Comedy",)}


@pytest.mark.parametrize("state", ["planned", "sent"])
def test_what_a_crash_may_have_left_written_is_left_out(films: Films, state: str) -> None:
    films.add("a", "Drama", "Comedy")
    films.write("a", "comedy", state)
    assert films.genres() == {"a": ("Drama",)}


def test_what_an_undo_takes_off_meanwhile_is_left_out(
    films: Films, monkeypatch: pytest.MonkeyPatch
) -> None:
    films.add("a", "Drama", "Comedy")
    films.stand("a", "Comedy", TagOwnership.OURS)
    told = list(films.shelf.catalogued([films.shelf.held["a"]]))

    def undone(_items: object) -> Iterator[Catalogued]:
        yield from told
        films.stand("a", "Comedy", TagOwnership.HELD)

    monkeypatch.setattr(films.shelf, "catalogued", undone)
    assert films.genres() == {"a": ("Drama",)}


def test_what_was_never_taken_is_not_tigertags(films: Films) -> None:
    films.add("a", "Comedy")
    films.write("a", "Comedy", "failed")
    assert films.genres() == {"a": ("Comedy",)}


def test_the_same_word_in_another_field_takes_no_genre_away(films: Films) -> None:
    films.add("a", "Comedy")
    films.stand("a", "Comedy", TagOwnership.OURS, LABEL)
    assert films.genres() == {"a": ("Comedy",)}


def test_where_genres_are_tags_a_tag_that_tigertag_wrote_is_no_genre(films: Films) -> None:
    films.shelf.film("a", "a", field=LABEL)
    films.shelf.tag("a", "Drama", "Comedy", field=LABEL)
    films.stand("a", "Comedy", TagOwnership.OURS, LABEL)
    assert films.genres() == {"a": ("Drama",)}


def test_what_was_written_on_another_film_takes_no_genre_away(films: Films) -> None:
    films.add("a", "Comedy")
    films.add("b", "Comedy")
    films.stand("b", "Comedy", TagOwnership.OURS)
    assert films.genres() == {"a": ("Comedy",)}


def test_what_was_written_on_a_show_is_left_out_of_its_episodes(films: Films) -> None:
    films.shelf.group("show")
    films.add("e1", "Drama", "Comedy", film="show", bearer="show")
    films.stand("show", "Comedy", TagOwnership.OURS)
    assert films.genres() == {"e1": ("Drama",)}


def test_what_was_written_under_another_name_of_the_server_is_left_out(films: Films) -> None:
    films.shelf.identity = "the server"
    films.add("a", "Drama", "Comedy")
    films.stand("a", "Comedy", TagOwnership.OURS)
    films.shelf.id = "films"
    assert films.genres(Section("films", "1", "FakeLibrary")) == {"a": ("Drama",)}


def test_what_was_written_before_it_was_known_on_which_server_is_left_out(films: Films) -> None:
    films.add("a", "Comedy")
    films.stand("a", "Comedy", TagOwnership.OURS)
    films.shelf.id, films.shelf.identity = "films", "the server"
    assert films.genres(Section("films", "1", "FakeLibrary")) == {}


def test_what_was_written_on_another_server_takes_no_genre_away(films: Films) -> None:
    films.shelf.identity = "the server"
    films.add("a", "Comedy")
    films.stand("a", "Comedy", TagOwnership.OURS)
    films.shelf.id, films.shelf.identity = "films", "another server"
    assert films.genres(Section("films", "1", "FakeLibrary")) == {"a": ("Comedy",)}


def test_what_was_written_in_another_section_is_left_out(films: Films) -> None:
    films.add("a", "Drama", "Comedy")
    films.stand("a", "Comedy", TagOwnership.OURS)
    assert films.genres(Section("photos", "2", "All")) == {"a": ("Drama",)}


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Sci-Fi", "Science Fiction"),
        ("Komödie", normalize("NFD", "Komödie")),
        ("Straße", "STRASSE"),
        ("Odd  word", "odd word"),
    ],
)
def test_what_tigertag_wrote_is_left_out_however_the_server_shows_it(
    films: Films, written: str, shown: str
) -> None:
    films.add("a", "Drama", shown)
    films.stand("a", written, TagOwnership.OURS)
    assert films.genres() == {"a": ("Drama",)}


def test_what_was_written_on_a_film_is_left_out_wherever_else_that_is(films: Films) -> None:
    films.add("a", "Drama", "Comedy", film="imdb:tt1")
    films.add("b", "Comedy", "War", film="imdb:tt1")
    films.stand("a", "Comedy", TagOwnership.OURS)
    assert films.genres() == {"a": ("Drama",), "b": ("War",)}


def test_videos_without_genres_are_counted(films: Films) -> None:
    films.add("a", "Drama")
    films.add("b")
    films.add("c", "Comedy")
    films.stand("c", "Comedy", TagOwnership.OURS)
    assert (list(films.genres()), films.videos()[1]) == (["a"], 2)


def test_photos_are_not_looked_at(films: Films) -> None:
    films.shelf.put("photo", "red")
    films.shelf.film("photo", "photo")
    films.shelf.tag("photo", "Drama", field=GENRE)
    assert films.videos() == ((), 0)


def test_of_a_show_five_episodes_are_looked_at_all_along_it(films: Films) -> None:
    for number in reversed(range(50)):
        films.add(f"e{number:02}", film="show", bearer="show")
    films.shelf.tag("show", "Drama", field=GENRE)
    films.add("a", "Comedy")
    assert sorted(films.genres()) == ["a", "e05", "e15", "e25", "e35", "e45"]
    assert films.videos()[1] == 0


def test_many_films_take_few_queries(films: Films, world: World) -> None:
    for number in range(1200):
        films.add(f"{number}", "Drama")
    films.stand("0", "Drama", TagOwnership.OURS)
    queries: list[str] = []
    event.listen(
        world.store.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, query, *_rest: queries.append(query),
    )
    assert len(films.videos()[0]) == 1199
    assert sum("SELECT" in query for query in queries) <= 25
