"""Many workers of one service, on one machine, against fewer of them.

`python -m bench.cluster`: 1, 4 and 16 workers of one thread at a paid service that takes 200 ms,
each with as many photos as take about 40 s; then the classifier. `… paid PHOTOS [WORKERS …]`: all
with so many photos. `… local [ROUNDS [PHOTOS]]`: two workers of one thread and one of two, in turn.
Each worker, the service, PostgreSQL and Redis are processes of their own.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from bench import photographs
from bench.paid import serving
from bench.served import Served
from tests.private_brokers import private_redis
from tests.private_postgres import private_postgres
from tigertag.store import Store, scans, usage, workers

Figures = dict[str, float]

PAID_AT_ONCE = "64"
"""Above twice the workers: a chunk that waits at the broker counts, too."""
SHORT = {1: 200, 4: 800, 16: 2000}
CROWDS = (2, 1)
ROUNDS, TRIED = 3, 600
_IDLE_S = 5.0
_PATIENCE_S = 900.0
_TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    part, *numbers = [*sys.argv[1:], "all"] if len(sys.argv) == 1 else sys.argv[1:]
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


def _paid(root: Path, wanted: dict[int, int]) -> Figures:
    """Photos a second by the number of workers, and what a photo costs the machine."""
    figures: Figures = {}
    made = photographs.make(root / "source", 60, sizes=("0.3 Mpx",))
    for count in {*wanted.values()}:
        photographs.linked(root / f"photos{count}", made, count)
    for workers_count, photos in wanted.items():
        with serving("bench.waiting") as url:
            engine = {"NAME": "bench.waiting", "URL": url, "MONTHLY_LIMIT": "100000"}
            home = root / f"at-{workers_count}"
            with _service(home, root / f"photos{photos}", engine) as cluster:
                with cluster.working([1] * workers_count):
                    idle = cluster.idle()
                    scan = cluster.scan(photos)
                spent = cluster.spent_units()
        assert spent == photos, f"{spent} calls in the ledger for {photos} photos"
        own = {"per_s": photos / scan["s"], "s": scan["s"], "idle_cores": idle}
        own |= {f"{name}_core_ms": value * 1000 / photos for name, value in scan.items()
                if name != "s"}  # fmt: skip
        figures |= {f"paid_{workers_count}_{name}": value for name, value in own.items()}
        print(json.dumps(figures), file=sys.stderr, flush=True)
    return figures


def _local(root: Path, rounds: int = ROUNDS, photos: int = TRIED) -> Figures:
    """The classifier in two processes and in one, in turn; one machine's threads are the same."""
    photographs.make(root / "photos", photos)
    took_s: dict[int, list[float]] = {count: [] for count in CROWDS}
    peaks: dict[int, list[float]] = {count: [] for count in CROWDS}
    with _service(root, root / "photos", {"NAME": "tigertag.classifier"}) as cluster:
        for turn in range(rounds):
            for count in CROWDS if turn % 2 else reversed(CROWDS):
                with cluster.working([max(CROWDS) // count] * count):
                    # Models are loaded meanwhile, and photos read from the disk.
                    cluster.scan(photos)
                    took_s[count].append(cluster.scan(photos)["s"])
                    peaks[count] += [_peak_mb(pid) for pid in cluster.pids]
            print(took_s, peaks, file=sys.stderr, flush=True)
    ratios = [one / two for one, two in zip(took_s[1], took_s[2], strict=True)]
    return {
        "local_two_processes_per_s": photos / statistics.median(took_s[2]),
        "local_two_threads_per_s": photos / statistics.median(took_s[1]),
        "local_ratio": statistics.median(ratios),
        "local_one_thread_mb": max(peaks[2]),
        "local_two_threads_mb": max(peaks[1]),
    }


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
            _wait_for(lambda: len(self._registered()) == len(started))
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

    def _registered(self) -> list[str]:
        with self.store.read() as db:
            return [worker.name for worker in workers.every(db)]

    def idle(self) -> float:
        """Cores that all of it takes while there is nothing to be done."""
        time.sleep(1)
        before = self._cpu_s()
        time.sleep(_IDLE_S)
        return sum(self._since(before).values()) / _IDLE_S

    def scan(self, photos: int) -> Figures:
        """Ask anew about all photos: the seconds, and the core-seconds of each part."""
        before = self._cpu_s()
        begun = self.served.ask("POST", "scans", library="photos", mode="force")
        until = time.monotonic() + _PATIENCE_S
        while True:
            with self.store.read() as db:
                scan = scans.get(db, begun["id"])
            if scan.finished_at is not None:
                break
            assert time.monotonic() < until, scan
            time.sleep(0.25)
        spent = self._since(before)
        told = self.served.ask("GET", f"scans/{scan.id}")
        assert (scan.state, told["counts"]["asked"]) == ("done", photos), told
        return {"s": (scan.finished_at - scan.created_at).total_seconds(), **spent}

    def spent_units(self) -> int:
        """Calls that the ledger has settled."""
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
def _service(root: Path, photos: Path, engine: dict[str, str]) -> Iterator[Cluster]:
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
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(photos),
            **{f"ENGINE_ASKED_{name}": value for name, value in engine.items()},
        }
        others = {
            "database": int((root / "postgres/data/postmaster.pid").read_text().split()[0]),
            "broker": int((root / "redis/pid").read_text()),
        }
        store = Store(make_url(url).render_as_string(hide_password=False))
        with Served(root / "home", environment).running() as served:
            yield Cluster(root, served, store, environment, others)
        store.close()


def _wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.1)


def _tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [pid, *(each for child in children.split() for each in _tree(int(child)))]


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
