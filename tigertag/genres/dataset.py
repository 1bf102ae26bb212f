"""Labelled videos turned into numbers: a vector a row, its genres, and the film it is of."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final, Protocol, TypeVar

import numpy as np

from tigertag.contracts import Sampling
from tigertag.errors import RequestError
from tigertag.genres import films
from tigertag.genres.extraction import Extractor, extract
from tigertag.genres.feature_store import FeatureStore
from tigertag.genres.features import Flags, Pooling, Vectors, pooled
from tigertag.genres.film_list import RowNotes
from tigertag.genres.genre_names import GenreNames, Recognised
from tigertag.genres.labelled import LabelledSet, LabelledVideo
from tigertag.model import Media
from tigertag.text import count

_MOST_UNKNOWN: Final = 100
_NAMED_WORDS: Final = 5

_T = TypeVar("_T")


class LearningProgress(Protocol):
    """Who hears how far the work is. Called from one thread."""

    def began(self, total: int) -> None: ...

    def advanced(self, *, kept: bool) -> None:
        """One more was looked at. `kept`: its features are."""

    def note(self, line: str) -> None:
        """What a user should know, in one line."""

    def working(self, what: str) -> None:
        """What is being done once all is looked at; each may take many seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """`vectors`: [rows, width]; `targets`: [rows, genres]; the rest: one a row.

    `genres` are canonical, `spellings` how most rows write them. `films` are those that must not be
    parted: films that share a file or a name are one; `named` are the films as the rows name them,
    `names` all that they are called. `contents` are hashes, `written` the genres as written.
    """

    vectors: Vectors
    targets: Flags
    genres: tuple[str, ...]
    spellings: Mapping[str, str]
    films: tuple[str, ...]
    named: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    years: tuple[int | None, ...]
    contents: tuple[str, ...]
    written: tuple[tuple[str, ...], ...]
    pooling: Pooling
    dimensions: int
    videos: int
    unknown: Mapping[str, int]

    def rows(self, numbers: Sequence[int]) -> "Dataset":
        """Return these rows."""
        chosen = list(numbers)

        def some(values: tuple[_T, ...]) -> tuple[_T, ...]:
            return tuple(values[number] for number in chosen)

        return replace(
            self,
            vectors=self.vectors[chosen],
            targets=self.targets[chosen],
            films=some(self.films),
            named=some(self.named),
            names=some(self.names),
            years=some(self.years),
            contents=some(self.contents),
            written=some(self.written),
        )

    def of(self, genres: Sequence[str]) -> "Dataset":
        """Return these genres; those that no row has among them."""
        columns = np.zeros((len(self.films), len(genres)), dtype=np.bool_)
        for place, genre in enumerate(genres):
            if genre in self.genres:
                columns[:, place] = self.targets[:, self.genres.index(genre)]
        return replace(self, targets=columns, genres=tuple(genres))

    def films_of(self, genre: str) -> int:
        """Return how many films have it."""
        column = self.targets[:, self.genres.index(genre)]
        return len({film for film, has in zip(self.films, column, strict=True) if has})


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """How videos and pictures become vectors. `pooling` None: as the videos allow."""

    extractor: Extractor
    sampling: Sampling
    pooling: Pooling | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    video: LabelledVideo
    recognised: Recognised


@dataclass(frozen=True, slots=True)
class _Pooled:
    number: int
    vector: Vectors
    content: str
    dimensions: int


