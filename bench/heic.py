"""12-Mpx HEICs as phones write them: core time, and how far the classifier's answers move."""

import io
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image

from bench import photographs
from tests import heics
from tigertag import bootstrap, settings
from tigertag.contracts import Labelled, RunContext, is_prompt
from tigertag.media import picture
from tigertag.model import Frame, Media, Sample

SIZE, TILE_PX, SIDE_PX, PICTURES = (4032, 3024), 512, 256, 12
THUMBNAILS = {"512": (512, 384), "320": (320, 240)}
Look = Callable[[Sequence[Frame]], list[dict[str, float]]]


def main() -> None:
    pictures = [_picture(path) for path in photographs.sources()[:PICTURES]]
    jpegs = [_jpeg(image) for image in pictures]
    tiles = [heics.tiles(image, TILE_PX, quality=60) for image in pictures]
    plain = [heics.grid(SIZE, parts) for parts in tiles]
    figures = {
        "heic_mb": fmean(map(len, plain)) / 1e6,
        "heic_jpeg_ms": _core_ms(jpegs),
        "heic_plain_ms": _core_ms(plain),
        "heic_libheif_ms": _by_libheif(plain),
    }
    look = _classifier()
    due = look([_full(image) for image in pictures])
    figures["heic_jpeg_moved"] = _moved(due, look(_decoded(jpegs)))
    figures["heic_plain_moved"] = _moved(due, look(_decoded(plain)))
    for name, size in THUMBNAILS.items():
        small = [heics.coded(_resized(image, size), quality=85) for image in pictures]
        data = [
            heics.grid(SIZE, parts, thumbnails=[one])
            for parts, one in zip(tiles, small, strict=True)
        ]
        figures[f"heic_{name}_ms"] = _core_ms(data)
        figures[f"heic_{name}_moved"] = _moved(due, look(_decoded(data)))
    print(json.dumps(figures))


def _picture(path: Path) -> Image.Image:
    """Enlarge a photograph; grain makes it take as many bytes as a camera's."""
    with Image.open(path) as image:
        large = image.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC)
    grain = np.random.default_rng(1).normal(0, 2.5, (SIZE[1], SIZE[0], 1))
    return Image.fromarray((np.asarray(large) + grain).clip(0, 255).astype(np.uint8))


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)


def _full(image: Image.Image) -> Frame:
    size = (round(SIDE_PX * SIZE[0] / SIZE[1]), SIDE_PX)
    return Frame(np.asarray(image.resize(size, Image.Resampling.BICUBIC)))


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _decoded(files: Sequence[bytes]) -> list[Frame]:
    return [picture.decode(data, SIDE_PX) for data in files]


def _core_ms(files: Sequence[bytes]) -> float:
    _decoded(files[:1])
    used = time.process_time()
    _decoded(files)
    return (time.process_time() - used) / len(files) * 1000


def _by_libheif(files: Sequence[bytes]) -> float:
    fast = picture._fast_heif
    picture._fast_heif = lambda *_arguments: None
    try:
        return _core_ms(files)
    finally:
        picture._fast_heif = fast


def _classifier() -> Look:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as home:
        environment = {"TIGERTAG_HOME": home, "ENGINE_LOCAL_NAME": "tigertag.classifier"}
        engine = bootstrap.build(settings.load(environment)).engines[0].engine
        assert engine is not None
        assert is_prompt(engine)
        engine.open()

    def look(frames: Sequence[Frame]) -> list[dict[str, float]]:
        samples = [Sample(str(n), Media.PHOTO, (frame,)) for n, frame in enumerate(frames)]
        answers: dict[str, dict[str, float]] = {}
        for outcome in engine.tag(samples, RunContext()):
            assert isinstance(outcome, Labelled)
            answers[outcome.sample] = {label.name: label.confidence for label in outcome.labels}
        return [answers[sample.id] for sample in samples]

    return look


def _moved(due: Sequence[Mapping[str, float]], got: Sequence[Mapping[str, float]]) -> float:
    """Return the mean total variation between answers: half the sum of all differences."""
    return fmean(
        sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in one.keys() | other.keys())
        / 2
        for one, other in zip(due, got, strict=True)
    )


if __name__ == "__main__":
    main()
