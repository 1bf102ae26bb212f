"""What the user chooses: the network, the frames, and how a model is learned."""

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final

from tigertag.contracts import Host, Sampling, SamplingMethod
from tigertag.errors import RequestError
from tigertag.genres.manifest import BackboneInfo
from tigertag.inference import backbone
from tigertag.inference.backbone import ONNX, Backbone
from tigertag.inference.preprocessing import Colours, Scaling
from tigertag.inference.weights import PUBLISHED
from tigertag.text import did_you_mean

FRAMES: Final = Sampling(max_frames=60, exact=True)
"""How frames are chosen where no library says it: trailers are short enough to see all of them."""
_PICKLES: Final = {".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"}


@dataclass(frozen=True, slots=True)
class BackboneChoice:
    """The network that embeds frames. All but `name` is of an own file only; None: as usual."""

    name: str = "efficientnet-lite0"
    mean: Colours | None = None
    deviation: Colours | None = None
    side_px: int | None = None

    @classmethod
    def of(cls, info: BackboneInfo) -> "BackboneChoice":
        """Return the choice with which a model was learned."""
        return cls(info.name, info.mean, info.deviation, info.side_px if info.own else None)

    def backbone(self, host: Host) -> Backbone:
        """Raises `RequestError`; opens nothing."""
        if self.name.endswith(ONNX):
            scaling = Scaling.of(self.mean, self.deviation)
            return backbone.OnnxBackbone(Path(self.name), scaling, self.side_px)
        if self.name not in PUBLISHED:
            raise RequestError(_unknown(self.name))
        if self != BackboneChoice(self.name):
            raise RequestError(f"--mean, --std and --size go with an ONNX file, not {self.name}.")
        return backbone.PublishedBackbone(self.name, host)

    def noted(self, chosen: Backbone) -> BackboneInfo:
        """Return what a manifest says of the network that was chosen."""
        own = chosen.onnx() is not None
        scaling = Scaling.of(self.mean, self.deviation)
        return BackboneInfo(
            name=chosen.name,
            fingerprint=chosen.fingerprint(),
            side_px=chosen.side_px,
            own=own,
            mean=scaling.mean if own else None,
            deviation=scaling.deviation if own else None,
        )


def _unknown(name: str) -> str:
    kind = Path(name).suffix.lower()
    if kind in _PICKLES:
        return (
            f"{name} is not opened: a {kind} file is a pickle, which may run any program."
            f" Export the network to ONNX, and name that file, with {ONNX} at its end."
        )
    guess = did_you_mean(name, PUBLISHED)
    return f"There is no backbone {name!r}{guess} An ONNX file is taken, too: FILE{ONNX}."


@dataclass(frozen=True, slots=True)
class FrameChoice:
    """How frames are chosen, as in `Sampling`; None: as usual there."""

    by: SamplingMethod | None = None
    interval_s: float | None = None
    max_frames: int | None = None
    exact: bool | None = None

    def over(self, usual: Sampling) -> Sampling:
        """Return the usual sampling, but for what is chosen otherwise."""
        chosen = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(
            usual, **{name: value for name, value in chosen.items() if value is not None}
        )


@dataclass(frozen=True, slots=True)
class LearnRequest:
    """See `genre learn`. `frames` are usually chosen as the library's scans do, else `FRAMES`."""

    name: str
    backbone: BackboneChoice = field(default_factory=BackboneChoice)
    frames: FrameChoice = field(default_factory=FrameChoice)
    min_examples: int = 50
    precision: float = 0.7
    words: Path | None = None
