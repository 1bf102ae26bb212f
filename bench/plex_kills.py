"""Kill -9 of the service while it writes to Plex: no tag lost, none doubled, the ledger true."""

import json
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import photographs
from bench.served import Served
from tests.plex import PlexServer
from tests.plex.filling import fill

LEASE_S = "0.5"


class Stage:
    """A Plex section, and a service that has previewed it."""

    def __init__(self, root: Path, plex: PlexServer) -> None:
        self.plex = plex
        self.served = Served(
            root,
            {
                "TIGERTAG_LEASE_S": LEASE_S,
                "LIBRARY_PLEX_NAME": "tigertag.plex",
                "LIBRARY_PLEX_URL": plex.url,
                "LIBRARY_PLEX_TOKEN": plex.token,
                "ENGINE_INSTANT_NAME": "bench.instant",
            },
        )
        self.preview: dict[str, Any] = {}

    def lay_out(self) -> None:
        """Preview; what it shows is what has to be there in the end."""
        self.preview = self.served.ended(self.served.ask("POST", "scans", library="plex"))
        assert self.preview["state"] == "done", self.preview

    def expected(self) -> dict[int, set[str]]:
        wanted: dict[int, set[str]] = {}
        path: str | None = f"scans/{self.preview['id']}/changes?limit=200"
        while path is not None:
            page = self.served.ask("GET", path)
            for one in page["items"]:
                names = {add["name"].casefold() for add in one["adds"]}
                wanted[int(one["item"]["key"])] = names
            after = page["next"]
            path = after and f"scans/{self.preview['id']}/changes?limit=200&cursor={after}"
        return wanted

    def shown(self, keys: list[int]) -> dict[int, list[str]]:
        return {key: [tag.casefold() for tag in self.plex.tags(key)] for key in keys}

    def is_writing(self, scan: dict[str, Any]) -> bool:
        """Wait until the next edit reaches Plex; False when the scan ends without one."""
        before = self.plex.counts["edit"]
        while self.plex.counts["edit"] == before:
            state = self.served.ask("GET", f"scans/{scan['id']}")["state"]
            if state not in ("queued", "running"):
                return False
            time.sleep(0.02)
        return True

    def check(self, expected: dict[int, set[str]]) -> None:
        """Raises `AssertionError` where Plex, the preview and the ledger differ."""
        shown = self.shown(list(expected))
        doubled = [key for key, tags in shown.items() if len(tags) != len(set(tags))]
        assert not doubled, f"tags are doubled: {doubled}"
        assert {key: set(tags) for key, tags in shown.items()} == expected, "tags are lost"
        self._check_ledger(expected)

    def _check_ledger(self, expected: dict[int, set[str]]) -> None:
        connection = sqlite3.connect(self.served.home / "tigertag.db", timeout=30)
        joined = "JOIN items ON items.id = item_id"
        standing = connection.execute(f"SELECT key, word, state FROM standing {joined}").fetchall()
        edits = connection.execute(f"SELECT key, state, after, adds FROM edits {joined}").fetchall()
        connection.close()
        ours = {(int(key), word) for key, word, state in standing if state == "ours"}
        assert ours == {(key, word) for key, words in expected.items() for word in words}
        assert {state for _key, state, *_rest in edits} <= {"verified", "failed"}
        for key, state, after, adds in edits:
            if state == "verified":
                there = {name.casefold() for _field, name in json.loads(after)["tags"]}
                added = {name.casefold() for _field, name in json.loads(adds)}
                assert there & added, f"the ledger says of {key} what was not so"


def run(kills: int, photos: int, *, seed: int) -> dict[str, float]:
    """Kill so many times, in as many scans as it takes. Raises `AssertionError`."""
    chance, killed, scans, midway = random.Random(seed), 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="tigertag-kills-") as scratch:
        made = photographs.make(Path(scratch) / "photos", 3, sizes=("0.3 Mpx",))
        while killed < kills:
            with PlexServer() as plex:
                fill(plex, made[0].parent, photos=photos)
                stage = Stage(Path(scratch) / f"home{scans}", plex)
                stage.served.start()
                stage.lay_out()
                expected = stage.expected()
                assert len(expected) == photos
                scan = stage.served.ask("POST", f"scans/{stage.preview['id']}/apply")
                while killed < kills and stage.is_writing(scan):
                    time.sleep(chance.uniform(0, 0.3))
                    written = sum(len(tags) > 0 for tags in stage.shown(list(expected)).values())
                    midway += 0 < written < photos
                    only_worker = chance.random() < 0.5
                    stage.served.kill(only_worker=only_worker)
                    killed += 1
                    if not only_worker:
                        stage.served.start()
                assert stage.served.ended(scan)["state"] == "done"
                stage.check(expected)
                stage.served.stop()
                scans += 1
    return {"plex_kills": killed, "plex_kills_midway": midway, "plex_kill_scans": scans}


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]), seed=int(time.time()))))
