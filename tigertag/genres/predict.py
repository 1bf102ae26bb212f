"""Genres of single videos and pictures; nothing is stored."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Final

from tigertag.contracts import Library, Need, RunContext, Sampling
from tigertag.core import Core
from tigertag.errors import ItemError, Unreadable
from tigertag.genres import sources, trailers
from tigertag.genres.extraction import Extractor
from tigertag.genres.features import Features
from tigertag.genres.model import GenreModel
from tigertag.genres.models import models_of
from tigertag.genres.sources import MediaSource
from tigertag.media.files import media_of
from tigertag.model import Item, Media
from tigertag.text import did_you_mean, without_password

MOST_SHOWN: Final = 3
"""How many of the likeliest genres are shown, sure or not."""
_BETWEEN: Final = " · "
_OFFERED: Final = 3


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

    name: str
    guesses: tuple[Guess, ...] = ()
    warning: str = ""
    error: str = ""

    @property
    def is_uncertain(self) -> bool:
        return not any(guess.is_sure for guess in self.guesses)


@dataclass(frozen=True, slots=True)
class Query:
    """A name as the user gave it, and how to find what it names."""

    name: str
    find: Callable[[], MediaSource]


def of_text(text: str) -> Query:
    """A file's path, or the link of a trailer."""
    if not text:
        return Query("''", _nothing)
    if trailers.is_link(text):
        return Query(without_password(text), partial(sources.of_link, text))
    return Query(text, partial(sources.of_file, Path(text)))


def _nothing() -> MediaSource:
    raise Unreadable("The name is empty; give a file or a link.")


def of_library(core: Core, library: str, section: str, names: Sequence[str]) -> list[Query]:
    """Find items of a library by their keys or titles; see `ItemsByName`.

    An item that is missing is an error of its own query. Raises `TigerTagError`.
    """
    opened = core.library(library)
    sections = [core.section(opened, section)] if section else opened.sections()
    items = ItemsByName(library, names)
    for searched in sections:
        for item in opened.items(searched):
            items.add(item)
    return [Query(name, partial(_item, opened, items, name)) for name in names]


def _item(library: Library, items: "ItemsByName", name: str) -> MediaSource:
    return sources.of_item(library, items.item(name))


def predict(
    core: Core, name: str, queries: Sequence[Query], frames: Mapping[str, Any] | None = None
) -> Iterator[Predicted]:
    """Yield one result for each, in order.

    `frames`: fields of `Sampling` that differ from those that the model was learned with. Raises
    `ModelError`, `LibraryError`.
    """
    model = models_of(core.host).load(name)
    extractor = Extractor(model.backbone(core.host))
    sampling = replace(model.manifest.sampling, **(frames or {}))
    for query in queries:
        try:
            features = _features(extractor, query, sampling)
            yield Predicted(query.name, _guesses(model, features), _warning(model, features))
        except ItemError as exc:
            yield Predicted(query.name, error=str(exc))


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
        return "the model was trained on pictures only, so this is a guess for a video"
    if not features.is_video and not data.pictures:
        return "the model was trained on videos only, so this is a guess for a picture"
    return ""


class ItemsByName:
    """Videos and pictures of a library that have one of these names, in upper or lower case.

    A name is an item's key or title. It is also a file's without its ending, or an episode's
    without its show, where that is of one item only.
    """

    def __init__(self, library: str, names: Sequence[str]) -> None:
        self._library = library
        self._wanted = {name.casefold() for name in names}
        self._exact: dict[str, Item] = {}
        self._near: dict[str, list[Item]] = {}
        self._titles: list[str] = []

    def add(self, item: Item) -> None:
        """Take note of an item of the library."""
        if item.media is Media.GROUP:
            return
        self._titles.append(item.title)
        title = item.title.casefold()
        for word in self._wanted & {item.key.casefold(), title}:
            self._exact.setdefault(word, item)
        shorter = {title.rpartition(_BETWEEN)[2]}
        if media_of(title):
            shorter.add(PurePath(title).stem)
        for word in self._wanted & shorter:
            self._near.setdefault(word, []).append(item)

    def item(self, name: str) -> Item:
        """Return the item of this name. Raises `Unreadable`, which says what others there are."""
        word = name.casefold()
        if word in self._exact:
            return self._exact[word]
        near = self._near.get(word, [])
        if len(near) == 1:
            return near[0]
        titles = [item.title for item in near] or [
            title for title in self._titles if word and word in title.casefold()
        ]
        raise Unreadable(
            f"Library {self._library} has no video or picture {name!r}{self._hint(name, titles)}"
        )

    def _hint(self, name: str, titles: Sequence[str]) -> str:
        if titles:
            return f"; did you mean {' or '.join(map(repr, titles[:_OFFERED]))}?"
        guess = did_you_mean(name, self._titles)
        if guess != ".":
            return guess
        return ": give its title or its key; an episode's is like 'Show · S01E02 · Title'."
