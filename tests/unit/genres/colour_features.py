"""A network that sees colours, what it looks at, and who is told of it: no runtime is loaded."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.colours import COLOURS
from tigertag.contracts import Need, RunContext, Sampling, Source
from tigertag.errors import ItemError
from tigertag.genres.extraction import Extracted, Extractor, FeatureStore, extract
from tigertag.genres.labelled import LabelledVideo
from tigertag.genres.sources import MediaSource
from tigertag.inference.backbone import Embedder
from tigertag.inference.preprocessing import ImageInput
from tigertag.inference.runtime import Device, Precision
from tigertag.model import Media
from tigertag.store import Store

SIDE_PX = 8


def picture(colour: str, shade: int = 0) -> bytes:
    """A picture of one colour, a little brighter or darker."""
    rgb = tuple(np.clip(np.array(COLOURS[colour]) + shade, 0, 255).tolist())
    out = io.BytesIO()
    Image.new("RGB", (16, 16), rgb).save(out, "PNG")
    return out.getvalue()


class _Averages:
    """Keeps to `Session`: what it gives are the averages of red, green and blue, in [0, 1]."""

    input = ImageInput(SIDE_PX, channels_first=False, dtype="uint8")
    classes = 3

    def run(self, images: Iterable[NDArray[Any]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        for number, image in enumerate(images):
            yield number, (image.mean(axis=(0, 1)) / 255).astype(np.float32)


@dataclass
class Eye:
    """Keeps to `Backbone`; its embeddings are colours. Counts how often it was opened."""

    name: str = "eye"
    version: str = "1"
    side_px: int = SIDE_PX
    opened: int = 0

    def fingerprint(self) -> str:
        return f"eye:{self.version}"

    def onnx(self) -> bytes | None:
        return None

    def open(self, device: Device = "auto", precision: Precision = "auto") -> Embedder:
        self.opened += 1
        return Embedder(self.name, _Averages(), lambda square: square)


@dataclass
class Reel:
    """Things to look at: what each is, or what is raised for it. `fetched` says which were."""

    held: dict[str, Source | ItemError | Exception] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)

    def found(self, name: str, media: Media = Media.PHOTO) -> MediaSource:
        revision = self.revisions.get(name, "1")
        return MediaSource(f"reel/{name}", revision, media, lambda _need, _run: self._fetch(name))

    def all(self, media: Media = Media.PHOTO) -> list[MediaSource]:
        return [self.found(name, media) for name in self.held]

    @contextmanager
    def _fetch(self, name: str) -> Iterator[Source]:
        self.fetched.append(name)
        held = self.held[name]
        if isinstance(held, Exception):
            raise held
        yield held


@dataclass
class Heard:
    """Keeps to `LearningProgress`."""

    lines: list[str] = field(default_factory=list)
    total: int = 0
    done: int = 0
    kept: int = 0
    phases: list[str] = field(default_factory=list)

    def began(self, total: int) -> None:
        self.total = total

    def advanced(self, *, kept: bool) -> None:
        self.done += 1
        self.kept += kept

    def note(self, line: str) -> None:
        assert "\n" not in line
        self.lines.append(line)

    def working(self, what: str) -> None:
        self.phases.append(what)


def shelf(home: Path, store: Store) -> FeatureStore:
    return FeatureStore(home / "features", store)


def look(
    found: Sequence[MediaSource], kept: FeatureStore, eye: Eye | None = None
) -> list[Extracted]:
    """Look at all of them, each as `Sampling` says; return what came of them in their order."""
    one = eye or Eye()
    results = extract(found, Extractor(one), Sampling(), kept, workers=2)
    return sorted(results, key=lambda result: result.number)


def labelled_video(
    found: MediaSource, *genres: str, film: str = "", names: Sequence[str] = ()
) -> LabelledVideo:
    name = found.origin.removeprefix("reel/")
    return LabelledVideo(found, film or name, name, genres, names=tuple(names))


NEED, RUN = Need(SIDE_PX), RunContext()
