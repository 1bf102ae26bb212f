"""Genres of films, shows and home videos, told by a model that `tigertag genre learn` has made."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict

from tigertag.contracts import Capabilities, Failed, Host, Labelled, Outcome, RunContext
from tigertag.errors import ItemError, ModelError, Unreadable
from tigertag.genres import model_backbones as backbones
from tigertag.genres import seeing
from tigertag.genres.features import Features
from tigertag.genres.genre_model import GenreModel
from tigertag.genres.manifest import Manifest
from tigertag.genres.models import NAME, NO_NAME, Models
from tigertag.inference.backbone import Embedder
from tigertag.inference.batch import LEAST_PROBABILITY
from tigertag.inference.preprocessing import checked_pixels
from tigertag.inference.runtime import DEFAULT_SIDE_PX, Device, Precision
from tigertag.inference.tiles import TILES_VERSION
from tigertag.model import NEVER, Frame, Kind, Label, Media, Sample
from tigertag.net import holding
from tigertag.text import count

MAX_FRAMES: Final = 100
MAX_CONCURRENCY: Final = 16
MAX_TAGS: Final = 3

_FROM_PICTURES: Final = "It has learned from pictures only: what it tells of a video is a guess."


def _named(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"it {NO_NAME}")
    return name


class Options(BaseModel):
    """The engine's own options; docs/engines/genre.md explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    model: Annotated[str, AfterValidator(_named)] = "default"
    precision: Precision = "auto"
    device: Device = "auto"


def build(id: str, options: Options, host: Host) -> "GenreTeller":
    """Return the engine. Does no I/O."""
    return GenreTeller(id, options, host)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there was when the program started: the model, or why there is none that can be used."""

    manifest: Manifest | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Ready:
    """What `open` makes."""

    model: GenreModel
    embedder: Embedder


class GenreTeller:
    """A genre model as an engine. Keeps to `Engine` and `Checkable`.

    It stays with what it sees first: thresholds are taken from the model that there is when the
    program starts, and go with no other. Where there is none then, it cannot be used.
    """

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self._options = options
        self._host = host
        self._models = Models(host.models / "genres")
        self._lock = threading.Lock()
        self._seen: _Seen | None = None
        self._ready: _Ready | None = None

    @property
    def fingerprint(self) -> str:
        """See `Engine`. Where there is no model it says so; `open` then raises."""
        manifest = self._first().manifest
        if manifest is None:
            return f"genre:{self._options.model}:missing"
        return f"genre:{manifest.identity}:{TILES_VERSION}"

    @property
    def capabilities(self) -> Capabilities:
        seen = self._first()
        manifest = seen.manifest
        of_videos = manifest is not None and manifest.data.videos > 0
        return Capabilities(
            media=frozenset({Media.VIDEO}),
            short_side_px=manifest.backbone.side_px if manifest else DEFAULT_SIDE_PX,
            max_frames=MAX_FRAMES,
            max_concurrency=MAX_CONCURRENCY,
            local=True,
            min_confidence=NEVER,
            max_tags=MAX_TAGS,
            each=_told(manifest),
            sampling=manifest.sampling.taken if manifest and of_videos else None,
            footage=manifest.data.footage if manifest and of_videos else None,
            notice=_FROM_PICTURES if manifest and not of_videos else "",
            unusable=seen.problem,
        )

    def open(self) -> None:
        """See `Engine`. Fetches the weights of the backbone where need be."""
        problem = self._first().problem
        if problem:
            raise ModelError(problem)
        with holding(self._lock):
            if self._ready is None:
                self._ready = self._load()

    def check(self) -> str:
        """See `Checkable`."""
        self.open()
        ready = self._ready
        return "" if ready is None else _summary(ready.model.manifest)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. The labels speak of all of a video, each with a time that shows why."""
        ready = self._ready
        if ready is None:
            raise ModelError(f"Engine {self.id} is not open.")
        for sample in batch:
            if run.cancelled():
                return
            try:
                yield _outcome(ready, sample)
            except ItemError as exc:
                yield Failed(sample.id, str(exc), exc.retryable)

    def close(self) -> None:
        """Let go of the model; calls of `tag` that are still at work keep it until they end."""
        self._ready = None

    def _first(self) -> _Seen:
        if self._seen is None:
            self._seen = _look(self._models, self._options.model)
        return self._seen

    def _load(self) -> _Ready:
        model = self._models.load(self._options.model)
        first = self._first().manifest
        if first is None or first.identity != model.manifest.identity:
            raise ModelError(
                f"The genre model {self._options.model!r} was learned anew since TigerTag has"
                " started; start it again, so that it takes the new thresholds along."
            )
        backbone = backbones.of_model(model, self._host)
        return _Ready(model, backbone.open(self._options.device, self._options.precision))


def _look(models: Models, name: str) -> _Seen:
    try:
        return _Seen(models.noted(name).manifest)
    except ModelError as exc:
        return _Seen(None, f"{exc} Then start TigerTag again.")


def _told(manifest: Manifest | None) -> dict[str, float]:
    """Return the threshold of each genre that has one."""
    each = manifest.thresholds if manifest else {}
    return {name: least for name, least in each.items() if least is not None}


def _summary(manifest: Manifest) -> str:
    data = manifest.data
    line = (
        f"The genre model {manifest.name!r} tells {len(_told(manifest))} of {len(manifest.genres)}"
        f" genres; it has learned from {count(data.films - data.tested, 'film')}"
        f" of {data.films} ({count(data.videos, 'video')}, {count(data.pictures, 'picture')})."
    )
    return line if data.videos else f"{line} {_FROM_PICTURES}"


def _outcome(ready: _Ready, sample: Sample) -> Labelled:
    """Raises `Unreadable`, `ModelError`."""
    since_s = time.perf_counter()
    usable = [frame for frame in sample.frames if _is_usable(frame)]
    if not usable:
        raise Unreadable("There is no picture in it that can be looked at.")
    features = seeing.of_video(ready.embedder, usable, sample.shots_s)
    failed = (frame.at_s or 0.0 for frame in sample.frames if not _is_usable(frame))
    return Labelled(
        sample.id,
        tuple(_labels(ready.model, features)),
        ready.model.manifest.name,
        took_s=time.perf_counter() - since_s,
        failed_frames=tuple(failed),
    )


def _is_usable(frame: Frame) -> bool:
    try:
        checked_pixels(frame.pixels)
    except ValueError:
        return False
    return True


def _labels(model: GenreModel, features: Features) -> Iterator[Label]:
    """Yield the genres, surest first, but for what is next to nothing."""
    [probabilities] = model.probabilities([features])
    times_s = model.telling_times(features, most=1)
    for number in np.argsort(-probabilities, kind="stable").tolist():
        confidence = float(probabilities[number])
        if confidence >= LEAST_PROBABILITY:
            at_s = next(iter(times_s[number]), None)
            yield Label(model.genres[number], confidence, kind=Kind.GENRE, at_s=at_s)
