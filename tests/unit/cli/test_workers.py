"""`tigertag workers` and `tigertag worker --healthy`, by what the database knows."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.workers import BROKER, clustered, enter, running, see
from tests.world import World
from tigertag.store import Store, migrate

pytestmark = pytest.mark.slow


@pytest.fixture
def world(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> Iterator[World]:
    """Workers and a scan in the database that the commands use."""
    (tmp_path / "world").mkdir()
    monkeypatch.setenv("DB_URL", postgres_url)
    monkeypatch.setenv("TIGERTAG_BROKER_URL", BROKER)
    world = World(tmp_path / "world", postgres_url)
    clustered(world)
    yield world
    world.store.close()


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
    shown = json.loads(run("workers", "--json").output)
    (worker,) = shown["workers"]
    assert [queue["queue"] for queue in shown["queues"]] == ["default"]
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


@pytest.mark.parametrize("misspelt", [("--name", "a/b"), ("--queues", "vidoe"), ("--queues", "")])
def test_an_option_that_is_misspelt_is_refused(
    run: Run, world: World, misspelt: tuple[str, str]
) -> None:
    assert run("worker", *misspelt).exit_code == 2


def test_a_broker_without_postgresql_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_URL", f"sqlite:///{tmp_path}/tigertag.db")
    monkeypatch.setenv("TIGERTAG_BROKER_URL", BROKER)
    result = run("workers")
    assert (result.exit_code, "set DB_URL" in result.output) == (1, True)


def test_with_a_broker_a_command_leaves_it_to_the_service_to_migrate(
    run: Run, empty_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_URL", empty_postgres_url)
    monkeypatch.setenv("TIGERTAG_BROKER_URL", BROKER)
    assert "Start the service first" in run("workers").output
    with closing(Store(empty_postgres_url)) as store:
        assert migrate.current(store) is None
