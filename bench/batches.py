"""100 000 pictures through OpenAI's batch mode: memory and disk bounded, nothing left behind."""

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.request import urlopen

from bench.memory import peak_mb
from bench.paid import serving
from tests import openai_server
from tigertag import bootstrap, settings
from tigertag.core import Core
from tigertag.services import scan_status, scans, spending
from tigertag.services.scans import Request

_POLL_S = 2.0


def main(items: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        with serving("tests.openai_server", "--batch-delay-s", "1") as url:
            core = replace(_core(root, url, items), poll_s=_POLL_S)
            bootstrap.open_store(core)
            disk = Disk(root / "spool")
            begun = time.perf_counter()
            scan_id = scans.start(core, Request("many"))
            while scan_status.status(core, scan_id).scan.active:
                scans.run(core, scan_id).run()
                time.sleep(0.5)
            took_s = time.perf_counter() - begun
            disk.ended.set()
            figures = _figures(core, scan_id, items) | _told(url)
    return figures | {
        "batch_s": took_s,
        "batch_per_s": items / took_s,
        "batch_mb": peak_mb(),
        "batch_disk_mb": disk.most_bytes / 1e6,
        "batch_spool_left": disk.left(),
    }


class Disk:
    """Watches the most that lies in the spool."""

    def __init__(self, folder: Path) -> None:
        self.most_bytes = 0
        self.ended = Event()
        self._folder = folder
        Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self.ended.wait(0.5):
            sizes = [path.stat().st_size for path in self._files() if path.exists()]
            self.most_bytes = max(self.most_bytes, sum(sizes))

    def _files(self) -> list[Path]:
        return list(self._folder.glob("*.jsonl"))

    def left(self) -> int:
        return len(self._files())


def _core(root: Path, url: str, items: int) -> Core:
    return bootstrap.build(
        settings.load(
            {
                "TIGERTAG_HOME": str(root),
                "LIBRARY_MANY_NAME": "bench.many",
                "LIBRARY_MANY_COUNT": str(items),
                "ENGINE_VISION_NAME": "tigertag.openai",
                "ENGINE_VISION_API_KEY": openai_server.KEY,
                "ENGINE_VISION_BASE_URL": url,
                "ENGINE_VISION_MODEL": "gpt-4.1-nano",
                "ENGINE_VISION_MODE": "batch",
                "ENGINE_VISION_MONTHLY_COST_USD": "1000",
            }
        )
    )


def _figures(core: Core, scan_id: int, items: int) -> dict[str, float]:
    status = scan_status.status(core, scan_id)
    assert (status.done, status.failed, status.asked) == (items, 0, items), status
    month = spending.months(core)["vision"]
    assert month.units == items
    core.store.close()
    return {"batch_items": status.asked, "batch_usd": month.cost_usd}


def _told(url: str) -> dict[str, float]:
    with urlopen(url.removesuffix("/v1") + "/_counts") as response:
        told: dict[str, Any] = json.load(response)
    return {"batches": len(told["batches"]), "batch_files_left": told["files"]}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
