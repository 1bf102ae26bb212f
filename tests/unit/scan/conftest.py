"""A cluster of workers within this process, for those tests that ask for one."""

from collections.abc import Iterator

import pytest

from tests.cluster import Cluster
from tests.world import World


@pytest.fixture
def cluster(world: World, redis_url: str) -> Iterator[Cluster]:
    made = Cluster(world, redis_url)
    yield made
    made.close()
