"""Genres of posters: what a model is worth, what learning takes, and a trailer from end to end."""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench import films
from tigertag import bootstrap, settings
from tigertag.contracts import RunContext, Sampling
from tigertag.core import Core
from tigertag.genres import sources
from tigertag.genres.extraction import Extractor
from tigertag.genres.features import Features
from tigertag.genres.models import models_of

_SHARED = Path("../shared")
_POSTERS = _SHARED / "genre/posters.csv"
_TRAILER = _SHARED / "videos/sintel_trailer.mp4"
_MADE, _SEED = 3000, 7
_ROWS = ("macro_ap", "micro_ap", "macro_auc")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        films_at_hand = _POSTERS if _POSTERS.exists() else _pictures(root)
        trailer = _TRAILER if _TRAILER.exists() else _trailer(root)
        home = root / "home"
        figures = _learned(films_at_hand, home)
        core = bootstrap.build(settings.load({"TIGERTAG_HOME": str(home)}))
        figures["genre_posters"] = films_at_hand == _POSTERS
        figures |= _worth(core) if figures["genre_posters"] else {}
        figures |= _end_to_end(home, trailer) | _steady(core, trailer, root)
    print(json.dumps(figures))


def _run(home: Path, *words: str) -> float:
    """Run `tigertag` with a home of its own; return the seconds that it took."""
    environment = {**os.environ, "TIGERTAG_HOME": str(home)}
    begun = time.perf_counter()
    command = [sys.executable, "-m", "tigertag", *words]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def _learned(source: Path, home: Path) -> dict[str, float]:
    took_s = _run(home, "genre", "learn", str(source))
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    again_s = _run(home, "genre", "learn", str(source))
    return {"genre_learn_s": took_s, "genre_again_s": again_s, "genre_learn_mb": peak_kb / 1024}


def _worth(core: Core) -> dict[str, float]:
    """The figures of the model on the films that were held out, beside the forest's."""
    told: Any = models_of(core.host).load("default").manifest.metrics
    forest = told["baselines"]["random_forest"]
    apart = [told["intervals"][row][0] > forest["intervals"][row][1] for row in _ROWS]
    figures = {f"genre_{row}": told[row] for row in (*_ROWS, "ece")}
    above = {f"genre_{row}_above": told[row] - forest[row] for row in _ROWS}
    return figures | above | {"genre_apart": sum(apart)}


def _end_to_end(home: Path, trailer: Path) -> dict[str, float]:
    with av.open(str(trailer)) as film:
        lasts_s = float(Fraction(film.duration or 0, av.time_base))
    took_s = min(_run(home, "genre", "predict", str(trailer)) for _ in range(3))
    return {"genre_trailer_s": lasts_s, "genre_predict_s": took_s}


def _steady(core: Core, trailer: Path, root: Path) -> dict[str, float]:
    """How far probabilities move with twice the frames, and with the trailer encoded anew."""
    model = models_of(core.host).load("default")
    extractor = Extractor(model.backbone(core.host))
    again = root / "again.mp4"
    _encode(trailer, again)
    seconds = Sampling("interval", 1.0, 200), Sampling("interval", 0.5, 200)
    own = model.manifest.sampling
    seen = {
        "once": _features(extractor, trailer, seconds[0]),
        "twice": _features(extractor, trailer, seconds[1]),
        "once anew": _features(extractor, again, seconds[0]),
        "own": _features(extractor, trailer, own),
        "own anew": _features(extractor, again, own),
    }
    said = dict(zip(seen, model.probabilities(list(seen.values())), strict=True))
    anew = max(_moved(said, "once", "once anew"), _moved(said, "own", "own anew"))
    return {"genre_twice_moved": _moved(said, "once", "twice"), "genre_anew_moved": anew}


def _moved(said: dict[str, NDArray[np.float64]], one: str, other: str) -> float:
    return float(np.abs(said[one] - said[other]).max())


def _features(extractor: Extractor, path: Path, sampling: Sampling) -> Features:
    return extractor.features(sources.of_file(path).media, path, sampling, RunContext())


def _encode(source: Path, path: Path) -> None:
    """Encode a film anew: smaller, with keyframes elsewhere."""
    with av.open(str(source)) as film, av.open(str(path), "w") as output:
        told = film.streams.video[0]
        options = {"crf": "28", "preset": "veryfast", "g": "48", "x264-params": "log-level=none"}
        stream = output.add_stream("libx264", rate=told.average_rate, options=options)
        stream.width, stream.height = told.width // 2 * 2, told.height // 2 * 2
        stream.pix_fmt = "yuv420p"
        for frame in film.decode(told):
            pixels = frame.to_ndarray(format="yuv420p", width=stream.width, height=stream.height)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="yuv420p")))
        output.mux(stream.encode())


def _trailer(root: Path) -> Path:
    films.unit(root / "unit.mp4")
    films.repeated(root / "unit.mp4", root / "trailer.mp4", 52.0)
    return root / "trailer.mp4"


def _pictures(root: Path) -> Path:
    """Pictures of poster's size to learn from: where no posters are at hand, time is measured."""
    path = root / "made.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "genres", "year"))
        rows.writerows(_made(root, _MADE))
    return path


def _made(root: Path, count: int) -> Iterator[Sequence[object]]:
    random = np.random.default_rng(_SEED)
    for number in range(count):
        values = random.integers(0, 256, (24, 16, 3), dtype=np.uint8)
        name = f"{number}.jpg"
        Image.fromarray(values).resize((300, 450)).save(root / name)
        genres = ("Drama", "Comedy") if values.mean() > 127 else ("Horror", "Drama")
        yield name, "|".join(genres[: 1 + number % 2]), 1990 + number // 100


if __name__ == "__main__":
    main()
