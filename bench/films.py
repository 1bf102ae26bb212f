"""Films that look and weigh like real ones: shots with things that move, grain, cuts."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE, GROUP = 1920, 1080, 25, 50
SHOTS = (52, 95, 140, 64, 118, 75, 33, 97)
"""Lengths of the shots of the unit, in frames: 27 s, a cut each 3.4 s."""

_THINGS = 4
_SLACK = 240


def unit(path: Path) -> None:
    """Write the unit: 1080p H.264, a keyframe each 2 s and none at cuts, three B-frames."""
    # OpenCV takes the colours of every film for those of BT.601: so that pixels can be compared.
    colours = "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m"
    told = f"{colours}:keyint={GROUP}:min-keyint={GROUP}:scenecut=0:bframes=3:log-level=none"
    options = {"preset": "veryfast", "crf": "21", "x264-params": told}
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for seed, length in enumerate(SHOTS):
            for picture in _shot(seed, length):
                output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        output.mux(stream.encode())


def repeated(unit_path: Path, path: Path, duration_s: float) -> None:
    """Write a film of at least this length that is the unit again and again, not encoded anew."""
    with av.open(str(unit_path)) as source, av.open(str(path), "w", format="mp4") as output:
        template = source.streams.video[0]
        stream = output.add_stream_from_template(template)
        packets = [packet for packet in source.demux(template) if packet.size]
        assert template.time_base is not None
        span = round(Fraction(sum(SHOTS), RATE) / template.time_base)
        for turn in range(-(-round(duration_s * RATE) // sum(SHOTS))):
            for one in packets:
                packet = av.Packet(bytes(one))
                packet.stream, packet.time_base = stream, template.time_base
                assert one.pts is not None
                assert one.dts is not None
                packet.pts, packet.dts = one.pts + turn * span, one.dts + turn * span
                packet.duration, packet.is_keyframe = one.duration, one.is_keyframe
                output.mux(packet)


def _shot(seed: int, length: int) -> Iterator[NDArray[np.uint8]]:
    """A background that the camera drifts over, things that cross it, and grain."""
    random = np.random.default_rng(seed)
    background = _background(random)
    grain = [random.integers(0, 9, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(3)]
    drift = random.uniform(-0.8, 0.8, 2)
    starts = random.uniform(0.1, 0.9, (_THINGS, 2)) * (WIDTH, HEIGHT)
    speeds = random.uniform(-7.0, 7.0, (_THINGS, 2))
    sizes = random.integers(60, 200, (_THINGS, 2))
    colours = random.integers(20, 235, (_THINGS, 3))
    for n in range(length):
        left, top = (_SLACK // 2 + drift * n).astype(int)
        picture = background[top : top + HEIGHT, left : left + WIDTH].copy()
        for start, speed, size, colour in zip(starts, speeds, sizes, colours, strict=True):
            x, y = ((start + speed * n) % (WIDTH, HEIGHT)).astype(int)
            axes = (int(size[0]), int(size[1]))
            cv2.ellipse(picture, (int(x), int(y)), axes, 2.0 * n, 0, 360, colour.tolist(), -1)
        yield np.asarray(cv2.add(picture, grain[n % len(grain)]), np.uint8)


def _background(random: np.random.Generator) -> NDArray[np.uint8]:
    shape = (HEIGHT + _SLACK, WIDTH + _SLACK)
    picture = np.zeros((*shape, 3), np.float32) + random.integers(40, 200, 3)
    for cell, strength in ((480, 34.0), (120, 14.0), (30, 7.0), (8, 4.0)):
        size = (shape[0] // cell + 2, shape[1] // cell + 2, 3)
        noise = random.normal(0.0, strength, size).astype(np.float32)
        picture += cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(picture.clip(0, 247).astype(np.uint8))
