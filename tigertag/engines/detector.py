"""What is where in a picture, by a detector on this machine: YOLOX, or people and faces alone."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from tigertag.contracts import Capabilities, Host, Outcome, RunContext
from tigertag.errors import ModelError
from tigertag.inference import coco, detectors
from tigertag.inference.boxes import Detections, Picture
from tigertag.inference.detection import Detector
from tigertag.inference.detectors import DetectorModel, ModelChoice
from tigertag.inference.frame_batch import FrameBatch
from tigertag.inference.preprocessing import checked_pixels
from tigertag.inference.runtime import Device, Precision
from tigertag.model import Media, Sample
from tigertag.net import holding

MAX_FRAMES: Final = 100
MAX_CONCURRENCY: Final = 16
MAX_TAGS: Final = 20


class Options(BaseModel):
    """The engine's own options; docs/engines/detector.md explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
    agrees_by: ClassVar[str] = (
        "set the same MODEL, and copy the files that WEIGHTS and LABELS name; models are looked for"
        " in {models}"
    )

    model: ModelChoice = "auto"
    weights: Path | None = None
    precision: Precision = "auto"
    device: Device = "auto"
    tags: Literal["common", "all"] = "common"

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.weights is not None and self.model == detectors.PEOPLE:
            raise ValueError("WEIGHTS does not go with MODEL=people, which brings its own")
        return self


def build(id: str, options: Options, host: Host) -> "ObjectDetector":
    """Return the engine. Does no I/O."""
    return ObjectDetector(id, options, host.models)


@dataclass(frozen=True, slots=True)
class _Ready:
    """What `open` makes."""

    model: DetectorModel
    detector: Detector


class ObjectDetector:
    """A detector as an engine. Keeps to `Engine`.

    The model is looked up for each fingerprint and at each `open`, so that one that
    was fetched meanwhile is used by the next scan. Each answer has the fingerprint of the model
    that gave it.
    """

    def __init__(self, id: str, options: Options, models: Path) -> None:
        self.id = id
        self._options = options
        self._models = models
        self._lock = threading.Lock()
        self._ready: _Ready | None = None
        # They are asked for with each chunk; looking for packages took 2 % of a scan.
        self._capabilities: dict[DetectorModel | None, Capabilities] = {}

    @property
    def fingerprint(self) -> str:
        """See `Engine`. Where a file cannot be read it says so; `open` then raises."""
        try:
            return self._model().fingerprint
        except ModelError:
            return f"{self._options.model}:unreadable"

    @property
    def capabilities(self) -> Capabilities:
        model = None
        with suppress(ModelError):
            model = self._model()
        if model not in self._capabilities:
            self._capabilities[model] = self._with(model)
        return self._capabilities[model]

    def _with(self, model: DetectorModel | None) -> Capabilities:
        """Return the capabilities with a model, None: with one that cannot be read."""
        family: str = self._options.model
        side_px, unusable = detectors.USUAL_PX, ""
        if model is not None:
            family, side_px = model.family, model.side_px
            unusable = detectors.missing(self._options.model, model)
        words = coco.load()
        least = words.of_model(family)
        withheld = words.uncommon if self._options.tags == "common" else frozenset()
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=detectors.short_side_px(side_px),
            max_frames=MAX_FRAMES,
            max_concurrency=MAX_CONCURRENCY,
            local=True,
            gpu=self._options.device == "cuda",
            min_confidence=least.default,
            each=least.each,
            withheld=withheld | {coco.FACE},
            models={
                detectors.OWN_NAME if model == coco.OWN else model: scores
                for model, scores in words.least_scores.items()
            },
            max_tags=MAX_TAGS,
            unusable=unusable,
        )

    def open(self) -> None:
        """See `Engine`. Loads the model where it is not the one that is open."""
        with holding(self._lock):
            model = self._model()
            if self._ready is None or self._ready.model != model:
                options = self._options
                opened = model.open(device=options.device, precision=options.precision)
                self._ready = _Ready(model, opened)

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. Each label is scored on its own and has a box."""
        ready = self._ready
        if ready is None:
            raise ModelError(f"Engine {self.id} is not open.")
        model, detector = ready.model, ready.detector
        pending: FrameBatch[Picture, Detections] = FrameBatch(
            batch, run, checked_pixels, model.name, detector.labels, fingerprint=model.fingerprint
        )
        for number, found in detector.detect(pending.views()):
            yield from pending.take(number, found)
        yield from pending.unusable()

    def close(self) -> None:
        """Let go of the model; calls of `tag` that are still at work keep it until they end."""
        self._ready = None

    def _model(self) -> DetectorModel:
        return detectors.find(self._options.model, self._options.weights, self._models)
