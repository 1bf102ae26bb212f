"""Kills at random of all parts of a cluster, while paid scans write: nothing lost, nothing twice.

Workers, the service, the broker and PostgreSQL are killed and started again while scans run, two
sections at once. Two engines are asked about each photo: one that counts calls (Imagga), whose
limit is reached before the end of each round, one that counts money (OpenAI).
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread

from bench.clustered import ENDED, Cluster, clustered, picture
from tests import imagga, openai_server
from tests.plex import PlexServer

LEASE_S = "4"
USD_LIMIT = 50.0
CALLS_SHARE = 0.9
LATENCY_S = 0.4
EDIT_S = 0.05
SECTIONS = 2
SHARES = {"worker": 60, "service": 15, "broker": 10, "database": 10, "term": 5}
_QUIET_S = 4.0

Answers = dict[tuple[str, str], int]
"""By item and engine, the calls that were reserved for it."""


@dataclass
class World:
    """A Plex server and two services, outside of the cluster."""

    plex: PlexServer
    calls: imagga.ImaggaServer
    money: openai_server.OpenAIServer
    photos: int
    limit: int
    _made: int = 0

    @property
    def settings(self) -> dict[str, str]:
        return {
            "TIGERTAG_LEASE_S": LEASE_S,
            "TIGERTAG_PAID_AT_ONCE": "6",
            "LIBRARY_PHOTOS_NAME": "tigertag.plex",
            "LIBRARY_PHOTOS_URL": self.plex.url,
            "LIBRARY_PHOTOS_TOKEN": self.plex.token,
            "ENGINE_CALLS_NAME": "tigertag.imagga",
            "ENGINE_CALLS_API_KEY": imagga.KEY,
            "ENGINE_CALLS_API_SECRET": imagga.SECRET,
            "ENGINE_CALLS_API_URL": self.calls.url,
            "ENGINE_CALLS_MONTHLY_LIMIT": str(self.limit),
            "ENGINE_MONEY_NAME": "tigertag.openai",
            "ENGINE_MONEY_API_KEY": openai_server.KEY,
            "ENGINE_MONEY_BASE_URL": self.money.url,
            "ENGINE_MONEY_MODEL": "gpt-4.1-nano",
            "ENGINE_MONEY_MONTHLY_COST_USD": str(USD_LIMIT),
        }

    def add_section(self) -> str:
        section = self.plex.add_section(f"Photos {self._made}")
        for _ in range(self.photos):
            self.plex.add_photo(section, f"photo {self._made}", picture(self._made))
            self._made += 1
        return str(section)

    def asked(self) -> dict[str, Counter[str]]:
        """By engine, how often each picture was answered by the services' own count."""
        with self.calls.lock, self.money.lock:
            return {"calls": Counter(self.calls.taggings), "money": Counter(self.money.pictures)}


@contextmanager
def world(photos: int, limit: int) -> Iterator[World]:
    with (
        PlexServer() as plex,
        imagga.ImaggaServer(latency_s=LATENCY_S, concurrency=1000) as calls,
        openai_server.OpenAIServer(latency_s=LATENCY_S) as money,
    ):
        plex.before_edit = partial(time.sleep, EDIT_S)
        yield World(plex, calls, money, photos, limit)


