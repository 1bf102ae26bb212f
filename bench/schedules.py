"""Schedules in four service processes, three of which are killed at random: each time fires once.

`python -m bench.schedules FIRINGS KILLS`. Four schedules fire each second, which lines of cron
cannot say; all else is as in a service: `tigertag work` in a home of its own, over one database.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from PIL import Image

from tigertag import bootstrap, cron, settings
from tigertag.core import Core
from tigertag.scan.worker import ScanWorker
from tigertag.services import scan_requests, schedule_firing
from tigertag.services.background import BackgroundTasks
from tigertag.services.tasks import Task
from tigertag.store import schedules as store
from tigertag.store.schedules import FiringRow

_PROCESSES = 4
_SCHEDULES = ("one", "two", "three", "four")
_LOOK_S = 0.25
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class EachSecond:
    """Stands in for a line of cron."""

    def times(self, after: datetime, _zone: tzinfo) -> Iterator[datetime]:
        at = after.replace(microsecond=0)
        while True:
            at += timedelta(seconds=1)
            yield at


def work() -> None:
    """Be one of the processes, until killed."""
    core = bootstrap.build(settings.load())
    cron.parse = lambda _line: EachSecond()  # type: ignore[assignment,return-value]
    runs = {
        Task("scan-requests", "Start requested scans", 0.5): scan_requests.start_due,
        Task("schedules", "Start scheduled scans", _LOOK_S): schedule_firing.fire_due,
    }
    ScanWorker(core, BackgroundTasks(core, runs)).run()


class Service:
    """The processes, over one database."""

    def __init__(self, root: Path, database_url: str) -> None:
        self._root = root
        self._settings = {
            "DB_URL": database_url,
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(root / "photos"),
            "LIBRARY_PHOTOS_SECTIONS": ",".join(_SCHEDULES),
            "ENGINE_LOCAL_NAME": "bench.instant",
            "TIGERTAG_LEASE_S": "2",
            "TIGERTAG_WORKERS": "1",
        }
        for name in _SCHEDULES:
            (root / "photos" / name).mkdir(parents=True)
            Image.new("RGB", (16, 16)).save(root / "photos" / name / "a.png")
            self._settings |= {
                f"SCHEDULE_{name.upper()}_CRON": "* * * * *",
                f"SCHEDULE_{name.upper()}_LIBRARY": "photos",
                f"SCHEDULE_{name.upper()}_SECTION": name,
            }
        self.core = bootstrap.build(settings.load(self._settings | self._home(_PROCESSES)))
        bootstrap.open_store(self.core)
        self._processes = [self._start(number) for number in range(_PROCESSES)]

    def _home(self, number: int) -> dict[str, str]:
        return {"TIGERTAG_HOME": str(self._root / f"home{number}")}

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "bench.schedules", "work"]
        environment = os.environ | self._settings | self._home(number)
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def kill_one(self, chance: random.Random) -> None:
        """Kill a process, and let it be started again."""
        number = chance.randrange(_PROCESSES)
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start(number)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self.core.store.close()


@contextmanager
def _service(root: Path, database_url: str) -> Iterator[Service]:
    service = Service(root, database_url)
    try:
        yield service
    finally:
        service.stop()


def run(firings: int, kills: int, *, seed: int, database_url: str = "") -> dict[str, float]:
    """Let so many times come, and kill so many processes. Raises AssertionError."""
    chance = random.Random(seed)
    at_counts = sorted(chance.sample(range(firings // 10, firings), kills))
    with tempfile.TemporaryDirectory(prefix="tigertag-schedules-") as scratch:
        root = Path(scratch)
        url = database_url or f"sqlite:///{root}/tigertag.db"
        with _service(root, url) as service:
            begun = time.monotonic()
            fired = _until(service.core, 1)
            for count in at_counts:
                _until(service.core, count)
                time.sleep(chance.random())
                service.kill_one(chance)
            fired = _until(service.core, firings)
            took_s = time.monotonic() - begun
            _check(fired, firings)
            late_s = max((row.fired_at - row.due_at).total_seconds() for row in fired)
            return {
                "schedule_firings": len(fired),
                "schedule_kills": kills,
                "schedule_doubled": len(fired) - len({(row.schedule, row.due_at) for row in fired}),
                "schedule_missed": _missed(fired),
                "schedule_latest_s": late_s,
                "schedule_s": took_s,
                "schedule_scans": _scans(service.core),
            }


def _until(core: Core, count: int) -> Sequence[FiringRow]:
    """Wait for so many firings, all of which are returned."""
    until = time.monotonic() + _PATIENCE_S + count
    while time.monotonic() < until:
        fired = _fired(core)
        if len(fired) >= count:
            return fired
        time.sleep(0.1)
    raise AssertionError(f"after {_PATIENCE_S + count:.0f} s less than {count} times have fired")


def _fired(core: Core) -> list[FiringRow]:
    with core.store.read() as db:
        return [row for name in _SCHEDULES for row in store.firings(db, name, limit=500)]


def _check(fired: Sequence[FiringRow], firings: int) -> None:
    assert len(fired) >= firings
    assert {row.kind for row in fired} == {"due"}
    assert len({(row.schedule, row.due_at) for row in fired}) == len(fired), "fired twice"
    assert _missed(fired) == 0, "a time was left out"


def _missed(fired: Sequence[FiringRow]) -> int:
    """How many seconds between the first firing of each schedule and its last have none."""
    missed = 0
    for name in _SCHEDULES:
        times = sorted(row.due_at for row in fired if row.schedule == name)
        missed += int((times[-1] - times[0]).total_seconds()) + 1 - len(times)
    return missed


def _scans(core: Core) -> int:
    """Return how many scans came of it, once none is asked for any more."""
    from tigertag.services import scan_status

    until = time.monotonic() + _PATIENCE_S
    page = scan_status.listed(core, limit=200)
    while not page.items and time.monotonic() < until:
        time.sleep(0.1)
        page = scan_status.listed(core, limit=200)
    assert page.items, f"no scan started: {scan_requests.waiting(core)}"
    assert all(status.scan.reason.startswith("schedule ") for status in page.items)
    return len(page.items)


if __name__ == "__main__":
    if sys.argv[1] == "work":
        work()
    else:
        kills = int(sys.argv[2])
        print(json.dumps(run(int(sys.argv[1]), kills, seed=int(time.time()))))
