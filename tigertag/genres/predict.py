"""Genres of single videos and pictures; nothing is stored."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tigertag.contracts import Library, Need, RunContext, Sampling
from tigertag.core import Core
from tigertag.errors import ItemError, Unreadable
from tigertag.genres import sources, trailers
from tigertag.genres.choices import FrameChoice
from tigertag.genres.extraction import Extractor
from tigertag.genres.features import Features
from tigertag.genres.model import GenreModel
from tigertag.genres.models import models_of
from tigertag.genres.sources import ItemsByName, MediaSource
from tigertag.text import without_password

MOST_SHOWN: Final = 3
"""How many of the likeliest genres are shown, sure or not."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A genre. `threshold`: from where on it is sure; None: it never is. `times_s` speak for it."""

    name: str
    probability: float
    threshold: float | None
    times_s: tuple[float, ...]

    @property
    def is_sure(self) -> bool:
        return self.threshold is not None and self.probability >= self.threshold


@dataclass(frozen=True, slots=True)
class Predicted:
    """The likeliest genres of one video and all that are sure, or why there are none.

    `warning`: why even what is sure may not be.
    """

    called: str
    guesses: tuple[Guess, ...] = ()
    warning: str = ""
    error: str = ""

    @property
    def is_uncertain(self) -> bool:
        return not any(guess.is_sure for guess in self.guesses)


@dataclass(frozen=True, slots=True)
class Query:
    """What the user has named, and how to find it."""

    called: str
    find: Callable[[], MediaSource]


def of_text(text: str) -> Query:
    """A file's path, or the link of a trailer."""
    if not text:
        return Query("''", _nothing)
    if trailers.is_link(text):
        return Query(without_password(text), partial(sources.of_link, text))
    return Query(text, partial(sources.of_file, Path(text)))


def _nothing() -> MediaSource:
    raise Unreadable("This names nothing; give a file or a link.")


def of_library(core: Core, library: str, section: str, names: Sequence[str]) -> list[Query]:
    """Find items of a library by their keys or titles; see `ItemsByName`.

    Where there is none, that is said when it is looked for. Raises `TigerTagError`.
    """
    opened = core.library(library)
    sections = [core.section(opened, section)] if section else opened.sections()
    known = ItemsByName(library, names)
    for item in (item for one in sections for item in opened.items(one)):
        known.add(item)
    return [Query(name, partial(_item, opened, known, name)) for name in names]


def _item(library: Library, known: ItemsByName, name: str) -> MediaSource:
    return sources.of_item(library, known.item(name))


def predict(
    core: Core, name: str, queries: Sequence[Query], frames: FrameChoice | None = None
) -> Iterator[Predicted]:
    """Yield one result for each, in order. `frames`: others than those that it has learned from.

    Raises `ModelError`, `LibraryError`.
    """
    model = models_of(core.host).load(name)
    extractor = Extractor(model.backbone(core.host))
    sampling = (frames or FrameChoice()).over(model.manifest.sampling)
    for query in queries:
        try:
            features = _features(extractor, query, sampling)
            yield Predicted(query.called, _guesses(model, features), _warning(model, features))
        except ItemError as exc:
            yield Predicted(query.called, error=str(exc))


def _features(extractor: Extractor, query: Query, sampling: Sampling) -> Features:
    source, run = query.find(), RunContext()
    need = Need(extractor.short_side_px, sampling.max_frames)
    with source.fetch(need, run) as media:
        return extractor.features(source.media, media, sampling, run)


def _guesses(model: GenreModel, features: Features) -> tuple[Guess, ...]:
    """Return the likeliest genres, and others that are sure, the likeliest first."""
    [probabilities] = model.probabilities([features]).tolist()
    times_s = model.evidence_times(features)
    guesses = [
        Guess(genre.name, probability, genre.threshold, at_s)
        for genre, probability, at_s in zip(
            model.manifest.genres, probabilities, times_s, strict=True
        )
    ]
    ranked = sorted(guesses, key=lambda guess: (-guess.probability, guess.name))
    return tuple(guess for n, guess in enumerate(ranked) if n < MOST_SHOWN or guess.is_sure)


def _warning(model: GenreModel, features: Features) -> str:
    data = model.manifest.data
    if features.is_video and not data.videos:
        return "the model has learned from pictures only, so of a video this is a guess"
    if not features.is_video and not data.pictures:
        return "the model has learned from videos only, so of a picture this is a guess"
    return ""
