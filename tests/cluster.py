"""Many machines within one process: messages go through a real broker, and are given out in turn.

What Celery's own loop does is left to `tests/slow/test_cluster.py`.
"""

from dataclasses import replace
from pathlib import Path
from time import sleep

from kombu.connection import Connection
from kombu.entity import Queue as BrokerQueue

from tests.world import World
from tigertag.core import Core
from tigertag.model import QUEUES, Queue
from tigertag.scan.celery_app import queue_name
from tigertag.scan.cluster_worker import ClusterWorker
from tigertag.scan.dispatcher import Dispatcher
from tigertag.store import schema

_IDLE_ROUNDS, _IDLE_S = 20, 0.02


class Cluster:
    """A service's dispatcher and workers of one world."""

    def __init__(self, world: World, broker_url: str) -> None:
        self.world = world
        self.broker_url = broker_url
        self.dispatcher = Dispatcher(self.core(), takes_up=True)

    def core(self, home: str = "") -> Core:
        own = self.world.home / home if home else self.world.home
        return replace(self.world.core, broker_url=self.broker_url, home=own)

    def worker(
        self, name: str, queues: tuple[Queue, ...] = QUEUES, core: Core | None = None
    ) -> ClusterWorker:
        made = ClusterWorker(core or self.core(name), queues=queues, name=name)
        made.enter()
        return made

    def messages(
        self, scan_id: int, queue: str = "default", home: str = ""
    ) -> list[tuple[int, int]]:
        """Take all messages of a queue: pairs of a scan and a chunk."""
        name = queue_name(scan_id, queue, home)
        taken = []
        with Connection(self.broker_url) as connection:
            bound = BrokerQueue(name, routing_key=name, durable=True, expires=3600.0)(
                connection.default_channel
            )
            bound.declare()
            while (message := bound.get()) is not None:
                (scan, chunk), _kwargs, _options = message.payload
                taken.append((scan, chunk))
                message.ack()
        return taken

    def give_out(self, scan_id: int, *workers: ClusterWorker) -> int:
        """Let workers have the messages of a scan in turn; return how many there were."""
        messages = [message for queue in QUEUES for message in self.messages(scan_id, queue)]
        for number, message in enumerate(messages):
            workers[number % len(workers)].work_on(*message)
        own = [(worker, self.messages(scan_id, "paid", worker.home)) for worker in workers]
        for worker, sent in own:
            for message in sent:
                worker.work_on(*message)
        return len(messages) + sum(len(sent) for _worker, sent in own)

    def list_items(self, scan_id: int) -> None:
        """Have the scan taken up, and its items listed by a worker."""
        worker = self.worker("one")
        for _ in range(2):
            self.dispatcher.look()
        worker.look()
        self.give_out(scan_id, worker)

    def let_worker_die(self, chunk_id: int) -> None:
        """Let a chunk be one of a worker whose lease has run out."""
        chunks = schema.chunks
        dead = {"state": "leased", "owner": "dead", "lease_until": 1.0, "sent_at": 0.0}
        with self.world.store.write() as db:
            db.execute(chunks.update().where(chunks.c.id == chunk_id).values(**dead))

    def run(self, scan_id: int, *workers: ClusterWorker) -> str:
        """Go on until nothing comes any more; return the state of the scan."""
        idle = 0
        while idle < _IDLE_ROUNDS:
            self.dispatcher.look()
            for worker in workers:
                worker.look()
                worker.beat()
            given = self.give_out(scan_id, *workers)
            state = self.world.state(scan_id)
            if state not in ("queued", "running"):
                break
            idle = 0 if given else idle + 1
            # A session may still be opening: that takes as long as the machine is slow.
            sleep(_IDLE_S * idle)
        return state

    def photos(self, count: int) -> list[Path]:
        return [self.world.picture(f"{number}.png", "red") for number in range(count)]

    def close(self) -> None:
        self.dispatcher.stop()
