"""Any image classifier, run on this machine: EfficientNet-Lite0, a ResNet, or an own ONNX file."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from tigertag.contracts import Capabilities, Host, Outcome, RunContext
from tigertag.errors import ModelError
from tigertag.inference.classification import (
    Classes,
    KnownNetwork,
    Network,
    OwnNetwork,
    Seen,
    embedding,
    look,
)
from tigertag.inference.frame_batch import FrameBatch
from tigertag.inference.preprocessing import (
    DEFAULT_SIDE_PX,
    Prepare,
    Scaling,
    Square,
    middle,
    short_side_px,
)
from tigertag.inference.runtime import Device, NetworkSession, Precision, open_session
from tigertag.inference.weights import PUBLISHED, TORCHVISION, Weights
from tigertag.model import Media, Sample
from tigertag.net import holding

ONNX: Final = ".onnx"
MAX_FRAMES: Final = 100
MAX_CONCURRENCY: Final = 16
MIN_CONFIDENCE: Final = 0.7
_SCENE_CONFIDENCE: Final = 0.5
# What is summed up over many classes: on photographs of homes these were right as often from 0.5 on
# as other words are from 0.7 on (docs/concepts.md).
_SCENES: Final = ("bathroom", "food", "mountain", "office", "sea", "snow", "sport", "street")


def _split(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


Triple = Annotated[tuple[float, float, float], BeforeValidator(_split)]


class Options(BaseModel):
    """The engine's own options; docs/engines/classifier.md explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
    agrees_by: ClassVar[str] = (
        "set the same MODEL, and copy the files that WEIGHTS and LABELS name; models are looked for"
        " in {models}"
    )

    model: str = "efficientnet-lite0"
    weights: Path | None = None
    weights_url: str = TORCHVISION
    labels: Path | None = None
    mean: Triple = Scaling().mean
    std: Triple = Scaling().deviation
    size: Annotated[int, Field(ge=16, le=2048)] | None = None
    precision: Precision = "auto"
    device: Device = "auto"

    @field_validator("model")
    @classmethod
    def _is_known(cls, model: str) -> str:
        if model not in PUBLISHED and not model.endswith(ONNX):
            raise ValueError(f"{model!r} is none of {', '.join(PUBLISHED)} or a path to {ONNX}")
        return model

    @field_validator("std")
    @classmethod
    def _is_positive(cls, std: Triple) -> Triple:
        if min(std) <= 0:
            raise ValueError("each of the three numbers must be above 0")
        return std

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.is_own and self.labels is None:
            raise ValueError("MODEL is an ONNX file: LABELS must name the file with its labels")
        foreign = {"weights", "weights_url"} if self.is_own else {"labels", "mean", "std", "size"}
        if misplaced := sorted(foreign & self.model_fields_set):
            raise ValueError(f"{misplaced[0].upper()} does not go with MODEL={self.model}")
        return self

    @property
    def is_own(self) -> bool:
        return self.model not in PUBLISHED


def build(id: str, options: Options, host: Host) -> "ImageClassifier":
    """Return the engine. Does no I/O."""
    network: Network
    if options.is_own:
        assert options.labels is not None
        scaling = Scaling(options.mean, options.std)
        network = OwnNetwork(Path(options.model), options.labels, scaling, options.size)
    else:
        weights = Weights(options.model, options.weights, options.weights_url, host)
        network = KnownNetwork(weights)
    return ImageClassifier(id, network, device=options.device, precision=options.precision)


@dataclass(frozen=True, slots=True)
class _Ready:
    """What `open` makes."""

    session: NetworkSession
    classes: Classes
    prepare: Prepare
    network: str


class ImageClassifier:
    """A network as an engine. Keeps to `Engine`."""

    def __init__(self, id: str, network: Network, *, device: Device, precision: Precision) -> None:
        self.id = id
        self._network = network
        self._device: Device = device
        self._precision: Precision = precision
        self._lock = threading.Lock()
        self._fingerprint = ""
        self._ready: _Ready | None = None

    @property
    def fingerprint(self) -> str:
        """See `Engine`. Where a file cannot be read it says so; `open` then raises."""
        try:
            self._fingerprint = self._fingerprint or self._network.fingerprint()
        except ModelError:
            return f"{self._network.name}:unreadable"
        return self._fingerprint

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            media=frozenset({Media.PHOTO, Media.VIDEO}),
            short_side_px=short_side_px(self._side_px),
            max_frames=MAX_FRAMES,
            max_concurrency=MAX_CONCURRENCY,
            local=True,
            gpu=self._device == "cuda",
            min_confidence=MIN_CONFIDENCE,
            each=dict.fromkeys(_SCENES, _SCENE_CONFIDENCE),
        )

    def open(self) -> None:
        """See `Engine`. Fetches weights and builds the graph where need be."""
        with holding(self._lock):
            if self._ready is None:
                self._ready = self._load()

    def tag(self, batch: Sequence[Sample], run: RunContext) -> Iterator[Outcome]:
        """See `Engine`. The labels of each frame are one distribution.

        That is so where all classes are in the concept tree; otherwise `remainder` is None.
        """
        ready = self._ready
        if ready is None:
            raise ModelError(f"Engine {self.id} is not open.")
        view = partial(middle, side_px=ready.session.input.side_px)
        classes = ready.classes
        pending: FrameBatch[Square, Seen] = FrameBatch(
            batch,
            run,
            view,
            self._network.name,
            lambda frame, at_s: classes.labels(frame.probabilities, at_s),
            classes.remainder,
            partial(embedding, ready.network),
        )
        for number, frame in look(ready.session, map(ready.prepare, pending.views())):
            yield from pending.take(number, frame)
        yield from pending.unusable()

    def close(self) -> None:
        """Let go of the model; calls of `tag` that are still at work keep it until they end."""
        self._ready = None

    @property
    def _side_px(self) -> int:
        if self._ready is not None:
            return self._ready.session.input.side_px
        return self._network.side_px or DEFAULT_SIDE_PX

    def _load(self) -> _Ready:
        network, classes = self._network, self._network.classes()
        session = open_session(
            network.file(),
            device=self._device,
            precision=self._precision,
            side_px=network.side_px,
        )
        if session.classes != len(classes.names):
            raise ModelError(
                f"{network.name} has {session.classes} classes, but there are"
                f" {len(classes.names)} labels; the labels' file must have one line for each."
            )
        return _Ready(session, classes, network.prepare(session.input), self.fingerprint)
