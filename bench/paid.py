"""Calls a second of a whole scan at a service that takes 200 ms and allows eight calls at once."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench import photographs
from tests import imagga, openai_server
from tigertag import bootstrap, settings
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request

LATENCY_S, AT_ONCE = "0.2", "8"
POSSIBLE_PER_S = 40
PHOTOS = 1800


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        made = photographs.make(root / "source", 60, sizes=("0.3 Mpx",))
        photographs.linked(root / "photos", made, PHOTOS)
        photographs.linked(root / "third", made, PHOTOS // 3)
        figures = _openai(root) | _imagga(root)
    print(json.dumps(figures))


def _openai(root: Path) -> dict[str, float]:
    with serving("tests.openai_server", "--latency-s", LATENCY_S, "--at-once", AT_ONCE) as url:
        engine = {"NAME": "tigertag.openai", "API_KEY": openai_server.KEY, "BASE_URL": url,
                  "MODEL": "gpt-4.1-nano", "MONTHLY_COST_USD": "50"}  # fmt: skip
        took_s = scanned(root, "photos", PHOTOS, engine)
        told = _counts(url)
    return {
        "openai_per_s": PHOTOS / took_s,
        "openai_at_once": told["most_at_once"],
        "openai_repeated": sum(told["pictures"].values()) - PHOTOS,
    }


def _imagga(root: Path) -> dict[str, float]:
    late = ("--latency-s", LATENCY_S, "--other-latency-s", LATENCY_S)
    with serving("tests.imagga", *late, "--concurrency", AT_ONCE) as url:
        engine = {"NAME": "tigertag.imagga", "API_KEY": imagga.KEY, "API_SECRET": imagga.SECRET,
                  "API_URL": url, "MONTHLY_LIMIT": "100000"}  # fmt: skip
        took_s = scanned(root, "third", PHOTOS // 3, engine)
        told = _counts(url)
    return {
        "imagga_per_s": PHOTOS / took_s,
        "imagga_at_once": told["most_at_once"],
        "imagga_refused": told["refused"],
    }


def scanned(root: Path, folder: str, photos: int, engine: dict[str, str]) -> float:
    """Preview a folder with one engine; return the seconds from its first item to its last."""
    core = bootstrap.build(
        settings.load(
            {
                "TIGERTAG_HOME": str(root / f"home-{folder}"),
                "LIBRARY_PHOTOS_NAME": "tigertag.folder",
                "LIBRARY_PHOTOS_PATH": str(root / folder),
                **{f"ENGINE_PAID_{name}": value for name, value in engine.items()},
            }
        )
    )
    bootstrap.open_store(core)
    for entry in core.engines:
        assert entry.engine is not None, entry.problem
        entry.engine.open()
    begun = time.perf_counter()
    scan_id = scans.start(core, Request("photos"))
    scans.run(core, scan_id).run()
    took_s = time.perf_counter() - begun
    status = scan_status.status(core, scan_id)
    assert (status.done, status.failed, status.asked) == (photos, 0, photos), status
    core.store.close()
    for entry in core.engines:
        assert entry.engine is not None, entry.problem
        entry.engine.close()
    return took_s


@contextmanager
def serving(module: str, *arguments: str) -> Iterator[str]:
    """Run a fake service as a process of its own; give its address."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            os.kill(process.pid, signal.SIGTERM)
            process.stdout.read()
    assert process.returncode == 0, f"{module} was sent what nobody sends"


def _counts(url: str) -> dict[str, Any]:
    with urlopen(url.removesuffix("/v1").removesuffix("/v2") + "/_counts") as response:
        found: dict[str, Any] = json.load(response)
        return found


if __name__ == "__main__":
    main()
