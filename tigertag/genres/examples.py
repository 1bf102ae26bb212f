"""Which films a model has learned from, and what they bore then: kept beside it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tigertag.errors import ModelError
from tigertag.genres.training import Trained


@dataclass(frozen=True, slots=True)
class Known:
    """One example. `learned`: it was learned from; else the model was tested with it.

    `names`: all that its film is called, `film` among them.
    """

    film: str
    names: tuple[str, ...]
    content: str
    genres: tuple[str, ...]
    learned: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """Films that are new, gone, or bear other genres than before."""

    new: int
    gone: int
    corrected: int


def of(trained: Trained) -> list[Known]:
    """Return all examples, those with which the model was tested among them."""
    data, learned = trained.data, set(trained.split.learn)
    return [
        Known(film, names, content, tuple(sorted(written)), number in learned)
        for number, (film, names, content, written) in enumerate(
            zip(data.named, data.names, data.contents, data.written, strict=True)
        )
    ]


def written(known: Sequence[Known]) -> bytes:
    return json.dumps([asdict(one) for one in known], ensure_ascii=False).encode()


def read(data: bytes) -> list[Known]:
    """Raises `ModelError`."""
    try:
        return [_known(one) for one in json.loads(data)]
    except (KeyError, TypeError, ValueError) as exc:
        raise ModelError("The list of the model's examples is broken; learn it again.") from exc


def _known(one: dict[str, Any]) -> Known:
    names, genres = tuple(one["names"]), tuple(one["genres"])
    return Known(one["film"], names, one["content"], genres, one["learned"])


def changed(before: Sequence[Known], after: Sequence[Known]) -> Changed:
    """Compare film by film."""
    were, are = _borne(before), _borne(after)
    corrected = sum(were[film] != are[film] for film in were.keys() & are.keys())
    return Changed(len(are.keys() - were.keys()), len(were.keys() - are.keys()), corrected)


def _borne(known: Sequence[Known]) -> dict[str, set[str]]:
    films: dict[str, set[str]] = {}
    for one in known:
        films.setdefault(one.film, set()).update(one.genres)
    return films
