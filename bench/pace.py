"""Photos a second, all steps on, against the machine's limit and against the plain way."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from bench import photographs
from tests.unit.inference import golden
from tigertag import bootstrap, settings
from tigertag.contracts import Engine, RunContext, is_prompt
from tigertag.inference import graphs
from tigertag.media.picture import decode
from tigertag.model import Frame, Media, Sample
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request

PHOTOS, TAGGED, TRIED = 1_800, 800, 60
CLASSIFIER = {"ENGINE_LOCAL_NAME": "tigertag.classifier"}
TOGETHER = CLASSIFIER | {
    "ENGINE_DETECTOR_NAME": "tigertag.detector",
    "ENGINE_METADATA_NAME": "tigertag.metadata",
}
_NANO = Path(__file__).resolve().parents[2] / "shared" / "models" / "yolox_nano.onnx"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        photos = photographs.make(root / "photos", PHOTOS)
        if sys.argv[1:] == ["together"]:
            figures = _together(root, photos)
        else:
            figures = _scanned(root, CLASSIFIER) | _limit(photos, CLASSIFIER)
            figures |= _large(photos[:TRIED:3]) | _plain(photos[:TRIED])
            photographs.linked(root / "many", photos, TAGGED)
            figures["tag_per_s"] = _tag_pace(root)
    print(json.dumps(figures))


def _together(root: Path, photos: Sequence[Path]) -> dict[str, float]:
    """All local engines at once: with what is installed, and with YOLOX-Nano where it is there."""
    setups = {"people": TOGETHER}
    if _NANO.is_file():
        setups["nano"] = TOGETHER | {"ENGINE_DETECTOR_WEIGHTS": str(_NANO)}
    figures: dict[str, float] = {}
    for name, engines in setups.items():
        own = _scanned(root, engines, home=name) | _limit(photos, engines)
        figures |= {f"{name}_{figure}": value for figure, value in own.items()}
        for sidecar in (root / "photos").glob("*.xmp"):
            sidecar.unlink()
    return figures


def _scanned(root: Path, engines: Mapping[str, str], *, home: str = "home") -> dict[str, float]:
    """A scan that writes sidecars; start-up is measured apart."""
    environment = {
        "TIGERTAG_HOME": str(root / home),
        "LIBRARY_PHOTOS_NAME": "tigertag.folder",
        "LIBRARY_PHOTOS_PATH": str(root / "photos"),
        **engines,
    }
    started = time.perf_counter()
    core = bootstrap.build(settings.load(environment))
    bootstrap.open_store(core)
    for entry in core.engines:
        assert entry.engine is not None, entry.problem
        entry.engine.open()
    start_up_s = time.perf_counter() - started
    scan_id = scans.start(core, Request("photos", write="apply"))
    begun, used = time.perf_counter(), time.process_time()
    scans.run(core, scan_id).run()
    took_s, used_s = time.perf_counter() - begun, time.process_time() - used
    status = scan_status.status(core, scan_id)
    assert (status.done, status.failed) == (PHOTOS, 0), status
    core.store.close()
    return {
        "scan_per_s": PHOTOS / took_s,
        "scan_core_ms": used_s / PHOTOS * 1000,
        "start_up_s": start_up_s,
        "tagged_share": sum(1 for _ in (root / "photos").glob("*.xmp")) / PHOTOS,
    }


def _limit(photos: Sequence[Path], environment: Mapping[str, str]) -> dict[str, float]:
    """cores ÷ (decode + inference core-seconds a photo), each measured alone.

    An engine that looks at no pixels is no part of it.
    """
    core = bootstrap.build(settings.load(environment))
    engines = [entry.engine for entry in core.engines if entry.engine is not None]
    looking = [
        engine for engine in engines if is_prompt(engine) and engine.capabilities.short_side_px
    ]
    for engine in looking:
        engine.open()
    side_px = max(engine.capabilities.short_side_px for engine in looking)
    used = time.process_time()
    frames = [decode(photo, side_px) for photo in photos]
    decode_s = (time.process_time() - used) / len(photos)
    infer_s = sum(_infer_s(engine, frames) for engine in looking)
    cores = len(os.sched_getaffinity(0))
    return {
        "decode_core_ms": decode_s * 1000,
        "infer_core_ms": infer_s * 1000,
        "limit_per_s": cores / (decode_s + infer_s),
    }


def _infer_s(engine: Engine, frames: Sequence[Frame]) -> float:
    """Return the core-seconds of a frame, once the engine is warm."""
    _infer(engine, frames[:32])
    used = time.process_time()
    _infer(engine, frames)
    return (time.process_time() - used) / len(frames)


def _infer(engine: Engine, frames: Sequence[Frame]) -> None:
    samples = [Sample(str(n), Media.PHOTO, (frame,)) for n, frame in enumerate(frames)]
    outcomes = list(engine.tag(samples, RunContext()))
    assert len(outcomes) == len(frames)


def _large(photos: Sequence[Path], side_px: int = 256) -> dict[str, float]:
    """12-Mpx photos: decoded in full and resized, against decoded at the size needed."""
    used = time.process_time()
    for photo in photos:
        _full(photo, side_px)
    full_s = time.process_time() - used
    used = time.process_time()
    for photo in photos:
        decode(photo, side_px)
    return {
        "full_12mpx_ms": full_s / len(photos) * 1000,
        "ours_12mpx_ms": (time.process_time() - used) / len(photos) * 1000,
    }


def _full(photo: Path, side_px: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    with Image.open(photo) as picture:
        scale = side_px / min(picture.size)
        size = (round(picture.width * scale), round(picture.height * scale))
        return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BICUBIC))


def _plain(photos: Sequence[Path]) -> dict[str, float]:
    """Full decode, ResNet-50 in ONNX Runtime, one photo after the other."""
    # Seeded random weights: as fast as trained ones, and nothing to be fetched.
    graph = graphs.build("resnet50", golden.seeded_weights(golden.shapes("resnet50")))
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def look(photo: Path) -> None:
        pixels = _full(photo, 256)
        top, left = (pixels.shape[0] - 224) // 2, (pixels.shape[1] - 224) // 2
        crop = np.ascontiguousarray(pixels[top : top + 224, left : left + 224])
        session.run(None, {name: crop[None]})

    look(photos[0])
    begun = time.perf_counter()
    for photo in photos:
        look(photo)
    return {"plain_per_s": len(photos) / (time.perf_counter() - begun)}


def _tag_pace(root: Path) -> float:
    """Lines a second of `tigertag tag --json`, from its first line to its last."""
    command = [sys.executable, "-m", "tigertag", "tag", "--json", str(root / "many")]
    times = []
    environment = os.environ | CLASSIFIER
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            times.append(time.perf_counter())
            assert "error" not in json.loads(line), line
    assert (process.returncode, len(times)) == (0, TAGGED)
    return (TAGGED - 1) / (times[-1] - times[0])


if __name__ == "__main__":
    main()
