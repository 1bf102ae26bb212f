"""`tigertag scan` with a broker: the service and its workers work on the scan, not the command."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from tests.cluster import Cluster
from tests.unit.cli.conftest import Run
from tigertag import bootstrap, settings
from tigertag.cli import progress
from tigertag.store import Store, schema

pytestmark = pytest.mark.slow


@pytest.fixture
def clustered(
    run: Run, postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """The database of commands with a broker."""
    monkeypatch.setenv("DB_URL", postgres_url)
    monkeypatch.setenv("TIGERTAG_BROKER_URL", redis_url)
    with closing(Store(postgres_url)) as store:
        yield store


@contextmanager
def serving() -> Iterator[None]:
    """A service and one worker, otter."""
    core = bootstrap.build(settings.load())
    world: Any = SimpleNamespace(core=core, home=core.home)
    cluster = Cluster(world, core.broker_url)
    worker = cluster.worker("otter", core=core)
    ends = Event()

    def serve() -> None:
        while not ends.wait(0.1):
            cluster.dispatcher.look()
            worker.look()
            worker.beat()
            for scan_id in _scan_ids(core.store):
                cluster.give_out(scan_id, worker)

    thread = Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        worker.leave()
        cluster.close()
        core.store.close()


def _scan_ids(store: Store) -> list[int]:
    with store.read() as db:
        return list(db.scalars(select(schema.scans.c.id).order_by(schema.scans.c.id)))


def states(store: Store) -> list[str]:
    with store.read() as db:
        return list(db.scalars(select(schema.scans.c.state).order_by(schema.scans.c.id)))


def owners(store: Store) -> set[str]:
    with store.read() as db:
        return set(db.scalars(select(schema.chunks.c.owner)))


def test_a_scan_and_its_apply_are_worked_on_by_workers_alone(run: Run, clustered: Store) -> None:
    with serving():
        assert run("scan", "photos").exit_code == 0
        assert run("apply", "1").exit_code == 0
    assert states(clustered) == ["done", "done"]
    assert owners(clustered) == {"otter"}


def test_a_scan_that_no_service_takes_up_stays_queued_and_the_command_ends(
    run: Run, clustered: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_SERVICE_S", 0.5)
    result = run("scan", "photos")
    assert (result.exit_code, "start `tigertag serve`" in result.output) == (1, True)
    assert (states(clustered), owners(clustered)) == (["queued"], {""})


def test_an_interrupted_command_pauses_the_scan(
    run: Run, clustered: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_s: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    assert run("scan", "photos").exit_code == 130
    assert states(clustered) == ["paused"]
