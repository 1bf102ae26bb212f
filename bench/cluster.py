"""Many workers of one service on this machine, against fewer of them.

`python -m bench.cluster [paid|local]`: sizes for `make bench`. `… paid PHOTOS [WORKERS …]`: so many
photos whatever the number of workers. `… local ROUNDS [PHOTOS]`.

Paid: workers of one thread ask a service that takes 200 ms. Local: the classifier in two workers of
one thread and in one of two, in turn. Each worker, the service, PostgreSQL and Redis are processes
of their own; photos a second count from a scan's start to its end, as the service tells them.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import photographs
from bench.paid import serving
from bench.served import Served
from tests.private_brokers import private_redis
from tests.private_postgres import private_postgres
from tigertag.store import Store, scans, usage, workers
from tigertag.store.scans import ScanRow

Figures = dict[str, float]

PAID_AT_ONCE = "64"
"""Far above the workers: chunks that wait at the broker count, too."""
SHORT = {1: 200, 4: 800, 16: 2000}
"""Photos by the number of workers: 40 s, or 30."""
THREADS = {"two_processes": (1, 1), "two_threads": (2,)}
ROUNDS, TRIED, MADE, WARMING = 3, 1800, 300, 128
_IDLE_S = 5.0
_START_S, _SCAN_S = 300.0, 1800.0
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    part, *numbers = sys.argv[1:] or ["all"]
    sizes = [int(number) for number in numbers]
    figures: Figures = {}
    with tempfile.TemporaryDirectory(prefix="tigertag-bench-") as scratch:
        if part in ("all", "paid"):
            photos, *counts = sizes or [0]
            wanted = dict.fromkeys(counts or SHORT, photos) if photos else SHORT
            figures |= _paid(Path(scratch) / "paid", wanted)
        if part in ("all", "local"):
            figures |= _local(Path(scratch) / "local", *sizes)
    print(json.dumps(figures))


def _paid(root: Path, wanted: Mapping[int, int]) -> Figures:
    """Photos a second by the number of workers, and what a photo costs the machine."""
    figures: Figures = {}
    made = photographs.make(root / "source", 60, sizes=("0.3 Mpx",))
    for photos in {*wanted.values()}:
        photographs.linked(root / f"photos{photos}", made, photos)
    for count, photos in wanted.items():
        own = _paid_by(count, root / f"by{count}", root / f"photos{photos}", photos)
        figures |= {f"paid_{count}_{name}": value for name, value in own.items()}
        print(json.dumps(figures), file=sys.stderr, flush=True)
    return figures


def _paid_by(count: int, home: Path, folder: Path, photos: int) -> Figures:
    with serving("bench.waiting") as url:
        engine = {"NAME": "bench.waiting", "URL": url, "MONTHLY_LIMIT": "100000"}
        with _cluster(home, {"photos": folder}, engine) as cluster:
            with cluster.working([1] * count):
                idle_cores = cluster.idle_cores()
                took_s, spent_s = cluster.scan("photos", photos)
            units = cluster.units()
    assert units == photos, f"{units} calls in the ledger for {photos} photos"
    costs = {f"{name}_core_ms": value * 1000 / photos for name, value in spent_s.items()}
    return {"per_s": photos / took_s, "s": took_s, "idle_cores": idle_cores, **costs}


def _local(root: Path, rounds: int = ROUNDS, photos: int = TRIED) -> Figures:
    """The classifier: pace, core-seconds and memory of each way to have two threads."""
    made = photographs.make(root / "source", min(photos, MADE))
    photographs.linked(root / "photos", made, photos)
    photographs.linked(root / "warming", made, WARMING)
    folders = {name: root / name for name in ("photos", "warming")}
    took_s: dict[str, list[float]] = {name: [] for name in THREADS}
    figures: Figures = {}
    with _cluster(root, folders, {"NAME": "tigertag.classifier"}) as cluster:
        for turn in range(rounds):
            for name in sorted(THREADS, reverse=bool(turn % 2)):
                with cluster.working(THREADS[name]):
                    cluster.scan("warming", WARMING)
                    seconds, spent_s = cluster.scan("photos", photos)
                    peaks = [_peak_mb(pid) for pid in cluster.pids]
                took_s[name].append(seconds)
                figures |= {
                    f"local_{name}_per_s": photos / statistics.median(took_s[name]),
                    f"local_{name}_core_ms": spent_s["workers"] * 1000 / photos,
                    f"local_{name}_mb": max([*peaks, figures.get(f"local_{name}_mb", 0.0)]),
                }
                print(name, seconds, spent_s, file=sys.stderr, flush=True)
    pairs = zip(took_s["two_threads"], took_s["two_processes"], strict=True)
    return figures | {"local_ratio": statistics.median(one / other for one, other in pairs)}


@dataclass
class Cluster:
    """A service over a database and a broker, and the workers that it has now."""

    root: Path
    served: Served
    store: Store
    environment: dict[str, str]
    others: dict[str, int]
    pids: tuple[int, ...] = ()

    @contextmanager
    def working(self, threads: Sequence[int]) -> Iterator[None]:
        """Run workers with so many threads each; all of them are registered."""
        started = [self._started(number, count) for number, count in enumerate(threads)]
        self.pids = tuple(process.pid for process in started)
        try:
            until = time.monotonic() + _START_S
            while self._registered() < len(started):
                assert time.monotonic() < until, f"{self._registered()} workers have started"
                time.sleep(0.1)
            yield
        finally:
            for process in started:
                process.terminate()
            codes = [process.wait(30) for process in started]
        assert not any(codes), codes

    def _started(self, number: int, threads: int) -> "subprocess.Popen[bytes]":
        home = self.root / f"worker{number}"
        home.mkdir(exist_ok=True)
        options = ["--concurrency", str(threads), "--name", f"worker{number}"]
        with (home / "log").open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tigertag", "worker", *options],
                env=os.environ | self.environment | {"TIGERTAG_HOME": str(home)},
                stdout=log,
                stderr=log,
            )

    def _registered(self) -> int:
        with self.store.read() as db:
            return len(workers.every(db))

    def idle_cores(self) -> float:
        """Return how many cores all of it takes while there is nothing to be done."""
        time.sleep(1)
        before = self._cpu_s()
        time.sleep(_IDLE_S)
        return sum(self._since(before).values()) / _IDLE_S

    def scan(self, library: str, photos: int) -> tuple[float, Figures]:
        """Ask anew about all photos; return the seconds, and the core-seconds of each part."""
        before = self._cpu_s()
        scan_id = self.served.ask("POST", "scans", library=library, mode="force")["id"]
        until = time.monotonic() + _SCAN_S
        while (scan := self._scan(scan_id)).finished_at is None:
            assert time.monotonic() < until, scan
            time.sleep(0.25)
        spent_s = self._since(before)
        counts = self.served.ask("GET", f"scans/{scan_id}")["counts"]
        assert (scan.state, counts["asked"], counts["done"]) == ("done", photos, photos), counts
        return (scan.finished_at - scan.created_at).total_seconds(), spent_s

    def _scan(self, scan_id: int) -> ScanRow:
        with self.store.read() as db:
            return scans.get(db, scan_id)

    def units(self) -> int:
        """Return how many calls the ledger of use has."""
        with self.store.read() as db:
            return sum(amount.units for amount in usage.of_month(db, datetime.now(UTC)).values())

    def _cpu_s(self) -> Figures:
        groups = {name: _tree(pid) for name, pid in self.others.items()}
        groups |= {"workers": list(self.pids), "service": self.served.processes()}
        return {name: sum(map(_cpu_s, pids)) for name, pids in groups.items()}

    def _since(self, before: Figures) -> Figures:
        now = self._cpu_s()
        return {name: now[name] - before[name] for name in now}


@contextmanager
def _cluster(
    root: Path, folders: Mapping[str, Path], engine: Mapping[str, str]
) -> Iterator[Cluster]:
    """Run all but the workers. `folders`: those of libraries, by their ids."""
    root.mkdir(exist_ok=True)
    with (
        private_postgres(root / "postgres") as url,
        private_redis(root / "redis") as redis,
    ):
        environment = {
            "DB_URL": url,
            "TIGERTAG_BROKER_URL": redis.url(),
            "TIGERTAG_PAID_AT_ONCE": PAID_AT_ONCE,
            "LOG_LEVEL": "WARNING",
            **{f"LIBRARY_{name.upper()}_NAME": "tigertag.folder" for name in folders},
            **{f"LIBRARY_{name.upper()}_PATH": str(folder) for name, folder in folders.items()},
            **{f"ENGINE_ASKED_{name}": value for name, value in engine.items()},
        }
        others = {
            "database": int((root / "postgres/data/postmaster.pid").read_text().split()[0]),
            "broker": int((root / "redis/pid").read_text()),
        }
        store = Store(url)
        with Served(root / "home", environment).running() as served:
            yield Cluster(root, served, store, environment, others)
        store.close()


def _tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: list[int] = []
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            children += map(int, listed.read_text().split())
    return [pid, *(each for child in children for each in _tree(child))]


def _cpu_s(pid: int) -> float:
    """What a process has used, with its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
