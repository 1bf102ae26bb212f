"""Photos a second, all steps on, against the machine's limit and against the plain way."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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

PHOTOS, TAGGED, TRIED = 600, 800, 60


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        photos = photographs.make(root / "photos", PHOTOS)
        figures = _scanned(root) | _limit(photos) | _plain(photos[:TRIED])
        photographs.linked(root / "many", photos, TAGGED)
        figures["tag_per_s"] = _tag_pace(root)
    print(json.dumps(figures))


def _environment(root: Path) -> dict[str, str]:
    return {
        "TIGERTAG_HOME": str(root / "home"),
        "LIBRARY_PHOTOS_NAME": "tigertag.folder",
        "LIBRARY_PHOTOS_PATH": str(root / "photos"),
        "ENGINE_LOCAL_NAME": "tigertag.classifier",
    }


def _scanned(root: Path) -> dict[str, float]:
    """A scan that writes sidecars; start-up is measured apart."""
    started = time.perf_counter()
    core = bootstrap.build(settings.load(_environment(root)))
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


def _limit(photos: Sequence[Path]) -> dict[str, float]:
    """cores ÷ (decode + inference core-seconds a photo), each measured alone."""
    core = bootstrap.build(settings.load({"ENGINE_LOCAL_NAME": "tigertag.classifier"}))
    engine = core.engines[0].engine
    assert engine is not None
    assert is_prompt(engine)
    engine.open()
    side_px = engine.capabilities.short_side_px
    used = time.process_time()
    frames = [decode(photo, side_px) for photo in photos]
    decode_s = (time.process_time() - used) / len(photos)
    _infer(engine, frames[:32])
    used = time.process_time()
    _infer(engine, frames)
    infer_s = (time.process_time() - used) / len(photos)
    cores = len(os.sched_getaffinity(0))
    return {
        "decode_core_ms": decode_s * 1000,
        "infer_core_ms": infer_s * 1000,
        "limit_per_s": cores / (decode_s + infer_s),
        **_large(photos[:TRIED:3], side_px),
    }


def _infer(engine: Engine, frames: Sequence[Frame]) -> None:
    samples = [Sample(str(n), Media.PHOTO, (frame,)) for n, frame in enumerate(frames)]
    outcomes = list(engine.tag(samples, RunContext()))
    assert len(outcomes) == len(frames)


def _large(photos: Sequence[Path], side_px: int) -> dict[str, float]:
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
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            times.append(time.perf_counter())
            assert "error" not in json.loads(line), line
    assert (process.returncode, len(times)) == (0, TAGGED)
    return (TAGGED - 1) / (times[-1] - times[0])


if __name__ == "__main__":
    main()
