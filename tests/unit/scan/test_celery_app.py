"""What Celery is set up to do when a broker falls silent."""

from collections.abc import Iterator

import pytest

from tests.partition import Network
from tests.private_brokers import Server
from tigertag.errors import BrokerError
from tigertag.scan import celery_app
from tigertag.scan.celery_app import Broker


@pytest.fixture
def network(redis_broker: Server) -> Iterator[Network]:
    made = Network(redis_broker.port)
    yield made
    made.close()


def test_a_broker_that_answers_no_more_does_not_keep_who_sends(
    network: Network, redis_url: str, redis_broker: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery_app, "_SOCKET_S", 0.3)
    broker = Broker(redis_url.replace(f":{redis_broker.port}/", f":{network.port}/"))
    broker.send(1, "tigertag.1.default", [1])
    with network.partitioned(), pytest.raises(BrokerError):
        broker.send(1, "tigertag.1.default", [2])
    broker.send(1, "tigertag.1.default", [3])
    broker.delete(["tigertag.1.default"])
    broker.close()
