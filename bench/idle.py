"""20 000 items of which nothing has changed, and 20 000 items decided again."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import photographs
from bench.instant import Instant
from bench.memory import peak_mb
from tigertag import bootstrap, settings
from tigertag.core import Core
from tigertag.model import Rule, RuleAction
from tigertag.services import rules, scan_status, scans
from tigertag.services.scans import Request

ITEMS = 20_000


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(_measured(Path(sys.argv[2]), sys.argv[1])))
        return
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        photos = photographs.make(root / "source", 6, sizes=("0.3 Mpx",))
        photographs.linked(root / "photos", photos, ITEMS)
        figures: dict[str, float] = {}
        for part in ("first", "preview", "apply", "unchanged", "decide"):
            output = subprocess.check_output([sys.executable, "-m", "bench.idle", part, scratch])
            figures |= {f"{part}_{name}": value for name, value in json.loads(output).items()}
    print(json.dumps(figures))


def _measured(root: Path, part: str) -> dict[str, float]:
    """One scan in a process of its own: seconds, peak memory, files opened, items asked about."""
    core = _core(root)
    bootstrap.open_store(core)
    if part == "decide":
        rules.add(core, Rule(RuleAction.DENY, "cat"))
    opened: list[str] = []
    _watch_opens(root / "photos", opened)
    write = "apply" if part in ("apply", "unchanged") else "preview"
    mode = "decide" if part == "decide" else "changed"
    begun = time.perf_counter()
    scan_id = scans.start(core, Request("photos", mode=mode, write=write))
    scans.run(core, scan_id).run()
    took_s = time.perf_counter() - begun
    status = scan_status.status(core, scan_id)
    assert status.scan.state == "done", status
    assert not status.failed, status.failures
    engine = core.engines[0].engine
    assert isinstance(engine, Instant)
    core.store.close()
    return {
        "s": took_s,
        "mb": peak_mb(),
        "opened": len(opened),
        "asked": engine.asked,
        "unchanged": status.scan.unchanged,
        "items": status.total,
    }


def _core(root: Path) -> Core:
    return bootstrap.build(
        settings.load(
            {
                "TIGERTAG_HOME": str(root / "home"),
                "LIBRARY_PHOTOS_NAME": "tigertag.folder",
                "LIBRARY_PHOTOS_PATH": str(root / "photos"),
                "ENGINE_INSTANT_NAME": "bench.instant",
            }
        )
    )


def _watch_opens(folder: Path, opened: list[str]) -> None:
    """Take down every file below the folder that this process opens, directories apart."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and str(arguments[0]).startswith(f"{folder}{os.sep}"):
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)


if __name__ == "__main__":
    main()
