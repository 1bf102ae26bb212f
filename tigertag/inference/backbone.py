"""Networks that turn frames into embeddings."""

import threading
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tigertag.contracts import Host
from tigertag.errors import ModelError, os_reason
from tigertag.inference.checkpoint import GRAPH_VERSION
from tigertag.inference.cutting import Cut, cut
from tigertag.inference.preprocessing import (
    DEFAULT_SIDE_PX,
    TILES_VERSION,
    Prepare,
    Scaling,
    prepare,
    shape_text,
    tiles,
)
from tigertag.inference.runtime import Device, ModelSession, Precision, open_session
from tigertag.inference.weights import PUBLISHED, TORCHVISION, Weights
from tigertag.model import Pixels

ONNX: Final = ".onnx"


class Embedder:
    """A network that is loaded. Thread-safe.

    `dimensions`: the length of an embedding. `short_side_px`: frames need not be larger.
    """

    def __init__(self, name: str, session: ModelSession, prepare: Prepare) -> None:
        self.dimensions = session.classes
        self.short_side_px = session.input.side_px
        self._name = name
        self._session = session
        self._prepare = prepare

    def embed(self, frames: Iterable[Pixels]) -> NDArray[np.float32]:
        """Return the embeddings of frames, [frames, dimensions]: the mean over each one's tiles.

        Frames are taken one by one, while others are computed. Raises ValueError where one is not
        uint8 [height, width, 3] with pixels in it, and `ModelError`; what `frames` raises comes
        through.
        """
        owners: list[int] = []
        sums: dict[int, NDArray[np.float32]] = {}
        for number, outputs in self._session.run(self._images(frames, owners)):
            owner = owners[number]
            sums[owner] = sums[owner] + outputs if owner in sums else outputs
        counts = np.bincount(owners, minlength=len(sums))
        means = [sums[owner] / np.float32(counts[owner]) for owner in range(len(sums))]
        embeddings = np.array(means, np.float32).reshape(len(means), self.dimensions)
        if not (np.abs(embeddings) <= np.finfo(np.float16).max).all():
            raise ModelError(f"{self._name} gives no numbers, or such as cannot be kept.")
        return embeddings

    def _images(self, frames: Iterable[Pixels], owners: list[int]) -> Iterator[NDArray[Any]]:
        for owner, pixels in enumerate(frames):
            for tile in tiles(pixels, self.short_side_px):
                owners.append(owner)
                yield self._prepare(tile)


class Backbone(Protocol):
    """What gives embeddings. All but its name may read or fetch files, and raise `ModelError`."""

    @property
    def name(self) -> str: ...

    @property
    def side_px(self) -> int:
        """The side of the square that the network sees."""
        ...

    def fingerprint(self) -> str:
        """Return what embeddings depend on, but for the precision."""
        ...

    def onnx(self) -> bytes | None:
        """Return the file that a genre model has to carry: an own network, cut; else None.

        `OnnxBackbone` makes the same backbone of that file.
        """
        ...

    def open(self, device: Device, precision: Precision) -> Embedder:
        """Load it; fetch weights and build the graph where need be."""
        ...


class PublishedBackbone:
    """EfficientNet-Lite0 or a ResNet, with these weights or those that are published."""

    def __init__(
        self, name: str, host: Host, weights: Path | None = None, *, url: str = TORCHVISION
    ) -> None:
        """Raises `ModelError` where `PUBLISHED` has none of this name."""
        if name not in PUBLISHED:
            raise ModelError(f"{name!r} is none of {', '.join(PUBLISHED)} or a path to {ONNX}.")
        self.name = name
        self.side_px = DEFAULT_SIDE_PX
        self._weights = Weights(name, weights, url, host)

    def fingerprint(self) -> str:
        return f"{self.name}:{self._weights.digest()}:{GRAPH_VERSION}.{TILES_VERSION}"

    def onnx(self) -> bytes | None:
        return None

    def open(self, device: Device, precision: Precision) -> Embedder:
        file = self._weights.graph_file(embedding=True)
        session = open_session(file, device=device, precision=precision)
        return Embedder(self.name, session, lambda square: square)


class OnnxBackbone:
    """An ONNX file of the user's, read once; `cut` says what of it gives the embedding."""

    def __init__(
        self, path: Path, scaling: Scaling, side_px: int | None, *, name: str = ""
    ) -> None:
        """`side_px`: the side of its input where the file leaves that open."""
        self.name = name or path.stem
        self._path = path
        self._scaling = scaling
        self._wanted_px = side_px
        self._lock = threading.Lock()
        self._cut: Cut | None = None

    @property
    def side_px(self) -> int:
        return self._read().input.side_px

    def fingerprint(self) -> str:
        cut_network = self._read()
        parts = (sha256(cut_network.onnx).hexdigest(), self._scaling, TILES_VERSION)
        return f"onnx:{sha256(repr(parts).encode()).hexdigest()}"

    def onnx(self) -> bytes:
        return self._read().onnx

    def open(self, device: Device, precision: Precision) -> Embedder:
        cut_network = self._read()
        try:
            with TemporaryDirectory(prefix="tigertag-") as folder:
                file = Path(folder, f"network{ONNX}")
                file.write_bytes(cut_network.onnx)
                session = self._loaded(file, device, precision)
        except OSError as exc:
            reason = os_reason(exc)
            raise ModelError(
                f"{self.name} cannot be written to a temporary file: {reason}."
            ) from exc
        return Embedder(self.name, session, prepare(self._scaling, session.input))

    def _loaded(self, file: Path, device: Device, precision: Precision) -> ModelSession:
        try:
            return open_session(file, device=device, precision=precision)
        except ModelError as exc:
            if str(file) not in str(exc):
                raise
            image_input = self._read().input
            shape = shape_text([None, *image_input.shape])
            raise ModelError(
                f"{self._path} cannot be run: its input is {shape}, {image_input.dtype}, which its"
                " layers may not fit. [?, 3, side, side] and [?, side, side, 3] are taken; export"
                " it with the one that it works with."
            ) from exc

    def _read(self) -> Cut:
        with self._lock:
            if self._cut is None:
                self._cut = cut(self._path, self._wanted_px)
            return self._cut
