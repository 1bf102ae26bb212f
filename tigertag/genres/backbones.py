"""Which network embeds frames: one that TigerTag knows, or an own ONNX file."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tigertag.core import Core
from tigertag.errors import RequestError
from tigertag.genres.extracting import Extractor
from tigertag.genres.genre_model import GenreModel
from tigertag.genres.manifest import BackboneOf
from tigertag.inference import backbone
from tigertag.inference.backbone import Backbone
from tigertag.inference.preprocessing import Colours, Scaling
from tigertag.inference.weights import PUBLISHED
from tigertag.text import did_you_mean

ONNX = ".onnx"
_PICKLES = {".bin", ".ckpt", ".joblib", ".pickle", ".pkl", ".pt", ".pth"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The network that the user wants. The rest is of an own file only; None: as usual."""

    name: str = "efficientnet-lite0"
    mean: Colours | None = None
    deviation: Colours | None = None
    side_px: int | None = None


def asked(core: Core, wanted: Asked) -> Backbone:
    """Raises `RequestError`; opens nothing."""
    if wanted.name.endswith(ONNX):
        scaling = Scaling.of(wanted.mean, wanted.deviation)
        return backbone.own(Path(wanted.name), scaling, wanted.side_px)
    if wanted.name not in PUBLISHED:
        raise RequestError(_unknown(wanted.name))
    if (wanted.mean, wanted.deviation, wanted.side_px) != (None, None, None):
        raise RequestError(f"--mean, --std and --size go with an ONNX file, not {wanted.name}.")
    return backbone.known(wanted.name, core.host)


def _unknown(name: str) -> str:
    kind = Path(name).suffix.lower()
    if kind in _PICKLES:
        return (
            f"{name} is not opened: a {kind} file is a pickle, which may run any program."
            f" Export the network to ONNX, and name that file, with {ONNX} at its end."
        )
    guess = did_you_mean(name, PUBLISHED)
    return f"There is no backbone {name!r}{guess} An ONNX file is taken, too: FILE{ONNX}."


def of_model(model: GenreModel) -> Asked:
    """Return what was wanted of the network of a model."""
    told = model.manifest.backbone
    return Asked(told.name, told.mean, told.deviation, told.side_px if told.own else None)


def noted(one: Backbone, wanted: Asked) -> BackboneOf:
    """Return what a manifest says of it."""
    own = one.onnx() is not None
    scaling = Scaling.of(wanted.mean, wanted.deviation)
    return BackboneOf(
        name=one.name,
        fingerprint=one.fingerprint(),
        side_px=one.side_px,
        own=own,
        mean=scaling.mean if own else None,
        deviation=scaling.deviation if own else None,
    )


def extractor(one: Backbone) -> Extractor:
    return Extractor(one, partial(one.open, "auto", "auto"))
