"""Labelled videos turned into numbers: a vector a row, its genres, and the film it is of."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from pydantic import TypeAdapter

from tigertag.contracts import Sampling
from tigertag.errors import ModelError, RequestError
from tigertag.genres import films
from tigertag.genres.extraction import Extractor, FeatureStore, extract
from tigertag.genres.features import Flags, Pooling, Vectors, embedding_width, pooled
from tigertag.genres.genre_names import GenreNames, Recognised
from tigertag.genres.labelled import LabelledSet, LabelledVideo, RowNotes
from tigertag.model import Media
from tigertag.text import count

_MOST_UNKNOWN: Final = 100
_NAMED_WORDS: Final = 5

_Recognised = Sequence[tuple[LabelledVideo, Recognised]]


class LearningProgress(Protocol):
    """Hears how far the work is. Called from one thread."""

    def began(self, total: int) -> None: ...

    def advanced(self, *, kept: bool) -> None:
        """One more was looked at. `kept`: its features are."""

    def note(self, line: str) -> None:
        """Something that the user should know, in one line."""

    def working(self, what: str) -> None:
        """The next step once all is looked at; each may take many seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A video or picture as numbers.

    `genres` are canonical, `spellings` maps them to how this row writes them. `vector`: float32
    [width]; `content`: a hash. `film`: rows of one film must not be parted.
    """

    video: LabelledVideo
    genres: tuple[str, ...]
    spellings: Mapping[str, str]
    vector: Vectors
    content: str
    film: str

    @property
    def names(self) -> set[str]:
        """All names of its film."""
        return {self.video.film, *self.video.names}


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Rows, and the genres of interest. `unknown`: words that are no genre, with counts."""

    rows: tuple[Row, ...]
    genres: tuple[str, ...]
    pooling: Pooling
    unknown: Mapping[str, int]

    @property
    def dimensions(self) -> int:
        """The length of an embedding."""
        return embedding_width(self.pooling, len(self.rows[0].vector))

    @property
    def vectors(self) -> Vectors:
        """Float32 [rows, width]."""
        return np.stack([row.vector for row in self.rows])

    @property
    def targets(self) -> Flags:
        """Whether each row has each genre, bool [rows, genres]."""
        return np.array([[genre in row.genres for genre in self.genres] for row in self.rows])

    @property
    def films(self) -> tuple[str, ...]:
        """The film of each row."""
        return tuple(row.film for row in self.rows)

    @property
    def videos(self) -> int:
        return sum(row.video.source.media is Media.VIDEO for row in self.rows)

    def of_rows(self, numbers: Iterable[int]) -> "Dataset":
        return replace(self, rows=tuple(self.rows[number] for number in numbers))

    def of_genres(self, genres: Sequence[str]) -> "Dataset":
        """Return these genres; those that no row has among them."""
        return replace(self, genres=tuple(genres))

    def films_of(self, genre: str) -> int:
        """Return how many films have it."""
        return len({row.film for row in self.rows if genre in row.genres})

    def spelling(self, genre: str) -> str:
        """Return how most rows write it, so that tags are words that the library has already."""
        spellings = Counter(row.spellings[genre] for row in self.rows if genre in row.spellings)
        return min(spellings, key=lambda word: (-spellings[word], word), default=genre)


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """How videos and pictures become vectors. `pooling` None: as the videos allow."""

    extractor: Extractor
    sampling: Sampling
    pooling: Pooling | None = None


def build(
    labelled: LabelledSet,
    names: GenreNames,
    settings: FeatureSettings,
    store: FeatureStore,
    progress: LearningProgress,
) -> Dataset:
    """Extract the features of all videos; what was extracted before is taken from the store.

    Rows that have no known genre, or cannot be looked at, are left out, and `progress` hears it.
    Raises `RequestError` when nothing is left, `LibraryError`, `EngineError`.
    """
    for note in labelled.notes:
        progress.note(note)
    recognised = [(video, names.recognise(video.genres)) for video in labelled.videos]
    unknown = Counter(word for _video, genres in recognised for word in genres.unknown)
    recognised = _with_genres(recognised, unknown, progress)
    # A picture has one frame: where pictures are among them, their mean is all that rows share.
    all_videos = all(video.source.media is Media.VIDEO for video, _genres in recognised)
    pooling = settings.pooling or ("full" if all_videos else "mean")
    rows = _rows(recognised, settings, pooling, store, progress)
    if not rows:
        raise RequestError("None of the files could be read, so nothing was learned.")
    return Dataset(
        tuple(replace(row, film=film) for row, film in zip(rows, _joined(rows), strict=True)),
        tuple(sorted({genre for row in rows for genre in row.genres})),
        pooling,
        dict(unknown.most_common(_MOST_UNKNOWN)),
    )


