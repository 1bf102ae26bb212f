"""What Celery is set up to do when a broker falls silent."""

import logging
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.partition import Network
from tests.private_brokers import Server
from tigertag.errors import BrokerError
from tigertag.scan import celery_app
from tigertag.scan.celery_app import Broker, Consumer


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
    broker.empty(["tigertag.1.default"])
    broker.close()


def test_what_nobody_takes_any_more_leaves_nothing_at_the_broker(broker_url: str) -> None:
    broker = Broker(broker_url)
    broker.send(1, "tigertag.1.default", [1, 2])
    assert not broker.is_empty("tigertag.1.default")
    broker.empty(["tigertag.1.default", "tigertag.1.paid"])
    assert broker.is_empty("tigertag.1.default")
    broker.close()


def test_what_is_to_be_consumed_does_not_pile_up_while_the_broker_is_away() -> None:
    consumer = Consumer(
        "redis://127.0.0.1:9/0", name="w", concurrency=1, work=print, stopping=lambda: None
    )
    queued: list[object] = []
    waits = SimpleNamespace(task_consumer=object(), call_soon=lambda *call: queued.append(call))
    consumer._worker = SimpleNamespace(consumer=waits)
    for _ in range(3):
        consumer.consume(["tigertag.1.default"])
    assert len(queued) == 1
    waits.task_consumer = object()
    consumer.consume(["tigertag.1.default"])
    assert len(queued) == 2


def test_a_broker_that_is_away_is_told_of_once_and_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    outage = celery_app._Outage((OSError,))

    def passes(name: str, *args: object) -> bool:
        message = " ".join("%s" for _ in args)
        return outage.filter(logging.LogRecord(name, logging.ERROR, "", 0, message, args, None))

    loses, acks = "celery.worker.consumer.consumer", "celery.worker.request"
    error = ConnectionRefusedError("refused")
    assert not any((passes(loses, "x", error), passes(loses, error), passes(acks, 7, error)))
    assert passes("celery.worker.consumer.connection", "redis://")
    assert passes(loses, ValueError("a bug"))
    assert caplog.messages == [
        "the broker cannot be reached: refused; trying again",
        "the broker is reached again",
    ]


@pytest.mark.slow
def test_a_worker_that_celery_gives_up_goes_on_when_the_broker_is_back(own_redis: Server) -> None:
    queue = "tigertag.1.default"
    command = [sys.executable, "-m", "tests.unit.scan.celery_worker", own_redis.url(), queue]
    broker = Broker(own_redis.url())
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        broker.send(1, queue, [7])
        assert worker.stdout.readline() == "7\n"
        own_redis.kill()
        own_redis.start()
        broker.send(1, queue, [8])
        assert worker.stdout.readline() == "8\n"
        worker.terminate()
        assert worker.wait(20) == 0
    broker.close()
