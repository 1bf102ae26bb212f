"""Pages and REST under load, with 100 000 items in the database and a scan at work.

50 requests a second from this process, each timed from the moment at which it was due, so that a
server that stands still is not asked less; `python -m bench.pages sqlite|postgres`.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import requests

from bench import crowd, photographs
from tests.free_port import free_port
from tests.private_postgres import private_postgres
from tigertag.store import Store

ITEMS, SCANNED = 100_000, 8_000
PER_S, SECONDS = 50, 30
SCRAPES, SCRAPE_EVERY_S = 10, 6.0
PASSWORD, KEY = "correct horse", "k" * 32


class Service:
    """TigerTag at work, and who asks it."""

    def __init__(self, root: Path, database_url: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environ = os.environ | {
            "TIGERTAG_HOME": str(root / "home"),
            "DB_URL": database_url,
            "TIGERTAG_PASSWORD": PASSWORD,
            "TIGERTAG_API_KEY": KEY,
            "PORT": self.url.rpartition(":")[2],
            "LOG_LEVEL": "WARNING",
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(root / "photos"),
            "LIBRARY_ARCHIVE_NAME": "tigertag.folder",
            "LIBRARY_ARCHIVE_PATH": str(root / "source"),
        }
        self.session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
        self.session.mount("http://", adapter)
        self.session.headers["X-Api-Key"] = KEY

    @contextmanager
    def running(self) -> Iterator[None]:
        command = [sys.executable, "-m", "tigertag", "serve"]
        with subprocess.Popen(command, env=self.environ, stderr=subprocess.DEVNULL) as process:
            try:
                self._sign_in()
                yield
            finally:
                process.terminate()

    def _sign_in(self) -> None:
        for _ in range(600):
            try:
                page = self.session.get(f"{self.url}/sign-in", timeout=5).text
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert found
        form = {"csrf_token": found[1], "password": PASSWORD}
        assert self.session.post(f"{self.url}/sign-in", data=form, timeout=30).ok

    def scan(self) -> None:
        asked = {"library": "photos", "write": "preview", "mode": "force"}
        answer = self.session.post(f"{self.url}/api/v1/scans", json=asked, timeout=30)
        assert answer.status_code == 202, answer.text
        while not self.scanned():
            time.sleep(0.1)

    def scrape_ms(self) -> float:
        """Read `/metrics` as Prometheus does; return how long that took."""
        begun = time.perf_counter()
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = self.session.get(f"{self.url}/metrics", headers=headers, timeout=30)
        assert f"{ITEMS}.0" in answer.text, answer.text[:500]
        return (time.perf_counter() - begun) * 1000

    def scanned(self) -> int:
        scan = self.session.get(f"{self.url}/api/v1/scans/2", timeout=30).json()
        assert scan["state"] in ("queued", "running"), scan
        return int(scan["counts"]["done"])

    def ask(self, path: str, due: float) -> tuple[str, float]:
        """Ask when it is due; return the seconds from then to the whole answer."""
        time.sleep(max(0.0, due - time.perf_counter()))
        answer = self.session.get(f"{self.url}{path}", timeout=30, allow_redirects=False)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:200])
        return re.sub(r"\d+", "1", path.partition("?")[0]), time.perf_counter() - due


def main(kind: str) -> None:
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        root = Path(scratch)
        photos = photographs.make(root / "source", 30)
        photographs.linked(root / "photos", photos, SCANNED)
        with _database(kind, root) as url:
            store = Store(url)
            crowd.fill(store, ITEMS, library="archive")
            store.close()
            print(json.dumps(_measured(Service(root, url))))


@contextmanager
def _database(kind: str, root: Path) -> Iterator[str]:
    (root / "home").mkdir()
    if kind == "sqlite":
        yield f"sqlite:///{root}/home/tigertag.db"
    else:
        with private_postgres(root / "postgres") as url:
            yield url


def _measured(service: Service) -> dict[str, float]:
    asked = list(islice(crowd.paths(ITEMS), PER_S * SECONDS))
    with service.running():
        scrapes_ms = _scrapes_ms(service)
        service.scan()
        before, begun = service.scanned(), time.perf_counter()
        with ThreadPoolExecutor(32) as pool:
            start = time.perf_counter() + 0.5
            dues = [start + number / PER_S for number in range(len(asked))]
            timed = list(pool.map(service.ask, asked, dues))
        done = service.scanned() - before
        pace = done / (time.perf_counter() - begun)
    for path in sorted({path for path, _took in timed}):
        took = [seconds * 1000 for one, seconds in timed if one == path]
        said = f"{path}: median {statistics.median(took):.0f} ms, worst {max(took):.0f} ms"
        print(said, file=sys.stderr)
    all_ms = sorted(seconds * 1000 for _path, seconds in timed)
    return {
        "median_ms": statistics.median(all_ms),
        "p95_ms": all_ms[int(len(all_ms) * 0.95)],
        "p99_ms": all_ms[int(len(all_ms) * 0.99)],
        "scan_per_s": pace,
        "scrape_ms": max(scrapes_ms),
    }


def _scrapes_ms(service: Service) -> list[float]:
    """Scrape so seldom that all is counted again each time; the first has no older counts."""
    first_ms = service.scrape_ms()
    scrapes_ms = []
    for _ in range(SCRAPES):
        time.sleep(SCRAPE_EVERY_S)
        scrapes_ms.append(service.scrape_ms())
    said = f"/metrics: first {first_ms:.0f} ms, then median {statistics.median(scrapes_ms):.0f} ms"
    print(f"{said}, worst {max(scrapes_ms):.0f} ms", file=sys.stderr)
    return scrapes_ms


if __name__ == "__main__":
    main(sys.argv[1])
