"""A cluster of workers within this process, for those tests that ask for one."""

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.world import World
from tigertag.scan import worker_sessions


@pytest.fixture(autouse=True)
def patient_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, a worker that has looked once works on the scan."""
    monkeypatch.setattr(worker_sessions, "_PATIENCE_S", 60.0)


@pytest.fixture
def cluster(world: World, redis_url: str) -> Iterator[Cluster]:
    made = Cluster(world, redis_url)
    yield made
    made.close()
