"""A worker gets what it lacks for a scan before it takes any work of it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.colours import ColourEngine
from tests.flaky_server import FlakyServer, serving
from tests.small_models import NANO, TINY, publish
from tests.world import World
from tigertag.contracts import Host
from tigertag.core import Core, EngineEntry
from tigertag.engines import detector
from tigertag.errors import ModelError
from tigertag.inference import catalogue
from tigertag.net import HttpClient, RetryPolicy
from tigertag.scan import agreement, context
from tigertag.services import preparing
from tigertag.services.preparing import Preparation
from tigertag.store import scans
from tigertag.store.scans import ScanRow

FILE = "yolox_tiny.onnx"
HASTE = RetryPolicy(attempts=1, first_wait_s=0.001, longest_wait_s=1)


@pytest.fixture(autouse=True)
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlakyServer]:
    with serving(TINY) as started:
        publish(monkeypatch, tmp_path / "baked", started)
        yield started


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The worker's folder of models, where there is none yet."""
    folder = tmp_path / "worker" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def scan(world: World) -> ScanRow:
    """A scan that asks no engine, as the service agrees to it, which has the model."""
    world.host.models.mkdir()
    (world.host.models / FILE).write_bytes(TINY)
    return agreed(world, with_detector(world, world.host), mode="decide")


@pytest.fixture
def worker(world: World, models: Path) -> Iterator[Core]:
    http = HttpClient(HASTE)
    yield with_detector(world, Host(models, http))
    http.close()


def with_detector(world: World, host: Host, *, problem: str = "") -> Core:
    engine = detector.build("boxes", detector.Options(model="yolox-tiny"), host)
    entry = EngineEntry("boxes", "tigertag.detector", None if problem else engine, problem)
    return replace(world.core, host=host, engines=(entry,))


def agreed(world: World, core: Core, *, mode: str = "changed") -> ScanRow:
    scan_id = world.start(mode=mode)
    with world.store.write() as db:
        agreement.note(core, db, scans.get(db, scan_id))
        return scans.get(db, scan_id)


def refusal(core: Core, scan: ScanRow) -> str:
    with core.store.write() as db:
        made = context.make(core, db, scan, core.unopened_library("photos"))
    return agreement.refusal(core, scan, made)


def until_nothing_lacks(preparation: Preparation, scan: ScanRow) -> set[str]:
    """Return what was lacking meanwhile."""
    reasons: set[str] = set()
    ends = time.monotonic() + 10
    while reason := preparation.lacking(scan):
        assert time.monotonic() < ends, reasons
        reasons.add(reason)
        time.sleep(0.01)
    return reasons


def test_a_model_that_the_service_has_is_fetched_and_the_worker_agrees(
    worker: Core, scan: ScanRow, models: Path
) -> None:
    assert "would answer otherwise here" in refusal(worker, scan)
    until_nothing_lacks(Preparation(worker), scan)
    assert (models / FILE).read_bytes() == TINY
    assert refusal(worker, scan) == ""


def test_a_download_holds_nothing_up_and_says_how_far_it_is(
    worker: Core, scan: ScanRow, server: FlakyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_SOON_S", 0.0)
    whole = catalogue.model("yolox-tiny")
    large = {"yolox-tiny": replace(whole, bytes=62_000_000)}
    preparation = Preparation(worker)
    monkeypatch.setattr(catalogue, "catalogue", lambda: large)
    server.faults = ["drip"]
    assert preparation.lacking(scan) == "Fetching yolox-tiny, 0 of 62 MB."


def test_why_it_cannot_be_fetched_is_said_and_it_is_tried_again(
    worker: Core, scan: ScanRow, server: FlakyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_SOON_S", 5.0)
    server.faults = [404]
    preparation = Preparation(worker)
    reason = preparation.lacking(scan)
    assert "could not be fetched" in reason
    assert preparation.lacking(scan) == reason
    assert len(server.asked) == 1
    monkeypatch.setattr(preparing, "_AGAIN_S", 0.0)
    until_nothing_lacks(preparation, scan)
    assert refusal(worker, scan) == ""


@pytest.mark.parametrize("damaged", [TINY[:100], TINY[::-1], NANO])
def test_a_damaged_file_is_found_by_its_hash_and_fetched_again(
    worker: Core, scan: ScanRow, models: Path, damaged: bytes
) -> None:
    (models / FILE).write_bytes(damaged)
    preparation = Preparation(worker)
    until_nothing_lacks(preparation, scan)
    assert (models / FILE).read_bytes() == TINY
    (models / FILE).write_bytes(damaged)
    until_nothing_lacks(preparation, scan)
    assert refusal(worker, scan) == ""


def test_nothing_is_fetched_where_the_model_is_there(
    worker: Core, scan: ScanRow, models: Path, server: FlakyServer
) -> None:
    (models / FILE).write_bytes(TINY)
    assert Preparation(worker).lacking(scan) == ""
    assert server.asked == []


def test_an_engine_that_had_no_model_at_the_start_wants_a_restart(
    world: World, worker: Core, scan: ScanRow
) -> None:
    without = with_detector(world, worker.host, problem="There is no model for it.")
    preparation = Preparation(without)
    ends = time.monotonic() + 10
    while "restart this worker" not in preparation.lacking(scan):
        assert time.monotonic() < ends
        time.sleep(0.01)
    assert "Engine boxes cannot be used here: There is no model for it." in refusal(without, scan)


class NoNetwork(ColourEngine):
    """An engine whose weights cannot be had at first."""

    opened = 0

    def open(self) -> None:
        self.opened += 1
        if self.opened == 1:
            raise ModelError("colours.pth could not be fetched.")


def test_an_engine_is_open_before_the_worker_takes_any_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_SOON_S", 5.0)
    world.engines = [engine := NoNetwork()]
    scan = agreed(world, world.core)
    preparation = Preparation(world.core)
    failed = "Engine colour cannot be opened: colours.pth could not be fetched."
    assert preparation.lacking(scan) == preparation.lacking(scan) == failed
    monkeypatch.setattr(preparing, "_AGAIN_S", 0.0)
    assert preparation.lacking(scan) == ""
    assert engine.opened == 2


def test_an_engine_that_the_scan_does_not_ask_is_not_opened(world: World) -> None:
    world.engines = [engine := NoNetwork()]
    assert Preparation(world.core).lacking(agreed(world, world.core, mode="decide")) == ""
    assert engine.opened == 0