@dataclass
class Ledger:
    """What the database says, and what it must not forget."""

    cluster: Cluster
    world: World
    committed: Answers = field(default_factory=dict)
    before: dict[str, Counter[str]] = field(default_factory=dict)

    def begin(self) -> None:
        """A new month: the budget is used up in each round."""
        self.cluster.rows("UPDATE budgets SET units = 0, cost_usd = 0")
        self.before = self.world.asked()

    def check(self) -> None:
        """Look at what a kill has left behind. Raises `AssertionError`."""
        seen = self._asked_since()
        answers = self.cluster.rows(
            "SELECT key, engine, (SELECT count(*) FROM calls WHERE calls.item_id = items.id AND"
            " calls.engine = answers.engine) FROM answers JOIN items ON items.id = item_id"
        )
        assert len(answers) == len({row[:2] for row in answers}), "an item has two answers"
        known = {(key, engine): calls for key, engine, calls in answers}
        assert self.committed.keys() <= known.keys(), "an answer that was committed is lost"
        again = {one: n for one, n in self.committed.items() if known[one] != n}
        assert not again, f"asked for again although it was answered: {again}"
        self.committed = known
        spent = dict(self.cluster.rows("SELECT engine, units FROM budgets"))
        usd = dict(self.cluster.rows("SELECT engine, cost_usd FROM budgets"))
        # Counted before the budget was read.
        assert seen["calls"].total() <= spent.get("calls", 0) <= self.world.limit, (seen, spent)
        assert seen["money"].total() <= spent.get("money", 0), (seen["money"].total(), spent)
        assert usd.get("money", 0.0) <= USD_LIMIT

    def _asked_since(self) -> dict[str, Counter[str]]:
        return {name: counts - self.before[name] for name, counts in self.world.asked().items()}

    def end(self, scan_ids: list[int], sections: list[str]) -> Counter[str]:
        """All scans of a round have ended: look at what they have left. Raises."""
        assert set(self.cluster.states(scan_ids).values()) == {"done"}, self.cluster.tell()
        self.check()
        left = self.cluster.rows(
            "SELECT state, count(*) FROM chunks WHERE state != 'done' OR sent_at > 0 GROUP BY state"
        )
        assert not left, f"chunks are left: {left}"
        photos = self.world.photos * len(sections)
        keys = {
            row[0]: row[1]
            for row in self.cluster.rows(
                "SELECT items.key, items.id FROM items JOIN sections ON sections.id = section_id"
                " WHERE sections.key = ANY(%s)",
                sections,
            )
        }
        assert len(keys) == photos
        answered = Counter(engine for key, engine in self.committed if key in keys)
        assert answered["money"] == photos, f"photos lack answers: {answered}"
        spent = dict(self.cluster.rows("SELECT engine, units FROM budgets"))
        assert spent["calls"] == min(self.world.limit, spent["calls"]), spent
        assert answered["calls"] <= self.world.limit
        if answered["calls"] < photos:
            assert spent["calls"] == self.world.limit, f"the budget is not used up: {spent}"
        self._check_calls(keys)
        self._check_tags(keys)
        seen = self._asked_since()
        twice = sum(counts.total() - len(counts) for counts in seen.values())
        ((logged, once),) = self.cluster.rows(
            "SELECT count(*), count(DISTINCT (engine, item_id)) FROM calls WHERE item_id = ANY(%s)",
            list(keys.values()),
        )
        return Counter(items=photos, answers=answered.total(), twice=twice, doubt=logged - once)

    def _check_calls(self, keys: dict[str, int]) -> None:
        """What a service was asked more than once the egress log has as often."""
        for engine, counts in self._asked_since().items():
            rows = self.cluster.rows(
                "SELECT count(*) FROM calls WHERE engine = %s AND item_id ="
                " ANY(%s) GROUP BY item_id",
                engine,
                list(keys.values()),
            )
            logged = sorted((row[0] for row in rows), reverse=True)
            asked = sorted(counts.values(), reverse=True)
            assert len(asked) <= len(logged), (engine, len(asked), len(logged))
            pairs = zip(asked, logged, strict=False)
            assert all(times <= entries for times, entries in pairs), (engine, asked, logged)

    def _check_tags(self, keys: dict[str, int]) -> None:
        """The server shows what the ledger says, each tag once. Raises."""
        ours: dict[str, set[str]] = {key: set() for key in keys}
        for key, word, state in self.cluster.rows(
            "SELECT key, word, standing.state FROM standing"
            " JOIN items ON items.id = item_id WHERE item_id = ANY(%s)",
            list(keys.values()),
        ):
            assert state == "ours", (key, word, state)
            ours[key].add(word)
        for key, words in ours.items():
            shown = [tag.casefold() for tag in self.world.plex.tags(int(key))]
            assert len(shown) == len(set(shown)), f"tags of {key} are doubled: {shown}"
            assert set(shown) == words, f"{key} has {shown}, the ledger says {words}"
            assert words, f"{key} has no tags"
        edits = dict(self.cluster.rows("SELECT state, count(*) FROM edits GROUP BY state"))
        assert set(edits) <= {"verified", "failed"}, edits


