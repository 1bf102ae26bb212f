"""Small films, made in milliseconds; each frame bears its number."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

WIDTH, HEIGHT = 128, 96
_COLOURS = np.array([(200, 60, 60), (60, 190, 80), (70, 80, 200), (200, 190, 70), (180, 70, 190)])
_TICK = Fraction(1, 1000)
_QUIET = "log-level=none"


@cache
def film(shots: tuple[int, ...] = (50,), **how: Any) -> bytes:
    """Return a film of which each shot has so many frames; `how` as with `made`."""
    return made(pictures(shots, how.get("size", (WIDTH, HEIGHT))), **how)


def made(
    frames: Iterable[Pixels],
    *,
    form: str = "mp4",
    codec: str = "libx264",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    group: int = 12,
    times_ms: tuple[int, ...] = (),
    pixel: str = "yuv420p",
    turn: int = 0,
    flip: bool = False,
    aspect: Fraction | None = None,
    muxing: tuple[tuple[str, str], ...] = (),
    coding: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """Return a film of these frames, 25 a second or at these times."""
    with (
        NamedTemporaryFile() as file,  # Some tables are written last, then moved to the start.
        av.open(file.name, "w", format=form, options=dict(muxing)) as output,
    ):
        stream = output.add_stream(codec, rate=25, options=_settings(codec, group) | dict(coding))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt, stream.gop_size = pixel, group
        if times_ms:
            stream.time_base = stream.codec_context.time_base = _TICK
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if turn or flip:
            stream.set_display_rotation(turn, hflip=flip)
        stream.codec_context.open()
        output.start_encoding()
        for place, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixel)
            frame.pts = times_ms[place] if times_ms else place
            frame.time_base = _TICK if times_ms else Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        output.close()
        return Path(file.name).read_bytes()


def _settings(codec: str, group: int) -> dict[str, str]:
    each = f"keyint={group}:min-keyint=1:scenecut=0:bframes=3:{_QUIET}"
    match codec:
        case "libx264":
            return {"preset": "ultrafast", "crf": "12", "x264-params": each}
        case "libx265":
            return {"preset": "ultrafast", "crf": "12", "x265-params": each}
        case _:
            return {"b": "4M"}


def pictures(shots: tuple[int, ...], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Iterator[Pixels]:
    """Yield frames: a texture of another colour in each shot that drifts, and the number."""
    number = 0
    for shot, length in enumerate(shots):
        texture = _texture(shot, size)
        for n in range(length):
            yield _numbered(np.roll(texture, n, axis=1), number)
            number += 1


def _texture(seed: int, size: tuple[int, int]) -> Pixels:
    random = np.random.default_rng(seed)
    rows, columns = -(-size[1] // 24), -(-size[0] // 24)
    coarse = random.integers(-45, 45, (rows, columns, 1)) + _COLOURS[seed % len(_COLOURS)]
    whole = np.kron(coarse, np.ones((24, 24, 1)))[: size[1], : size[0]]
    return np.asarray(whole.clip(0, 255).astype(np.uint8))


def _numbered(picture: Pixels, number: int) -> Pixels:
    cell = max(2, picture.shape[1] // 8)
    for bit in range(8):
        left = bit * cell
        picture[: max(2, picture.shape[0] // 6), left : left + cell] = 255 * (number >> bit & 1)
    return picture


def number(pixels: Any) -> int:
    """Read the number of a frame, whatever its size."""
    picture = np.asarray(pixels)
    cell, row = picture.shape[1] / 8, picture.shape[0] // 12
    return sum(int(picture[row, int((bit + 0.5) * cell), 1] > 127) << bit for bit in range(8))
