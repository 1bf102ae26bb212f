"""Material turned into numbers: a vector a row, the genres it bears, the film it is of."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tigertag.contracts import Sampling
from tigertag.errors import RequestError
from tigertag.genres import film_names
from tigertag.genres.extracting import Extractor, Shelf, extracted
from tigertag.genres.genres import Genres
from tigertag.genres.material import Gathered, Material
from tigertag.genres.notes import Notes
from tigertag.genres.pooling import Pooling, Vectors, pooled
from tigertag.genres.watch import Watch
from tigertag.model import Media
from tigertag.text import count

_MOST_UNKNOWN = 100
_NAMED = 5

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Dataset:
    """`vectors`: float32 [rows, width]; `bears`: bool [rows, genres]; the rest: one a row.

    `genres` are canonical, `spellings` how most rows write them. `films` are those that must not be
    parted: films that share a file or a name are one; `named` are the films as the rows name them,
    `names` all that they are called. `contents` are hashes.
    """

    vectors: Vectors
    bears: NDArray[np.bool_]
    genres: tuple[str, ...]
    spellings: dict[str, str]
    films: tuple[str, ...]
    named: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    years: tuple[int | None, ...]
    contents: tuple[str, ...]
    written: tuple[tuple[str, ...], ...]
    pooling: Pooling
    dimensions: int
    videos: int
    unknown: dict[str, int]

    def rows(self, numbers: Sequence[int]) -> "Dataset":
        """Return these rows."""
        chosen = list(numbers)
        return replace(
            self,
            vectors=self.vectors[chosen],
            bears=self.bears[chosen],
            films=_some(self.films, chosen),
            named=_some(self.named, chosen),
            names=_some(self.names, chosen),
            years=_some(self.years, chosen),
            contents=_some(self.contents, chosen),
            written=_some(self.written, chosen),
        )

    def of(self, genres: Sequence[str]) -> "Dataset":
        """Return these genres; those that no row bears among them."""
        columns = np.zeros((len(self.films), len(genres)), dtype=np.bool_)
        for place, genre in enumerate(genres):
            if genre in self.genres:
                columns[:, place] = self.bears[:, self.genres.index(genre)]
        return replace(self, bears=columns, genres=tuple(genres))

    def films_of(self, genre: str) -> int:
        """Return how many films bear it."""
        column = self.bears[:, self.genres.index(genre)]
        return len({film for film, bears in zip(self.films, column, strict=True) if bears})


def _some(values: Sequence[_T], numbers: Sequence[int]) -> tuple[_T, ...]:
    return tuple(values[number] for number in numbers)


@dataclass(frozen=True, slots=True)
class Lens:
    """How videos and pictures become vectors. `pooling` None: as the material allows."""

    extractor: Extractor
    sampling: Sampling
    pooling: Pooling | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    material: Material
    genres: tuple[str, ...]
    spellings: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Seen:
    row: _Row
    vector: Vectors
    content: str
    dimensions: int


def read(gathered: Gathered, words: Genres, lens: Lens, shelf: Shelf, watch: Watch) -> Dataset:
    """Look at all that is gathered; what was looked at before is taken from the shelf.

    Rows that bear no known genre, or cannot be looked at, are left out, and `watch` is told. Raises
    `RequestError` when nothing is left, `LibraryError`, `EngineError`.
    """
    for note in gathered.notes:
        watch.said(note)
    told, unknown = _with_genres(gathered.materials, words, watch)
    pooling = lens.pooling or _pooling([row.material for row in told])
    seen = _seen(told, replace(lens, pooling=pooling), shelf, watch)
    if not seen:
        raise RequestError("There is nothing that could be looked at, so nothing was learned.")
    rows, contents = [one.row for one in seen], tuple(one.content for one in seen)
    named = tuple(row.material.film for row in rows)
    names = tuple(tuple(sorted({row.material.film, *row.material.names})) for row in rows)
    genres = tuple(sorted({genre for row in rows for genre in row.genres}))
    return Dataset(
        vectors=np.stack([one.vector for one in seen]),
        bears=np.array([[genre in row.genres for genre in genres] for row in rows]),
        genres=genres,
        spellings=_spellings(rows),
        films=_joined(named, names, contents),
        named=named,
        names=names,
        years=tuple(row.material.year for row in rows),
        contents=contents,
        written=tuple(row.material.genres for row in rows),
        pooling=pooling,
        dimensions=seen[0].dimensions,
        videos=sum(row.material.found.media is Media.VIDEO for row in rows),
        unknown=unknown,
    )


def _with_genres(
    materials: Sequence[Material], words: Genres, watch: Watch
) -> tuple[list[_Row], dict[str, int]]:
    """Return the rows that bear a known genre, and the words that are none, with their counts."""
    rows: list[_Row] = []
    unknown: Counter[str] = Counter()
    for material in materials:
        said = words.recognise(material.genres)
        unknown.update(said.unknown)
        if said.genres:
            rows.append(_Row(material, said.genres, dict(said.spellings)))
    if unknown:
        some = ", ".join(f"{word} ({number})" for word, number in unknown.most_common(_NAMED))
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        watch.said(f"These are no genres here: {some}{more}; --genres FILE adds some.")
    if len(rows) < len(materials):
        watch.said(f"{count(len(materials) - len(rows), 'row')} left out: no genre that is known.")
    if not rows:
        raise RequestError("No row bears a genre that is known, so there is nothing to learn.")
    return rows, dict(unknown.most_common(_MOST_UNKNOWN))


def _pooling(materials: Sequence[Material]) -> Pooling:
    """Of a picture there is one frame: where pictures are among them, the mean is all that is."""
    return "full" if all(one.found.media is Media.VIDEO for one in materials) else "mean"


def _seen(rows: Sequence[_Row], lens: Lens, shelf: Shelf, watch: Watch) -> list[_Seen]:
    """Look at each of the rows; return those that could be looked at, in their order."""
    assert lens.pooling is not None
    seen: dict[int, _Seen] = {}
    refused = Notes()
    watch.began(len(rows))
    found = [row.material.found for row in rows]
    with closing(extracted(found, lens.extractor, lens.sampling, shelf)) as results:
        for result in results:
            row, features = rows[result.number], result.features
            watch.advanced(kept=features is not None)
            if features is None:
                refused.left_out(row.material.line, result.reason, row.material.called)
                continue
            vector = pooled(features, lens.pooling)
            dimensions = features.frames.shape[1]
            seen[result.number] = _Seen(row, vector, result.content, dimensions)
    for note in refused.said():
        watch.said(note)
    return [seen[number] for number in sorted(seen)]


def _spellings(rows: Sequence[_Row]) -> dict[str, str]:
    """How most rows write each genre, so that tags are words that the library has already."""
    written: dict[str, Counter[str]] = {}
    for row in rows:
        for genre, spelling in row.spellings.items():
            written.setdefault(genre, Counter())[spelling] += 1
    return {
        genre: min(some, key=lambda word: (-some[word], word)) for genre, some in written.items()
    }


def _joined(
    films: Sequence[str], names: Sequence[Sequence[str]], contents: Sequence[str]
) -> tuple[str, ...]:
    """Make one film of those that share a name or a file: one would be learned, one tested."""
    parent = {film: film for film in films}

    def root(film: str) -> str:
        while parent[film] != film:
            film = parent[film]
        return film

    first: dict[str, str] = {}
    for film, some, content in zip(films, film_names.linked(names), contents, strict=True):
        for shared in (*some, content):
            other = root(first.setdefault(shared, film))
            low, high = sorted((root(film), other))
            parent[high] = low
    return tuple(root(film) for film in films)