class Killer:
    """Kills parts of a cluster, and starts each again a moment later."""

    def __init__(self, cluster: Cluster, chance: random.Random) -> None:
        self._cluster = cluster
        self._chance = chance
        self._due: list[tuple[float, str, Callable[[], None]]] = []
        self._starting: Thread | None = None
        self.kills: Counter[str] = Counter()
        self.gave_up = 0

    def strike(self) -> None:
        """Kill one at random; what is dead already counts for nothing."""
        part = self._chance.choices(list(SHARES), list(SHARES.values()))[0]
        name = self._chance.choice(sorted(self._cluster.workers))
        down = {name for _at, name, _start in self._due}
        if part in ("worker", "term"):
            if name not in down:
                number = signal.SIGKILL if part == "worker" else signal.SIGTERM
                self._cluster.signal_worker(name, number)
                self._again(part, name, lambda: self._start_worker(name))
        elif part not in down and not (part == "service" and self._is_starting):
            self._kill_part(part)

    @property
    def _is_starting(self) -> bool:
        return self._starting is not None and self._starting.is_alive()

    def _start_service(self) -> None:
        self._starting = Thread(target=self._until_it_serves)
        self._starting.start()

    def _until_it_serves(self) -> None:
        """A service that finds no database at its start ends, and is started again."""
        for _ in range(10):
            try:
                return self._cluster.served.start()
            except AssertionError:
                time.sleep(1)
        return self._cluster.served.start()

    def _kill_part(self, part: str) -> None:
        cluster = self._cluster
        if part == "service":
            if self._chance.random() < 0.5:
                cluster.served.kill(only_worker=True)
                self.kills["service"] += 1
            else:
                cluster.served.kill()
                self._again(part, part, self._start_service)
        elif part == "broker":
            cluster.broker.kill()
            self._again(part, part, cluster.broker.start)
        else:
            cluster.stop_database()
            time.sleep(self._chance.uniform(0, 2))
            cluster.start_database()
            self.kills[part] += 1

    def _start_worker(self, name: str) -> None:
        # Whoever was asked to end may need its ten seconds.
        self._cluster.until(lambda: not self._cluster.runs(name), 12)
        self._cluster.start_worker(name)

    def _again(self, part: str, name: str, start: Callable[[], None]) -> None:
        self.kills[part] += 1
        self._due.append((time.monotonic() + self._chance.uniform(0, 2), name, start))

    def mend(self, *, all_of_it: bool = False) -> None:
        """Start what is due, and workers that found no database at their start, as Docker does."""
        now = time.monotonic()
        down = {name for _at, name, _start in self._due}
        for name in self._cluster.workers.keys() - down:
            if not self._cluster.runs(name):
                last = (self._cluster.root / f"{name}.log").read_text(errors="replace")[-2000:]
                assert "Error: The database cannot be used now" in last, f"{name} ended: {last}"
                self.gave_up += 1
                self._cluster.start_worker(name)
        for one in [one for one in self._due if all_of_it or one[0] <= now]:
            self._due.remove(one)
            one[2]()
        if all_of_it and self._starting is not None:
            self._starting.join()


def run(
    broker: str, kills: int, photos: int, *, seed: int, pause_s: float = 3.0
) -> dict[str, float]:
    """Kill so many times, in as many rounds as it takes. Raises `AssertionError`."""
    chance, total, rounds = random.Random(seed), Counter[str](), 0
    limit = int(photos * SECTIONS * CALLS_SHARE)
    with (
        tempfile.TemporaryDirectory(prefix="tigertag-kills-") as scratch,
        world(photos, limit) as outside,
        clustered(Path(scratch) / "cluster", broker, outside.settings) as cluster,
    ):
        killer = Killer(cluster, chance)
        ledger = Ledger(cluster, outside)
        while killer.kills.total() < kills:
            total += _round(cluster, outside, ledger, killer, kills, pause_s)
            rounds += 1
            print(rounds, dict(killer.kills), dict(total), f"{time.monotonic():.0f}", flush=True)
        _end(cluster, killer)
    figures = {
        "rounds": rounds,
        "kills": killer.kills.total(),
        "gave_up": killer.gave_up,
        **killer.kills,
        **total,
    }
    return {f"{broker}_{name}": float(value) for name, value in figures.items()}


def _round(
    cluster: Cluster, outside: World, ledger: Ledger, killer: Killer, kills: int, pause_s: float
) -> Counter[str]:
    """Scan two new sections at once, with kills on the way; look at what comes of it."""
    sections = [outside.add_section() for _ in range(SECTIONS)]
    ledger.begin()
    scan_ids = [cluster.begin(section) for section in sections]
    quiet = time.monotonic() + 300
    while not set(cluster.states(scan_ids).values()) <= set(ENDED):
        if killer.kills.total() < kills:
            time.sleep(killer._chance.uniform(0, pause_s))
            killer.strike()
            quiet = time.monotonic() + 120
        else:
            time.sleep(0.2)
            assert time.monotonic() < quiet, f"a scan does not end: {cluster.tell()}"
        killer.mend()
        ledger.check()
    killer.mend(all_of_it=True)
    return ledger.end(scan_ids, sections)


def _end(cluster: Cluster, killer: Killer) -> None:
    """Workers that stop leave nothing behind."""

    def are_at_work() -> bool:
        # One may have found no database at its start after the last look of the last round.
        killer.mend()
        return cluster.are_workers_known()

    # A worker that takes the place of a killed one waits until that counts as lost.
    cluster.until(are_at_work, 60)
    for name in cluster.workers:
        cluster.stop_worker(name)
    assert not cluster.rows("SELECT name FROM workers"), "workers' rows are left"
    assert not cluster.rows("SELECT id FROM chunks WHERE state = 'leased'"), "leases are left"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cluster_kills")
    parser.add_argument("broker", choices=("redis", "rabbitmq"))
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--photos", type=int, default=96, help="of each of two sections")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    print(json.dumps(run(given.broker, given.kills, given.photos, seed=given.seed)))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit(143))
    main()
