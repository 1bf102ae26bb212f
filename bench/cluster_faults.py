"""What each fault of a cluster costs: a dead worker, a lost queue, networks that are cut, SIGTERM.

`python -m bench.cluster_faults [part …]`; the checks after each are those of the kills.
"""

import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.cluster_kills import Ledger, World, world
from bench.clustered import Cluster, clustered, picture
from tests.partition import Network

Figures = dict[str, float]

FAILOVERS, TERMS = 20, 10
AWAY_S = 30.0
_CHUNK = 32


@dataclass
class Stage:
    """A cluster, what is outside of it, and one section after another."""

    cluster: Cluster
    world: World
    ledger: Ledger

    def begin(self, sections: int = 1) -> tuple[list[int], list[str]]:
        made = [self.world.add_section() for _ in range(sections)]
        self.ledger.begin()
        return [self.cluster.begin(section) for section in made], made

    def end(self, scan_ids: list[int], sections: list[str], within_s: float = 300) -> Counter[str]:
        self.cluster.ended(scan_ids, within_s)
        return self.ledger.end(scan_ids, sections)

    def end_paid_once(self, scan_ids: list[int], sections: list[str]) -> None:
        """Nobody was killed: the services were asked about each picture once."""
        counts = self.end(scan_ids, sections)
        assert counts["twice"] == 0, f"asked about again: {counts}"

    def undisturbed_s(self) -> float:
        begun = time.monotonic()
        self.end(*self.begin())
        return time.monotonic() - begun


@contextmanager
def stage(broker: str, photos: int, **settings: str) -> Iterator[Stage]:
    """Paid scans that write to Plex, with the leases that a user has."""
    scratch = tempfile.TemporaryDirectory(prefix="tigertag-faults-")
    with scratch as root, world(photos, limit=1_000_000) as outside:
        own = outside.settings | {"TIGERTAG_LEASE_S": "10", **settings}
        with clustered(Path(root) / "cluster", broker, own) as cluster:
            yield Stage(cluster, outside, Ledger(cluster, outside))


def _held(cluster: Cluster, name: str) -> dict[int, int]:
    """The chunks that a worker has at work, with the tokens of its leases."""
    return dict(cluster.rows(
        "SELECT id, token FROM chunks WHERE owner = %s AND state = 'leased' AND lease_until >"
        " extract(epoch FROM clock_timestamp())", name))  # fmt: skip


def _are_elsewhere(cluster: Cluster, held: dict[int, int], name: str) -> bool:
    """Whether others are, or were, at work on these chunks."""
    rows = cluster.rows("SELECT id, token, owner FROM chunks WHERE id = ANY(%s)", list(held))
    return all(token > held[id] and owner != name for id, token, owner in rows)


def failover(broker: str = "redis", times: int = FAILOVERS) -> Figures:
    """kill -9 of a worker with work in hand, the others busy with chunks of about 3 s."""
    took, chance = [], random.Random(17)
    with tempfile.TemporaryDirectory(prefix="tigertag-faults-") as scratch:
        photos = Path(scratch) / "photos"
        photos.mkdir()
        for number in range(times * 1200):
            (photos / f"{number:06}.jpg").write_bytes(picture(number))
        settings = {
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(photos),
            "ENGINE_LOCAL_NAME": "bench.slow",
            "ENGINE_LOCAL_ITEM_S": str(3 / _CHUNK),
        }
        with clustered(Path(scratch) / "cluster", broker, settings) as cluster:
            cluster.begin(".")
            for _ in range(times):
                cluster.until(lambda: all(len(_held(cluster, w)) == 2 for w in cluster.workers), 60)
                took.append(_failed_over_s(cluster, chance.choice(list(cluster.workers))))
    return {"failover_median_s": statistics.median(took), "failover_max_s": max(took)}


