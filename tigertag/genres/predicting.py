"""Genres told of single videos and pictures; nothing is stored."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tigertag.contracts import Library, Need, RunContext, Sampling
from tigertag.core import Core
from tigertag.errors import ItemError, Unreadable
from tigertag.genres import backbones, shelves, trailers
from tigertag.genres import found as finding
from tigertag.genres.extracting import Extractor
from tigertag.genres.features import Features
from tigertag.genres.found import Found
from tigertag.genres.genre_model import GenreModel
from tigertag.genres.model_backbones import of_model
from tigertag.genres.named import Named
from tigertag.genres.wanted import Frames
from tigertag.text import without_password

TOLD = 3
"""How many of the likeliest genres are told, sure or not."""


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
    """What is told of one: its likeliest genres and all that are sure, or why nothing is.

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
class Sought:
    """What the user has named, and how to find it."""

    called: str
    find: Callable[[], Found]


def of_text(text: str) -> Sought:
    """A file's path, or the link of a trailer."""
    if not text:
        return Sought("''", _nothing)
    if trailers.is_link(text):
        return Sought(without_password(text), lambda: finding.link(text))
    return Sought(text, lambda: finding.file(Path(text)))


def _nothing() -> Found:
    raise Unreadable("This names nothing; give a file or a link.")


def of_library(core: Core, library: str, section: str, names: Sequence[str]) -> list[Sought]:
    """Find items of a library by their keys or titles; `named.Named` says how they may be written.

    Where there is none, that is told of it when it is looked for. Raises `TigerTagError`.
    """
    opened = core.library(library)
    sections = [core.section(opened, section)] if section else opened.sections()
    known = Named(library, names)
    for item in (item for one in sections for item in opened.items(one)):
        known.see(item)
    return [Sought(name, partial(_item, opened, known, name)) for name in names]


def _item(library: Library, known: Named, name: str) -> Found:
    return finding.item(library, known.item(name))


def predict(
    core: Core, name: str, sought: Sequence[Sought], frames: Frames | None = None
) -> Iterator[Predicted]:
    """Yield one result for each, in order. `frames`: others than those that it has learned from.

    Raises `ModelError`, `LibraryError`.
    """
    model = shelves.models(core).load(name)
    extractor = backbones.extractor(of_model(model, core.host))
    sampling = (frames or Frames()).over(model.manifest.sampling.taken)
    for one in sought:
        try:
            features = _features(extractor, one, sampling)
            yield Predicted(one.called, _guesses(model, features), _warning(model, features))
        except ItemError as exc:
            yield Predicted(one.called, error=str(exc))


def _features(extractor: Extractor, one: Sought, sampling: Sampling) -> Features:
    found, run = one.find(), RunContext()
    need = Need(extractor.short_side_px, sampling.max_frames)
    with found.fetch(need, run) as source:
        return extractor.features(found, source, sampling, run)


def _guesses(model: GenreModel, features: Features) -> tuple[Guess, ...]:
    """Return the likeliest genres, and others that are sure, the likeliest first."""
    [said] = model.probabilities([features]).tolist()
    times_s = model.telling_times(features)
    told = zip(model.manifest.genres, said, times_s, strict=True)
    guesses = [Guess(genre.name, chance, genre.threshold, at_s) for genre, chance, at_s in told]
    ranked = sorted(guesses, key=lambda guess: (-guess.probability, guess.name))
    return tuple(guess for place, guess in enumerate(ranked) if place < TOLD or guess.is_sure)


def _warning(model: GenreModel, features: Features) -> str:
    data = model.manifest.data
    if features.is_video and not data.videos:
        return "the model has learned from pictures only, so of a video this is a guess"
    if not features.is_video and not data.pictures:
        return "the model has learned from videos only, so of a picture this is a guess"
    return ""
