"""`tigertag workers` and `tigertag worker --healthy`, by what the database knows."""

import json
import socket
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.workers import BROKER, clustered, enter, running, see
from tests.world import World

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> World:
    """Workers and a scan in the database that the commands use."""
    database = f"sqlite:///{tmp_path}/tigertag.db"
    (tmp_path / "world").mkdir()
    monkeypatch.setenv("DB_URL", database)
    monkeypatch.setenv("TIGERTAG_BROKER_URL", BROKER)
    world = World(tmp_path / "world", database)
    clustered(world)
    return world


def test_without_a_broker_one_line_says_so(run: Run) -> None:
    for arguments in ((), ("--check",)):
        result = run("workers", *arguments)
        assert (result.exit_code, result.output.startswith("One machine:")) == (0, True)


def test_workers_are_listed_with_what_they_refuse_and_what_waits(run: Run, world: World) -> None:
    scan_id = running(world)
    enter(world, refuses={scan_id: "No mount here."})
    printed = run("workers").output
    assert "refusing" in printed
    assert f"otter refuses scan {scan_id}: No mount here." in printed
    assert "Nobody for the queue default: 1 chunk of scan 1 of photos/" in printed
    (worker,) = map(json.loads, run("workers", "--json").output.splitlines())
    assert (worker["name"], worker["refusals"][0]["scan_id"]) == ("otter", scan_id)


def test_a_check_ends_with_1_while_a_queue_has_nobody(run: Run, world: World) -> None:
    running(world, queue="gpu")
    enter(world, queues=["default"])
    result = run("workers", "--check")
    assert (result.exit_code, "`tigertag worker --queues gpu`" in result.output) == (1, True)
    enter(world, "badger", queues=["gpu"])
    assert (run("workers", "--check").exit_code, run("workers", "--check").output) == (0, "")


def test_a_worker_is_drained_and_goes_on(run: Run, world: World) -> None:
    enter(world)
    assert run("workers", "drain", "otter").output == (
        "otter ends what it is at (0 chunks), and stops.\n"
    )
    assert "draining" in run("workers").output
    assert run("workers", "resume", "otter").output == "otter takes work again.\n"
    result = run("workers", "drain", "oter")
    assert (result.exit_code, "did you mean 'otter'?" in result.output) == (1, True)


def test_a_probe_asks_only_the_database(
    run: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE_INSTANT_NAME", "no.such.engine")
    monkeypatch.setattr(socket, "gethostname", lambda: "otter.lan")
    assert run("worker", "--healthy").exit_code == 1
    enter(world)
    assert (run("worker", "--healthy").exit_code, run("worker", "--healthy").output) == (0, "")
    see(world, "otter", ago_s=16.0)
    assert run("worker", "--healthy", "--name", "otter").exit_code == 1


def test_a_worker_of_a_name_that_no_broker_takes_is_refused(run: Run, world: World) -> None:
    assert "--name takes" in run("worker", "--name", "a/b").output