def _failed_over_s(cluster: Cluster, name: str) -> float:
    """Kill a worker; return after how many seconds others are at all that it had at work."""
    cluster.kill_worker(name)
    begun, held = time.monotonic(), _held(cluster, name)
    cluster.until(lambda: _are_elsewhere(cluster, held, name), 60)
    took_s = time.monotonic() - begun
    print(f"{name} with {len(held)} chunks: {took_s:.1f} s", flush=True)
    cluster.start_worker(name)
    return took_s


def flushed(broker: str) -> Figures:
    """All messages and queues are lost in the middle of a scan."""
    with stage(broker, 400) as ours:
        calm_s = ours.undisturbed_s()
        begun = time.monotonic()
        scan_ids, sections = ours.begin()
        time.sleep(calm_s / 2)
        ours.cluster.broker.flush()
        ours.end(scan_ids, sections)
        took_s = time.monotonic() - begun
    return {f"{broker}_calm_s": calm_s, f"{broker}_flushed_later_s": took_s - calm_s}


def away(broker: str, away_s: float = AWAY_S) -> Figures:
    """The broker is down for a while."""
    with stage(broker, 400) as ours:
        scan_ids, sections = ours.begin()
        cluster = ours.cluster
        cluster.until(lambda: len(_held(cluster, "w1")) > 0, 60)
        time.sleep(2)
        cluster.broker.stop()
        time.sleep(away_s)
        cluster.broker.start()
        goes_on_s = cluster.until(_at_work_again(cluster), 120)
        ours.end(scan_ids, sections)
    return {f"{broker}_away_goes_on_s": goes_on_s}


def _at_work_again(cluster: Cluster) -> Callable[[], bool]:
    """Whether each worker has leased a chunk since now."""
    now = cluster.rows("SELECT extract(epoch FROM clock_timestamp())::float")[0][0]
    seen: set[str] = set()

    def again() -> bool:
        rows = cluster.rows("SELECT DISTINCT owner FROM chunks WHERE leased_at > %s", now)
        seen.update(row[0] for row in rows)
        done = not cluster.rows("SELECT id FROM scans WHERE state = 'running'")
        return done or seen >= cluster.workers.keys()

    return again


def database_cut(broker: str, away_s: float = AWAY_S) -> Figures:
    """The network between one worker and the database drops all packets for a while."""
    with stage(broker, 600) as ours, ExitStack() as stack:
        network = Network(ours.cluster.database_port)
        stack.callback(network.close)
        url = ours.cluster.database_url(network.port)
        return _cut(ours, network, {"DB_URL": url}, f"{broker}_database", away_s)


def database_away(broker: str, away_s: float = AWAY_S) -> Figures:
    """The database is down for a while, for all."""
    with stage(broker, 600) as ours:
        scan_ids, sections = ours.begin(2)
        cluster = ours.cluster
        cluster.until(lambda: len(_held(cluster, "w1")) == cluster.threads, 60)
        time.sleep(2)
        cluster.stop_database()
        time.sleep(away_s)
        cluster.start_database()
        goes_on_s = cluster.until(_at_work_again(cluster), 120)
        ours.end_paid_once(scan_ids, sections)
    return {f"{broker}_database_away_goes_on_s": goes_on_s}


def broker_cut(broker: str, away_s: float = AWAY_S) -> Figures:
    """The network between one worker and the broker drops all packets for a while."""
    with stage(broker, 600) as ours, ExitStack() as stack:
        network = Network(ours.cluster.broker.port)
        stack.callback(network.close)
        url = ours.cluster.broker.url().replace(
            f":{ours.cluster.broker.port}/", f":{network.port}/"
        )
        return _cut(ours, network, {"TIGERTAG_BROKER_URL": url}, f"{broker}_broker", away_s)


