"""Workers as processes: Celery's own tools see them, and kills of all parts lose nothing."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import cluster_kills
from bench.clustered import Cluster, clustered
from tests.absent import absent
from tests.private_brokers import has_rabbitmq, has_redis
from tests.private_postgres import programs

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def servers() -> None:
    for name, is_here in (
        ("PostgreSQL", programs() is not None),
        ("Redis", has_redis()),
        ("RabbitMQ", has_rabbitmq()),
    ):
        if not is_here:
            absent(name)


def inspected(cluster: Cluster, what: str) -> dict[str, object]:
    """What `celery inspect` says, by worker; a worker answers once it is connected."""
    command = (sys.executable, "-m", "celery", "-A", "tigertag.scan.celery_app", "inspect")
    until = time.monotonic() + 30
    while True:
        done = subprocess.run(
            [*command, what, "--json"],
            env={"TIGERTAG_BROKER_URL": cluster.broker.url(), "PATH": "/usr/bin:/bin"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            return dict(json.loads(done.stdout))
        assert time.monotonic() < until, done.stdout + done.stderr


def test_celerys_own_tools_see_a_worker_which_sigterm_ends_in_order(tmp_path: Path) -> None:
    settings = {"ENGINE_INSTANT_NAME": "bench.instant"}
    with clustered(tmp_path / "cluster", "redis", settings, workers=1, threads=1) as cluster:
        cluster.until(lambda: cluster.rows("SELECT name FROM workers"), 30)
        assert list(inspected(cluster, "active_queues")) == ["celery@w1"]
        (tasks,) = inspected(cluster, "registered").values()
        assert tasks == ["tigertag.work_on_chunk"]
        assert cluster.stop_worker("w1") < 10
        assert cluster.rows("SELECT name FROM workers") == []


def test_kills_of_workers_service_broker_and_database_lose_nothing_and_pay_nothing_twice() -> None:
    figures = cluster_kills.run("rabbitmq", 6, 24, seed=20261129, pause_s=1.0)
    assert figures["rabbitmq_items"] >= 48
