"""Learning from some films, and measuring it on others that it has not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tigertag.errors import RequestError
from tigertag.genres import archive, conversion, fitting
from tigertag.genres.archive import Archive
from tigertag.genres.dataset import Dataset
from tigertag.genres.evaluation import Evaluation, evaluate
from tigertag.genres.fitting import Fitted, Table
from tigertag.genres.splitting import Split, SplitBy, split
from tigertag.genres.watch import Watch
from tigertag.inference.head import Head
from tigertag.text import count

_CHOSEN: Mapping[SplitBy, str] = {
    "time": ", the latest",
    "time and film": ", the latest (of one year only some)",
    "film": "",
}


@dataclass(frozen=True, slots=True)
class Trained:
    """A head, and what it is worth. `data` is all that there was, `few` genres of too few films."""

    data: Dataset
    split: Split
    fitted: Fitted
    head: bytes
    evaluation: Evaluation
    few: Mapping[str, int] = field(default_factory=dict)

    @property
    def learned(self) -> Dataset:
        """What was learned from."""
        return self.data.rows(self.split.learn).of(self.fitted.genres)


def train(
    data: Dataset, name: str, *, min_examples: int, precision: float, watch: Watch
) -> Trained:
    """Learn from most films and test on the others. Raises `RequestError`, `ModelError`."""
    sides = split(data.films, data.years)
    learn = data.rows(sides.learn)
    films = {genre: learn.films_of(genre) for genre in data.genres}
    few = {genre: number for genre, number in films.items() if number < min_examples}
    if few:
        watch.said(_too_few(few, data, min_examples))
    chosen = learn.of(_enough(films, few, min_examples))
    _refuse_alike(chosen)
    watch.said(f"Learning {count(len(chosen.genres), 'genre')} from {_sides(data, sides)}.")
    table = Table(chosen.vectors, chosen.bears, chosen.films, chosen.genres)
    watch.working("Learning")
    fitted = fitting.fit(
        table, precision=precision, told=lambda line: watch.working(f"Learning ({line})")
    )
    for genre, reason in fitted.left_out.items():
        watch.said(f"{genre} left out: {reason}.")
    watch.working("Measuring")
    head = conversion.to_onnx(fitted, chosen.vectors)
    tested = data.rows(sides.test)
    archived = archive.load(
        archive.dump(fitted), width=chosen.vectors.shape[1], genres=len(fitted.genres)
    )
    told = Named(tuple(spelled(data, one) for one in fitted.genres), fitted.thresholds, name)
    said = Head(head).probabilities(tested.vectors)
    evaluation = measured(tested.of(fitted.genres), said, archived, told, by=sides.by)
    return Trained(data, sides, fitted, head, evaluation, few)


@dataclass(frozen=True, slots=True)
class Named:
    """The names of the genres that a model tells, their thresholds, and its own name."""

    genres: tuple[str, ...]
    thresholds: tuple[float | None, ...]
    model: str


def measured(
    tested: Dataset, said: NDArray[np.float64], archived: Archive, told: Named, *, by: str
) -> Evaluation:
    """Measure what a head said of films that it had not seen, beside the baselines.

    `tested` has the genres of the model, in its order.
    """
    return evaluate(
        tested.bears,
        said,
        films=tested.films,
        genres=told.genres,
        thresholds=told.thresholds,
        baselines=archive.baselines(archived, tested.vectors),
        model=told.model,
        split=by,
    )


def spelled(data: Dataset, genre: str) -> str:
    """Return how the genre is written where it was learned."""
    return data.spellings.get(genre, genre)


def _too_few(few: Mapping[str, int], data: Dataset, least: int) -> str:
    named = ", ".join(f"{genre} ({few[genre]} of {data.films_of(genre)})" for genre in few)
    return f"Left out, fewer than {least} films to learn from (the others are held out): {named}."


def _refuse_alike(learn: Dataset) -> None:
    """Raises `RequestError`: there is no film that differs from the others."""
    if learn.bears.all():
        raise RequestError(
            f"All films bear {', '.join(learn.genres)}, so nothing tells it from other genres: give"
            " films that do not. What was seen of them is kept."
        )


def _enough(films: Mapping[str, int], few: Mapping[str, int], least: int) -> Sequence[str]:
    enough = [genre for genre in films if genre not in few]
    if not enough:
        most = max(films, key=lambda genre: films[genre])
        raise RequestError(
            f"No genre has {least} films to learn from: {most} has most, {films[most]}. Give more"
            " films, or lower --min-examples. What was seen of them is kept."
        )
    return enough


def _sides(data: Dataset, sides: Split) -> str:
    learned, tested = data.rows(sides.learn), data.rows(sides.test)
    return (
        f"{count(len(set(learned.films)), 'film')}; {count(len(set(tested.films)), 'other')}"
        f"{_CHOSEN[sides.by]}, to test it on"
    )
