"""Kill -9 at random moments of paid scans: nothing that was answered is asked for again.

Two engines are asked about each photo: one that counts calls (Imagga), one that counts money
(OpenAI). After each kill: what was committed is still there, and none of it is asked for again
since. What a service answered twice was in flight at a kill, and the ledger counts it twice; it
never counts less than the service was asked, nor more than the budget. In the end every photo has
one answer of each engine.
"""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from select import select

from bench import photographs
from tests import imagga, openai_server

LEASE_S = "0.5"
AMPLE, TIGHT, USD_LIMIT = 600, 120, 0.5
_TIGHT_SHARE = 0.25
_STAGES = 2
Answers = dict[tuple[str, str], int]
"""By item and engine, the calls that were reserved for it."""


@dataclass
class Forker:
    """`bench.forked`, and the scan that it is at."""

    process: subprocess.Popen[bytes]

    def scan(self, environment: dict[str, str], *, kill_after_s: float | None) -> bool:
        """Scan; True when the scan came to its end, False when it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(environment).encode() + b"\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        ended, _, _ = select([self.process.stdout], [], [], kill_after_s)
        if not ended:
            os.kill(pid, signal.SIGKILL)
        code = int(self.process.stdout.readline())
        assert code in (0, -signal.SIGKILL), f"the scan ended with {code}"
        return code == 0


@contextmanager
def forking() -> Iterator[Forker]:
    command = [sys.executable, "-m", "bench.forked"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Forker(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class Stage:
    """A folder of photos, two services, and what was seen of them so far."""

    root: Path
    imagga: imagga.ImaggaServer
    openai: openai_server.OpenAIServer
    calls_limit: int
    committed: Answers = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "TIGERTAG_HOME": str(self.root / "home"),
            "TIGERTAG_LEASE_S": LEASE_S,
            "LOG_LEVEL": "CRITICAL",
            "LIBRARY_PHOTOS_NAME": "tigertag.folder",
            "LIBRARY_PHOTOS_PATH": str(self.root / "photos"),
            "ENGINE_CALLS_NAME": "tigertag.imagga",
            "ENGINE_CALLS_API_KEY": imagga.KEY,
            "ENGINE_CALLS_API_SECRET": imagga.SECRET,
            "ENGINE_CALLS_API_URL": self.imagga.url,
            "ENGINE_CALLS_MONTHLY_LIMIT": str(self.calls_limit),
            "ENGINE_MONEY_NAME": "tigertag.openai",
            "ENGINE_MONEY_API_KEY": openai_server.KEY,
            "ENGINE_MONEY_BASE_URL": self.openai.url,
            "ENGINE_MONEY_MODEL": "gpt-4.1-nano",
            "ENGINE_MONEY_MONTHLY_COST_USD": str(USD_LIMIT),
        }

    def check(self) -> None:
        """Look at what a kill left behind. Raises `AssertionError`."""
        answered, reserved, spent = self._known()
        assert self.committed.keys() <= answered, "an answer that was committed is lost"
        again = [one for one, calls in self.committed.items() if reserved[one] != calls]
        assert not again, f"asked for again although it was answered: {again}"
        self.committed = {one: reserved[one] for one in answered}
        tagged = sum(self.imagga.counts()["taggings"].values())
        assert tagged <= spent["calls"][0] <= self.calls_limit, "more than the budget"
        seen = sum(self.openai.told()["pictures"].values())
        assert seen <= spent["money"][0], f"{seen} calls, but the ledger says {spent['money']}"
        assert spent["money"][1] <= USD_LIMIT, f"{spent['money']} is more than the budget"

    def _known(self) -> tuple[set[tuple[str, str]], Answers, dict[str, tuple[int, float]]]:
        """Answers, calls reserved, and by engine what it took by the ledger."""
        database = self.root / "home" / "tigertag.db"
        if not database.exists():
            return set(), {}, {"calls": (0, 0.0), "money": (0, 0.0)}
        with closing(sqlite3.connect(database, timeout=30)) as connection:
            try:
                answers = connection.execute(
                    "SELECT key, engine FROM answers JOIN items ON items.id = item_id"
                ).fetchall()
                calls = connection.execute(
                    "SELECT key, engine, count(*) FROM calls JOIN items ON items.id = item_id"
                    " GROUP BY key, engine"
                ).fetchall()
                months = connection.execute("SELECT engine, units, cost_usd FROM budgets")
                taken = {engine: (units, usd) for engine, units, usd in months}
            except sqlite3.OperationalError:
                return set(), {}, {"calls": (0, 0.0), "money": (0, 0.0)}
        assert len(answers) == len(set(answers)), "an item has two answers of an engine"
        nothing = {"calls": (0, 0.0), "money": (0, 0.0)}
        return set(answers), {(key, one): n for key, one, n in calls}, nothing | taken

    def end(self, photos: int) -> dict[str, float]:
        """The scan came to its end: every photo has one answer of each engine.

        A tight budget is used up before that: then it is used up to the last call.
        """
        self.check()
        _answers, reserved, spent = self._known()
        if self.calls_limit < photos:
            assert spent["calls"][0] == self.calls_limit, "the budget is not used up"
            assert sum(engine == "money" for _key, engine in self.committed) == photos
        else:
            assert len(self.committed) == 2 * photos, f"items lack answers: {self._lacks()}"
        tagged = sum(self.imagga.counts()["taggings"].values())
        seen = sum(self.openai.told()["pictures"].values())
        return {
            "paid_twice": tagged + seen - len(self.committed),
            "paid_doubt": sum(reserved.values()) - len(self.committed),
        }

    def _lacks(self) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.root / "home" / "tigertag.db")) as connection:
            return connection.execute(
                "SELECT key, engine, state, reason FROM work JOIN items ON items.id = item_id"
                " WHERE state != 'done'"
            ).fetchall()


def run(kills: int, photos: int, *, seed: int) -> dict[str, float]:
    """Kill so many times, in as many scans as it takes. Raises `AssertionError`."""
    chance = random.Random(seed)
    names = ("paid_kills", "paid_scans", "paid_tight", "paid_twice", "paid_doubt")
    total = dict.fromkeys(names, 0.0)
    with tempfile.TemporaryDirectory(prefix="tigertag-kills-") as scratch, forking() as forker:
        made = photographs.make(Path(scratch) / "source", photos, sizes=("0.3 Mpx",))
        while total["paid_kills"] < kills:
            root = Path(scratch) / f"stage{total['paid_scans']:.0f}"
            photographs.linked(root / "photos", made, photos)
            tight = chance.random() < _TIGHT_SHARE
            with (
                imagga.ImaggaServer(latency_s=0.01) as calls,
                openai_server.OpenAIServer(latency_s=0.01) as money,
            ):
                stage = Stage(root, calls, money, TIGHT if tight else AMPLE)
                left = kills - int(total["paid_kills"])
                total["paid_kills"] += _killed(forker, stage, chance, left)
                for name, value in stage.end(photos).items():
                    total[name] += value
                total["paid_tight"] += tight
            total["paid_scans"] += 1
    return total


def _killed(forker: Forker, stage: Stage, chance: random.Random, left: int) -> int:
    """Bring one scan to its end; return how often it was killed on the way."""
    killed = 0
    while killed < left:
        if forker.scan(stage.environment, kill_after_s=chance.uniform(0, 1.2)):
            return killed
        killed += 1
        stage.check()
    assert forker.scan(stage.environment, kill_after_s=None)
    return killed


def main(kills: int, photos: int) -> dict[str, float]:
    """Kill in two processes side by side."""
    seed = int(time.time())
    with ProcessPoolExecutor(_STAGES) as pool:
        parts = [pool.submit(run, kills // _STAGES, photos, seed=seed + n) for n in range(_STAGES)]
        figures = [part.result() for part in parts]
    return {name: sum(one[name] for one in figures) for name in figures[0]}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
