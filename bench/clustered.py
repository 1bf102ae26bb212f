"""A cluster on this machine: PostgreSQL over TCP, a broker, a service, workers with own homes.

Anything of it can be killed and started again.
"""

import io
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests
from PIL import Image

from bench.served import Served
from bench.spawned import Spawner, spawner
from tests import private_postgres
from tests.free_port import free_port
from tests.private_brokers import Server, private_rabbitmq, private_redis

BROKERS = {"redis": private_redis, "rabbitmq": private_rabbitmq}
ENDED = ("done", "failed", "cancelled")


@dataclass
class Cluster:
    """`settings` are those of all processes; `own`: what a worker has otherwise."""

    root: Path
    broker: Server
    database_port: int
    spawner: Spawner
    settings: Mapping[str, str]
    threads: int
    own: dict[str, dict[str, str]] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.served = Served(self.root / "service", self._environment(self.broker.url()))

    def _environment(self, broker_url: str) -> dict[str, str]:
        return {
            "DB_URL": self.database_url(self.database_port),
            "TIGERTAG_BROKER_URL": broker_url,
            "LOG_LEVEL": "INFO",
            **self.settings,
        }

    @staticmethod
    def database_url(port: int) -> str:
        return f"postgresql://postgres@127.0.0.1:{port}/postgres"

    def start_worker(self, name: str, *words: str) -> None:
        home = {"TIGERTAG_HOME": str(self.root / name)}
        environment = self._environment(self.broker.url()) | home | self.own.get(name, {})
        words = ("worker", "--name", name, "--concurrency", str(self.threads), *words)
        self.workers[name] = self.spawner.spawn(environment, words, self.root / f"{name}.log")

    def signal_worker(self, name: str, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.workers[name], number)

    def runs(self, name: str) -> bool:
        with suppress(ProcessLookupError):
            os.kill(self.workers[name], 0)
            return True
        return False

    def are_workers_known(self) -> bool:
        """Whether each worker is in the database as the process that it is now."""
        return dict(self.rows("SELECT name, pid FROM workers")) == self.workers

    def kill_worker(self, name: str) -> None:
        self.signal_worker(name, signal.SIGKILL)
        self.until(lambda: not self.runs(name), 5)

    def stop_worker(self, name: str, within_s: float = 30.0) -> float:
        """End it by SIGTERM; return how many seconds that took."""
        begun = time.monotonic()
        self.signal_worker(name, signal.SIGTERM)
        self.until(lambda: not self.runs(name), within_s)
        return time.monotonic() - begun

    def stop_database(self) -> None:
        found = private_postgres.programs()
        assert found is not None
        private_postgres.stop(found, self.root / "postgres")

    def start_database(self) -> None:
        found = private_postgres.programs()
        assert found is not None
        private_postgres.start(found, self.root / "postgres", port=self.database_port)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the database; where it is down, until it is back."""
        until = time.monotonic() + 60
        while True:
            try:
                address = self.database_url(self.database_port)
                with psycopg.connect(address, autocommit=True, connect_timeout=5) as connection:
                    cursor = connection.execute(statement.encode(), values)
                    return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                assert time.monotonic() < until
                time.sleep(0.1)

    def begin(self, section: str, **how: str) -> int:
        """Start a scan that writes; the service has to run, what it needs may be back soon."""
        until = time.monotonic() + 60
        wanted = {"library": "photos", "section": section, "write": "apply", **how}
        while True:
            if known := self.rows(
                "SELECT id FROM scans WHERE section_id IN (SELECT id FROM"
                " sections WHERE key = %s) AND state NOT IN ('done', 'failed')",
                section,
            ):
                return int(known[0][0])
            try:
                return int(self.served.ask("POST", "scans", **wanted)["id"])
            except (AssertionError, requests.RequestException):
                assert time.monotonic() < until
                time.sleep(0.3)

    def states(self, scan_ids: Sequence[int]) -> dict[int, str]:
        return dict(self.rows("SELECT id, state FROM scans WHERE id = ANY(%s)", list(scan_ids)))

    def ended(self, scan_ids: Sequence[int], within_s: float = 120.0) -> dict[int, str]:
        """Wait until scans have ended; return how."""
        self.until(lambda: set(self.states(scan_ids).values()) <= set(ENDED), within_s)
        return self.states(scan_ids)

    def until(self, holds: Any, within_s: float, every_s: float = 0.05) -> float:
        """Wait until something holds; return how many seconds that took."""
        begun = time.monotonic()
        while not holds():
            assert time.monotonic() < begun + within_s, self.tell()
            time.sleep(every_s)
        return time.monotonic() - begun

    def tell(self) -> str:
        """What is known when something does not come to its end."""
        parts = []
        with suppress(AssertionError):
            for table in ("scans", "workers", "chunks"):
                where = "WHERE state != 'done'" if table != "workers" else ""
                for row in self.rows(f"SELECT to_jsonb({table}.*) FROM {table} {where}"):
                    parts.append(f"{table}: {row[0]}")
        for log in self.root.glob("*.log"):
            parts.append(f"{log.name}: {log.read_text(errors='replace')[-3000:]}")
        return "\n".join(parts)


@contextmanager
def clustered(
    root: Path, broker: str, settings: Mapping[str, str], *, workers: int = 3, threads: int = 2
) -> Iterator[Cluster]:
    """Run a cluster; its workers are called w1, w2 and so on."""
    root.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(private_postgres.private_postgres(root / "postgres", port=port))
        server = stack.enter_context(BROKERS[broker](root / broker))
        made = stack.enter_context(spawner())
        cluster = Cluster(root, server, port, made, settings, threads)
        stack.callback(_end, cluster)
        cluster.served.start()
        for number in range(1, workers + 1):
            cluster.start_worker(f"w{number}")
        yield cluster


def _end(cluster: Cluster) -> None:
    for name in cluster.workers:
        cluster.signal_worker(name, signal.SIGKILL)
    if cluster.served.processes():
        cluster.served.kill()


def picture(number: int) -> bytes:
    """A small photo like no other: OpenAI's fake sees its colour, services tell it by its bytes."""
    chance = random.Random(number)
    colours = [chance.randbytes(3) for _ in range(12)]
    image = Image.frombytes("RGB", (4, 3), b"".join(colours)).resize((160, 120))
    stored = io.BytesIO()
    image.save(stored, "JPEG", quality=90)
    return stored.getvalue()
