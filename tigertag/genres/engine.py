"""The engine `tigertag.genre`: genres of videos, by a model that `tigertag genre learn` made."""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Annotated, ClassVar, Final

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict

from tigertag.contracts import Capabilities, Failed, Host, Labelled, Outcome, RunContext
from tigertag.errors import ItemError, ModelError, Unreadable
from tigertag.genres.features import Features, of_video
from tigertag.genres.manifest import Manifest
from tigertag.genres.model import GenreModel
from tigertag.genres.models import NAME, NO_NAME, models_of
from tigertag.inference.backbone import Embedder
from tigertag.inference.classification import LEAST_PROBABILITY
from tigertag.inference.preprocessing import DEFAULT_SIDE_PX, TILES_VERSION, checked_pixels
from tigertag.inference.runtime import Device, Precision
from tigertag.model import NEVER, Frame, Kind, Label, Media, Sample
from tigertag.net import holding
from tigertag.text import count

MAX_FRAMES: Final = 100
MAX_CONCURRENCY: Final = 16
MAX_TAGS: Final = 3

_FROM_PICTURES: Final = "Trained on pictures only: predictions for videos are guesses."


def _check_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"it {NO_NAME}")
    return name


class Options(BaseModel):
    """The engine's own options; docs/engines/genre.md explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
    agrees_by: ClassVar[str] = (
        "copy the folder {models}/genres from the service's home into this one's, or let both share"
        " it; then restart this worker"
    )

    model: Annotated[str, AfterValidator(_check_name)] = "default"
    precision: Precision = "auto"
    device: Device = "auto"


def build(id: str, options: Options, host: Host) -> "GenreEngine":
    """Return the engine. Does no I/O."""
    return GenreEngine(id, options, host)


class GenreEngine:
    """A genre model as an engine. Keeps to `Engine` and `Checkable`.

    It stays with what it sees first: thresholds are taken from the model that there is when the
    program starts, and go with no other. Where there is none then, it cannot be used.
    """

    def __init__(self, id: str, options: Options, host: Host) -> None:
        self.id = id
        self._options = options
        self._host = host
        self._lock = threading.Lock()
        self._loaded: tuple[GenreModel, Embedder] | None = None

    @cached_property
    def _at_startup(self) -> Manifest | str:
        """The model that there was when the program started, or why none can be used."""
        try:
            return models_of(self._host).manifest(self._options.model)
        except ModelError as exc:
            return f"{exc} Then start TigerTag again."

    @property
    def fingerprint(self) -> str:
        """See `Engine`. Where there is no model it says so; `open` then raises."""
        manifest = self._at_startup
        if isinstance(manifest, str):
            return f"genre:{self._options.model}:missing"
        return f"genre:{manifest.identity}:{TILES_VERSION}"

    @property
    def capabilities(self) -> Capabilities:
        able = Capabilities(
            media=frozenset({Media.VIDEO}),
            short_side_px=DEFAULT_SIDE_PX,
            max_frames=MAX_FRAMES,
            max_concurrency=MAX_CONCURRENCY,
            local=True,
            min_confidence=NEVER,
            max_tags=MAX_TAGS,
        )
        manifest = self._at_startup
        if isinstance(manifest, str):
            return replace(able, unusable=manifest)
        able = replace(able, short_side_px=manifest.backbone.side_px, each=manifest.thresholds)
        if not manifest.data.videos:
            return replace(able, notice=_FROM_PICTURES)
        return replace(able, sampling=manifest.sampling, footage=manifest.data.footage)

    def open(self) -> None:
        """See `Engine`. Fetches the weights of the backbone where need be."""
        manifest = self._at_startup
        if isinstance(manifest, str):
            raise ModelError(manifest)
        with holding(self._lock):
            if self._loaded is None:
                self._loaded = self._load(manifest)

    def check(self) -> str:
        """See `Checkable`."""
        self.open()
        loaded = self._loaded
        return "" if loaded is None else _summary(loaded[0].manifest)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. The labels speak of all of a video, each with a time that shows why."""
        loaded = self._loaded
        if loaded is None:
            raise ModelError(f"Engine {self.id} is not open.")
        for sample in batch:
            if run.cancelled():
                return
            try:
                yield _outcome(*loaded, sample)
            except ItemError as exc:
                yield Failed(sample.id, str(exc), exc.retryable)

    def close(self) -> None:
        """Let go of the model; calls of `tag` that are still at work keep it until they end."""
        self._loaded = None

    def _load(self, at_startup: Manifest) -> tuple[GenreModel, Embedder]:
        model = models_of(self._host).load(self._options.model)
        if model.manifest.identity != at_startup.identity:
            raise ModelError(
                f"The genre model {self._options.model!r} was learned again since TigerTag has"
                " started; restart TigerTag, so that it takes the new thresholds along."
            )
        backbone = model.backbone(self._host)
        return model, backbone.open(self._options.device, self._options.precision)


def _summary(manifest: Manifest) -> str:
    data = manifest.data
    sure, learned = len(manifest.thresholds), count(data.films - data.tested, "film")
    videos, pictures = count(data.videos, "video"), count(data.pictures, "picture")
    line = (
        f"The genre model {manifest.name!r} predicts {sure} of {len(manifest.genres)} genres;"
        f" trained on {learned} of {data.films} ({videos}, {pictures})."
    )
    return line if data.videos else f"{line} {_FROM_PICTURES}"


def _outcome(model: GenreModel, embedder: Embedder, sample: Sample) -> Labelled:
    """Raises `Unreadable`, `ModelError`."""
    since_s = time.perf_counter()
    usable = [frame for frame in sample.frames if _is_usable(frame)]
    if not usable:
        raise Unreadable("There is no picture in it that can be looked at.")
    labels = tuple(_labels(model, of_video(embedder, usable, sample.shots_s)))
    failed = tuple(frame.at_s or 0.0 for frame in sample.frames if not _is_usable(frame))
    took_s = time.perf_counter() - since_s
    return Labelled(sample.id, labels, model.manifest.name, took_s=took_s, failed_frames=failed)


def _is_usable(frame: Frame) -> bool:
    try:
        checked_pixels(frame.pixels)
    except ValueError:
        return False
    return True


def _labels(model: GenreModel, features: Features) -> Iterator[Label]:
    """Yield the genres, surest first, but for what is next to nothing."""
    [probabilities] = model.probabilities([features])
    times_s = model.evidence_times(features, most=1)
    for number in np.argsort(-probabilities, kind="stable").tolist():
        confidence = float(probabilities[number])
        if confidence >= LEAST_PROBABILITY:
            at_s = next(iter(times_s[number]), None)
            yield Label(model.genres[number], confidence, kind=Kind.GENRE, at_s=at_s)
