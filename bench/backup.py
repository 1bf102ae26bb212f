"""A backup of 100 000 items with answers and ledger, while pages are asked for; restore and copy.

`python -m bench.backup [items]`. The backup is made by `tigertag backup create`, as the nightly one
is: in a process of its own, and a nicer one.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from shutil import rmtree

from bench import crowd, photographs
from bench.pages import PER_S, Service
from tests.private_postgres import private_postgres
from tigertag.store import Store

ITEMS, SCANNED = 100_000, 500


def main(items: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        photos = photographs.make(root / "source", 30)
        photographs.linked(root / "photos", photos, SCANNED)
        (root / "home").mkdir()
        url = f"sqlite:///{root}/home/tigertag.db"
        store = Store(url)
        crowd.fill(store, items, library="archive")
        store.close()
        service = Service(root, url)
        with service.running():
            service.scan()
            figures = _backed_up(service, items)
        (archive,) = (root / "home" / "backups").iterdir()
        figures["size_mb"] = archive.stat().st_size / 1e6
        with private_postgres(root / "postgres") as server:
            figures["copy_s"], _rss = _timed(service, "db", "copy", server)
        kept = archive.replace(root / archive.name)
        rmtree(root / "home")
        restored = _timed(service, "backup", "restore", str(kept), "--yes")
        figures["restore_s"], figures["restore_mb"] = restored
        print(json.dumps(figures))


def _backed_up(service: Service, items: int) -> dict[str, float]:
    """Make a backup while pages are asked for, PER_S a second."""
    asked = islice(crowd.paths(items), PER_S * 600)
    with ThreadPoolExecutor(33) as pool:
        backup = pool.submit(_timed, service, "backup", "create")
        start, timed = time.perf_counter(), []
        for number, path in enumerate(asked):
            if backup.done():
                break
            due = start + number / PER_S
            timed.append(pool.submit(service.ask, path, due))
            time.sleep(max(0.0, due - time.perf_counter()))
        took_s, rss_mb = backup.result()
        all_ms = sorted(one.result()[1] * 1000 for one in timed)
    return {"create_s": took_s, "create_mb": rss_mb, "p95_ms": all_ms[int(len(all_ms) * 0.95)]}


def _timed(service: Service, *arguments: str) -> tuple[float, float]:
    """Run a command; return its seconds, and the most memory that it took, in MB."""
    start = time.perf_counter()
    command = ["nice", "-n", "10", sys.executable, "-m", "tigertag", *arguments]
    process = subprocess.Popen(command, env=service.environ, stdout=subprocess.DEVNULL)
    _pid, status, used = os.wait4(process.pid, 0)
    assert status == 0, arguments
    return time.perf_counter() - start, used.ru_maxrss / 1000


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ITEMS)