def build(
    labelled: LabelledSet,
    known: GenreNames,
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
    rows = [_Row(video, known.recognise(video.genres)) for video in labelled.videos]
    unknown = Counter(word for row in rows for word in row.recognised.unknown)
    rows = _with_genres(rows, unknown, progress)
    # Of a picture there is one frame: where pictures are among them, the mean is all that is.
    all_videos = all(row.video.source.media is Media.VIDEO for row in rows)
    pooling = settings.pooling or ("full" if all_videos else "mean")
    seen = _pooled([row.video for row in rows], replace(settings, pooling=pooling), store, progress)
    if not seen:
        raise RequestError("There is nothing that could be looked at, so nothing was learned.")
    rows, contents = [rows[row.number] for row in seen], tuple(row.content for row in seen)
    named = tuple(row.video.film for row in rows)
    names = tuple(tuple(sorted({row.video.film, *row.video.names})) for row in rows)
    genres = tuple(sorted({genre for row in rows for genre in row.recognised.genres}))
    return Dataset(
        vectors=np.stack([row.vector for row in seen]),
        targets=np.array([[genre in row.recognised.genres for genre in genres] for row in rows]),
        genres=genres,
        spellings=_spellings(rows),
        films=_joined(named, names, contents),
        named=named,
        names=names,
        years=tuple(row.video.year for row in rows),
        contents=contents,
        written=tuple(row.video.genres for row in rows),
        pooling=pooling,
        dimensions=seen[0].dimensions,
        videos=sum(row.video.source.media is Media.VIDEO for row in rows),
        unknown=dict(unknown.most_common(_MOST_UNKNOWN)),
    )


def _with_genres(
    rows: Sequence[_Row], unknown: Counter[str], progress: LearningProgress
) -> list[_Row]:
    if unknown:
        some = ", ".join(f"{word} ({n})" for word, n in unknown.most_common(_NAMED_WORDS))
        more = f" and {len(unknown) - _NAMED_WORDS} more" if len(unknown) > _NAMED_WORDS else ""
        progress.note(f"These are no genres here: {some}{more}; --genres FILE adds some.")
    kept = [row for row in rows if row.recognised.genres]
    if len(kept) < len(rows):
        progress.note(f"{count(len(rows) - len(kept), 'row')} left out: no genre that is known.")
    if not kept:
        raise RequestError("No row has a genre that is known, so there is nothing to learn.")
    return kept


def _pooled(
    videos: Sequence[LabelledVideo],
    settings: FeatureSettings,
    store: FeatureStore,
    progress: LearningProgress,
) -> list[_Pooled]:
    """Return a vector of each video that could be looked at, in the order of the videos."""
    assert settings.pooling is not None
    kept: list[_Pooled] = []
    refused = RowNotes()
    progress.began(len(videos))
    sources = [video.source for video in videos]
    with closing(extract(sources, settings.extractor, settings.sampling, store)) as results:
        for result in results:
            video, features = videos[result.number], result.features
            progress.advanced(kept=features is not None)
            if features is None:
                refused.left_out(video.line, result.reason, video.called)
                continue
            # At once: the features of all videos would not fit into memory.
            vector = pooled(features, settings.pooling)
            dimensions = features.frames.shape[1]
            kept.append(_Pooled(result.number, vector, result.content, dimensions))
    for note in refused.lines():
        progress.note(note)
    return sorted(kept, key=lambda row: row.number)


def _spellings(rows: Sequence[_Row]) -> dict[str, str]:
    """How most rows write each genre, so that tags are words that the library has already."""
    written: dict[str, Counter[str]] = {}
    for row in rows:
        for genre, spelling in row.recognised.spellings.items():
            written.setdefault(genre, Counter())[spelling] += 1
    return {
        genre: min(some, key=lambda word: (-some[word], word)) for genre, some in written.items()
    }


def _joined(
    named: Sequence[str], names: Sequence[Sequence[str]], contents: Sequence[str]
) -> tuple[str, ...]:
    """Make one film of those that share a name or a file: one would be learned, one tested."""
    parent = {film: film for film in named}

    def root(film: str) -> str:
        while parent[film] != film:
            film = parent[film]
        return film

    first: dict[str, str] = {}
    for film, linked, content in zip(named, films.linked(names), contents, strict=True):
        for shared in (*linked, content):
            low, high = sorted((root(film), root(first.setdefault(shared, film))))
            parent[high] = low
    return tuple(root(film) for film in named)
