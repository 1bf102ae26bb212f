"""Frames of a video each 5 s, against reading every frame with OpenCV; memory, and bytes read."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bench import films, parts
from tigertag.contracts import Sampling
from tigertag.media import video
from tigertag.model import Frame
from tigertag.net.ranges import RangeReader

INTERVAL_S, MOST, SIDE_PX = 5.0, 120, 256
TEN_MINUTES_S, TWO_HOURS_S = 600.0, 7200.0
_ROUND_S = 0.0005
_CLOSE_LEVELS = 4.0


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        films.unit(root / "unit.mp4")
        films.repeated(root / "unit.mp4", root / "ten.mp4", TEN_MINUTES_S)
        figures = _pace(root / "ten.mp4")
        films.repeated(root / "unit.mp4", root / "long.mp4", TWO_HOURS_S)
        figures |= _apart(root / "long.mp4") | _ranged(root / "long.mp4")
    print(json.dumps(figures))


def _pace(film: Path) -> dict[str, float]:
    """Both ways; ours before and after theirs, so that other work weighs the same on both."""
    ours, before_s = _ours(film)
    begun = time.perf_counter()
    theirs = list(_every_frame(film, [frame.at_s or 0.0 for frame in ours]))
    theirs_s = time.perf_counter() - begun
    _, after_s = _ours(film)
    return {
        "video_ours_s": (before_s + after_s) / 2,
        "video_opencv_s": theirs_s,
        "video_frames": len(ours),
        "video_same": _same(ours, theirs),
    }


def _ours(film: Path) -> tuple[Sequence[Frame], float]:
    begun = time.perf_counter()
    sampling = Sampling("interval", INTERVAL_S, MOST)
    frames = video.footage(film, sampling, short_side_px=SIDE_PX, most=MOST).frames
    return frames, time.perf_counter() - begun


def _every_frame(film: Path, times_s: Sequence[float]) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Read every frame, as the usual guides do, and keep what is shown at each of the times."""
    capture, held, held_s = cv2.VideoCapture(str(film)), None, 0.0
    wanted = iter([*times_s, float("inf")])
    next_s = next(wanted)
    while True:
        is_read, picture = capture.read()
        at_s = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        while held is not None and (not is_read or at_s > next_s + _ROUND_S):
            if next_s == float("inf"):
                return
            height, width = held.shape[:2]
            size = (round(width * SIDE_PX / height), SIDE_PX)
            small = cv2.resize(held, size, interpolation=cv2.INTER_AREA)
            yield held_s, np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
            next_s = next(wanted)
        held, held_s = picture, at_s


def _same(ours: Sequence[Frame], theirs: Sequence[tuple[float, NDArray[np.uint8]]]) -> int:
    """How many are of the same time and nearly the same pixels."""
    return sum(
        abs((mine.at_s or 0.0) - at_s) < 0.0011
        and float(np.abs(np.asarray(mine.pixels).astype(int) - picture).mean()) < _CLOSE_LEVELS
        for mine, (at_s, picture) in zip(ours, theirs, strict=False)
    )


def _apart(film: Path) -> dict[str, float]:
    """Each way in a process of its own, for its memory."""
    figures: dict[str, float] = {}
    for by in _WAYS:
        output = subprocess.check_output([sys.executable, "-m", "bench.video", str(film), by])
        peak_mb, took_s = json.loads(output)
        figures |= {f"video_{by}_mb": peak_mb, f"video_{by}_s": took_s}
    figures["video_long_mb"] = max(value for name, value in figures.items() if "_mb" in name)
    return figures


def _alone(film: Path, sampling: Sampling) -> tuple[float, float]:
    begun = time.perf_counter()
    found = video.footage(film, sampling, short_side_px=SIDE_PX, most=sampling.max_frames)
    assert len(found.frames) == sampling.max_frames
    took_s = time.perf_counter() - begun
    return _peak_mb(), took_s


def _peak_mb() -> float:
    """Of this process alone: what `getrusage` tells includes what its parent held."""
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", told)[0]) / 1024


def _ranged(film: Path) -> dict[str, float]:
    """Ten frames of a film that is behind HTTP."""
    with parts.served(film) as ask:
        stream = RangeReader(ask)
        found = video.footage(stream, Sampling(), short_side_px=SIDE_PX, most=10).frames
    assert len(found) == 10
    return {
        "video_film_mb": film.stat().st_size / 1e6,
        "video_loaded_mb": stream.loaded_bytes / 1e6,
        "video_requests": stream.requests,
    }


_WAYS: dict[str, Sampling] = {
    "interval": Sampling("interval", INTERVAL_S, MOST),
    "scenes": Sampling("scenes"),
    "keyframes": Sampling("keyframes"),
}

if __name__ == "__main__":
    if len(sys.argv) > 2:
        print(json.dumps(_alone(Path(sys.argv[1]), _WAYS[sys.argv[2]])))
    else:
        main()
