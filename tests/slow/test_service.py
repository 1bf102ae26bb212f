"""The service as its users start it: processes, ports, signals."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from PIL import Image

from bench.served import Served
from tests.free_port import free_port
from tigertag.store import Store, schedules

CHECKOUT = Path(__file__).parents[2]


def settings(photos: Path) -> dict[str, str]:
    return {
        "LIBRARY_PHOTOS_NAME": "tigertag.folder",
        "LIBRARY_PHOTOS_PATH": str(photos),
        "ENGINE_INSTANT_NAME": "bench.instant",
        "TIGERTAG_LEASE_S": "0.5",
    }


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(30):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Iterator[Served]:
    """A service that lives on."""
    made = Served(tmp_path_factory.mktemp("home"), settings(photos))
    made.start()
    yield made
    made.kill()


@pytest.fixture
def served(tmp_path: Path, photos: Path) -> Iterator[Served]:
    made = Served(tmp_path / "home", settings(photos))
    made.start()
    yield made
    made.kill()


def worker_of(served: Served) -> int:
    """Wait for the process that works on scans."""
    until = time.monotonic() + 20
    while not (found := served.workers()):
        assert time.monotonic() < until
        time.sleep(0.05)
    (process,) = found
    return process


@pytest.mark.slow
def test_a_scan_asked_for_over_rest_is_worked_on(shared: Served) -> None:
    scan = shared.ended(shared.ask("POST", "scans", library="photos", mode="force"))
    assert (scan["state"], scan["counts"]["done"]) == ("done", 30)


@pytest.mark.slow
def test_a_worker_that_was_killed_is_replaced_and_its_scan_goes_on(served: Served) -> None:
    first = worker_of(served)
    os.kill(first, signal.SIGKILL)
    scan = served.ended(served.ask("POST", "scans", library="photos"))
    assert scan["state"] == "done"
    assert worker_of(served) != first


@pytest.mark.slow
def test_when_the_service_ends_its_worker_does_too(served: Served) -> None:
    worker_of(served)
    served.stop()
    until = time.monotonic() + 15
    while served.workers():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_when_the_service_is_killed_its_worker_ends_too(served: Served) -> None:
    worker = worker_of(served)
    for process in set(served.processes()) - {worker}:
        os.kill(process, signal.SIGKILL)
    until = time.monotonic() + 15
    while served.workers():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_many_gunicorn_workers_share_one_that_works_on_scans(tmp_path: Path, photos: Path) -> None:
    made = Served(
        tmp_path / "home",
        settings(photos),
        command=("-m", "gunicorn", "--no-control-socket", "--workers=3", "main:app"),
    )
    made.start()
    scans = [made.ended(made.ask("POST", "scans", library="photos")) for _ in range(3)]
    assert {scan["state"] for scan in scans} == {"done"}
    until = time.monotonic() + 15
    while len(made.workers()) != 1:
        assert time.monotonic() < until
        time.sleep(0.05)
    made.kill()


@pytest.mark.slow
def test_main_py_leaves_with_one_line_when_it_cannot_start(tmp_path: Path) -> None:
    environ = os.environ | {
        "TIGERTAG_HOME": str(tmp_path),
        "DB_URL": "postgresql://nobody:hunter2secret@127.0.0.1:1/none",
        "PORT": str(free_port()),
    }
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=CHECKOUT, env=environ, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert re.search(r"^TigerTag cannot start: .+$", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert "hunter2secret" not in done.stderr


@pytest.mark.slow
def test_no_secret_gets_into_the_log(shared: Served) -> None:
    requests.get(f"{shared.url}/api/v1/scans?key=visible", headers={"X-Api-Key": "guess" * 8})
    shared.ended(shared.ask("POST", "scans", library="photos"))
    log = (shared.home / "log").read_text()
    assert "guess" not in log
    assert "k" * 32 not in log


def turn_back(served: Served, schedule: str) -> None:
    """Let the last minute be one that has just come: a schedule's next may be as far away."""
    until = time.monotonic() + 30
    with closing(Store(f"sqlite:///{served.home}/tigertag.db")) as store:
        while True:
            with store.write() as db:
                clock = schedules.clocks(db).get(schedule)
                if clock is not None:
                    schedules.advance(db, clock, clock.dealt_with - timedelta(minutes=1))
                    return
            assert time.monotonic() < until
            time.sleep(0.1)


@pytest.mark.slow
def test_the_service_starts_scans_of_schedules(served: Served) -> None:
    served.ask("POST", "schedules", id="often", cron="* * * * *", library="photos", write="apply")
    served.ask("POST", "schedules/often/run")
    turn_back(served, "often")
    until = time.monotonic() + 120
    while len(runs := served.ask("GET", "schedules/often")["runs"]) < 2:
        assert time.monotonic() < until
        time.sleep(0.5)
    *due, by_hand = runs
    assert ({run["kind"] for run in due}, by_hand["kind"]) == ({"due"}, "manual")
    (scan_id,) = by_hand["scans"]
    scan = served.ended(served.ask("GET", f"scans/{scan_id}"))
    assert (scan["state"], scan["write"], scan["counts"]["done"]) == ("done", "apply", 30)