def _with_genres(
    recognised: _Recognised, unknown: Counter[str], progress: LearningProgress
) -> list[tuple[LabelledVideo, Recognised]]:
    if unknown:
        some = ", ".join(f"{word} ({n})" for word, n in unknown.most_common(_NAMED_WORDS))
        more = f" and {len(unknown) - _NAMED_WORDS} more" if len(unknown) > _NAMED_WORDS else ""
        progress.note(f"Unknown genres: {some}{more}; add them with --genres FILE.")
    kept = [pair for pair in recognised if pair[1].genres]
    if len(kept) < len(recognised):
        left_out = count(len(recognised) - len(kept), "row")
        progress.note(f"{left_out} left out: no known genre.")
    if not kept:
        raise RequestError("No row has a known genre, so there is nothing to learn.")
    return kept


def _rows(
    recognised: _Recognised,
    settings: FeatureSettings,
    pooling: Pooling,
    store: FeatureStore,
    progress: LearningProgress,
) -> list[Row]:
    """Return a row of each video that could be looked at, in the order of the videos."""
    rows: dict[int, Row] = {}
    refused = RowNotes()
    progress.began(len(recognised))
    sources = [video.source for video, _genres in recognised]
    with closing(extract(sources, settings.extractor, settings.sampling, store)) as results:
        for result in results:
            video, genres = recognised[result.number]
            progress.advanced(kept=result.features is not None)
            if result.features is None:
                refused.left_out(video.line, result.reason, video.display_name)
                continue
            # Pooled at once: the features of all videos would not fit into memory.
            vector = pooled(result.features, pooling)
            rows[result.number] = Row(
                video, genres.genres, genres.spellings, vector, result.content, video.film
            )
    for note in refused.lines():
        progress.note(note)
    return [rows[number] for number in sorted(rows)]


def _joined(rows: Sequence[Row]) -> Iterator[str]:
    """Make one film of those that share a name or a file: one would be learned, one tested."""
    parent = {row.video.film: row.video.film for row in rows}

    def root(film: str) -> str:
        while parent[film] != film:
            film = parent[film]
        return film

    first: dict[str, str] = {}
    for row, linked in zip(rows, films.linked([row.names for row in rows]), strict=True):
        film = row.video.film
        for shared in (*linked, row.content):
            low, high = sorted((root(film), root(first.setdefault(shared, film))))
            parent[high] = low
    return (root(row.video.film) for row in rows)


@dataclass(frozen=True, slots=True)
class KnownExample:
    """One example, as it is kept beside a model. `learned`: else the model was tested with it.

    `names`: all names of its film, `film` among them.
    """

    film: str
    names: tuple[str, ...]
    content: str
    genres: tuple[str, ...]
    learned: bool


_EXAMPLES: Final = TypeAdapter(list[KnownExample])


def known_examples(data: Dataset, learned: Iterable[int]) -> list[KnownExample]:
    """Return all rows; `learned`: the numbers of those that the model learned from."""
    numbers = frozenset(learned)
    return [
        KnownExample(
            row.video.film,
            tuple(sorted(row.names)),
            row.content,
            tuple(sorted(row.video.genres)),
            number in numbers,
        )
        for number, row in enumerate(data.rows)
    ]


def dump_examples(examples: Sequence[KnownExample]) -> bytes:
    return _EXAMPLES.dump_json(list(examples))


def read_examples(data: bytes) -> list[KnownExample]:
    """Raises `ModelError`."""
    try:
        return _EXAMPLES.validate_json(data)
    except ValueError as exc:
        raise ModelError("The list of the model's examples is broken; learn it again.") from exc


@dataclass(frozen=True, slots=True)
class Changed:
    """Films that are new, gone, or have other genres than before."""

    new: int
    gone: int
    corrected: int


def changed(before: Sequence[KnownExample], after: Sequence[KnownExample]) -> Changed:
    """Compare film by film."""
    were, are = _genres_by_film(before), _genres_by_film(after)
    corrected = sum(were[film] != are[film] for film in were.keys() & are.keys())
    return Changed(len(are.keys() - were.keys()), len(were.keys() - are.keys()), corrected)


def _genres_by_film(examples: Sequence[KnownExample]) -> dict[str, set[str]]:
    by_film: dict[str, set[str]] = {}
    for example in examples:
        by_film.setdefault(example.film, set()).update(example.genres)
    return by_film
