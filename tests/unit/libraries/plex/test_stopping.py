"""A scan that is paused or cancelled while its server asks it to wait."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.plex import PlexServer
from tests.unit.libraries import server_place
from tests.unit.libraries.plex.test_scans import PlexBox
from tigertag.net import RetryPolicy
from tigertag.services import scan_status, scans
from tigertag.services.scans import Request

pytestmark = pytest.mark.slow

LISTING, FETCHING, READING, WRITING = (
    "GET /library/sections/",
    "/photo/",
    "GET /library/metadata/",
    "PUT ",
)


@pytest.fixture
def box(plex: PlexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlexBox]:
    monkeypatch.setattr(server_place, "HASTE", RetryPolicy(read_s=20.0))
    plex.retry_after = "60"
    made = PlexBox(plex, tmp_path)
    made.library.open()
    made.photos(3)
    yield made
    made.close()


def stopped_over(box: PlexBox, at: str, stop: Callable[..., None]) -> tuple[int, float]:
    """Start a scan, and stop it once its server was asked `at`; tell how long it took to end."""
    scan_id = scans.start(box.core, Request("box", "Photos", write="apply"))
    before = len(box.plex.log)
    worker = Thread(target=scans.run(box.core, scan_id).run)
    worker.start()
    until = time.monotonic() + 5
    while not any(at in line for line in list(box.plex.log)[before:]):
        assert time.monotonic() < until, list(box.plex.log)[before:]
        time.sleep(0.02)
    stop(box.core, scan_id)
    since_s = time.monotonic()
    worker.join(30)
    assert not worker.is_alive()
    return scan_id, time.monotonic() - since_s


@pytest.mark.parametrize(
    ("at", "fault"),
    # A read that hangs on the worker's own thread ends by its timeout.
    [(LISTING, 503), (FETCHING, 503), (FETCHING, 429), (FETCHING, "silent"), (READING, 503)],
)
def test_a_pause_is_heard_while_a_server_asks_to_wait(
    box: PlexBox, at: str, fault: int | str
) -> None:
    box.plex.silence_s = 10.0
    box.plex.fail(fault, at=at)
    scan_id, took_s = stopped_over(box, at, scans.pause)
    assert took_s < 2
    status = scan_status.status(box.core, scan_id)
    assert (status.scan.state, status.failed) == ("paused", 0)
    box.plex.mend()
    scans.resume(box.core, scan_id)
    status = box.run(scan_id)
    assert (status.scan.state, status.failed) == ("done", 0)
    assert box.all_tags() == [["Red"], ["Green"], ["Blue"]]


def test_a_cancelled_scan_has_not_failed(box: PlexBox) -> None:
    box.plex.fail(503, at=FETCHING)
    scan_id, took_s = stopped_over(box, FETCHING, scans.cancel)
    assert took_s < 2
    status = scan_status.status(box.core, scan_id)
    assert (status.scan.state, status.failed) == ("cancelled", 0)


def test_a_write_that_has_begun_is_finished_before_the_scan_rests(box: PlexBox) -> None:
    box.plex.retry_after = "2"
    box.plex.fail(503, at=WRITING, times=1)
    scan_id, _took_s = stopped_over(box, WRITING, scans.pause)
    status = scan_status.status(box.core, scan_id)
    assert (status.scan.state, status.failed) == ("paused", 0)
    assert len([tags for tags in box.all_tags() if tags]) == 1
