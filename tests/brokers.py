"""Redis and RabbitMQ for the tests: private servers, one of each for all of xdist's workers.

They start when the first test asks for them. Where they are not installed their tests are left
out, loudly; with CI=true they fail. Tests that stop or flush a server run one of their own.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

import pytest

from tests.absent import absent
from tests.private_brokers import (
    Server,
    has_rabbitmq,
    has_redis,
    owned,
    private_rabbitmq,
    private_redis,
    rabbitmq_server,
    redis_server,
)

_FOLDER = pytest.StashKey[Path]()
_OWNED = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    """Name the folder of the servers; xdist's workers get it from the process that runs them."""
    given = getattr(config, "workerinput", None)
    if given:
        config.stash[_FOLDER] = Path(given["brokers"])
        return
    folder = Path(tempfile.mkdtemp(prefix="tigertag-brokers-"))
    config.stash[_FOLDER] = folder
    config.stash[_OWNED] = ExitStack()
    for name in ("redis", "rabbitmq"):
        config.stash[_OWNED].enter_context(owned(folder / name))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["brokers"] = str(node.config.stash[_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        for server in _started(config.stash[_FOLDER]):
            server.kill()
        config.stash[_OWNED].close()
        shutil.rmtree(config.stash[_FOLDER], ignore_errors=True)


def _started(folder: Path) -> Iterator[Server]:
    for name, server in (("redis", redis_server), ("rabbitmq", rabbitmq_server)):
        if (folder / name / "pid").exists():
            yield server(folder / name)


@pytest.fixture(scope="session")
def redis_broker(pytestconfig: pytest.Config) -> Server:
    """The Redis server that all tests share."""
    _need_redis()
    server = redis_server(pytestconfig.stash[_FOLDER] / "redis")
    server.start()
    return server


@pytest.fixture(scope="session")
def rabbitmq_broker(pytestconfig: pytest.Config) -> Server:
    """The RabbitMQ server that all tests share."""
    _need_rabbitmq()
    server = rabbitmq_server(pytestconfig.stash[_FOLDER] / "rabbitmq")
    server.start()
    return server


@pytest.fixture
def redis_url(redis_broker: Server) -> str:
    """An empty database of a Redis server."""
    return _next_url(redis_broker)


@pytest.fixture
def rabbitmq_url(rabbitmq_broker: Server) -> str:
    """An empty virtual host of a RabbitMQ server."""
    return _next_url(rabbitmq_broker)


@pytest.fixture(params=["redis", pytest.param("rabbitmq", marks=pytest.mark.slow)])
def broker_url(request: pytest.FixtureRequest) -> str:
    """An empty broker of each kind."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Server]:
    """A Redis server that the test may stop, kill and flush."""
    _need_redis()
    with private_redis(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def own_rabbitmq(tmp_path: Path) -> Iterator[Server]:
    """A RabbitMQ server that the test may stop, kill and flush; it takes 5 s to start."""
    _need_rabbitmq()
    with private_rabbitmq(tmp_path / "rabbitmq") as server:
        yield server


def _need_redis() -> None:
    if not has_redis():
        absent("Redis")


def _need_rabbitmq() -> None:
    if not has_rabbitmq():
        absent("RabbitMQ")


def _next_url(server: Server) -> str:
    with (server.folder / "next").open("a+") as numbers:
        flock(numbers, LOCK_EX)
        numbers.seek(0)
        number = len(numbers.read())
        numbers.write("x")
    return server.url(number)
