"""Shots of a film by the fast pass, against PySceneDetect's pass over every frame."""

import json
import tempfile
import time
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from scenedetect import ContentDetector, detect

from bench import films
from tigertag.contracts import Sampling
from tigertag.media import video
from tigertag.media.video.opening import opened
from tigertag.media.video.scenes import exact_cuts
from tigertag.model import Frame

SIDE_PX, MOST, TEN_MINUTES_S = 256, 400, 600.0
_SHARED = Path("../shared/videos")
_KNOWN = {
    "psd_testvideo.mp4": [30, 180, 394],
    "psd_fades.mp4": [],
    "skv_bikes.mp4": [30, 76, 137, 187, 242],
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        films.unit(root / "unit.mp4")
        films.repeated(root / "unit.mp4", root / "film.mp4", TEN_MINUTES_S)
        figures = _against(root / "film.mp4")
    print(json.dumps(figures | _goldens()))


def _against(film: Path) -> dict[str, float]:
    sampling = Sampling("scenes", max_frames=MOST)
    video.footage(film, sampling, short_side_px=SIDE_PX, most=1)
    begun = time.perf_counter()
    ours = video.footage(film, sampling, short_side_px=SIDE_PX, most=MOST).frames
    ours_s = time.perf_counter() - begun
    begun = time.perf_counter()
    shots = detect(str(film), ContentDetector())
    theirs_s = time.perf_counter() - begun
    seen = _represented(ours, [begin.seconds for begin, _ in shots])
    return {
        "scenes_ours_s": ours_s,
        "scenes_full_s": theirs_s,
        "scenes_shots": len(shots),
        "scenes_frames": len(ours),
        "scenes_represented": seen / len(shots),
    }


def _represented(frames: Sequence[Frame], begins_s: Sequence[float]) -> int:
    """How many shots one of the frames lies in."""
    return len({bisect_right(begins_s, (frame.at_s or 0.0) + 0.0005) for frame in frames})


def _cuts(film: Path) -> list[int]:
    with opened(film) as decoder:
        return [number for number, _at_s in exact_cuts(decoder, 27.0)]


def _goldens() -> dict[str, float]:
    """The films at hand of which the cuts are known: how many the exact pass got right."""
    there = {name: known for name, known in _KNOWN.items() if (_SHARED / name).exists()}
    right = sum(_cuts(_SHARED / name) == known for name, known in there.items())
    return {"scenes_known": len(there), "scenes_exact": right}


if __name__ == "__main__":
    main()
