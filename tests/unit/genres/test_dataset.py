"""LabelledVideo turned into numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.unit.genres.colour_features import Eye, Heard, Reel, labelled_video, picture, shelf
from tests.world import World
from tigertag.contracts import Sampling
from tigertag.errors import LibraryError, RequestError
from tigertag.genres import dataset
from tigertag.genres.dataset import Dataset, FeatureSettings
from tigertag.genres.extraction import Extractor
from tigertag.genres.genre_names import GenreNames
from tigertag.genres.labelled import LabelledSet, LabelledVideo
from tigertag.genres.manifest import SourceInfo

WORDS = GenreNames.load()


@dataclass
class Desk:
    world: World
    reel: Reel = field(default_factory=Reel)
    heard: Heard = field(default_factory=Heard)

    def put(
        self,
        name: str,
        *genres: str,
        colour: str = "red",
        film: str = "",
        names: Sequence[str] = (),
    ) -> LabelledVideo:
        self.reel.held.setdefault(name, picture(colour, len(self.reel.held)))
        return labelled_video(self.reel.found(name), *genres, film=film, names=names)

    def read(self, materials: Sequence[LabelledVideo], *notes: str) -> Dataset:
        eye = Eye()
        lens = FeatureSettings(Extractor(eye), Sampling())
        kept = shelf(self.world.home, self.world.store)
        return dataset.build(
            LabelledSet(tuple(materials), SourceInfo(), notes), WORDS, lens, kept, self.heard
        )


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(world)


def test_where_no_row_bears_a_known_genre_it_says_so(desk: Desk) -> None:
    with pytest.raises(RequestError, match="No row has a known genre"):
        desk.read([desk.put("a", "Quux")])
    assert desk.heard.lines[0] == "Unknown genres: Quux (1); add them with --genres FILE."
    assert desk.reel.fetched == []


def test_where_nothing_can_be_looked_at_it_says_why(desk: Desk) -> None:
    desk.reel.held["a"] = b"no picture"
    with pytest.raises(RequestError, match="None of the files could be read"):
        desk.read([desk.put("a", "Drama")])
    assert desk.heard.lines[0].startswith("1 row left out (a): ")


def test_what_the_source_left_out_is_told_first(desk: Desk) -> None:
    desk.read([desk.put("a", "Drama")], "3 videos without genres left out.")
    assert desk.heard.lines == ["3 videos without genres left out."]


def test_what_cannot_be_looked_at_is_left_out_and_counted(desk: Desk) -> None:
    desk.reel.held["bad"] = b"no picture"
    data = desk.read([desk.put("bad", "War"), desk.put("a", "Drama")])
    assert (data.films, data.genres) == (("a",), ("Drama",))
    assert (desk.heard.total, desk.heard.done, desk.heard.kept) == (2, 2, 1)


def test_a_server_that_is_gone_comes_through(desk: Desk) -> None:
    desk.reel.held["a"] = LibraryError("Library plex: it is gone.")
    with pytest.raises(LibraryError):
        desk.read([desk.put("a", "War")])


def test_words_that_are_no_genre_are_named_and_counted(desk: Desk) -> None:
    odd = [desk.put(f"{n}", "Drama", *(f"Odd{m}" for m in range(n))) for n in range(8)]
    data = desk.read([*odd, desk.put("x", "Odd0")])
    assert data.unknown["Odd0"] == 8
    assert desk.heard.lines == [
        "Unknown genres: Odd0 (8), Odd1 (6), Odd2 (5), Odd3 (4), Odd4 (3) and 2 more;"
        " add them with --genres FILE.",
        "1 row left out: no known genre.",
    ]


def test_each_row_bears_its_genres(desk: Desk) -> None:
    data = desk.read([desk.put("a", "drama"), desk.put("b", "War", "Dramas", colour="blue")])
    assert data.genres == ("Drama", "War")
    assert data.targets.tolist() == [[True, False], [True, True]]
    assert data.vectors.shape == (2, 3)
    assert np.argmax(data.vectors, axis=1).tolist() == [0, 2]
    first, second = (row.spellings for row in data.rows)
    assert (first, second) == ({"Drama": "drama"}, {"Drama": "Dramas", "War": "War"})


def test_a_genre_is_spelled_as_most_rows_do(desk: Desk) -> None:
    rows = [
        desk.put(f"{n}", word) for n, word in enumerate(["Sci-Fi", "Sci-Fi", "Science Fiction"])
    ]
    data = desk.read(rows)
    assert data.spelling(data.genres[0]) == "Sci-Fi"


def test_films_that_share_a_file_are_one(desk: Desk) -> None:
    same = picture("red")
    desk.reel.held |= {"a": same, "b": same, "c": picture("blue"), "d": picture("green")}
    rows = [
        desk.put("a", "Drama", film="one"),
        desk.put("c", "Drama", film="one"),
        desk.put("b", "Drama", film="two"),
        desk.put("d", "Drama", film="three"),
    ]
    assert desk.read(rows).films == ("one", "one", "one", "three")


def test_films_that_share_files_in_a_chain_are_one(desk: Desk) -> None:
    first, second = picture("red"), picture("blue")
    desk.reel.held |= {"a": first, "b": first, "c": second, "d": second}
    films = {"a": "z", "b": "y", "c": "y", "d": "x"}
    rows = [desk.put(name, "Drama", film=film) for name, film in films.items()]
    assert len(set(desk.read(rows).films)) == 1


def test_films_that_share_a_name_are_one(desk: Desk) -> None:
    rows = [
        desk.put("a", "Drama", names=["imdb:tt0113277", "title:heat (1995)"]),
        desk.put("b", "Drama", names=["title:heat (1995)"]),
        desk.put("c", "Drama", names=["title:heat (1986)"]),
    ]
    data = desk.read(rows)
    assert data.films == ("a", "a", "c")
    assert [row.video.film for row in data.rows] == ["a", "b", "c"]
    assert data.rows[1].names == {"b", "title:heat (1995)"}


def test_pictures_are_pooled_as_all_that_a_picture_has(desk: Desk) -> None:
    data = desk.read([desk.put("a", "Drama")])
    assert (data.pooling, data.dimensions, data.videos) == ("mean", 3, 0)


def test_a_part_of_the_rows_keeps_the_genres(desk: Desk) -> None:
    data = desk.read([desk.put("a", "Drama"), desk.put("b", "War"), desk.put("c", "War")])
    part = data.of_rows([2, 0]).of_genres(["War", "Western", "Drama"])
    assert part.films == ("c", "a")
    assert part.targets.tolist() == [[True, False, False], [False, False, True]]
    assert [part.films_of(genre) for genre in part.genres] == [1, 0, 1]
