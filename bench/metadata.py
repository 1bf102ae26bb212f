"""Photos a second from a folder with the engine of metadata alone."""

import io
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from bench import photographs
from tests.tiffs import LENS, MAKE, MODEL, OFFSET, TAKEN, VIENNA, exif
from tigertag import bootstrap, settings
from tigertag.contracts import RunContext, is_prompt
from tigertag.core import Core
from tigertag.scan import engine_run
from tigertag.scan.context import needed
from tigertag.scan.engine_run import SampleLoader
from tigertag.sequences import batched
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request

PHOTOS, FILES, CHUNK = 8000, 40, 64


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        files = _made(root / "source")
        photographs.linked(root / "photos", files, PHOTOS)
        core = bootstrap.build(settings.load(_environment(root)))
        bootstrap.open_store(core)
        size = sum(file.stat().st_size for file in files) / len(files)
        figures = {
            "metadata_mb": size / 1e6,
            "metadata_per_s": _pace(core),
            "metadata_scan_per_s": _scan_pace(core),
        }
        core.store.close()
    print(json.dumps(figures))


def _environment(root: Path) -> dict[str, str]:
    return {
        "TIGERTAG_HOME": str(root / "home"),
        "LIBRARY_PHOTOS_NAME": "tigertag.folder",
        "LIBRARY_PHOTOS_PATH": str(root / "photos"),
        "ENGINE_FACTS_NAME": "tigertag.metadata",
    }


def _made(folder: Path) -> list[Path]:
    """Make JPEG files of about 3 MB with camera, time and place in them."""
    folder.mkdir()
    chance = np.random.default_rng(1)
    camera, photo = {MAKE: "Apple", MODEL: "iPhone 15"}, {TAKEN: "2024:07:01 14:00:00"}
    data = exif(camera, photo | {OFFSET: "+02:00", LENS: "iPhone 15 back camera"}, VIENNA)
    files = []
    for number in range(FILES):
        image = Image.fromarray(chance.integers(0, 255, (1500, 2000, 3), np.uint8))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=85, exif=data)
        files.append(folder / f"{number:03}.jpg")
        files[-1].write_bytes(out.getvalue())
    return files


def _pace(core: Core) -> float:
    """Reading and engine, as a scan's chunks do it, without a database."""
    library, engine = core.library_entry("photos").library, core.engines[0].engine
    assert library is not None
    assert engine is not None
    assert is_prompt(engine)
    library.open()
    engine.open()
    (section,) = library.sections()
    items = list(library.items(section))
    loader = SampleLoader(library, needed([engine]))
    begun, labels = time.perf_counter(), 0
    for chunk in batched(items, CHUNK):
        samples = loader.load({item.key: item for item in chunk})
        labels += sum(1 for _ in engine_run.ask(engine, samples.loaded, RunContext()))
    assert labels == PHOTOS
    return PHOTOS / (time.perf_counter() - begun)


def _scan_pace(core: Core) -> float:
    scan_id = scans.start(core, Request("photos"))
    begun = time.perf_counter()
    scans.run(core, scan_id).run()
    status = scan_status.status(core, scan_id)
    assert (status.done, status.failed) == (PHOTOS, 0), status
    return PHOTOS / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