def _cut(ours: Stage, network: Network, own: dict[str, str], name: str, away_s: float) -> Figures:
    cluster = ours.cluster
    cluster.stop_worker("w1")
    cluster.own["w1"] = own
    cluster.start_worker("w1")
    scan_ids, sections = ours.begin(2)
    cluster.until(lambda: len(_held(cluster, "w1")) == 2, 60)
    held, begun = _held(cluster, "w1"), time.monotonic()
    figures: Figures = {}
    with network.partitioned():
        if "DB_URL" in own:
            cluster.until(lambda: _are_elsewhere(cluster, held, "w1"), 60)
            figures[f"{name}_cut_elsewhere_s"] = time.monotonic() - begun
        time.sleep(max(0.0, begun + away_s - time.monotonic()))
    before = cluster.rows("SELECT extract(epoch FROM clock_timestamp())::float")[0][0]
    healed = time.monotonic()

    def is_back() -> bool:
        return bool(cluster.rows(
            "SELECT id FROM chunks WHERE owner = 'w1' AND leased_at > %s", before))  # fmt: skip

    def ended() -> bool:
        return set(cluster.states(scan_ids).values()) <= {"done", "failed"}

    cluster.until(lambda: is_back() or ended(), 240)
    if is_back():
        figures[f"{name}_cut_back_s"] = time.monotonic() - healed
    ours.end_paid_once(scan_ids, sections)
    again = ours.begin()
    ours.end(*again)
    assert cluster.rows("SELECT id FROM chunks WHERE owner = 'w1' AND scan_id = %s", again[0][0])
    return figures


def terms(broker: str = "redis", times: int = TERMS) -> Figures:
    """SIGTERM: a worker at paid calls of 200 ms, and one at an item that takes 30 s."""
    figures: Figures = {}
    with stage(broker, 16 * 6 * times) as ours:
        ours.world.money.latency_s = ours.world.calls.latency_s = 0.2
        ours.begin()
        figures["term_paid_max_s"] = max(_terms(ours.cluster, times))
    with tempfile.TemporaryDirectory(prefix="tigertag-faults-") as scratch:
        photos = Path(scratch) / "photos"
        photos.mkdir()
        for number in range(12 * _CHUNK):
            (photos / f"{number:06}.jpg").write_bytes(picture(number))
        settings = {
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(photos),
            "ENGINE_LOCAL_NAME": "bench.slow",
            "ENGINE_LOCAL_ITEM_S": "30",
        }
        with clustered(Path(scratch) / "cluster", broker, settings) as cluster:
            cluster.begin(".")
            figures["term_slow_item_max_s"] = max(_terms(cluster, times))
    return figures


def _until_busy(cluster: Cluster, name: str) -> dict[int, int]:
    """Wait until both threads of a worker have a chunk; return those."""
    cluster.until(lambda: len(_held(cluster, name)) == cluster.threads, 120)
    return _held(cluster, name)


def _terms(cluster: Cluster, times: int) -> list[float]:
    """Stop workers that are at work, one after the other: what they were at is free at once."""
    took = []
    for number in range(times):
        name = f"w{number % len(cluster.workers) + 1}"
        held = _until_busy(cluster, name)
        took.append(cluster.stop_worker(name))
        assert not _held(cluster, name), "a worker that has stopped holds leases"
        attempts = cluster.rows(
            "SELECT max(attempts) FROM chunks WHERE id = ANY(%s) AND owner = %s", list(held), name
        )
        assert (attempts[0][0] or 0) <= 1
        assert not cluster.rows("SELECT name FROM workers WHERE name = %s", name)
        print(f"{name}: {took[-1]:.1f} s", flush=True)
        cluster.start_worker(name)
    return took


BROKERS = ("redis", "rabbitmq")
PARTS: dict[str, Callable[[], Figures]] = {"failover": failover, "terms": terms}
for _broker in BROKERS:
    PARTS[f"flushed {_broker}"] = partial(flushed, _broker)
    PARTS[f"away {_broker}"] = partial(away, _broker)
    PARTS[f"database-away {_broker}"] = partial(database_away, _broker)
    PARTS[f"database-cut {_broker}"] = partial(database_cut, _broker)
    PARTS[f"broker-cut {_broker}"] = partial(broker_cut, _broker)


def main() -> None:
    figures: Figures = {}
    for name in sys.argv[1:] or PARTS:
        print(f"{name}: …", flush=True)
        figures |= PARTS[name]()
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(143))
    main()
